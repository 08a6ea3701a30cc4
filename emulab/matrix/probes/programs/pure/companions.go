package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"org.emulab/probes/verdict"
)

// Programs with C code, or built in another way, are companions: this one starts them, so that their not
// starting is a verdict like any other.
var (
	_ = verdict.Probe("resolve-cgo", func() (string, error) { return companion("native", "resolve") })
	_ = verdict.Probe("cgo-callbacks", func() (string, error) { return companion("native", "callbacks") })
	_ = verdict.Probe("plugin", func() (string, error) { return companion("plugged", verdict.Companion("part")) })
	_ = verdict.Probe("race", func() (string, error) { return race(nil) })
	_ = verdict.Probe("race-39-bit", race39Bit)
)

func companion(name string, arguments ...string) (string, error) {
	return reported(exec.Command(verdict.Companion(name), arguments...))
}

// race has the race detector find the race of a program that has one.
func race(environment []string) (string, error) {
	command := exec.Command(verdict.Companion("racy"))
	command.Env = append(os.Environ(), "GORACE=exitcode=66")
	command.Env = append(command.Env, environment...)
	said, err := command.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return "", err
	}
	if strings.Contains(string(said), "unsupported VMA range") {
		why := lineWith(string(said), "unsupported VMA range", "Found ")
		return "", verdict.Missing("the race detector refuses these addresses: %s", why)
	}
	if err == nil || ended.ExitCode() != 66 || !strings.Contains(string(said), "DATA RACE") {
		return "", fmt.Errorf("a program with a race: %v, %s", err, verdict.Last(said))
	}
	return "it found the race of a program that has one", nil
}

func lineWith(said string, words ...string) string {
	found := []string{}
	for _, line := range strings.Split(said, "\n") {
		for _, word := range words {
			if strings.Contains(line, word) {
				found = append(found, strings.TrimSpace(line))
				break
			}
		}
	}
	return strings.Join(found, "; ")
}

// race39Bit has the detector run in addresses of 39 bits, as kernels with three levels of pages give them.
func race39Bit() (string, error) {
	if bits := addressBits(); bits == 39 {
		return race(nil)
	}
	if os.Getenv("QEMU_CPU") == "" {
		return "", verdict.Unsupported("this kernel gives programs addresses of %d bits", addressBits())
	}
	// The emulator of user mode can be told how far addresses reach.
	return race([]string{"QEMU_RESERVED_VA=0x8000000000"})
}

// addressBits is how many bits the addresses of programs have: what may be mapped just below the next power.
func addressBits() int {
	const fixedNoReplace = 0x100000
	for bits := 47; bits > 32; bits-- {
		address := uintptr(1)<<(bits%64) - 1<<20
		got, _, errno := syscall.Syscall6(syscall.SYS_MMAP, address, 1<<16, syscall.PROT_NONE,
			syscall.MAP_PRIVATE|syscall.MAP_ANON|fixedNoReplace, ^uintptr(0), 0)
		if errno == 0 {
			syscall.Syscall(syscall.SYS_MUNMAP, got, 1<<16, 0)
		}
		if errno == 0 && got == address || errors.Is(errno, syscall.EEXIST) {
			return bits + 1
		}
	}
	return 32
}
