package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("sendfile", sendFile)
	_ = verdict.Probe("splice", splice)
	_ = verdict.Probe("memfd", memfd)
)

const transferred = 300_000

// connected returns the two ends of a TCP connection.
func connected() (near, far *net.TCPConn, err error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	one, err := net.DialTimeout("tcp4", listener.Addr().String(), patience)
	if err != nil {
		return nil, nil, err
	}
	two, err := listener.Accept()
	if err != nil {
		return nil, nil, err
	}
	for _, each := range []net.Conn{one, two} {
		each.SetDeadline(time.Now().Add(patience))
	}
	return one.(*net.TCPConn), two.(*net.TCPConn), nil
}

func pattern() []byte {
	content := make([]byte, transferred)
	state := uint32(1)
	for at := range content {
		state = state*1664525 + 1013904223
		content[at] = byte(state >> 24)
	}
	return content
}

// descriptor returns a socket's descriptor as a blocking one of its own.
func descriptor(connection *net.TCPConn) (*os.File, error) {
	file, err := connection.File()
	if err != nil {
		return nil, err
	}
	return file, syscall.SetNonblock(int(file.Fd()), false)
}

func received(connection *net.TCPConn, content []byte) error {
	got := make([]byte, len(content))
	if n, err := io.ReadFull(connection, got); err != nil {
		return fmt.Errorf("%d of %d bytes came: %w", n, len(content), err)
	}
	if sha256.Sum256(got) != sha256.Sum256(content) {
		return errors.New("other bytes came than were sent")
	}
	return nil
}

func sendFile() (string, error) {
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	content := pattern()
	path := filepath.Join(directory, "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	near, far, err := connected()
	if err != nil {
		return "", err
	}
	out, err := descriptor(near)
	if err != nil {
		return "", err
	}
	defer out.Close()
	sent := make(chan error, 1)
	go func() {
		for left := transferred; left > 0; {
			n, err := syscall.Sendfile(int(out.Fd()), int(file.Fd()), nil, left)
			if err != nil || n == 0 {
				sent <- verdict.Call("sendfile", err)
				// Who waits for the rest shall not wait for nothing.
				near.CloseWrite()
				return
			}
			left -= n
		}
		sent <- nil
	}()
	came := received(far, content)
	if err := <-sent; err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes of a file went out by sendfile", transferred), came
}

func splice() (string, error) {
	near, far, err := connected()
	if err != nil {
		return "", err
	}
	out, err := descriptor(near)
	if err != nil {
		return "", err
	}
	defer out.Close()
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return "", verdict.Call("pipe2", err)
	}
	content := pattern()
	writer := os.NewFile(uintptr(ends[1]), "pipe")
	go writer.Write(content)
	sent := make(chan error, 1)
	go func() {
		for left := transferred; left > 0; {
			n, err := syscall.Splice(ends[0], nil, int(out.Fd()), nil, left, 0)
			if err != nil || n == 0 {
				sent <- verdict.Call("splice", err)
				near.CloseWrite()
				return
			}
			left -= int(n)
		}
		sent <- nil
	}()
	came := received(far, content)
	if err := <-sent; err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes went from a pipe to a socket by splice", transferred), came
}

// memfd makes a program in memory, seals it and starts it.
func memfd() (string, error) {
	const allowSealing, addSeals, sealWrite = 2, 1033, 8
	fd, err := call("memfd_create", sysMemfdCreate, pointer(text("probe")), allowSealing)
	if err != nil {
		return "", err
	}
	file := os.NewFile(fd, "memfd")
	defer file.Close()
	program, err := os.ReadFile(verdict.Self())
	if err != nil {
		return "", err
	}
	if _, err := file.Write(program); err != nil {
		return "", err
	}
	if _, err := call("fcntl(F_ADD_SEALS)", syscall.SYS_FCNTL, fd, addSeals, sealWrite); err != nil {
		return "", err
	}
	if _, err := file.WriteAt([]byte{0}, 0); !errors.Is(err, syscall.EPERM) {
		return "", fmt.Errorf("writing to what is sealed: got %v, want %v", err, syscall.EPERM)
	}
	command := verdict.Play("echo", "from memory")
	command.Path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
	said, err := verdict.Run(command)
	if err != nil {
		return "", fmt.Errorf("starting it: %w", err)
	}
	if !bytes.Contains([]byte(said), []byte("from memory")) {
		return "", fmt.Errorf("the program in memory said %q", said)
	}
	return "a program in memory was sealed and started", nil
}
