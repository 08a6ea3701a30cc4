package main

import (
	"syscall"
	"time"
)

// probe asks a service again and again whether it answers, at as little cost as can be: a program that
// starts on the same processor must not be slowed down by the question.
type probe struct {
	at      *address
	request []byte // nil: a connection is answer enough
	fd      int    // a socket that is not connected yet, -1 without one
	buffer  []byte
	answer  response
}

// costShare is how many times longer than an attempt the pause after it is at least.
const costShare = 15

func (p *probe) close() {
	if p.fd >= 0 {
		syscall.Close(p.fd)
		p.fd = -1
	}
}

// connect makes one attempt. A socket that was refused is used again: then an attempt is one call.
func (p *probe) connect() bool {
	if p.fd < 0 {
		fd, err := syscall.Socket(p.at.family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return false
		}
		p.fd = fd
		// Only a service whose queue is full makes a connection on this machine wait.
		patience := syscall.NsecToTimeval((100 * time.Millisecond).Nanoseconds())
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &patience)
	}
	err := syscall.Connect(p.fd, p.at.socketAddress())
	if err != nil && err != syscall.ECONNREFUSED {
		p.close()
	}
	return err == nil
}

// answers makes one attempt, which may take until the deadline once a connection stands. An HTTP answer
// counts when all its headers are there and its status is from 200 to 399.
func (p *probe) answers(deadline time.Time) bool {
	if !p.connect() {
		return false
	}
	defer p.close()
	if p.request == nil {
		return true
	}
	syscall.SetNonblock(p.fd, true)
	for sent := 0; sent < len(p.request); {
		n, err := syscall.Write(p.fd, p.request[sent:])
		if n > 0 {
			sent += n
		}
		if err != nil && (err != syscall.EAGAIN || await(p.fd, syscall.EPOLLOUT, deadline) != nil) {
			return false
		}
	}
	for p.answer.reset(); !p.answer.complete && !p.answer.broken; {
		n, err := syscall.Read(p.fd, p.buffer)
		switch {
		case n > 0:
			p.answer.write(p.buffer[:n])
		case err == syscall.EAGAIN:
			if await(p.fd, syscall.EPOLLIN, deadline) != nil {
				return false
			}
		case err != syscall.EINTR:
			return false
		}
	}
	return !p.answer.broken && p.answer.status >= 200 && p.answer.status < 400
}

// rest pauses after an attempt that began at a time, and returns the time after. It sleeps in the kernel:
// a timer of the runtime would wake a second thread.
func (p *probe) rest(began time.Time, interval time.Duration) time.Time {
	pause := syscall.NsecToTimespec(max(interval, costShare*time.Since(began)).Nanoseconds())
	syscall.Nanosleep(&pause, nil)
	return time.Now()
}
