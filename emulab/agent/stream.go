package main

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// stream is a non-blocking descriptor that the runtime polls. Its system calls do not tell the scheduler
// that they may block, for they can not: to be told wakes another thread, which costs an emulated
// processor more than the call.
type stream struct {
	file *os.File
	raw  syscall.RawConn
}

func newStream(file *os.File) (*stream, error) {
	raw, err := file.SyscallConn()
	return &stream{file, raw}, err
}

func (s *stream) Close() error { return s.file.Close() }

// Read returns 0 and io.EOF at the end.
func (s *stream) Read(b []byte) (int, error) {
	var n uintptr
	var errno syscall.Errno
	err := s.raw.Read(func(fd uintptr) bool {
		n, errno = transfer(syscall.SYS_READ, fd, b)
		return errno != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, io.EOF
	}
	return int(n), nil
}

// Write writes all of b, unless it fails.
func (s *stream) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		var n uintptr
		var errno syscall.Errno
		err := s.raw.Write(func(fd uintptr) bool {
			n, errno = transfer(syscall.SYS_WRITE, fd, b[done:])
			return errno != syscall.EAGAIN
		})
		if err != nil {
			return done, err
		}
		if errno != 0 {
			return done, errno
		}
		done += int(n)
	}
	return done, nil
}

func transfer(call, fd uintptr, b []byte) (uintptr, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno != syscall.EINTR {
			return n, errno
		}
	}
}
