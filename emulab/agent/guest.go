package main

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// settings are what the kernel's command line says under the prefix "emulab.".
type settings map[string]string

func readSettings(line string) settings {
	s := settings{}
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		if name, ok := strings.CutPrefix(name, "emulab."); ok {
			s[name] = value
		}
	}
	return s
}

// spareThreads is how many threads wait for the runtime to need them.
const spareThreads = 4

// guestInit is the first process of a guest. It never returns: the kernel would panic.
func guestInit() {
	defer func() {
		if r := recover(); r != nil {
			complain("defect in the guest's set-up")
		}
		haltMachine()
	}()
	tuneMemory()
	runtime.GOMAXPROCS(1) // to wake a second thread costs more than it helps
	beQuiet()
	a := newAgent(true)
	mountBasics()
	a.randomness()
	s := readSettings(firstLine("/proc/cmdline"))
	plan, _ := os.ReadFile("/batch.json") // before the root is another one
	if root := s["root"]; root != "" {
		if problem := switchRoot(root); problem != nil {
			complain("no root filesystem: " + problem.message)
		}
	}
	os.MkdirAll("/work", 0o777)
	os.Chdir("/")
	name := s["hostname"]
	if name == "" {
		name = "emulab"
	}
	syscall.Sethostname([]byte(name))
	if err := raiseLoopback(); err != nil {
		complain("the loopback interface stays down: " + err.Error())
	}
	os.Setenv("PATH", defaultPath)
	if s["batch"] == "1" {
		a.batch(plan)
		return
	}
	for {
		port := waitForPort(agentPort)
		err := a.serve(port, port)
		complain("the port broke: " + err.Error())
		port.Close()
		time.Sleep(100 * time.Millisecond)
	}
}

// beQuiet spares a restored guest, in which every first time means translating the code for it, what the
// runtime does unasked: to handle the end of a child as a signal, which is waited for anyway, and to make
// threads when one is kept by the kernel.
func beQuiet() {
	var byDefault [4]uint64 // struct sigaction of every architecture: all zero
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD),
		uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	for range spareThreads {
		go func() {
			nap := syscall.NsecToTimespec(int64(5 * time.Millisecond))
			syscall.Nanosleep(&nap, nil)
		}()
	}
}

// raiseLoopback does what `ip link set lo up` does; the kernel adds the addresses.
func raiseLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var request [40]byte // struct ifreq: the name, and the flags from byte 16 on
	copy(request[:], "lo")
	request[16] = syscall.IFF_UP
	return ioctl(fd, syscall.SIOCSIFFLAGS, unsafe.Pointer(&request))
}
