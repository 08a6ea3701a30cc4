package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"org.emulab/probes/verdict"
)

// System calls that have one number on every architecture.
const (
	sysClockSettime64   = 404
	sysUtimensatTime64  = 412
	sysPidfdSendSignal  = 424
	sysIoUringSetup     = 425
	sysIoUringEnter     = 426
	sysPidfdOpen        = 434
	sysClone3           = 435
	sysCloseRange       = 436
	sysOpenat2          = 437
	sysPidfdGetfd       = 438
	sysEpollPwait2      = 441
	sysLandlockCreate   = 444
	sysLandlockAddRule  = 445
	sysLandlockRestrict = 446
)

const (
	capSysChroot = 18
	capSysAdmin  = 21
	capSysTime   = 25
	capNetRaw    = 13
	capSetuid    = 7

	prSetNoNewPrivs = 38
	prSetSeccomp    = 22
	atFdcwd         = -100
)

var capabilityNames = map[int]string{
	capSysChroot: "CAP_SYS_CHROOT", capSysAdmin: "CAP_SYS_ADMIN", capSysTime: "CAP_SYS_TIME",
	capNetRaw: "CAP_NET_RAW", capSetuid: "CAP_SETUID",
}

// patience bounds every wait of a probe for something that ought to come at once.
const patience = 10 * time.Second

// ownMachine is the variable that says that a whole machine is the probe's own: its clock and its mounts may
// be changed. It is never set where the kernel is somebody else's.
const ownMachine = "EMULAB_OWN_MACHINE"

// needs returns why a probe that needs a capability can not do its work, nil where it can.
func needs(capability int) error {
	if os.Getenv(ownMachine) == "" && (capability == capSysTime || capability == capSysAdmin) {
		return verdict.Unsupported("it would change a kernel that this machine shares with its host")
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return verdict.Unsupported("which capabilities there are can not be read: %v", err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if mask, found := strings.CutPrefix(line, "CapEff:"); found {
			bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			if err == nil && bits&(1<<capability) != 0 {
				return nil
			}
		}
	}
	return verdict.Unsupported("this machine gives programs no %s", capabilityNames[capability])
}

// call makes a system call whose pointers point to things that the caller keeps.
func call(name string, number uintptr, arguments ...uintptr) (uintptr, error) {
	var six [6]uintptr
	copy(six[:], arguments)
	result, _, errno := syscall.Syscall6(number, six[0], six[1], six[2], six[3], six[4], six[5])
	return result, verdict.Call(name, errno)
}

// atCwd is AT_FDCWD as a system call takes it.
func atCwd() uintptr { value := atFdcwd; return uintptr(value) }

func text(path string) *byte {
	bytes, err := syscall.BytePtrFromString(path)
	if err != nil {
		panic(err)
	}
	return bytes
}

// scratch returns a new directory, and what removes it.
func scratch() (string, func(), error) {
	directory, err := os.MkdirTemp("", "probe-")
	if err != nil {
		return "", nil, err
	}
	// Its parts may be looked at by another user.
	if err := os.Chmod(directory, 0o755); err != nil {
		return "", nil, err
	}
	return directory, func() { os.RemoveAll(directory) }, nil
}

// copied puts this program into a directory, where a changed root or another file system needs it.
func copied(directory string) (string, error) {
	to := filepath.Join(directory, "self")
	if os.Link(verdict.Self(), to) == nil {
		return to, nil
	}
	from, err := os.Open(verdict.Self())
	if err != nil {
		return "", err
	}
	defer from.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(file, from); err != nil {
		file.Close()
		return "", err
	}
	return to, file.Close()
}

// within runs something that must end soon.
func within(what string, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return fmt.Errorf("%s did not come within %v", what, patience)
	}
}

// expect turns a difference into an error.
func expect(what string, got, want any) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// privately has this thread's mounts be a copy that nobody else sees.
func privately() error {
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return verdict.Call("unshare(CLONE_NEWNS)", err)
	}
	return verdict.Call("mount(MS_PRIVATE)", syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
}

// asNobody runs a command without any capability.
func asNobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

func isRefused(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
}

// kept holds what system calls were given pointers to: so it lies on the heap, where nothing moves.
var kept []any

func pointer[T any](to *T) uintptr {
	kept = append(kept, to)
	return uintptr(unsafe.Pointer(to))
}
