package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"org.emulab/probes/verdict"
)

// Programs with C code, or built in another way, are companions: this one starts them, so that their not
// starting is a verdict like any other.
var (
	_ = verdict.Probe("resolve-cgo", resolveCgo)
	_ = verdict.Probe("cgo-callbacks", func() (string, error) { return companion("native", "callbacks") })
	_ = verdict.Probe("plugin", func() (string, error) { return companion("plugged", verdict.Companion("part")) })
	_ = verdict.Probe("race", func() (string, error) { return race(nil) })
	_ = verdict.Probe("race-39-bit", race39Bit)
)

// resolveCgo has the C library ask a name server of this program's, at the place where it looks for one that
// nobody has named.
func resolveCgo() (string, error) {
	server, err := net.ListenPacket("udp4", "127.0.0.1:53")
	if err != nil {
		said, failure := companion("native", "resolve")
		return fmt.Sprintf("%s (a name server was not tried: %v)", said, err), failure
	}
	defer server.Close()
	go serveNames(server)
	return companion("native", "resolve", "board.emulab.test", "192.0.2.7", "nowhere.emulab.test")
}

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
	if os.Getenv("QEMU_CPU") != "" {
		// The emulator of user mode can be told how far addresses reach, and puts the stack at half of that:
		// so it lies where such a kernel has it, at 2^39 on arm64, at 2^38 on riscv64.
		reach := 40
		if runtime.GOARCH == "riscv64" {
			reach = 39
		}
		return race([]string{fmt.Sprintf("QEMU_RESERVED_VA=%#x", uint64(1)<<reach)})
	}
	if bits := addressBits(); bits != 39 {
		return "", verdict.Unsupported("this kernel gives programs addresses of %d bits", bits)
	}
	return race(nil)
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
