package main

import (
	"os"
	"time"
)

// sampler takes the memory of a process again and again while something else happens.
type sampler struct {
	pid    int
	within span
	ranged bool
	every  time.Duration
	rows   []int64 // time, vss, rss, pss, again and again
	stop   chan struct{}
	done   chan struct{}
	buffer []byte
}

const (
	sampleWidth = 4
	sampleLimit = 50_000
	// A sample's cost is at most a part of the time until the next, whatever was asked for: what is measured
	// may have the same processor.
	sampleShare = 30
)

func readSampler(in *fields) *sampler {
	s := &sampler{pid: int(in.integer("pid", 0)), every: time.Duration(in.integer("every_ns", 20_000_000))}
	s.within, s.ranged = readSpan(in)
	if s.every < 100*time.Microsecond {
		in.fail("field sample.every_ns must be at least 100000")
	}
	return s
}

func (s *sampler) start(zero time.Time) {
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.done)
		timer := time.NewTimer(0)
		defer timer.Stop()
		for len(s.rows) < sampleWidth*sampleLimit {
			select {
			case <-timer.C:
			case <-s.stop:
				s.take(zero)
				return
			}
			began := time.Now()
			if !s.take(zero) {
				break
			}
			timer.Reset(max(s.every, sampleShare*time.Since(began)))
		}
	}()
}

func (s *sampler) finish() {
	close(s.stop)
	<-s.done
}

// take adds one row; false when the process is gone.
func (s *sampler) take(zero time.Time) bool {
	at := time.Since(zero).Nanoseconds()
	var now sizes
	var err error
	if s.ranged {
		if s.buffer, err = procFile(s.pid, "smaps", s.buffer); err != nil {
			return false
		}
		mappings := parseMappings(s.buffer)
		for i := range mappings {
			if s.within.holds(&mappings[i]) {
				now.add(&mappings[i].sizes)
			}
		}
	} else {
		if s.buffer, err = procFile(s.pid, "smaps_rollup", s.buffer); err != nil {
			return false
		}
		now = parseSizes(s.buffer)
		if s.buffer, err = procFile(s.pid, "statm", s.buffer); err != nil {
			return false
		}
		now.vss = number(s.buffer) * int64(os.Getpagesize())
	}
	s.rows = append(s.rows, at, now.vss, now.rss, now.pss)
	return true
}

// pack returns 64-bit little-endian integers.
func pack(values []int64) []byte {
	b := make([]byte, 0, 8*len(values))
	for _, v := range values {
		b = append64(b, uint64(v))
	}
	return b
}
