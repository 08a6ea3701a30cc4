package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("proc-absent", procAbsent)
	_ = verdict.Probe("root-read-only", rootReadOnly)
	_ = verdict.Probe("tmp-noexec", tmpNoexec)
	_ = verdict.Probe("tmp-tiny", tmpTiny)

	_ = verdict.Child("without-proc", withoutProc)
	_ = verdict.Child("read-only", readOnly)
	_ = verdict.Child("noexec", noexec)
	_ = verdict.Child("tiny", tiny)
)

// reported is a child's last line, what it saw; its failure is the probe's.
func reported(command *exec.Cmd) (string, error) {
	said, err := verdict.Run(command)
	return strings.TrimSpace(said), err
}

// reportedIn is reported of a program in another root. A static program needs nothing there, but an emulator
// that runs it may.
func reportedIn(command *exec.Cmd) (string, error) {
	said, err := reported(command)
	if errors.Is(err, syscall.ENOENT) {
		return "", verdict.Missing("a program does not start in another root: %v", err)
	}
	return said, err
}

// rooted returns the command that plays a part with nothing in its root but this program and /tmp.
func rooted(directory, role string, arguments ...string) (*exec.Cmd, error) {
	if err := needs(capSysChroot); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(directory, "tmp"), 0o777); err != nil {
		return nil, err
	}
	if _, err := copied(directory); err != nil {
		return nil, err
	}
	command := exec.Command("/self", verdict.PlayArguments(role, arguments...)...)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: directory}
	return command, nil
}

func procAbsent() (string, error) {
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	command, err := rooted(directory, "without-proc")
	if err != nil {
		return "", err
	}
	return reportedIn(command)
}

// withoutProc does what programs do, and says what of it needs /proc.
func withoutProc([]string) error {
	if _, err := os.Stat("/proc/self"); err == nil {
		return errors.New("/proc is there all the same")
	}
	runtime.GC()
	if _, err := echoed("tcp4", "127.0.0.1:0"); err != nil {
		return err
	}
	if _, err := os.CreateTemp("", "file"); err != nil {
		return err
	}
	child := verdict.Play("echo", "child")
	// Without a /dev there is no /dev/null to read from either.
	child.Stdin = strings.NewReader("")
	if _, err := verdict.Run(child); err != nil {
		return err
	}
	said := "os.Executable works"
	if _, err := os.Executable(); err != nil {
		said = fmt.Sprintf("os.Executable does not: %v", err)
	}
	if _, err := net.Interfaces(); err != nil {
		return err
	}
	fmt.Printf("it starts, collects, listens, writes and starts others without /proc; %s\n", said)
	return nil
}

func isReadOnly(path string) bool {
	file, err := os.Create(filepath.Join(path, ".emulab-probe"))
	if err == nil {
		file.Close()
		os.Remove(file.Name())
	}
	return errors.Is(err, syscall.EROFS)
}

// rootReadOnly has a program run with a root that can not be written to.
func rootReadOnly() (string, error) {
	if isReadOnly("/") {
		return reported(verdict.Play("read-only"))
	}
	if err := needs(capSysAdmin); err != nil {
		return "", err
	}
	return reported(verdict.Play("read-only", "make"))
}

func readOnly(arguments []string) error {
	if len(arguments) > 0 {
		if err := privately(); err != nil {
			return err
		}
		if !isOtherMount("/tmp") {
			if err := syscall.Mount("none", "/tmp", "tmpfs", 0, ""); err != nil {
				return err
			}
		}
		flags := uintptr(syscall.MS_REMOUNT | syscall.MS_RDONLY | syscall.MS_BIND)
		if err := syscall.Mount("none", "/", "", flags, ""); err != nil {
			return fmt.Errorf("making / read-only: %w", err)
		}
	}
	if !isReadOnly("/") {
		return errors.New("/ can be written to")
	}
	if err := os.WriteFile("/etc/.emulab-probe", nil, 0o600); !errors.Is(err, syscall.EROFS) && !isOtherMount("/etc") {
		return fmt.Errorf("writing to /etc: got %v, want %v", err, syscall.EROFS)
	}
	file, err := os.CreateTemp("", "file")
	if err != nil {
		return fmt.Errorf("a temporary file: %w", err)
	}
	defer os.Remove(file.Name())
	if _, err := echoed("unix", file.Name()+".socket"); err != nil {
		return err
	}
	fmt.Println("writing to / is refused as EROFS; temporary files and sockets go to /tmp")
	return nil
}

func isOtherMount(path string) bool {
	var one, other syscall.Stat_t
	if syscall.Stat("/", &one) != nil || syscall.Stat(path, &other) != nil {
		return false
	}
	return one.Dev != other.Dev
}

// mounted has a child of a role see a file system in memory of its own.
func mounted(role string) (string, error) {
	if err := needs(capSysAdmin); err != nil {
		return "", err
	}
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	return reported(verdict.Play(role, directory))
}

func tmpNoexec() (string, error) { return mounted("noexec") }

func noexec(arguments []string) error {
	directory := arguments[0]
	if err := privately(); err != nil {
		return err
	}
	if err := syscall.Mount("none", directory, "tmpfs", syscall.MS_NOEXEC, ""); err != nil {
		return err
	}
	path, err := copied(directory)
	if err != nil {
		return err
	}
	err = exec.Command(path, verdict.PlayArguments("echo", "x")...).Run()
	if !errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("a program on a file system without execution: got %v, want %v", err, syscall.EACCES)
	}
	// The way round it: another directory, as GOTMPDIR or TMPDIR name one.
	if _, err := verdict.Run(verdict.Play("echo", "x")); err != nil {
		return fmt.Errorf("a program elsewhere: %w", err)
	}
	fmt.Printf("a program there is refused (%v), elsewhere it starts\n", syscall.EACCES)
	return nil
}

func tmpTiny() (string, error) { return mounted("tiny") }

func tiny(arguments []string) error {
	directory := arguments[0]
	if err := privately(); err != nil {
		return err
	}
	if err := syscall.Mount("none", directory, "tmpfs", 0, "size=256k"); err != nil {
		return err
	}
	os.Setenv("TMPDIR", directory)
	file, err := os.CreateTemp("", "big")
	if err != nil {
		return err
	}
	written, err := file.Write(make([]byte, 1<<20))
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("writing 1 MiB to 256 KiB: got %v, want %v", err, syscall.ENOSPC)
	}
	if written > 256<<10 {
		return fmt.Errorf("%d bytes went into 256 KiB", written)
	}
	file.Close()
	os.Remove(file.Name())
	if err := os.WriteFile(filepath.Join(directory, "small"), make([]byte, 64<<10), 0o600); err != nil {
		return fmt.Errorf("once there is room again: %w", err)
	}
	fmt.Printf("after %d bytes: %v; with the file removed there is room again\n", written, syscall.ENOSPC)
	return nil
}
