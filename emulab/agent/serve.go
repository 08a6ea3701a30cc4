package main

import (
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"time"
)

// polled returns a stream for a descriptor: a goroutine that waits for it holds no thread, and so what it
// began runs at once. The descriptor is a copy above 2, where a broken pipe is an error and not a SIGPIPE.
func polled(fd int) (*stream, error) {
	const lowest = 3
	copied, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, lowest)
	if errno != 0 {
		return nil, errno
	}
	syscall.SetNonblock(int(copied), true)
	return newStream(os.NewFile(copied, "stream"))
}

// exitingSink ends the agent when nobody can hear it any more.
type exitingSink struct {
	*stream
	agent *agent
}

func (s exitingSink) Write(b []byte) (int, error) {
	n, err := s.stream.Write(b)
	if err != nil {
		s.agent.processes.killAll()
		os.Exit(1)
	}
	return n, err
}

// silence is how long the first process of a container goes on without a word from its host, which speaks up
// every few seconds. A host that died before it attached itself, and one whose engine died, leave an input
// that never ends.
const silence = 30 * time.Second

// attachedInput is the standard input of a container's first process.
type attachedInput struct{ *stream }

func newAttachedInput(s *stream) attachedInput {
	s.file.SetReadDeadline(time.Now().Add(silence))
	return attachedInput{s}
}

func (i attachedInput) Read(b []byte) (int, error) {
	n, err := i.stream.Read(b)
	if n > 0 {
		i.file.SetReadDeadline(time.Now().Add(silence))
	}
	return n, err
}

const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER

// serveStandard serves one host on standard input and output.
func serveStandard() int {
	tuneMemory()
	// What our children leave behind comes to us, so that the end of this process ends them too. As PID 1 of a
	// container it has them anyway, and the kernel kills what else there is when it ends.
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
	a := newAgent(false)
	input, err := polled(0)
	if err != nil {
		complain("no standard input: " + err.Error())
		return 1
	}
	output, err := polled(1)
	if err != nil {
		complain("no standard output: " + err.Error())
		return 1
	}
	for fd := 0; fd < 2; fd++ { // larger pipes where they are pipes
		syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETPIPE_SZ, 1<<20)
	}
	var source io.Reader = input
	if os.Getpid() == 1 {
		source = newAttachedInput(input)
	}
	if err := a.serve(source, exitingSink{output, a}); err != io.EOF {
		complain("the stream from the host broke: " + err.Error())
		return 1
	}
	return 0
}

// tuneMemory keeps the agent small: it shares a machine of 64 MB with what it measures.
func tuneMemory() { debug.SetGCPercent(25) }

func complain(message string) { os.Stderr.WriteString("emulab-agent: " + message + "\n") }
