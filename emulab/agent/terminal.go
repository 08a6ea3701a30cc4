package main

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// windowSize is a terminal's, in characters.
type windowSize struct{ rows, columns uint16 }

func ioctl(fd int, request uint, argument unsafe.Pointer) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}

func setWindowSize(fd int, size windowSize) error {
	value := [4]uint16{size.rows, size.columns, 0, 0}
	return ioctl(fd, syscall.TIOCSWINSZ, unsafe.Pointer(&value))
}

// openTerminal returns both ends of a new pseudo-terminal.
func openTerminal(size windowSize) (master, slave int, err error) {
	master, err = syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, -1, err
	}
	var number, locked int32
	if err = ioctl(master, syscall.TIOCSPTLCK, unsafe.Pointer(&locked)); err == nil {
		err = ioctl(master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	}
	if err == nil {
		name := "/dev/pts/" + strconv.Itoa(int(number))
		slave, err = syscall.Open(name, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	}
	if err == nil {
		err = setWindowSize(master, size)
	}
	if err != nil {
		syscall.Close(master)
		return -1, -1, err
	}
	return master, slave, nil
}

// runOnTerminal runs a program with a terminal of its own; its output is channel 1.
func runOnTerminal(x *exchange, c *command, timeout int64) (reply, *failure) {
	master, slave, err := openTerminal(*c.pty)
	if err != nil {
		return reply{}, failed(err, "/dev/ptmx")
	}
	p, bad := x.session.agent.processes.startCommand(c, [3]int{slave, slave, slave})
	if bad != nil {
		syscall.Close(master)
		return reply{}, bad
	}
	syscall.SetNonblock(master, true)
	terminal := os.NewFile(uintptr(master), "/dev/ptmx")
	r := &running{x: x, process: p, cap: 1 << 62, terminal: terminal}
	go x.typed(terminal)
	return r.finish(timeout, []*pump{{file: terminal, channel: 1}})
}

// typed writes what the host's user types. The end of it hangs the terminal's reader up with ^D.
func (x *exchange) typed(terminal *os.File) {
	for {
		b, err := x.receive()
		if err != nil {
			terminal.Write([]byte{4})
			return
		}
		_, err = terminal.Write(b)
		x.consumed(b)
		if err != nil {
			x.drain()
			return
		}
	}
}
