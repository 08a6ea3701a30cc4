package main

import "sync/atomic"

// crewSize is how many goroutines wait for the next request.
const crewSize = 4

// crew performs requests, each in a goroutine of its own. A few of them wait for the next request instead of
// ending: their stacks have grown already, and in a guest that was just restored from a snapshot growing one
// means to translate the code that does it.
type crew struct {
	jobs    chan func()
	members atomic.Int32
}

// do has a job done, and does not wait for it.
func (c *crew) do(job func()) {
	select {
	case c.jobs <- job:
		return
	default:
	}
	if c.members.Add(1) > crewSize {
		c.members.Add(-1)
		go job()
		return
	}
	go func() {
		for {
			job()
			job = <-c.jobs
		}
	}()
}
