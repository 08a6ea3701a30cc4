package main

import "sync"

// chunkList keeps a few large buffers for reuse, so that moving a file makes no garbage.
type chunkList struct {
	mu   sync.Mutex
	free [][]byte
	size int
	keep int
}

func newChunkList(size, keep int) *chunkList { return &chunkList{size: size, keep: keep} }

// take returns a buffer of n bytes; a small one is made anew and is never kept.
func (c *chunkList) take(n int) []byte {
	if n < 4<<10 || n > c.size {
		return make([]byte, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.free) - 1; last >= 0 {
		b := c.free[last]
		c.free = c.free[:last]
		return b[:n]
	}
	return make([]byte, n, c.size)
}

// give returns a buffer that nobody refers to any more.
func (c *chunkList) give(b []byte) {
	if cap(b) != c.size {
		return
	}
	c.mu.Lock()
	if len(c.free) < c.keep {
		c.free = append(c.free, b)
	}
	c.mu.Unlock()
}
