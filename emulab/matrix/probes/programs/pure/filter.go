package main

import (
	"errors"
	"runtime"
	"syscall"
	"unsafe"
)

// What a filter of system calls says of one of them.
const (
	filterRefuses = 0x00050000 | uint32(syscall.ENOSYS)
	filterAsks    = 0x7fc00000
)

type filterStep struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

type filterProgram struct {
	length uint16
	steps  *filterStep
}

// filtered has a system call of this thread, and of whatever it executes, go as an action says. It returns the
// descriptor of who is asked, where that is the action.
func filtered(number, action uint32) (uintptr, error) {
	const load, jumpEqual, give, allow = 0x20, 0x15, 0x06, 0x7fff0000
	const setFilter, newListener = 1, 8
	runtime.LockOSThread()
	steps := []filterStep{
		{load, 0, 0, 0},
		{jumpEqual, 0, 1, number},
		{give, 0, 0, action},
		{give, 0, 0, allow},
	}
	kept = append(kept, steps)
	program := &filterProgram{uint16(len(steps)), (*filterStep)(unsafe.Pointer(&steps[0]))}
	if _, err := call("prctl(PR_SET_NO_NEW_PRIVS)", syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	flags := uintptr(0)
	if action == filterAsks {
		flags = newListener
	}
	return call("seccomp", sysSeccomp, setFilter, flags, pointer(program))
}

// A request is what a filter asks: struct seccomp_notif, and what it is told: struct seccomp_notif_resp.
type (
	filterRequest struct {
		id         uint64
		pid, flags uint32
		number     int32
		arch       uint32
		ip         uint64
		arguments  [6]uint64
	}
	filterAnswer struct {
		id           uint64
		value        int64
		errno, flags int32
	}
)

// awaitRequest waits until somebody makes the filtered call.
func awaitRequest(listener uintptr) (*filterRequest, error) {
	const receive = 0xc0502100
	for {
		request := new(filterRequest)
		_, err := call("SECCOMP_IOCTL_NOTIF_RECV", syscall.SYS_IOCTL, listener, receive, pointer(request))
		// Go's runtime interrupts calls that take long.
		if !errors.Is(err, syscall.EINTR) {
			return request, err
		}
	}
}

// letThrough has the kernel do what was asked for.
func letThrough(listener uintptr, request *filterRequest) error {
	const send, proceed = 0xc0182101, 1
	answer := &filterAnswer{id: request.id, flags: proceed}
	_, err := call("SECCOMP_IOCTL_NOTIF_SEND", syscall.SYS_IOCTL, listener, send, pointer(answer))
	return err
}

// descriptorOf returns a descriptor of another process's as one of this process's own.
func descriptorOf(pid int, fd uintptr) (uintptr, error) {
	process, err := call("pidfd_open", sysPidfdOpen, uintptr(pid))
	if err != nil {
		return 0, err
	}
	defer syscall.Close(int(process))
	return call("pidfd_getfd", sysPidfdGetfd, process, fd)
}
