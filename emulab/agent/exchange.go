package main

import (
	"errors"
	"io"
	"sync"
)

var (
	errCancelled = errors.New("the request was cancelled")
	errOverrun   = errors.New("the host sent more than it had credit for")
)

const channels = 3

// exchange is one request under way. What it sends and what it is sent are both limited by credit, so
// that neither fills memory nor holds up another request.
type exchange struct {
	session *session
	id      uint32

	mu        sync.Mutex
	changed   *sync.Cond
	arrived   [][]byte
	waiting   int  // bytes in arrived
	owed      int  // bytes consumed and not yet credited
	ended     bool // the host ended its channel
	problem   error
	credit    [channels]int
	cancelled chan struct{}
	control   chan *fields
}

func newExchange(s *session, id uint32) *exchange {
	x := &exchange{session: s, id: id, cancelled: make(chan struct{}), control: make(chan *fields, 16)}
	x.changed = sync.NewCond(&x.mu)
	for i := range x.credit {
		x.credit[i] = s.hostWindow
	}
	return x
}

// cancel makes every wait of the exchange end with err.
func (x *exchange) cancel(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.problem == nil {
		x.problem = err
		close(x.cancelled)
		x.changed.Broadcast()
	}
}

func (x *exchange) arrive(payload []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.problem != nil || x.ended || len(payload) == 0 {
		return
	}
	if x.waiting+len(payload) > x.session.agent.window {
		x.problem = errOverrun
		close(x.cancelled)
	} else {
		x.arrived = append(x.arrived, payload)
		x.waiting += len(payload)
	}
	x.changed.Broadcast()
}

func (x *exchange) end() {
	x.mu.Lock()
	x.ended = true
	x.changed.Broadcast()
	x.mu.Unlock()
}

func (x *exchange) grant(channel byte, payload []byte) {
	if int(channel) >= channels || len(payload) != 4 {
		return
	}
	x.mu.Lock()
	x.credit[channel] += int(get32(payload))
	x.changed.Broadcast()
	x.mu.Unlock()
}

// receive waits for the next piece that the host sent; io.EOF is its end. The piece is given back
// with consumed.
func (x *exchange) receive() ([]byte, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.arrived) == 0 {
		switch {
		case x.problem != nil:
			return nil, x.problem
		case x.ended:
			return nil, io.EOF
		}
		x.changed.Wait()
	}
	if x.problem != nil {
		return nil, x.problem
	}
	b := x.arrived[0]
	x.arrived[0] = nil
	x.arrived = x.arrived[1:]
	x.waiting -= len(b)
	return b, nil
}

// consumed recycles a received piece and lets the host send as much again.
func (x *exchange) consumed(b []byte) {
	n := len(b)
	x.session.agent.chunks.give(b)
	x.mu.Lock()
	x.owed += n
	owed := 0
	if x.owed >= x.session.agent.window/4 && !x.ended {
		owed, x.owed = x.owed, 0
	}
	x.mu.Unlock()
	if owed > 0 {
		x.emit(kindCredit, 0, nil, append32(nil, uint32(owed)))
	}
}

// allowance waits until something may be sent on a channel and takes at most n bytes of it.
func (x *exchange) allowance(channel byte, n int) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.credit[channel] == 0 {
		if x.problem != nil {
			return 0, x.problem
		}
		x.changed.Wait()
	}
	if x.problem != nil {
		return 0, x.problem
	}
	n = min(n, x.credit[channel], x.session.agent.chunk)
	x.credit[channel] -= n
	return n, nil
}

// data sends b on a channel and returns when all of it is on its way.
func (x *exchange) data(channel byte, b []byte) error {
	for len(b) > 0 {
		n, err := x.allowance(channel, len(b))
		if err != nil {
			return err
		}
		if err := x.emit(kindData, channel, nil, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (x *exchange) endData(channel byte) { x.emit(kindEnd, channel, nil, nil) }

func (x *exchange) event(document []byte) { x.emit(kindEvent, 0, document, nil) }

func (x *exchange) emit(kind, channel byte, document, payload []byte) error {
	return x.session.link.send(&frame{
		session: x.session.number, id: x.id, kind: kind, channel: channel,
		document: document, payload: payload,
	})
}
