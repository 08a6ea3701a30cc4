package main

import (
	"errors"
	"io"
)

// A frame is a fixed header, a JSON document and a binary payload:
//
//	 0  magic     4 bytes, the last one is the protocol's version
//	 4  session   uint32, chosen by the host in its hello
//	 8  id        uint32, chosen by the host, names one request
//	12  kind      byte
//	13  channel   byte (0 standard input or the only stream, 1 stdout, 2 stderr)
//	14  reserved  uint16, zero
//	16  document  uint32, its length in bytes
//	20  payload   uint32, its length in bytes
//
// All integers are little-endian. Zero bytes between frames are skipped: a host that does not know
// where the last session ended may flush half a frame out with them.
const (
	headerSize      = 24
	maxDocument     = 256 << 10
	maxPayload      = 128 << 10
	protocolVersion = 1
)

var magic = [4]byte{0xE3, 'e', 'l', protocolVersion}

// The kinds of frames.
const (
	kindHello   byte = 1 + iota // host: opens a session; agent: the answer to it
	kindRequest                 // host: begins a request
	kindAnswer                  // agent: ends a request well
	kindFailure                 // agent: ends a request badly
	kindEvent                   // agent: tells something before the end
	kindData                    // both: a piece of a channel
	kindEnd                     // both: a channel ends
	kindCredit                  // both: the payload is a uint32, so many more bytes may be sent
	kindControl                 // host: changes a request under way (window size, signal)
	kindCancel                  // host: gives a request up
	kindLast    = kindCancel
)

type frame struct {
	session  uint32
	id       uint32
	kind     byte
	channel  byte
	document []byte
	payload  []byte
}

// errPeerGone says that the other side closed the channel, and that it may come back.
var errPeerGone = errors.New("the host side of the channel is closed")

func appendHeader(b []byte, f *frame) []byte {
	b = append(b, magic[:]...)
	b = append32(b, f.session)
	b = append32(b, f.id)
	b = append(b, f.kind, f.channel, 0, 0)
	b = append32(b, uint32(len(f.document)))
	return append32(b, uint32(len(f.payload)))
}

// readHeader returns the frame with its lengths, or false when the bytes are no header.
func readHeader(b []byte) (f frame, document, payload int, ok bool) {
	if [4]byte(b[:4]) != magic || b[14] != 0 || b[15] != 0 {
		return f, 0, 0, false
	}
	f.session = get32(b[4:])
	f.id = get32(b[8:])
	f.kind, f.channel = b[12], b[13]
	d, p := get32(b[16:]), get32(b[20:])
	if f.kind == 0 || f.kind > kindLast || d > maxDocument || p > maxPayload {
		return f, 0, 0, false
	}
	return f, int(d), int(p), true
}

// frameReader reads frames from a byte stream and finds the next one after garbage.
type frameReader struct {
	source     io.Reader
	buffer     []byte
	start, end int
	chunks     *chunkList
	skipped    int
}

func newFrameReader(source io.Reader, chunks *chunkList) *frameReader {
	return &frameReader{source: source, buffer: make([]byte, 16<<10), chunks: chunks}
}

// fill reads until the buffer holds at least n bytes.
func (r *frameReader) fill(n int) error {
	if r.start > 0 && (r.start == r.end || len(r.buffer)-r.start < n) {
		r.end = copy(r.buffer, r.buffer[r.start:r.end])
		r.start = 0
	}
	for r.end-r.start < n {
		got, err := r.source.Read(r.buffer[r.end:])
		r.end += got
		if err != nil && r.end-r.start < n {
			if err == io.EOF && r.end > r.start {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// next returns the next frame. After errPeerGone what was read of a frame is forgotten.
func (r *frameReader) next() (frame, error) {
	f, err := r.read()
	if err != nil {
		r.start, r.end = 0, 0
	}
	return f, err
}

func (r *frameReader) read() (frame, error) {
	for {
		if err := r.fill(1); err != nil {
			return frame{}, err
		}
		for r.start < r.end && r.buffer[r.start] == 0 {
			r.start++
		}
		if r.start == r.end {
			continue
		}
		if err := r.fill(headerSize); err != nil {
			return frame{}, err
		}
		f, document, payload, ok := readHeader(r.buffer[r.start:])
		if !ok {
			r.start++
			r.skipped++
			continue
		}
		r.start += headerSize
		if document > 0 {
			f.document = make([]byte, document)
			if err := r.full(f.document); err != nil {
				return frame{}, err
			}
		}
		if payload > 0 {
			f.payload = r.chunks.take(payload)
			if err := r.full(f.payload); err != nil {
				return frame{}, err
			}
		}
		return f, nil
	}
}

// full fills b, first from what is buffered and then straight from the source.
func (r *frameReader) full(b []byte) error {
	n := copy(b, r.buffer[r.start:r.end])
	r.start += n
	for n < len(b) {
		got, err := r.source.Read(b[n:])
		n += got
		if err != nil && n < len(b) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
