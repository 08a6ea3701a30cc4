package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("file-locks", fileLocks)
	_ = verdict.Probe("inotify", inotify)
	_ = verdict.Probe("statx", statxTold)
	_ = verdict.Probe("openat2", openat2)

	_ = verdict.Child("lock", lock)
)

var lockKinds = []string{"flock", "fcntl", "open"}

// lock takes locks of every kind without waiting, and says which of them it could.
func lock(arguments []string) error {
	for _, kind := range lockKinds {
		file, err := os.OpenFile(filepath.Join(arguments[0], kind), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		err = locked(kind, file)
		switch {
		case err == nil:
			fmt.Print("free ")
		case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES):
			fmt.Print("taken ")
		default:
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func locked(kind string, file *os.File) error {
	const setOpenLock = 37
	whole := &syscall.Flock_t{Type: syscall.F_WRLCK}
	switch kind {
	case "flock":
		return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	case "fcntl":
		return syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, whole)
	default:
		return syscall.FcntlFlock(file.Fd(), setOpenLock, whole)
	}
}

// fileLocks takes locks of three kinds; another process must find them, and find them gone.
func fileLocks() (string, error) {
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	files := []*os.File{}
	for _, kind := range lockKinds {
		file, err := os.Create(filepath.Join(directory, kind))
		if err != nil {
			return "", err
		}
		if err := locked(kind, file); err != nil {
			return "", verdict.Call(kind, err)
		}
		files = append(files, file)
	}
	for _, want := range []string{"taken taken taken ", "free free free "} {
		said, err := verdict.Run(verdict.Play("lock", directory))
		if err != nil {
			return "", err
		}
		if err := expect("another process finds flock, fcntl and open file description locks", said, want); err != nil {
			return "", err
		}
		for _, file := range files {
			file.Close()
		}
	}
	return "flock, fcntl and open file description locks hold between processes", nil
}

func inotify() (string, error) {
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return "", verdict.Call("inotify_init1", err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	defer events.Close()
	if _, err := syscall.InotifyAddWatch(fd, directory, syscall.IN_CREATE|syscall.IN_CLOSE_WRITE|syscall.IN_DELETE); err != nil {
		return "", verdict.Call("inotify_add_watch", err)
	}
	path := filepath.Join(directory, "seen")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		return "", err
	}
	if err := os.Remove(path); err != nil {
		return "", err
	}
	events.SetReadDeadline(time.Now().Add(patience))
	var masks uint32
	buffer := make([]byte, 4096)
	const wanted = syscall.IN_CREATE | syscall.IN_CLOSE_WRITE | syscall.IN_DELETE
	for masks&wanted != wanted {
		n, err := events.Read(buffer)
		if err != nil {
			return "", fmt.Errorf("of created, written and removed came only %#x: %w", masks, err)
		}
		for at := 0; at+syscall.SizeofInotifyEvent <= n; {
			event := (*syscall.InotifyEvent)(unsafe.Pointer(&buffer[at]))
			name := strings.TrimRight(string(buffer[at+syscall.SizeofInotifyEvent:at+syscall.SizeofInotifyEvent+int(event.Len)]), "\x00")
			if name != "seen" {
				return "", fmt.Errorf("an event names %q, want seen", name)
			}
			masks |= event.Mask
			at += syscall.SizeofInotifyEvent + int(event.Len)
		}
	}
	return "a file was seen to be created, written and removed", nil
}

type statxTime struct {
	seconds     int64
	nanoseconds uint32
	_           int32
}

type statxFacts struct {
	mask, blockSize                    uint32
	attributes                         uint64
	links, uid, gid                    uint32
	mode                               uint16
	_                                  uint16
	inode, size, blocks, attributeMask uint64
	accessed, born, changed, modified  statxTime
	_                                  [16]byte
	mountID                            uint64
	_                                  [13]uint64
}

func statx(path string) (*statxFacts, error) {
	const everything = 0x1fff
	facts := new(statxFacts)
	_, err := call("statx", sysStatx, atCwd(), pointer(text(path)), 0, everything, pointer(facts))
	return facts, err
}

func statxTold() (string, error) {
	const hasBirth, hasBasics = 0x800, 0x7ff
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	path := filepath.Join(directory, "file")
	if err := os.WriteFile(path, make([]byte, 1234), 0o640); err != nil {
		return "", err
	}
	facts, err := statx(path)
	if err != nil {
		return "", err
	}
	if facts.mask&hasBasics != hasBasics || facts.size != 1234 || facts.mode&0o777 != 0o640 {
		return "", fmt.Errorf("of a file of 1234 bytes and mode 640 it says: mask %#x, %d bytes, mode %o",
			facts.mask, facts.size, facts.mode&0o777)
	}
	if facts.mask&hasBirth == 0 {
		return "it tells a file's size, mode and times; when it was made is not known here", nil
	}
	if age := time.Since(time.Unix(facts.born.seconds, 0)); age < -time.Minute || age > time.Hour {
		return "", fmt.Errorf("a file that was made just now is %v old", age)
	}
	return "it tells a file's size, mode and times, and when it was made", nil
}

func openat2() (string, error) {
	const beneath = 8
	type how struct{ flags, mode, resolve uint64 }
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	if err := os.WriteFile(filepath.Join(directory, "inside"), []byte("inside"), 0o600); err != nil {
		return "", err
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(directory, "link")); err != nil {
		return "", err
	}
	top, err := os.Open(directory)
	if err != nil {
		return "", err
	}
	defer top.Close()
	open := func(name string) (uintptr, error) {
		asked := &how{resolve: beneath}
		return call("openat2", sysOpenat2, top.Fd(), pointer(text(name)), pointer(asked), unsafe.Sizeof(*asked))
	}
	fd, err := open("inside")
	if err != nil {
		return "", err
	}
	syscall.Close(int(fd))
	for _, name := range []string{"../escape", "link", "/etc/passwd"} {
		if _, err := open(name); !errors.Is(err, syscall.EXDEV) {
			return "", fmt.Errorf("RESOLVE_BENEATH and %s: got %v, want %v", name, err, syscall.EXDEV)
		}
	}
	return "RESOLVE_BENEATH opens what lies beneath, and nothing else", nil
}
