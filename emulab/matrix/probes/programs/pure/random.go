package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("getrandom", getrandom)
	_ = verdict.Probe("random-devices", randomDevices)
	_ = verdict.Probe("random-no-devices", randomNoDevices)
	_ = verdict.Probe("random-states", randomStates)

	_ = verdict.Child("draw", draw)
	_ = verdict.Child("draw-in", drawIn)
)

func getrandom() (string, error) {
	const nonBlocking, random = 1, 2
	seen := map[[32]byte]bool{}
	for _, flags := range []uintptr{0, nonBlocking, random, nonBlocking | random} {
		for range 2 {
			drawn := new([32]byte)
			n, err := call("getrandom", sysGetrandom, pointer(drawn), 32, flags)
			if errors.Is(err, syscall.EAGAIN) {
				return "", fmt.Errorf("flags %d: the kernel has no random numbers yet", flags)
			}
			if err != nil {
				return "", err
			}
			if n != 32 || seen[*drawn] {
				return "", fmt.Errorf("flags %d: %d bytes, drawn before: %v", flags, n, seen[*drawn])
			}
			seen[*drawn] = true
		}
	}
	if _, err := rand.Read(make([]byte, 1<<16)); err != nil {
		return "", fmt.Errorf("crypto/rand: %w", err)
	}
	return "it gives different bytes at every call, and never has to wait", nil
}

func randomDevices() (string, error) {
	seen := map[string]bool{}
	for _, path := range []string{"/dev/random", "/dev/urandom"} {
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return "", verdict.Missing("%v", err)
		}
		if err != nil {
			return "", err
		}
		defer file.Close()
		facts, err := file.Stat()
		if err != nil {
			return "", err
		}
		if facts.Mode()&os.ModeCharDevice == 0 {
			return "", fmt.Errorf("%s is no device: %v", path, facts.Mode())
		}
		for range 2 {
			drawn := make([]byte, 32)
			if err := within(path, func() error { _, err := file.Read(drawn); return err }); err != nil {
				return "", err
			}
			if seen[string(drawn)] {
				return "", fmt.Errorf("%s gave the same bytes twice", path)
			}
			seen[string(drawn)] = true
		}
	}
	return "/dev/random and /dev/urandom give different bytes, and neither blocks", nil
}

// randomNoDevices has a program draw random numbers where there is no /dev at all.
func randomNoDevices() (string, error) {
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	command, err := rooted(directory, "draw")
	if err != nil {
		return "", err
	}
	said, err := reportedIn(command)
	if err != nil {
		return "", err
	}
	if err := expect("what it said", said, "drawn"); err != nil {
		return "", err
	}
	return "crypto/rand needs no device where there is getrandom", nil
}

// draw takes random numbers as programs do.
func draw([]string) error {
	if _, err := rand.Read(make([]byte, 32)); err != nil {
		return fmt.Errorf("crypto/rand: %w", err)
	}
	fmt.Println("drawn")
	return nil
}

// A state is which of the devices are there, and whether the kernel has getrandom.
type randomState struct {
	random, urandom, call bool
}

func (s randomState) String() string {
	word := func(name string, there bool) string {
		if there {
			return name
		}
		return "no " + name
	}
	return strings.Join([]string{word("getrandom", s.call), word("urandom", s.urandom), word("random", s.random)}, ", ")
}

// randomStates goes through all of them. Only who has neither getrandom nor /dev/urandom gets nothing.
func randomStates() (string, error) {
	if err := needs(capSysAdmin); err != nil {
		return "", err
	}
	refusal := ""
	for state := range 8 {
		each := randomState{state&1 != 0, state&2 != 0, state&4 != 0}
		said, err := verdict.Run(verdict.Play("draw-in", fmt.Sprint(each.random), fmt.Sprint(each.urandom), fmt.Sprint(each.call)))
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			return "", err
		}
		works := err == nil && strings.TrimSpace(said) == "drawn"
		if works != (each.call || each.urandom) {
			return "", fmt.Errorf("%v: %q, %v", each, verdict.Last([]byte(said)), err)
		}
		if !works {
			// How it fails differs between releases of Go; that it is random numbers must be said.
			first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
			if !strings.Contains(first, "rand") {
				return "", fmt.Errorf("%v: it failed of something else: %s", each, first)
			}
			refusal = first
		}
	}
	return fmt.Sprintf("of eight states two fail, those without getrandom and urandom: %s", refusal), nil
}

func drawIn(arguments []string) error {
	state := randomState{arguments[0] == "true", arguments[1] == "true", arguments[2] == "true"}
	if err := privately(); err != nil {
		return err
	}
	if err := syscall.Mount("none", "/dev", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, device := range []struct {
		name  string
		minor int
		there bool
	}{{"null", 3, true}, {"random", 8, state.random}, {"urandom", 9, state.urandom}} {
		if device.there {
			path := filepath.Join("/dev", device.name)
			if err := syscall.Mknod(path, syscall.S_IFCHR|0o666, 1<<8|device.minor); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if !state.call {
		if err := withoutCall(sysGetrandom); err != nil {
			return err
		}
	}
	return syscall.Exec(verdict.Self(), append([]string{verdict.Self()}, verdict.PlayArguments("draw")...), os.Environ())
}

type filterStep struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

type filterProgram struct {
	length uint16
	steps  *filterStep
}

// withoutCall has a system call return ENOSYS to this thread and whatever it executes.
func withoutCall(number uint32) error {
	const load, jumpEqual, give = 0x20, 0x15, 0x06
	const allow, refuse, filter = 0x7fff0000, 0x00050000, 2
	runtime.LockOSThread()
	steps := []filterStep{
		{load, 0, 0, 0},
		{jumpEqual, 0, 1, number},
		{give, 0, 0, refuse | uint32(syscall.ENOSYS)},
		{give, 0, 0, allow},
	}
	kept = append(kept, steps)
	program := &filterProgram{uint16(len(steps)), (*filterStep)(unsafe.Pointer(&steps[0]))}
	if _, err := call("prctl(PR_SET_NO_NEW_PRIVS)", syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0); err != nil {
		return err
	}
	_, err := call("prctl(PR_SET_SECCOMP)", syscall.SYS_PRCTL, prSetSeccomp, filter, pointer(program), 0, 0)
	return err
}
