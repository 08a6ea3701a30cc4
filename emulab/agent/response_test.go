package main

import (
	"strconv"
	"testing"
)

func TestAResponseIsReadHoweverItIsCut(t *testing.T) {
	text := "HTTP/1.0 204 No Content\r\nServer: x\r\ncontent-length:  5 \r\n\r\nhello"
	for cut := 0; cut <= len(text); cut++ {
		var r response
		r.reset()
		r.write([]byte(text[:cut]))
		r.write([]byte(text[cut:]))
		if !r.complete || r.broken || r.status != 204 || r.length != 5 || r.body != 5 || !r.whole() {
			t.Fatalf("cut at %d: %+v", cut, r)
		}
	}
}

func TestWhatIsNoResponseIsBroken(t *testing.T) {
	for _, text := range []string{
		"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	} {
		var r response
		r.reset()
		r.write([]byte(text))
		if !r.broken {
			t.Errorf("%q: %+v", text, r)
		}
	}
}

func TestAnEndlessHeadIsGivenUp(t *testing.T) {
	var r response
	r.reset()
	r.write([]byte("HTTP/1.1 200 OK\r\n"))
	for i := 0; i < 100 && !r.broken; i++ {
		r.write(make([]byte, 1024))
	}
	if !r.broken || len(r.head) > headLimit+1024 {
		t.Errorf("%d bytes were kept", len(r.head))
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"http://:8080/health":        "localhost:8080 127.0.0.1:8080 /health",
		"http://127.0.0.1":           "127.0.0.1:80 127.0.0.1:80 /",
		"http://[::1]:99/a?b=c":      "[::1]:99 ::1:99 /a?b=c",
		"http://localhost:1/":        "localhost:1 127.0.0.1:1 /",
		"http://example.org/":        "",
		"https://:8080/":             "",
		"http://:0/":                 "",
		"http://:70000/":             "",
		"http://:80/a b":             "",
		"http://1.2.3.400:80/":       "",
		"http://:80/\r\nX: injected": "",
	} {
		got := ""
		if target, ok := parseURL(url); ok {
			ip := "127.0.0.1"
			if target.at.ip[0] == 0 {
				ip = "::1"
			}
			got = target.host + " " + ip + ":" + strconv.Itoa(target.at.port) + " " + target.path
		}
		if got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}
