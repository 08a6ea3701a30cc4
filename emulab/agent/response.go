package main

import "bytes"

// response reads an HTTP response as it arrives.
type response struct {
	head     []byte // until the empty line
	complete bool   // all headers are there
	broken   bool   // it is no HTTP response
	status   int
	length   int64 // Content-Length, -1 without one
	body     int64 // bytes of the body so far
	total    int64 // bytes so far
}

const headLimit = 64 << 10

func (r *response) reset() {
	*r = response{head: r.head[:0], length: -1}
}

func (r *response) write(b []byte) {
	r.total += int64(len(b))
	if r.complete || r.broken {
		r.body += int64(len(b))
		return
	}
	// The empty line may lie across two pieces.
	from := max(len(r.head)-3, 0)
	r.head = append(r.head, b...)
	at := bytes.Index(r.head[from:], []byte("\r\n\r\n"))
	if at < 0 {
		r.broken = len(r.head) > headLimit || (len(r.head) >= 5 && string(r.head[:5]) != "HTTP/")
		return
	}
	at += from
	r.complete = true
	r.body = int64(len(r.head) - at - 4)
	r.broken = !r.parse(r.head[:at])
}

// parse reads the status line and Content-Length.
func (r *response) parse(head []byte) bool {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	version, after, _ := bytes.Cut(line, []byte(" "))
	if !bytes.HasPrefix(version, []byte("HTTP/")) || len(after) < 3 {
		return false
	}
	for _, c := range after[:3] {
		if c < '0' || c > '9' {
			return false
		}
		r.status = r.status*10 + int(c-'0')
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			continue
		}
		var n int64
		for _, c := range bytes.TrimSpace(value) {
			if c < '0' || c > '9' || n > 1<<50 {
				return false
			}
			n = n*10 + int64(c-'0')
		}
		r.length = n
	}
	return true
}

// whole says that everything that was announced has arrived.
func (r *response) whole() bool { return r.complete && r.length >= 0 && r.body >= r.length }
