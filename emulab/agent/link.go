package main

import (
	"io"
	"sync"
)

// link is the writing half of the channel to the host: whole frames, one at a time.
type link struct {
	mu      sync.Mutex
	sink    io.Writer
	session uint32
	scratch []byte
}

// directSize is the payload from which on a second write costs less than a copy.
const directSize = 32 << 10

func newLink(sink io.Writer) *link { return &link{sink: sink} }

// open makes session the one whose frames are sent from now on.
func (l *link) open(session uint32) {
	l.mu.Lock()
	l.session = session
	l.mu.Unlock()
}

// send writes a frame, unless its session is over. It blocks while the host does not read.
func (l *link) send(f *frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.session != l.session {
		return errCancelled
	}
	b := appendHeader(l.scratch[:0], f)
	b = append(b, f.document...)
	rest := f.payload
	if len(rest) < directSize {
		b = append(b, rest...)
		rest = nil
	}
	l.scratch = b
	if _, err := l.sink.Write(b); err != nil {
		return err
	}
	if len(rest) > 0 {
		_, err := l.sink.Write(rest)
		return err
	}
	return nil
}
