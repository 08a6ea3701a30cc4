package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// host is the other side of a session, one frame at a time.
type host struct {
	t       *testing.T
	toAgent io.WriteCloser
	reader  *frameReader
	session uint32
	agent   *agent
	over    chan error
}

func newHost(t *testing.T, window string) *host {
	fromHost, toAgent := io.Pipe()
	fromAgent, toHost := io.Pipe()
	h := &host{
		t: t, toAgent: toAgent, session: 1, agent: newAgent(true), over: make(chan error, 1),
		reader: newFrameReader(fromAgent, newChunkList(maxPayload, 4)),
	}
	go func() { h.over <- h.agent.serve(fromHost, toHost) }()
	t.Cleanup(func() {
		toAgent.Close()
		fromAgent.Close()
		<-h.over
	})
	h.send(frame{id: 1, kind: kindHello, document: []byte(`{"window": ` + window + `}`)})
	if f := h.next(); f.kind != kindHello {
		t.Fatalf("the hello was answered by %d %s", f.kind, f.document)
	}
	return h
}

func (h *host) send(f frame) {
	h.t.Helper()
	if f.session == 0 {
		f.session = h.session
	}
	if _, err := h.toAgent.Write(encodeFrame(&f)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) request(id uint32, document string) {
	h.send(frame{id: id, kind: kindRequest, document: []byte(document)})
}

func (h *host) next() frame {
	h.t.Helper()
	type read struct {
		f   frame
		err error
	}
	got := make(chan read, 1)
	go func() {
		f, err := h.reader.next()
		got <- read{f, err}
	}()
	select {
	case r := <-got:
		if r.err != nil {
			h.t.Fatal(r.err)
		}
		return r.f
	case <-time.After(10 * time.Second):
		h.t.Fatal("no frame came")
		return frame{}
	}
}

// until returns the first frame of a kind for an id, and how much data came for the others.
func (h *host) until(id uint32, kind byte) (frame, int) {
	h.t.Helper()
	for data := 0; ; {
		f := h.next()
		if f.id == id && f.kind == kind {
			return f, data
		}
		if f.kind == kindData {
			data += len(f.payload)
		}
		if f.id == id && f.kind == kindFailure {
			h.t.Fatalf("%s", f.document)
		}
	}
}

func TestAnEndlessOutputStopsAtItsCreditAndHoldsNobodyUp(t *testing.T) {
	h := newHost(t, "65536")
	h.request(2, `{"op": "run", "argv": ["yes"]}`)
	h.request(3, `{"op": "ping"}`)
	_, before := h.until(3, kindAnswer)
	time.Sleep(100 * time.Millisecond)
	data := before
	for data < 65536 { // the rest of the credit
		if f := h.next(); f.kind == kindData {
			data += len(f.payload)
		}
	}
	if data != 65536 {
		t.Fatalf("%d bytes came for a credit of 65536", data)
	}
	h.request(4, `{"op": "ping"}`)
	if _, more := h.until(4, kindAnswer); more != 0 {
		t.Fatalf("%d bytes came without credit", more)
	}
	h.send(frame{id: 2, kind: kindCredit, channel: 1, payload: append32(nil, 1000)})
	if f := h.next(); f.kind != kindData || len(f.payload) != 1000 {
		t.Fatalf("a credit of 1000 brought %d bytes", len(f.payload))
	}
	h.send(frame{id: 2, kind: kindCancel})
	h.until(2, kindAnswer)
}

func TestMoreDataThanCreditEndsThatRequestAlone(t *testing.T) {
	h := newHost(t, "65536")
	path := filepath.Join(t.TempDir(), "f")
	h.request(2, `{"op": "run", "argv": ["sleep", "5"], "stdin": true}`)
	h.until(2, kindEvent)
	for i := 0; i < h.agent.window/maxPayload+3; i++ {
		h.send(frame{id: 2, kind: kindData, payload: make([]byte, maxPayload)})
	}
	f, _ := h.until(2, kindAnswer)
	if !strings.Contains(string(f.document), `"signal":"SIGKILL"`) {
		t.Errorf("%s", f.document)
	}
	h.request(3, `{"op": "stat", "path": "`+path+`"}`)
	h.until(3, kindAnswer)
}

func TestFramesOfAnOlderSessionAreDropped(t *testing.T) {
	h := newHost(t, "65536")
	h.request(2, `{"op": "run", "argv": ["sleep", "60"]}`)
	h.until(2, kindEvent)
	h.session = 2
	h.send(frame{id: 1, kind: kindHello, document: []byte("{}")})
	h.until(1, kindHello)
	if left := descendants(os.Getpid()); len(left) != 0 {
		t.Errorf("programs of the older session live on: %v", left)
	}
	h.send(frame{session: 1, id: 3, kind: kindRequest, document: []byte(`{"op": "ping"}`)})
	h.request(4, `{"op": "ping"}`)
	if f := h.next(); f.id != 4 || f.session != 2 {
		t.Errorf("session %d, request %d was answered", f.session, f.id)
	}
}

func TestAHelloMayKeepWhatWasSpawned(t *testing.T) {
	h := newHost(t, "65536")
	h.request(2, `{"op": "spawn", "argv": ["sleep", "60"]}`)
	h.until(2, kindAnswer)
	h.session = 2
	h.send(frame{id: 1, kind: kindHello, document: []byte(`{"keep": true}`)})
	h.until(1, kindHello)
	if left := descendants(os.Getpid()); len(left) != 1 {
		t.Errorf("%d programs live on", len(left))
	}
}

func TestTheEndOfTheStreamKillsEveryDescendant(t *testing.T) {
	h := newHost(t, "65536")
	h.request(2, `{"op": "spawn", "argv": ["sh", "-c", "setsid sleep 60 & sleep 60"]}`)
	h.until(2, kindAnswer)
	for len(descendants(os.Getpid())) < 3 {
		time.Sleep(time.Millisecond)
	}
	h.toAgent.Close()
	h.over <- <-h.over
	if left := descendants(os.Getpid()); len(left) != 0 {
		t.Errorf("%v live on", left)
	}
}

func TestBadRequestsAreAnswered(t *testing.T) {
	h := newHost(t, "65536")
	for document, want := range map[string]string{
		`{`:                                      "not a JSON document",
		`{"op": "fly"}`:                          "unknown operation fly",
		`{"op": "run"}`:                          "field argv must name a program",
		`{"op": "run", "argv": ["a\u0000b"]}`:    "zero byte",
		`{"op": "remove", "path": "/"}`:          "must not be the root",
		`{"op": "load", "url": "http://e.org/"}`: "field url must be",
		`{"op": "spawn", "argv": ["x"], "ready": {"url": "log:("}}`: "REGEX",
	} {
		h.request(9, document)
		f := h.next()
		if f.kind != kindFailure || !strings.Contains(string(f.document), want) {
			t.Errorf("%s: %s, want %q", document, f.document, want)
		}
	}
}
