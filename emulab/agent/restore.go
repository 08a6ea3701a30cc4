package main

import (
	"syscall"
	"time"
	"unsafe"
)

const (
	addEntropy    = 0x40085203 // RNDADDENTROPY
	reseed        = 0x5207     // RNDRESEEDCRNG
	clockRealTime = 0
	entropyLimit  = 512
)

// restore makes a guest that was woken from a snapshot differ from its siblings: it sets the wall clock
// and stirs the host's entropy into the kernel's random numbers.
func restore(x *exchange, in *fields) (reply, *failure) {
	unix := in.integer("unix_ns", 0)
	entropy, ok := unhex(in.optionalText("entropy", ""))
	if !ok || len(entropy) > entropyLimit || len(entropy)%4 != 0 {
		in.fail("field entropy must be hexadecimal, a multiple of 4 and at most 512 bytes")
	}
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	if unix > 0 {
		now := [2]int64{unix / int64(time.Second), unix % int64(time.Second)}
		_, _, errno := syscall.Syscall(sysClockSettime64, clockRealTime, uintptr(unsafe.Pointer(&now)), 0)
		if errno != 0 {
			return reply{}, failed(errno, "CLOCK_REALTIME")
		}
	}
	if len(entropy) > 0 {
		if err := x.session.agent.stir(entropy); err != nil {
			return reply{}, failed(err, "/dev/urandom")
		}
	}
	return reply{document: newObject().integer("unix_ns", time.Now().UnixNano()).done()}, nil
}

func (a *agent) stir(entropy []byte) error {
	fd, err := a.randomness()
	if err != nil {
		return err
	}
	// struct rand_pool_info: the entropy in bits, the size in bytes, the bytes.
	info := append32(make([]byte, 0, 8+len(entropy)), uint32(8*len(entropy)))
	info = append(append32(info, uint32(len(entropy))), entropy...)
	if err := ioctl(fd, addEntropy, unsafe.Pointer(&info[0])); err != nil {
		return err
	}
	return ioctl(fd, reseed, nil)
}

// randomness returns the kernel's random numbers, opened once: to find them costs a restored guest more than to
// stir them.
func (a *agent) randomness() (int, error) {
	if a.random == 0 {
		fd, err := syscall.Open("/dev/urandom", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			return -1, err
		}
		a.random = fd
	}
	return a.random, nil
}

// powerOff ends the machine. Only the init of a guest may do that.
func powerOff(x *exchange, in *fields) (reply, *failure) {
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	if !x.session.agent.init {
		return reply{}, &failure{code: "unsupported", message: "the agent is not the init of this machine"}
	}
	x.emit(kindAnswer, 0, []byte("{}"), nil)
	haltMachine()
	return reply{}, nil
}

func haltMachine() {
	syscall.Sync()
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}
