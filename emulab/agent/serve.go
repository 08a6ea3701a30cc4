package main

import (
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
)

// descriptors is a pair of blocking descriptors. It is not an os.File: a broken standard output must be
// an error here, not a SIGPIPE.
type descriptors struct{ in, out int }

func (d descriptors) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(d.in, b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (d descriptors) Write(b []byte) (int, error) { return writeAll(d.out, b) }

// exitingSink ends the agent when nobody can hear it any more.
type exitingSink struct {
	descriptors
	agent *agent
}

func (s exitingSink) Write(b []byte) (int, error) {
	n, err := s.descriptors.Write(b)
	if err != nil {
		s.agent.processes.killAll()
		os.Exit(1)
	}
	return n, err
}

const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER

// serveStandard serves one host on standard input and output.
func serveStandard(holder string) int {
	tuneMemory()
	link := attach(holder)
	if link >= 0 {
		defer syscall.Close(link)
	}
	// What our children leave behind comes to us, so that the end of this process ends them too.
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
	a := newAgent(false)
	standard := descriptors{in: 0, out: 1}
	for fd := 0; fd < 2; fd++ { // larger pipes where they are pipes
		syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETPIPE_SZ, 1<<20)
	}
	if err := a.serve(standard, exitingSink{standard, a}); err != io.EOF {
		complain("the stream from the host broke: " + err.Error())
		return 1
	}
	return 0
}

// tuneMemory keeps the agent small: it shares a machine of 64 MB with what it measures.
func tuneMemory() {
	debug.SetGCPercent(25)
	runtime.GOMAXPROCS(min(runtime.NumCPU(), 4))
}

func complain(message string) { os.Stderr.WriteString("emulab-agent: " + message + "\n") }
