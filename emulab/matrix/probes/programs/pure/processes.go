package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("exec", execute)
	_ = verdict.Probe("exec-shell", executeShell)
	_ = verdict.Probe("exec-self", executeSelf)
	_ = verdict.Probe("signals", signals)
	_ = verdict.Probe("preemption", preemption)
	_ = verdict.Probe("timers", timers)

	_ = verdict.Child("echo", echo)
	_ = verdict.Child("status", status)
	_ = verdict.Child("wait", wait)
)

// echo says its arguments, a variable of its environment and what it reads, if it is told to.
func echo(arguments []string) error {
	fmt.Println(strings.Join(arguments, " "), os.Getenv("EMULAB_PROBE"))
	return nil
}

// status ends with status 7.
func status([]string) error { os.Exit(7); return nil }

// wait says that it is there, and then waits to be ended.
func wait([]string) error {
	fmt.Println("ready")
	time.Sleep(time.Minute)
	return nil
}

func execute() (string, error) {
	command := verdict.Play("echo", "two words", "*")
	command.Env = append(os.Environ(), "EMULAB_PROBE=in the environment")
	said, err := verdict.Run(command)
	if err != nil {
		return "", err
	}
	if err := expect("a child's output", said, "two words * in the environment\n"); err != nil {
		return "", err
	}
	var ended *exec.ExitError
	if err := verdict.Play("status").Run(); !errors.As(err, &ended) || ended.ExitCode() != 7 {
		return "", fmt.Errorf("a child that ends with status 7: got %v", err)
	}
	if err := exec.Command("/no/such/program").Run(); !errors.Is(err, syscall.ENOENT) {
		return "", fmt.Errorf("a program that is not there: got %v, want %v", err, syscall.ENOENT)
	}
	return "arguments, environment, output and status are passed on", nil
}

func executeShell() (string, error) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		return "", verdict.Missing("there is no shell in PATH: %v", err)
	}
	said, err := exec.Command(shell, "-c", "printf 'b\\na\\n' | sort | tr -d '\\n'; exit 3").Output()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 3 {
		return "", fmt.Errorf("a shell's pipe that ends with status 3: got %v", err)
	}
	return fmt.Sprintf("%s ran a pipe of three programs", shell), expect("its output", string(said), "ab")
}

func executeSelf() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, each := range []string{path, "/proc/self/exe"} {
		command := exec.Command(each, verdict.PlayArguments("echo", "again")...)
		said, err := verdict.Run(command)
		if err != nil {
			return "", fmt.Errorf("started by %s: %w", each, err)
		}
		if !strings.HasPrefix(said, "again") {
			return "", fmt.Errorf("started by %s it said %q", each, verdict.Last([]byte(said)))
		}
	}
	return fmt.Sprintf("%s and /proc/self/exe start this program", path), nil
}

func signals() (string, error) {
	came := make(chan os.Signal, 16)
	signal.Notify(came, syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGCHLD, syscall.SIGPIPE, syscall.SIGWINCH)
	for _, each := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGWINCH} {
		if err := syscall.Kill(os.Getpid(), each); err != nil {
			return "", err
		}
		if err := awaited(came, each); err != nil {
			return "", err
		}
	}
	command := verdict.Play("wait")
	output, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	output.Read(make([]byte, 16))
	if err := command.Process.Signal(syscall.SIGKILL); err != nil {
		return "", err
	}
	var ended *exec.ExitError
	if err := command.Wait(); !errors.As(err, &ended) {
		return "", fmt.Errorf("a child that was killed: got %v", err)
	}
	if by := ended.Sys().(syscall.WaitStatus); !by.Signaled() || by.Signal() != syscall.SIGKILL {
		return "", fmt.Errorf("a child that was killed: got %v, want signal: killed", ended)
	}
	if err := awaited(came, syscall.SIGCHLD); err != nil {
		return "", err
	}
	return "SIGUSR1, SIGTERM, SIGWINCH and SIGCHLD came, SIGKILL ended a child", nil
}

func awaited(came <-chan os.Signal, wanted syscall.Signal) error {
	timeout := time.After(patience)
	for {
		select {
		case got := <-came:
			if got == wanted {
				return nil
			}
		case <-timeout:
			return fmt.Errorf("%v did not come", wanted)
		}
	}
}

var spinning int

// preemption has a collection stop a loop that calls nothing, which takes a signal.
func preemption() (string, error) {
	runtime.GOMAXPROCS(2)
	began := make(chan struct{})
	go func() {
		close(began)
		for {
			spinning++
		}
	}()
	<-began
	start := time.Now()
	err := within("a collection beside a loop that calls nothing", func() error { runtime.GC(); return nil })
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("a loop that calls nothing was stopped within %v", time.Since(start).Round(time.Millisecond)), nil
}

func timers() (string, error) {
	// How late a timer is depends on what else the machine does; it must never be early, and must come.
	const short = 20 * time.Millisecond
	start := time.Now()
	time.Sleep(short)
	if slept := time.Since(start); slept < short {
		return "", fmt.Errorf("a sleep of %v was over after %v", short, slept)
	}
	start = time.Now()
	ticker := time.NewTicker(short)
	defer ticker.Stop()
	for range 3 {
		select {
		case <-ticker.C:
		case <-time.After(patience):
			return "", errors.New("a ticker stands still")
		}
	}
	if taken := time.Since(start); taken < 3*short {
		return "", fmt.Errorf("three ticks of %v came within %v", short, taken)
	}
	timer := time.NewTimer(time.Hour)
	if !timer.Stop() || timer.Reset(short) {
		return "", errors.New("a timer that had not gone off could not be stopped")
	}
	select {
	case <-timer.C:
	case <-time.After(patience):
		return "", errors.New("a timer that was set again did not go off")
	}
	wall, steady := time.Now().Round(0), time.Now()
	time.Sleep(short)
	apart := time.Since(wall) - time.Since(steady)
	if apart.Abs() > time.Second {
		return "", fmt.Errorf("the wall's clock and the steady one went apart by %v in %v", apart, short)
	}
	return "sleeps, tickers and timers come, and none too early", nil
}
