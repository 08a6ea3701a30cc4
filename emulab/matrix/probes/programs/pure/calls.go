package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("clone3", clone3)
	_ = verdict.Probe("pidfd", pidfd)
	_ = verdict.Probe("close-range", closeRange)
	_ = verdict.Probe("epoll-pwait2", epollPwait2)
)

type cloneArguments struct {
	flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls uint64
}

// clone3 makes a process that does nothing but end, so that Go's runtime has no part in it.
func clone3() (string, error) {
	asked := &cloneArguments{exitSignal: uint64(syscall.SIGCHLD)}
	address := pointer(asked)
	pid, _, errno := syscall.RawSyscall(sysClone3, address, unsafe.Sizeof(*asked), 0)
	if errno != 0 {
		return "", verdict.Call("clone3", errno)
	}
	if pid == 0 {
		for {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 42, 0, 0)
		}
	}
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(int(pid), &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("wait4: %w", err)
		}
		break
	}
	return "it made a process, which ended with its status", expect("its status", status.ExitStatus(), 42)
}

func pidfd() (string, error) {
	command := verdict.Play("wait")
	output, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	defer command.Process.Kill()
	output.Read(make([]byte, 16))
	fd, err := call("pidfd_open", sysPidfdOpen, uintptr(command.Process.Pid))
	if err != nil {
		return "", err
	}
	defer syscall.Close(int(fd))
	if _, err := call("pidfd_send_signal", sysPidfdSendSignal, fd, uintptr(syscall.SIGTERM)); err != nil {
		return "", err
	}
	// A pidfd can be read once its process has ended.
	if err := readable(int(fd)); err != nil {
		return "", fmt.Errorf("waiting for the process: %w", err)
	}
	command.Wait()
	if _, err := call("pidfd_send_signal", sysPidfdSendSignal, fd, uintptr(syscall.SIGTERM)); !errors.Is(err, syscall.ESRCH) {
		return "", fmt.Errorf("a signal to a process that has ended: got %v, want %v", err, syscall.ESRCH)
	}
	return "it names a process, signals it, and tells its end", nil
}

// readable waits until a descriptor can be read.
func readable(fd int) error {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer syscall.Close(poll)
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for {
		n, err := syscall.EpollWait(poll, make([]syscall.EpollEvent, 1), int(time.Until(deadline).Milliseconds()))
		if err == syscall.EINTR && time.Now().Before(deadline) {
			continue
		}
		if err == nil && n == 0 {
			return fmt.Errorf("nothing came within %v", patience)
		}
		return err
	}
}

func closeRange() (string, error) {
	const first = 200
	for _, fd := range []int{first, first + 3} {
		if err := syscall.Dup3(0, fd, 0); err != nil {
			return "", fmt.Errorf("dup3: %w", err)
		}
	}
	if _, err := call("close_range", sysCloseRange, first, first+10, 0); err != nil {
		return "", err
	}
	for _, fd := range []int{first, first + 3} {
		var facts syscall.Stat_t
		if err := syscall.Fstat(fd, &facts); !errors.Is(err, syscall.EBADF) {
			return "", fmt.Errorf("descriptor %d is still open: %v", fd, err)
		}
	}
	if _, err := os.Stdout.Stat(); err != nil {
		return "", fmt.Errorf("it closed more than it was asked to: %w", err)
	}
	return "it closed descriptors from 200 to 210, and no other", nil
}

func epollPwait2() (string, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer syscall.Close(poll)
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return "", err
	}
	interest := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(ends[0])}
	if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, ends[0], &interest); err != nil {
		return "", err
	}
	wait := func(limit time.Duration) (uintptr, time.Duration, error) {
		events, timeout := new([4]syscall.EpollEvent), &timespec64{0, int64(limit)}
		start := time.Now()
		n, err := call("epoll_pwait2", sysEpollPwait2, uintptr(poll), pointer(events), 4, pointer(timeout), 0, 8)
		return n, time.Since(start), err
	}
	// Less than a millisecond is what epoll_wait can not say.
	const short = 300 * time.Microsecond
	n, taken, err := wait(short)
	if err != nil {
		return "", err
	}
	if n != 0 || taken < short {
		return "", fmt.Errorf("waiting %v for nothing: %d events after %v", short, n, taken)
	}
	if _, err := syscall.Write(ends[1], []byte{1}); err != nil {
		return "", err
	}
	if n, _, err = wait(time.Second / 2); err != nil {
		return "", err
	}
	return "it waits for fractions of a millisecond, and sees what comes", expect("events", n, uintptr(1))
}
