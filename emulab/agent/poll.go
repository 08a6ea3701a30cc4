package main

import (
	"syscall"
	"time"
	"unsafe"
)

// pollFD is the kernel's struct pollfd.
type pollFD struct {
	fd      int32
	events  int16
	revents int16
}

// await waits for events (EPOLLIN, EPOLLOUT) of one descriptor.
func await(fd, events int, deadline time.Time) error {
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return syscall.ETIMEDOUT
		}
		one := pollFD{fd: int32(fd), events: int16(events)}
		timeout := [2]uintptr{uintptr(left / time.Second), uintptr(left % time.Second)}
		n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&one)), 1,
			uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return errno
		case n == 1:
			return nil
		}
	}
}

// connected waits for a connection that connect began.
func connected(fd int, deadline time.Time) error {
	if err := await(fd, syscall.EPOLLOUT, deadline); err != nil {
		return err
	}
	return socketError(fd)
}

func socketError(fd int) error {
	code, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	return err
}
