package main

import (
	"io"
	"runtime"
	"strconv"
	"sync"
)

// agent is what outlives a session.
type agent struct {
	processes *processes
	chunks    *chunkList
	crew      crew
	window    int  // bytes that the host may send ahead on one exchange
	chunk     int  // largest payload that is sent
	pumped    int  // bytes of output that are read at once
	init      bool // PID 1 of a guest
	started   int64
	random    int    // the kernel's random numbers, 0 before they are opened
	constant  []byte // the facts that do not change, once they were asked for
}

// newAgent returns an agent; a small one holds less memory for data on its way.
func newAgent(small bool) *agent {
	a := &agent{window: 1 << 20, chunk: maxPayload, pumped: 64 << 10, init: small, started: bootClock()}
	if small {
		a.window, a.chunk, a.pumped = 256<<10, 32<<10, 8<<10
	}
	a.crew.jobs = make(chan func())
	a.chunks = newChunkList(maxPayload, 4)
	a.processes = newProcesses(small)
	return a
}

// session is what one host sees between its hello and the end of the stream or the next hello.
type session struct {
	agent      *agent
	link       frameSink
	number     uint32
	hostWindow int

	mu        sync.Mutex
	exchanges map[uint32]*exchange
}

// frameSink is where a session's frames go.
type frameSink interface{ send(*frame) error }

// reply is a request's good end.
type reply struct{ document, payload []byte }

// serve answers frames until the source ends. Everything that was started is dead when it returns.
func (a *agent) serve(source io.Reader, sink io.Writer) error {
	reader := newFrameReader(source, a.chunks)
	l := newLink(sink)
	var s *session
	for {
		f, err := reader.next()
		switch {
		case err == errPeerGone:
			continue
		case err != nil:
			if s != nil {
				s.close()
			}
			a.processes.killAll()
			return err
		case f.kind == kindHello && s != nil && f.session == s.number:
			// The host was impatient and said it twice.
		case f.kind == kindHello:
			s = a.hello(s, l, f)
		case s != nil && f.session == s.number:
			s.dispatch(f)
		}
	}
}

// hello closes the session before and opens a new one.
func (a *agent) hello(old *session, l *link, f frame) *session {
	v, err := parseDocument(f.document)
	in := newFields(v)
	window := in.integer("window", 64<<10)
	keep := in.flag("keep")
	problem := in.finish()
	if err != nil {
		problem = &failure{code: "bad-request", message: err.Error()}
	}
	if problem == nil && (window < 4<<10 || window > 1<<30) {
		problem = &failure{code: "bad-request", message: "field window must be from 4 KiB to 1 GiB"}
	}
	if old != nil {
		old.close()
	}
	l.open(f.session)
	if problem != nil {
		l.send(&frame{session: f.session, id: f.id, kind: kindFailure, document: problem.document()})
		return nil
	}
	if !keep {
		a.processes.killAll()
	}
	s := &session{agent: a, link: l, number: f.session, hostWindow: int(window), exchanges: map[uint32]*exchange{}}
	l.send(&frame{session: f.session, id: f.id, kind: kindHello, document: a.facts()})
	return s
}

// close cancels what is under way.
func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.exchanges {
		x.cancel(errCancelled)
		delete(s.exchanges, id)
	}
}

func (s *session) exchange(id uint32) *exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exchanges[id]
}

func (s *session) dispatch(f frame) {
	if f.kind == kindRequest {
		s.begin(f)
		return
	}
	x := s.exchange(f.id)
	if x == nil { // it ended before the host knew
		s.agent.chunks.give(f.payload)
		return
	}
	switch f.kind {
	case kindData:
		x.arrive(f.payload)
	case kindEnd:
		x.end()
	case kindCredit:
		x.grant(f.channel, f.payload)
	case kindCancel:
		x.cancel(errCancelled)
	case kindControl:
		if v, err := parseDocument(f.document); err == nil {
			select {
			case x.control <- newFields(v):
			default: // a host that floods a slow program with controls loses some
			}
		}
	}
}

func (s *session) begin(f frame) {
	x := newExchange(s, f.id)
	s.mu.Lock()
	_, taken := s.exchanges[f.id]
	if !taken {
		s.exchanges[f.id] = x
	}
	s.mu.Unlock()
	if taken {
		return // answering would end the first one in the host's eyes
	}
	s.agent.crew.do(func() {
		answer, bad := x.perform(f.document)
		s.mu.Lock()
		if s.exchanges[f.id] == x {
			delete(s.exchanges, f.id)
		}
		s.mu.Unlock()
		if bad != nil {
			x.emit(kindFailure, 0, bad.document(), nil)
			return
		}
		x.emit(kindAnswer, 0, answer.document, answer.payload)
	})
}

// perform runs a request; a defect of ours ends that request only.
func (x *exchange) perform(document []byte) (reply, *failure) {
	v, err := parseDocument(document)
	if err != nil {
		return reply{}, &failure{code: "bad-request", message: err.Error()}
	}
	return x.performFields(newFields(v))
}

func (x *exchange) performFields(in *fields) (answer reply, bad *failure) {
	defer func() {
		if r := recover(); r != nil {
			message := "defect in the agent"
			if err, ok := r.(error); ok {
				message += ": " + err.Error()
			}
			if _, file, line, ok := runtime.Caller(2); ok {
				message += " at " + file + ":" + strconv.Itoa(line)
			}
			bad = &failure{code: "internal", message: message}
		}
	}()
	operation := in.text("op")
	handle := operations(operation)
	if handle == nil {
		in.fail("unknown operation " + operation)
		return reply{}, in.finish()
	}
	return handle(x, in)
}

type operation func(*exchange, *fields) (reply, *failure)

func operations(name string) operation {
	switch name {
	case "ping":
		return ping
	case "run":
		return run
	case "spawn":
		return spawn
	case "stop":
		return stop
	case "signal":
		return signalProcess
	case "output":
		return output
	case "memory":
		return memory
	case "load":
		return load
	case "put":
		return put
	case "get":
		return get
	case "stat":
		return stat
	case "list":
		return listDirectory
	case "remove":
		return remove
	case "mkdir":
		return makeDirectory
	case "program":
		return program
	case "dial":
		return dial
	case "usage":
		return usage
	case "restore":
		return restore
	case "mark":
		return mark
	case "poweroff":
		return powerOff
	}
	return nil
}

func ping(*exchange, *fields) (reply, *failure) { return reply{document: []byte("{}")}, nil }
