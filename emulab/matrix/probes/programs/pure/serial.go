package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"org.emulab/probes/verdict"
)

var _ = verdict.Probe("serial", serial)

// serial has a UART send to itself, which its loopback mode does without a wire.
func serial() (string, error) {
	const modemSet, modemGet, loop = 0x5418, 0x5415, 0x8000
	const getTerminal, setTerminal = 0x5401, 0x5402
	var failure error
	for _, path := range []string{"/dev/ttyAMA0", "/dev/ttyS0"} {
		file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
		if err != nil {
			failure = err
			continue
		}
		defer file.Close()
		fd := file.Fd()
		if err := syscall.SetNonblock(int(fd), true); err != nil {
			return "", err
		}
		before, lines := new(syscall.Termios), new(int32)
		if _, err := call("TCGETS", syscall.SYS_IOCTL, fd, getTerminal, pointer(before)); err != nil {
			// What has the name of a port that is not there can not be asked.
			failure = fmt.Errorf("%s: %w", path, err)
			continue
		}
		raw := *before
		raw.Iflag, raw.Oflag, raw.Lflag = 0, 0, 0
		raw.Cflag = syscall.CS8 | syscall.CREAD | syscall.CLOCAL | 0x1002
		raw.Cc[syscall.VMIN], raw.Cc[syscall.VTIME] = 1, 0
		if _, err := call("TCSETS", syscall.SYS_IOCTL, fd, setTerminal, pointer(&raw)); err != nil {
			return "", err
		}
		defer call("TCSETS", syscall.SYS_IOCTL, fd, setTerminal, pointer(before))
		if _, err := call("TIOCMGET", syscall.SYS_IOCTL, fd, modemGet, pointer(lines)); err != nil {
			return "", err
		}
		looped := *lines | loop
		if _, err := call("TIOCMSET", syscall.SYS_IOCTL, fd, modemSet, pointer(&looped)); err != nil {
			return "", err
		}
		defer call("TIOCMSET", syscall.SYS_IOCTL, fd, modemSet, pointer(lines))
		return exchanged(path, int(fd))
	}
	if os.Getenv(ownMachine) == "" {
		return "", verdict.Unsupported("this machine has no devices of its own: %v", failure)
	}
	return "", verdict.Missing("there is no serial port: %v", failure)
}

func exchanged(path string, fd int) (string, error) {
	message := []byte("over a wire of no length, \x00\x03\x11\xff\r\n")
	deadline := time.Now().Add(patience)
	// One after another: what a UART has room for in loopback mode is its FIFO.
	for index := range message {
		if _, err := syscall.Write(fd, message[index:index+1]); err != nil {
			return "", fmt.Errorf("writing to %s: %w", path, err)
		}
		got := make([]byte, 1)
		for {
			n, err := syscall.Read(fd, got)
			if n == 1 {
				break
			}
			if err != nil && !errors.Is(err, syscall.EAGAIN) {
				return "", fmt.Errorf("reading from %s: %w", path, err)
			}
			if time.Now().After(deadline) {
				return "", fmt.Errorf("byte %d of what was sent did not come back: %w", index, io.ErrUnexpectedEOF)
			}
			time.Sleep(100 * time.Microsecond)
		}
		if got[0] != message[index] {
			return "", fmt.Errorf("byte %d came back as %#x, it was %#x", index, got[0], message[index])
		}
	}
	return fmt.Sprintf("%s sent %d bytes to itself, and they were read", path, len(message)), nil
}
