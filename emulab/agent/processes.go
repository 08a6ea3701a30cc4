package main

import (
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// process is one program that the agent started; it leads its own process group.
type process struct {
	pid     int
	began   time.Time
	ended   time.Time
	status  syscall.WaitStatus
	usage   syscall.Rusage
	starved bool          // the kernel killed it for want of memory
	done    chan struct{} // closed when it was waited for
	stopped chan struct{} // a trace stop, only while its limits are set
	output  *tail
	drained chan struct{} // closed when all of its output is in the tail
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signalGroup signals the process and all that stayed in its group.
func (p *process) signalGroup(s syscall.Signal) { syscall.Kill(-p.pid, s) }

// processes is the table of what was started, and the reaper of everything: as PID 1 or as a
// sub-reaper the agent inherits orphans too.
type processes struct {
	mu        sync.Mutex
	byPID     map[int]*process
	born      chan struct{}
	childless bool // the kernel said so, and nothing was started since
	memory    *exhaustion
}

func newProcesses(guest bool) *processes {
	t := &processes{byPID: map[int]*process{}, born: make(chan struct{}, 1), memory: newExhaustion(guest)}
	go t.reap()
	return t
}

func (t *processes) find(pid int) *process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byPID[pid]
}

func (t *processes) forget(p *process) {
	t.mu.Lock()
	delete(t.byPID, p.pid)
	t.mu.Unlock()
}

// start forks under the lock, so that the reaper can not meet a process that is not in the table.
func (t *processes) start(fork func() (int, error)) (*process, error) {
	p := &process{done: make(chan struct{}), stopped: make(chan struct{}, 1)}
	t.mu.Lock()
	p.began = time.Now()
	pid, err := fork()
	t.childless = false
	if err == nil {
		p.pid = pid
		t.byPID[pid] = p
	}
	t.mu.Unlock()
	select {
	case t.born <- struct{}{}:
	default:
	}
	return p, err
}

func (t *processes) reap() {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, syscall.WALL, &usage)
		now := time.Now()
		switch {
		case err == syscall.EINTR:
		case err != nil: // no children, and so no orphans either
			t.mu.Lock()
			t.childless = !t.anyAlive()
			t.mu.Unlock()
			<-t.born
		case status.Stopped():
			if p := t.find(pid); p != nil {
				select {
				case p.stopped <- struct{}{}:
				default:
				}
			}
		default:
			t.mu.Lock()
			p := t.byPID[pid]
			t.mu.Unlock()
			if p != nil && p.alive() {
				p.status, p.usage, p.ended, p.starved = status, usage, now, t.memory.struck(status)
				close(p.done)
			}
		}
	}
}

func (t *processes) anyAlive() bool {
	for _, p := range t.byPID {
		if p.alive() {
			return true
		}
	}
	return false
}

// killAll kills every descendant, whatever group or session it moved to, and forgets them.
func (t *processes) killAll() {
	deadline := time.Now().Add(2 * time.Second)
	for !t.hasNone() {
		pids := descendants(os.Getpid())
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(pids) == 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	t.mu.Lock()
	clear(t.byPID)
	t.mu.Unlock()
}

func (t *processes) hasNone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.childless
}

// descendants returns the processes below root that are not zombies.
func descendants(root int) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	names, _ := dir.Readdirnames(-1)
	dir.Close()
	children := map[int][]int{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if parent, zombie := parentOf(name); !zombie {
			children[parent] = append(children[parent], pid)
		}
	}
	found := children[root]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// parentOf reads the fourth field of /proc/PID/stat; the second one may hold spaces and brackets.
func parentOf(pid string) (parent int, zombie bool) {
	text, err := readFile("/proc/"+pid+"/stat", nil)
	if err != nil {
		return 0, true
	}
	at := len(text) - 1
	for at >= 0 && text[at] != ')' {
		at--
	}
	rest := text[at+1:] // " S 123 …"
	if len(rest) < 4 {
		return 0, true
	}
	for _, c := range rest[3:] {
		if c < '0' || c > '9' {
			break
		}
		parent = parent*10 + int(c-'0')
	}
	return parent, rest[1] == 'Z' || rest[1] == 'X'
}
