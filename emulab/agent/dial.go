package main

import (
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// dial relays a connection to a unix socket or a TCP port: an event says that it stands, channel 0
// carries both directions, and the answer comes when both have ended.
func dial(x *exchange, in *fields) (reply, *failure) {
	url := in.text("address")
	timeout := time.Duration(in.integer("timeout_ns", 0))
	at := readAddress(url)
	if at == nil {
		in.fail("field address must be unix:/PATH or tcp:IP:PORT")
	}
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	fd, err := x.reach(at, time.Now().Add(timeout))
	if err != nil {
		return reply{}, failed(err, url)
	}
	file := os.NewFile(uintptr(fd), url) // non-blocking, so the poller has it
	defer file.Close()
	x.event([]byte("{}"))
	sent := make(chan int64, 1)
	go func() { sent <- x.toSocket(file) }()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-x.cancelled:
			file.Close()
		case <-over:
		}
	}()
	received := x.fromSocket(file)
	x.endData(0)
	return reply{document: newObject().integer("received", received).integer("sent", <-sent).done()}, nil
}

func readAddress(url string) *address {
	if path, ok := strings.CutPrefix(url, "unix:"); ok && path != "" && len(path) < 108 {
		return &address{family: syscall.AF_UNIX, unix: path}
	}
	if hostPort, ok := strings.CutPrefix(url, "tcp:"); ok {
		if at, ok := parseHostPort(hostPort); ok {
			return at
		}
	}
	return nil
}

// reach connects, and tries again until the deadline while nobody listens yet.
func (x *exchange) reach(at *address, deadline time.Time) (int, error) {
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		fd, err := at.connect()
		if err == syscall.EINPROGRESS {
			if err = connected(fd, time.Now().Add(5*time.Second)); err != nil {
				syscall.Close(fd)
			}
		}
		if err == nil {
			return fd, nil
		}
		later := err == syscall.ENOENT || err == syscall.ECONNREFUSED || err == syscall.EAGAIN
		if !later || time.Now().After(deadline) {
			return -1, err
		}
		select {
		case <-x.cancelled:
			return -1, errCancelled
		case <-time.After(pause):
		}
	}
}

// toSocket writes what the host sends; the host's end closes that direction only.
func (x *exchange) toSocket(file *os.File) (sent int64) {
	for {
		b, err := x.receive()
		if err == io.EOF {
			shutdown(file)
			return sent
		}
		if err != nil {
			return sent
		}
		n, err := file.Write(b)
		sent += int64(n)
		x.consumed(b)
		if err != nil {
			x.drain()
			return sent
		}
	}
}

func shutdown(file *os.File) {
	if raw, err := file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_WR) })
	}
}

func (x *exchange) fromSocket(file *os.File) (received int64) {
	size := x.session.agent.chunk
	buffer := x.session.agent.chunks.take(size)
	defer x.session.agent.chunks.give(buffer)
	for {
		n, err := file.Read(buffer)
		if n > 0 {
			received += int64(n)
			if x.data(0, buffer[:n]) != nil {
				return received
			}
		}
		if err != nil {
			return received
		}
	}
}
