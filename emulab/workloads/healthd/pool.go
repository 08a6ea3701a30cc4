package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// payloadSize is what one check hashes: enough to be work, little enough to be a health check.
const payloadSize = 1 << 10

// report is the answer to one check.
type report struct {
	Status     string  `json:"status"`
	Uptime     float64 `json:"uptime_seconds"`
	Goroutines int     `json:"goroutines"`
	Checks     uint64  `json:"checks"`
	Digest     string  `json:"digest"`
}

// pool makes checks, at most as many at once as it has workers.
type pool struct {
	queue   chan chan<- report
	started time.Time
	checks  atomic.Uint64
	workers sync.WaitGroup
}

func newPool(workers int) *pool {
	p := &pool{queue: make(chan chan<- report), started: time.Now()}
	p.workers.Add(workers)
	for i := 0; i < workers; i++ {
		go p.work()
	}
	return p
}

func (p *pool) work() {
	defer p.workers.Done()
	payload := make([]byte, payloadSize)
	for answer := range p.queue {
		answer <- p.check(payload)
	}
}

// check hashes a payload that is different each time.
func (p *pool) check(payload []byte) report {
	number := p.checks.Add(1)
	for i := range payload {
		payload[i] = byte(number >> (8 * (i % 8)))
	}
	sum := sha256.Sum256(payload)
	return report{
		Status:     "ok",
		Uptime:     time.Since(p.started).Seconds(),
		Goroutines: runtime.NumGoroutine(),
		Checks:     number,
		Digest:     hex.EncodeToString(sum[:]),
	}
}

// do hands a check to a free worker, or waits for one as long as the context allows.
func (p *pool) do(ctx context.Context) (report, error) {
	answer := make(chan report, 1)
	select {
	case p.queue <- answer:
		return <-answer, nil
	case <-ctx.Done():
		return report{}, ctx.Err()
	}
}

// close ends the workers when they have finished what they do. Nothing may be handed in after.
func (p *pool) close() {
	close(p.queue)
	p.workers.Wait()
}
