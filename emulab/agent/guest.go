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
	a := newAgent(true)
	mountBasics()
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
