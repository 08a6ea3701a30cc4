// Program watch runs a command as its child, since a process with the number 1 survives its own deadly signals.
//
//	watch [NAME=VALUE ...] COMMAND ARGUMENTS
//	watch -resident BASE SIZE COMMAND ARGUMENTS
//
// Variables are set for the command alone: watch is a Go program, and would read GODEBUG itself. The second form lets the command run for a second, prints the bytes resident in [BASE, BASE+SIZE) of its
// addresses, and ends it.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

func main() {
	arguments := os.Args[1:]
	var base, size uint64
	resident := arguments[0] == "-resident"
	if resident {
		base, size = number(arguments[1]), number(arguments[2])
		arguments = arguments[3:]
	}
	variables := os.Environ()
	for strings.Contains(arguments[0], "=") {
		variables, arguments = append(variables, arguments[0]), arguments[1:]
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Env = variables
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Start(); err != nil {
		fail(err)
	}
	if resident {
		time.Sleep(time.Second)
		fmt.Println(residentBytes(command.Process.Pid, base, size))
		command.Process.Kill()
		command.Wait()
		return
	}
	command.Wait()
	status := command.ProcessState.ExitCode()
	if status < 0 {
		status = 128 + signal(command.ProcessState.String())
	}
	os.Exit(status)
}

func signal(state string) int {
	for number, name := range map[int]string{4: "illegal instruction", 11: "segmentation fault", 6: "aborted"} {
		if strings.Contains(state, name) {
			return number
		}
	}
	return 0
}

func residentBytes(process int, base, size uint64) uint64 {
	file, err := os.Open(fmt.Sprintf("/proc/%d/smaps", process))
	if err != nil {
		fail(err)
	}
	var total uint64
	inside := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if start, _, mapping := strings.Cut(fields[0], "-"); mapping {
			at, err := strconv.ParseUint(start, 16, 64)
			inside = err == nil && at >= base && at-base < size
		} else if inside && fields[0] == "Rss:" {
			total += number(fields[1]) * 1024
		}
	}
	return total
}

func number(text string) uint64 {
	value, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		fail(err)
	}
	return value
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(125)
}
