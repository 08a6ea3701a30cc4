package main

import "sync"

const (
	tailSize = 16 << 10
	lineSize = 4 << 10
)

// tail keeps the last bytes of an endless output, and shows each whole line to a watcher.
type tail struct {
	mu    sync.Mutex
	bytes []byte
	total int64
	line  []byte
	watch func(line []byte)
}

func (t *tail) write(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += int64(len(b))
	if t.watch != nil {
		t.lines(b)
	}
	if len(b) > tailSize {
		b = b[len(b)-tailSize:]
	}
	if over := len(t.bytes) + len(b) - tailSize; over > 0 {
		t.bytes = t.bytes[:copy(t.bytes, t.bytes[over:])]
	}
	t.bytes = append(t.bytes, b...)
}

func (t *tail) lines(b []byte) {
	for _, c := range b {
		if c == '\n' {
			t.watch(t.line)
			t.line = t.line[:0]
		} else if len(t.line) < lineSize {
			t.line = append(t.line, c)
		}
	}
}

// observe sets the watcher; nil ends the watching.
func (t *tail) observe(watch func(line []byte)) {
	t.mu.Lock()
	t.watch, t.line = watch, nil
	t.mu.Unlock()
}

func (t *tail) last() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.bytes...)
}

func (t *tail) count() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}
