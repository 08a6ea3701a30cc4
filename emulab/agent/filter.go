package main

import (
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// filter is a program for the kernel (seccomp, classic BPF) that decides about a program's system calls.
type filter struct {
	code    []byte // struct sock_filter after another
	listens bool   // some calls wait for a listener, which this agent is and never answers
}

const (
	setSeccomp     = 22 // PR_SET_SECCOMP
	setNoNewRights = 38 // PR_SET_NO_NEW_PRIVS
	filterMode     = 2  // SECCOMP_MODE_FILTER
	setModeFilter  = 1  // SECCOMP_SET_MODE_FILTER
	newListener    = 8  // SECCOMP_FILTER_FLAG_NEW_LISTENER
	instruction    = 8  // bytes of a struct sock_filter
	mostFilter     = 4096
)

// seccompCall is the number of seccomp(2).
var seccompCall = map[string]uintptr{"amd64": 317, "arm64": 277, "riscv64": 277, "arm": 383}

func readFilter(in *fields) *filter {
	code, ok := unhex(in.text("code"))
	f := &filter{code: code, listens: in.flag("listens")}
	if !ok || len(code) == 0 || len(code)%instruction != 0 || len(code) > mostFilter*instruction {
		in.fail("field code must be hexadecimal, instructions of 8 bytes")
	}
	return f
}

// started calls fork on a thread that has the filter, which the child then has too.
func (f *filter) started(fork func() (*process, error)) (p *process, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with this function, and nothing else runs under its filter.
		runtime.LockOSThread()
		if err = f.install(); err == nil {
			p, err = fork()
		}
	}()
	<-done
	return p, err
}

// install puts the calling thread under the filter. Who listens keeps the listener open for good: when it is
// closed, the calls that wait for it fail.
func (f *filter) install() error {
	program := struct {
		length uint16
		code   unsafe.Pointer
	}{uint16(len(f.code) / instruction), unsafe.Pointer(&f.code[0])}
	try := func() syscall.Errno {
		if !f.listens {
			_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, filterMode,
				uintptr(unsafe.Pointer(&program)))
			return errno
		}
		_, _, errno := syscall.RawSyscall(seccompCall[runtime.GOARCH], setModeFilter, newListener,
			uintptr(unsafe.Pointer(&program)))
		return errno
	}
	errno := try()
	if errno == syscall.EACCES { // without the rights of root's it takes a promise
		if _, _, errno = syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewRights, 1, 0, 0, 0, 0); errno == 0 {
			errno = try()
		}
	}
	if errno != 0 {
		return filterError{errno}
	}
	return nil
}

// filterError says that the kernel refused a filter, as opposed to a program.
type filterError struct{ errno syscall.Errno }

func (e filterError) Error() string {
	return "the kernel refused the filter of system calls: " + e.errno.Error() + " (" + strconv.Itoa(int(e.errno)) + ")"
}
