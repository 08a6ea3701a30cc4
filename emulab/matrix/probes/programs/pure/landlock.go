package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("landlock", landlock)

	_ = verdict.Child("confined", confined)
)

// landlock has a child confine itself to one directory.
func landlock() (string, error) {
	const askVersion = 1
	version, err := call("landlock_create_ruleset", sysLandlockCreate, 0, 0, askVersion)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return "", verdict.Missing("the kernel has it and does not use it (lsm=): %v", err)
	}
	if isRefused(err) {
		return "", verdict.Unsupported("this machine forbids it: %v", err)
	}
	if err != nil {
		return "", err
	}
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	for _, name := range []string{"open", "closed"} {
		if err := os.Mkdir(filepath.Join(directory, name), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(directory, name, "file"), nil, 0o644); err != nil {
			return "", err
		}
	}
	said, err := reported(verdict.Play("confined", directory))
	return fmt.Sprintf("version %d: %s", version, said), err
}

func confined(arguments []string) error {
	const readFile, readDirectory, pathBeneath = 1 << 2, 1 << 3, 1
	// What a thread confines holds for that thread.
	runtime.LockOSThread()
	handled := new([8]byte)
	binary.NativeEndian.PutUint64(handled[:], readFile|readDirectory)
	rules, err := call("landlock_create_ruleset", sysLandlockCreate, pointer(handled), 8, 0)
	if err != nil {
		return err
	}
	allowed, err := os.Open(filepath.Join(arguments[0], "open"))
	if err != nil {
		return err
	}
	rule := new([12]byte)
	binary.NativeEndian.PutUint64(rule[:], readFile|readDirectory)
	binary.NativeEndian.PutUint32(rule[8:], uint32(allowed.Fd()))
	if _, err := call("landlock_add_rule", sysLandlockAddRule, rules, pathBeneath, pointer(rule), 0); err != nil {
		return err
	}
	if _, err := call("prctl(PR_SET_NO_NEW_PRIVS)", syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, err := call("landlock_restrict_self", sysLandlockRestrict, rules, 0); err != nil {
		return err
	}
	if _, err := syscall.Open(filepath.Join(arguments[0], "open", "file"), syscall.O_RDONLY, 0); err != nil {
		return fmt.Errorf("a file that is allowed: %w", err)
	}
	_, err = syscall.Open(filepath.Join(arguments[0], "closed", "file"), syscall.O_RDONLY, 0)
	if !errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("a file that is not allowed: got %v, want %v", err, syscall.EACCES)
	}
	fmt.Println("a program that confined itself reads what it allowed, and nothing else")
	return nil
}
