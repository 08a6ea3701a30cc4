package main

import (
	"regexp"
	"strings"
	"syscall"
	"time"
)

// readiness is how a spawned program shows that it works.
type readiness struct {
	what     string
	http     *httpTarget
	tcp      *address
	pattern  *regexp.Regexp
	interval time.Duration
	timeout  time.Duration
}

func readReadiness(in *fields) *readiness {
	url := in.text("url")
	r := &readiness{
		what:     url,
		interval: time.Duration(in.integer("poll_interval_ns", 500_000)),
		timeout:  time.Duration(in.integer("timeout_ns", 30_000_000_000)),
	}
	ok := true
	switch {
	case strings.HasPrefix(url, "http://"):
		r.http, ok = parseURL(url)
		if ok {
			r.tcp = r.http.at
		}
	case strings.HasPrefix(url, "tcp://"):
		r.tcp, ok = parseHostPort(strings.TrimPrefix(url, "tcp://"))
	case strings.HasPrefix(url, "log:"):
		var err error
		r.pattern, err = regexp.Compile(strings.TrimPrefix(url, "log:"))
		ok = err == nil
	default:
		ok = false
	}
	if !ok {
		in.fail("field ready.url must be http://[IP]:PORT/PATH, tcp://[IP]:PORT or log:REGEX")
	}
	if r.interval < 10*time.Microsecond || r.timeout <= 0 {
		in.fail("field ready.poll_interval_ns must be at least 10000 and ready.timeout_ns positive")
	}
	return r
}

// taken says that something listens there already.
func (r *readiness) taken() bool {
	if r.tcp == nil {
		return false
	}
	fd, err := r.tcp.connect()
	if err == syscall.EINPROGRESS {
		err = connected(fd, time.Now().Add(100*time.Millisecond))
		if err != nil {
			syscall.Close(fd)
		}
	}
	if err == nil {
		syscall.Close(fd)
	}
	return err == nil
}

// answers makes one attempt, which may take until the deadline once a connection stands.
func (r *readiness) answers(request, buffer []byte, answer *response, deadline time.Time) bool {
	fd, err := r.tcp.connect()
	if err != nil && err != syscall.EINPROGRESS {
		return false
	}
	defer syscall.Close(fd)
	if err != nil && connected(fd, deadline) != nil {
		return false
	}
	if r.http == nil {
		return true
	}
	for sent := 0; sent < len(request); {
		n, err := syscall.Write(fd, request[sent:])
		if n > 0 {
			sent += n
		}
		if err != nil && (err != syscall.EAGAIN || await(fd, syscall.EPOLLOUT, deadline) != nil) {
			return false
		}
	}
	for answer.reset(); !answer.complete && !answer.broken; {
		n, err := syscall.Read(fd, buffer)
		switch {
		case n > 0:
			answer.write(buffer[:n])
		case err == syscall.EAGAIN:
			if await(fd, syscall.EPOLLIN, deadline) != nil {
				return false
			}
		case err != syscall.EINTR:
			return false
		}
	}
	return !answer.broken && answer.status >= 200 && answer.status < 400
}

// poll tries until the first success and returns its time, or false when stop is closed or the time
// is over.
func (r *readiness) poll(began time.Time, stop <-chan struct{}) (time.Duration, bool) {
	deadline := began.Add(r.timeout)
	var request []byte
	if r.http != nil {
		request = r.http.request(false)
	}
	buffer := make([]byte, 4<<10)
	answer := &response{}
	pause := syscall.NsecToTimespec(r.interval.Nanoseconds())
	for time.Now().Before(deadline) {
		select {
		case <-stop:
			return 0, false
		default:
		}
		if r.answers(request, buffer, answer, deadline) {
			return time.Since(began), true
		}
		// A sleep in the kernel: a timer of the runtime would wake a second thread for each attempt.
		syscall.Nanosleep(&pause, nil)
	}
	return 0, false
}
