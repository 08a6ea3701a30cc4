package main

import (
	"bytes"
	"sync"
	"syscall"
)

// killCounters hold a line "oom_kill N": how many processes the kernel killed for want of memory. A container
// has a count of its own (cgroup v2, or v1), which the root of a whole system has not.
var killCounters = [...]string{
	"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control", "/proc/vmstat",
}

// exhaustion tells whether memory ran out since it was asked last.
type exhaustion struct {
	mu    sync.Mutex
	kills uint64
}

// newExhaustion starts at the kernel's count; a guest's begins with its kernel, before anything is mounted.
func newExhaustion(guest bool) *exhaustion {
	e := &exhaustion{}
	if !guest {
		e.kills = kernelKills()
	}
	return e
}

// struck tells whether the kernel killed a program, or one that it started, for want of memory: it was killed,
// or ended as a shell does whose last program was, and the count has risen.
func (e *exhaustion) struck(status syscall.WaitStatus) bool {
	killed := status.Signaled() && status.Signal() == syscall.SIGKILL
	if !killed && status.ExitStatus() != 128+int(syscall.SIGKILL) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.kills
	e.kills = kernelKills()
	return e.kills > before
}

func kernelKills() uint64 {
	for _, path := range killCounters {
		if text, err := readFile(path, nil); err == nil {
			if kills, ok := killsIn(text); ok {
				return kills
			}
		}
	}
	return 0
}

// killsIn reads the number behind "oom_kill ".
func killsIn(text []byte) (kills uint64, ok bool) {
	name := []byte("oom_kill ")
	for _, line := range bytes.Split(text, []byte("\n")) {
		if !bytes.HasPrefix(line, name) {
			continue
		}
		for _, c := range line[len(name):] {
			if c < '0' || c > '9' {
				return 0, false
			}
			kills = kills*10 + uint64(c-'0')
		}
		return kills, true
	}
	return 0, false
}
