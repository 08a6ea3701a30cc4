package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Where the kernel's table appears while it is read or changed, in a mount namespace of this process alone.
const binfmtDirectory = "/proc/sys/fs/binfmt_misc"

// runBinfmt carries out `binfmt list`, `binfmt hold INTERPRETER NAME RULE` and `binfmt remove NAME...`.
//
// `hold` prints "exists NAME" when an enabled entry that is not emulab's already serves an interpreter of that
// name, else it adds the rule's entry and prints "added"; then it waits for the end of its standard input, which
// comes even when its parent is killed, and removes what it added. Since Linux 6.7 an entry also goes with the
// table's last mount, so the mount must be held as long. It needs CAP_SYS_ADMIN.
func runBinfmt(arguments []string) int {
	host, err := awaitHost()
	if err != nil {
		return binfmtFailed(err)
	}
	if err := mountBinfmt(); err != nil {
		return binfmtFailed(err)
	}
	switch {
	case len(arguments) == 1 && arguments[0] == "list":
		err = listBinfmt()
	case len(arguments) == 4 && arguments[0] == "hold":
		err = holdBinfmt(host, arguments[1], arguments[2], arguments[3])
	case len(arguments) > 1 && arguments[0] == "remove":
		err = removeBinfmt(arguments[1:])
	default:
		err = errors.New("usage: binfmt list | hold INTERPRETER NAME RULE | remove NAME...")
	}
	if err != nil {
		return binfmtFailed(err)
	}
	return 0
}

func binfmtFailed(err error) int {
	os.Stderr.WriteString(err.Error() + "\n")
	return 1
}

// awaitHost returns what ends with the host. As the first process of a container it waits for the byte by which
// the host says that it is there.
func awaitHost() (io.Reader, error) {
	if os.Getpid() != 1 {
		return os.Stdin, nil
	}
	input, err := polled(0)
	if err != nil {
		return nil, err
	}
	host := newAttachedInput(input)
	var one [1]byte
	_, err = io.ReadFull(host, one[:])
	return host, err
}

func mountBinfmt() error {
	// A mount namespace belongs to a thread: this goroutine must stay on the one that it unshares.
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return syscall.Mount("binfmt_misc", binfmtDirectory, "binfmt_misc", 0, "")
}

func binfmtEntries() ([]string, error) {
	files, err := os.ReadDir(binfmtDirectory)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		if name := file.Name(); name != "register" && name != "status" {
			names = append(names, name)
		}
	}
	return names, nil
}

func listBinfmt() error {
	names, err := binfmtEntries()
	if err == nil {
		os.Stdout.WriteString(strings.Join(names, "\n") + "\n")
	}
	return err
}

func holdBinfmt(host io.Reader, interpreter, name, rule string) error {
	names, err := binfmtEntries()
	if err != nil {
		return err
	}
	for _, other := range names {
		if !strings.HasPrefix(other, "emulab-") && servesInterpreter(other, interpreter) {
			os.Stdout.WriteString("exists " + other + "\n")
			return nil
		}
	}
	// Ctrl-C reaches the whole foreground group: the entry goes when the parent says so, not before.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if err := writeBinfmt("register", rule); err != nil {
		return err
	}
	os.Stdout.WriteString("added\n")
	io.Copy(io.Discard, host)
	return removeBinfmt([]string{name})
}

// writeBinfmt writes to a file of the table, none of which can be created or truncated.
func writeBinfmt(name, content string) error {
	file, err := os.OpenFile(filepath.Join(binfmtDirectory, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(content)
	return err
}

// servesInterpreter tells whether an entry is enabled, fixed in memory (flag F, so that it works in every
// container) and runs a program of that name.
func servesInterpreter(entry, interpreter string) bool {
	content, err := os.ReadFile(filepath.Join(binfmtDirectory, entry))
	if err != nil || !strings.HasPrefix(string(content), "enabled") {
		return false
	}
	fixed, named := false, false
	for _, line := range strings.Split(string(content), "\n") {
		if path, found := strings.CutPrefix(line, "interpreter "); found {
			base := filepath.Base(path)
			named = base == interpreter || strings.HasPrefix(base, interpreter+"-")
		}
		if flags, found := strings.CutPrefix(line, "flags: "); found {
			fixed = strings.Contains(flags, "F")
		}
	}
	return fixed && named
}

func removeBinfmt(names []string) error {
	for _, name := range names {
		err := writeBinfmt(filepath.Base(name), "-1")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
