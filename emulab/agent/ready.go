package main

import (
	"regexp"
	"strings"
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
	p := &probe{at: r.tcp, fd: -1}
	defer p.close()
	return p.connect()
}

// poll tries until the first success and returns its time, or false when stop is closed or the time is
// over.
func (r *readiness) poll(began time.Time, stop <-chan struct{}) (time.Duration, bool) {
	deadline := began.Add(r.timeout)
	p := &probe{at: r.tcp, fd: -1, buffer: make([]byte, 4<<10)}
	if r.http != nil {
		p.request = r.http.request(false)
	}
	defer p.close()
	for now := time.Now(); now.Before(deadline); {
		select {
		case <-stop:
			return 0, false
		default:
		}
		if p.answers(deadline) {
			return time.Since(began), true
		}
		now = p.rest(now, r.interval)
	}
	return 0, false
}
