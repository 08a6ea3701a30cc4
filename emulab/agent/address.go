package main

import (
	"strconv"
	"strings"
	"syscall"
)

// address is where a service listens: an IP address and a port, or a path of a unix socket.
type address struct {
	family int
	ip     [16]byte
	port   int
	unix   string
}

func (a *address) socketAddress() syscall.Sockaddr {
	switch a.family {
	case syscall.AF_UNIX:
		return &syscall.SockaddrUnix{Name: a.unix}
	case syscall.AF_INET6:
		return &syscall.SockaddrInet6{Port: a.port, Addr: a.ip}
	}
	return &syscall.SockaddrInet4{Port: a.port, Addr: [4]byte(a.ip[:4])}
}

// parseHostPort reads "127.0.0.1:80", ":80", "localhost:80" or "[::1]:80".
func parseHostPort(s string) (*address, bool) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return nil, false
	}
	port, err := strconv.Atoi(s[colon+1:])
	if err != nil || port < 1 || port > 65535 {
		return nil, false
	}
	a := &address{family: syscall.AF_INET, port: port}
	switch host := s[:colon]; host {
	case "", "localhost", "0.0.0.0":
		copy(a.ip[:], []byte{127, 0, 0, 1})
	case "[::1]", "[::]":
		a.family = syscall.AF_INET6
		a.ip[15] = 1
	default:
		parts := strings.Split(host, ".")
		if len(parts) != 4 {
			return nil, false
		}
		for i, p := range parts {
			n, err := strconv.ParseUint(p, 10, 8)
			if err != nil {
				return nil, false
			}
			a.ip[i] = byte(n)
		}
	}
	return a, true
}

// httpTarget is a parsed http:// URL.
type httpTarget struct {
	at   *address
	host string
	path string
}

func parseURL(url string) (*httpTarget, bool) {
	rest, ok := strings.CutPrefix(url, "http://")
	if !ok {
		return nil, false
	}
	host, path := rest, "/"
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		host, path = rest[:slash], rest[slash:]
	}
	if strings.ContainsAny(path, " \r\n") {
		return nil, false
	}
	if strings.LastIndexByte(host, ':') <= strings.LastIndexByte(host, ']') {
		host += ":80"
	}
	at, ok := parseHostPort(host)
	if !ok {
		return nil, false
	}
	if host[0] == ':' {
		host = "localhost" + host
	}
	return &httpTarget{at: at, host: host, path: path}, true
}

// request returns the bytes that ab would send for the target.
func (t *httpTarget) request(keepAlive bool) []byte {
	text := "GET " + t.path + " HTTP/1.0\r\n"
	if keepAlive {
		text += "Connection: Keep-Alive\r\n"
	}
	return []byte(text + "Host: " + t.host + "\r\nUser-Agent: emulab\r\nAccept: */*\r\n\r\n")
}

// connect begins a connection without waiting for it: the error may be EINPROGRESS.
func (a *address) connect() (int, error) {
	fd, err := syscall.Socket(a.family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = syscall.Connect(fd, a.socketAddress())
	if err != nil && err != syscall.EINPROGRESS {
		syscall.Close(fd)
		return -1, err
	}
	return fd, err
}
