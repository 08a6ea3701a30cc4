package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("getrandom", getrandom)
	_ = verdict.Probe("random-devices", randomDevices)
	_ = verdict.Probe("random-no-devices", randomNoDevices)
	_ = verdict.Probe("random-states", randomStates)

	_ = verdict.Probe("random-waiting", randomWaiting)

	_ = verdict.Child("draw", draw)
	_ = verdict.Child("draw-in", drawIn)
	_ = verdict.Child("draw-waiting", drawWaiting)
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
		if _, err := filtered(sysGetrandom, filterRefuses); err != nil {
			return err
		}
	}
	return syscall.Exec(verdict.Self(), append([]string{verdict.Self()}, verdict.PlayArguments("draw")...), os.Environ())
}

// randomWaiting has a program draw where the kernel has no random numbers yet, as at the start of a board: it
// waits, and goes on once there are some.
func randomWaiting() (string, error) {
	if err := needs(capSysAdmin); err != nil {
		return "", err
	}
	command := verdict.Play("draw-waiting")
	input, err := command.StdinPipe()
	if err != nil {
		return "", err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return "", err
	}
	defer command.Process.Kill()
	lines := bufio.NewScanner(output)
	theirs := uintptr(0)
	if !lines.Scan() {
		return "", errors.New("its part ended before it began")
	}
	if _, err := fmt.Sscan(lines.Text(), &theirs); err != nil {
		return "", fmt.Errorf("%q: %w", lines.Text(), err)
	}
	listener, err := descriptorOf(command.Process.Pid, theirs)
	if err != nil {
		return "", err
	}
	fmt.Fprintln(input)
	drawn := make(chan string, 1)
	go func() {
		lines.Scan()
		drawn <- lines.Text()
	}()
	return keptWaiting(listener, drawn)
}

// keptWaiting answers nobody who draws for a while, and then everybody.
func keptWaiting(listener uintptr, drawn <-chan string) (string, error) {
	const while = 300 * time.Millisecond
	var request *filterRequest
	err := within("drawing random numbers", func() (err error) { request, err = awaitRequest(listener); return err })
	if err != nil {
		return "", err
	}
	select {
	case said := <-drawn:
		return "", fmt.Errorf("where nothing could be drawn it said %q", said)
	case <-time.After(while):
	}
	go func() {
		for {
			// Who was interrupted meanwhile asks again.
			if err := letThrough(listener, request); err != nil && !errors.Is(err, syscall.ENOENT) {
				return
			}
			if request, err = awaitRequest(listener); err != nil {
				return
			}
		}
	}()
	select {
	case said := <-drawn:
		return fmt.Sprintf("a program waits for random numbers (%v here), and goes on when they come", while),
			expect("what it said then", said, "drawn")
	case <-time.After(patience):
		return "", errors.New("it still waits where there are random numbers again")
	}
}

func drawWaiting([]string) error {
	listener, err := filtered(sysGetrandom, filterAsks)
	if err != nil {
		return err
	}
	fmt.Println(listener)
	// Until the other side has it; it is closed when another program begins.
	os.Stdin.Read(make([]byte, 1))
	return syscall.Exec(verdict.Self(), append([]string{verdict.Self()}, verdict.PlayArguments("draw")...), os.Environ())
}
