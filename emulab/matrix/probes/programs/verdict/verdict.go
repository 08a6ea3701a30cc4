// Package verdict runs a probe by its name and says what it saw, in one line of JSON.
package verdict

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// What a probe's line says. A machine may also lack a capability (missing), or not let the probe find out
// (unsupported): neither is a failure of what is there.
const (
	pass        = "pass"
	fail        = "fail"
	missing     = "missing"
	unsupported = "unsupported"
)

type line struct {
	Verdict string `json:"verdict"`
	Saw     string `json:"saw"`
}

type outcome struct {
	verdict string
	saw     string
}

func (o *outcome) Error() string { return o.saw }

// Missing says that the machine does not have what the probe looks for.
func Missing(format string, values ...any) error {
	return &outcome{missing, fmt.Sprintf(format, values...)}
}

// Unsupported says why it can not be found out on this machine.
func Unsupported(format string, values ...any) error {
	return &outcome{unsupported, fmt.Sprintf(format, values...)}
}

// Call returns what an error of a system call means: nil for none, missing where the kernel has no such call.
func Call(name string, err error) error {
	if errno, is := err.(syscall.Errno); err == nil || is && errno == 0 {
		return nil
	}
	if errors.Is(err, syscall.ENOSYS) {
		return Missing("%s: %v", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

var (
	probes   = map[string]func() (string, error){}
	children = map[string]func([]string) error{}
)

// Probe adds a probe: a function that returns what it saw, or why not.
func Probe(name string, run func() (string, error)) bool {
	probes[name] = run
	return true
}

// Child adds a part that a probe plays in another process of the same program.
func Child(role string, run func(arguments []string) error) bool {
	children[role] = run
	return true
}

const childWord = "child"

// Self is this program's path. /proc/self/exe may not be there, or be the emulator's.
func Self() string {
	path, err := filepath.Abs(os.Args[0])
	if err != nil {
		return os.Args[0]
	}
	return path
}

// Companion is the path of another program that lies beside this one.
func Companion(name string) string { return filepath.Join(filepath.Dir(Self()), name) }

// Play returns the command that plays a part in another process.
func Play(role string, arguments ...string) *exec.Cmd {
	return exec.Command(Self(), PlayArguments(role, arguments...)...)
}

// PlayArguments returns the arguments that have this program play a part.
func PlayArguments(role string, arguments ...string) []string {
	return append([]string{childWord, role}, arguments...)
}

// Run runs a command to its end, and returns its output, or what it said in the error.
func Run(command *exec.Cmd) (string, error) {
	output, err := command.CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("%s: %w: %s", filepath.Base(command.Path), err, Last(output))
	}
	return string(output), nil
}

// Last returns the last bytes of what a program said.
func Last(output []byte) string {
	const most = 300
	if len(output) > most {
		output = output[len(output)-most:]
	}
	return string(output)
}

// Main runs what the arguments name.
func Main() {
	if len(os.Args) > 2 && os.Args[1] == childWord {
		play(os.Args[2], os.Args[3:])
		return
	}
	if len(os.Args) != 2 || probes[os.Args[1]] == nil {
		fmt.Fprintf(os.Stderr, "usage: %s PROBE, one of:\n", os.Args[0])
		for name := range probes {
			fmt.Fprintln(os.Stderr, " ", name)
		}
		os.Exit(2)
	}
	say(os.Stdout, os.Args[1])
}

func play(role string, arguments []string) {
	run := children[role]
	if run == nil {
		fmt.Fprintf(os.Stderr, "no part %q\n", role)
		os.Exit(2)
	}
	if err := run(arguments); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(to io.Writer, name string) {
	saw, err := probes[name]()
	said := line{pass, saw}
	var why *outcome
	if errors.As(err, &why) {
		said = line{why.verdict, err.Error()}
	} else if err != nil {
		said = line{fail, err.Error()}
	}
	text, _ := json.Marshal(said)
	fmt.Fprintf(to, "%s\n", text)
}
