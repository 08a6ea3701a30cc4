package main

import (
	"bytes"
	"io"
	"math/rand"
	"reflect"
	"testing"
	"testing/iotest"
)

func encodeFrame(f *frame) []byte {
	return append(append(appendHeader(nil, f), f.document...), f.payload...)
}

func randomFrame(r *rand.Rand) frame {
	f := frame{session: r.Uint32(), id: r.Uint32(), kind: 1 + byte(r.Intn(int(kindLast))), channel: byte(r.Intn(3))}
	if n := r.Intn(300); n > 0 {
		f.document = make([]byte, n)
		r.Read(f.document)
	}
	if n := r.Intn(9000); n > 0 {
		f.payload = make([]byte, n)
		r.Read(f.payload)
	}
	return f
}

// pieces reads at most a random number of bytes at once.
type pieces struct {
	random *rand.Rand
	rest   []byte
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := min(1+p.random.Intn(5000), len(b), len(p.rest))
	copy(b, p.rest[:n])
	p.rest = p.rest[n:]
	return n, nil
}

func TestFramesSurviveAnyCutting(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for round := 0; round < 50; round++ {
		var sent []frame
		var stream []byte
		for i := 0; i < 20; i++ {
			f := randomFrame(r)
			sent = append(sent, f)
			stream = append(stream, make([]byte, r.Intn(3))...) // zero bytes between frames
			stream = append(stream, encodeFrame(&f)...)
		}
		var source io.Reader = &pieces{r, stream}
		if round == 0 {
			source = iotest.OneByteReader(bytes.NewReader(stream))
		}
		reader := newFrameReader(source, newChunkList(maxPayload, 2))
		for i := range sent {
			got, err := reader.next()
			if err != nil || !reflect.DeepEqual(got, sent[i]) {
				t.Fatalf("round %d, frame %d: %v", round, i, err)
			}
		}
		if _, err := reader.next(); err != io.EOF {
			t.Fatalf("after the last frame: %v", err)
		}
	}
}

func TestAReaderFindsTheNextFrameAfterGarbage(t *testing.T) {
	good := frame{session: 7, id: 9, kind: kindRequest, document: []byte("{}")}
	broken := encodeFrame(&good)
	broken[12] = 99 // no such kind
	stream := append(append([]byte("garbage \xE3el"), broken...), encodeFrame(&good)...)
	reader := newFrameReader(bytes.NewReader(stream), newChunkList(maxPayload, 2))
	got, err := reader.next()
	if err != nil || !reflect.DeepEqual(got, good) || reader.skipped == 0 {
		t.Fatalf("%+v, %v, skipped %d", got, err, reader.skipped)
	}
}

func TestHalfAFrameIsNotJoinedToTheNextHostsFirst(t *testing.T) {
	first := frame{session: 1, id: 1, kind: kindData, payload: make([]byte, 1000)}
	second := frame{session: 2, id: 1, kind: kindHello, document: []byte("{}")}
	half := encodeFrame(&first)[:500]
	whole := encodeFrame(&second)
	source := &interrupted{parts: [][]byte{half, nil, whole}}
	reader := newFrameReader(source, newChunkList(maxPayload, 2))
	if _, err := reader.next(); err != errPeerGone {
		t.Fatalf("the host's going: %v", err)
	}
	got, err := reader.next()
	if err != nil || !reflect.DeepEqual(got, second) {
		t.Fatalf("%+v, %v", got, err)
	}
}

// interrupted yields its parts; nil means that the peer went.
type interrupted struct{ parts [][]byte }

func (s *interrupted) Read(b []byte) (int, error) {
	if len(s.parts) == 0 {
		return 0, io.EOF
	}
	if s.parts[0] == nil {
		s.parts = s.parts[1:]
		return 0, errPeerGone
	}
	n := copy(b, s.parts[0])
	if s.parts[0] = s.parts[0][n:]; len(s.parts[0]) == 0 {
		s.parts = s.parts[1:]
	}
	return n, nil
}

func TestAFlushEndsAnUnfinishedFrame(t *testing.T) {
	large := frame{session: 1, id: 1, kind: kindData, document: make([]byte, maxDocument), payload: make([]byte, maxPayload)}
	second := frame{session: 2, id: 1, kind: kindHello}
	stream := encodeFrame(&large)[:headerSize+1]
	stream = append(stream, make([]byte, maxDocument+maxPayload)...)
	stream = append(stream, encodeFrame(&second)...)
	reader := newFrameReader(bytes.NewReader(stream), newChunkList(maxPayload, 2))
	if _, err := reader.next(); err != nil {
		t.Fatal(err)
	}
	got, err := reader.next()
	if err != nil || got.session != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
}

func FuzzFrameReader(f *testing.F) {
	f.Add([]byte{})
	good := frame{session: 1, id: 2, kind: kindRequest, document: []byte("{}"), payload: []byte("x")}
	f.Add(encodeFrame(&good))
	f.Fuzz(func(t *testing.T, stream []byte) {
		reader := newFrameReader(bytes.NewReader(stream), newChunkList(maxPayload, 2))
		for total := 0; ; {
			got, err := reader.next()
			if err != nil {
				return
			}
			if got.kind == 0 || got.kind > kindLast {
				t.Fatalf("a frame of kind %d", got.kind)
			}
			// What was read is what its encoding says.
			if total += len(encodeFrame(&got)); total > len(stream) {
				t.Fatalf("%d bytes of frames in a stream of %d", total, len(stream))
			}
		}
	})
}
