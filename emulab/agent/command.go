package main

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// command is a program to be started, as a request describes it.
type command struct {
	argv, env []string
	cwd, root string
	uid, gid  int64 // -1: the agent's own
	limits    []limit
	pty       *windowSize
	filter    *filter // nil: every system call is the kernel's to answer
}

// limit is one resource limit, soft and hard alike.
type limit struct {
	resource int
	value    uint64
}

const (
	limitCPU          = 0
	limitProcesses    = 6
	limitOpenFiles    = 7
	limitAddressSpace = 9
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func readCommand(in *fields) *command {
	c := &command{
		argv: in.texts("argv"), env: in.texts("env"),
		cwd: in.optionalText("cwd", ""), root: in.optionalText("root", ""),
		uid: in.integer("uid", -1), gid: in.integer("gid", -1),
	}
	if len(c.argv) == 0 || c.argv[0] == "" {
		in.fail("field argv must name a program")
	}
	for _, s := range append(append(c.argv, c.env...), c.cwd, c.root) {
		if strings.IndexByte(s, 0) >= 0 {
			in.fail("a zero byte can not be given to a program")
		}
	}
	if c.env == nil {
		c.env = []string{"PATH=" + defaultPath, "HOME=/"}
	}
	if limits, ok := in.object("limits"); ok {
		for _, l := range [...]struct {
			name     string
			resource int
		}{
			{"cpu_s", limitCPU}, {"processes", limitProcesses},
			{"open_files", limitOpenFiles}, {"address_space", limitAddressSpace},
		} {
			switch v := limits.integer(l.name, -1); {
			case v >= 0:
				c.limits = append(c.limits, limit{l.resource, uint64(v)})
			case v < -1:
				in.fail("field limits." + l.name + " must not be negative")
			}
		}
		if bad := limits.finish(); bad != nil {
			in.fail("in limits: " + bad.message)
		}
	}
	if inner, ok := in.object("filter"); ok {
		c.filter = readFilter(inner)
		if bad := inner.finish(); bad != nil {
			in.fail("in filter: " + bad.message)
		}
		if len(c.limits) > 0 {
			in.fail("field filter does not fit limits")
		}
	}
	if size, ok := in.object("pty"); ok {
		c.pty = &windowSize{rows: uint16(size.integer("rows", 24)), columns: uint16(size.integer("columns", 80))}
		if bad := size.finish(); bad != nil {
			in.fail("in pty: " + bad.message)
		}
	}
	return c
}

// path finds the program as execvp does, inside the command's root. What is not found is returned as
// it was asked for, so that the exec fails with that name.
func (c *command) path() string {
	name := c.argv[0]
	if strings.IndexByte(name, '/') >= 0 {
		return name
	}
	search := defaultPath
	for _, e := range c.env {
		if strings.HasPrefix(e, "PATH=") {
			search = e[len("PATH="):]
		}
	}
	for search != "" {
		dir, rest, _ := strings.Cut(search, ":")
		search = rest
		if info, err := os.Lstat(c.root + dir + "/" + name); err == nil && !info.IsDir() {
			return dir + "/" + name
		}
	}
	return name
}

// start starts the program on the three files. The files are closed in any case.
func (t *processes) startCommand(c *command, files [3]int) (*process, *failure) {
	defer closeAll(files)
	attributes := &syscall.ProcAttr{
		Dir: c.cwd, Env: c.env,
		Files: []uintptr{uintptr(files[0]), uintptr(files[1]), uintptr(files[2])},
		Sys:   &syscall.SysProcAttr{Chroot: c.root, Setpgid: c.pty == nil, Ptrace: len(c.limits) > 0},
	}
	if c.pty != nil {
		attributes.Sys.Setsid, attributes.Sys.Setctty, attributes.Sys.Ctty = true, true, 0
	}
	if c.root != "" && c.cwd == "" {
		attributes.Dir = "/"
	}
	if c.uid >= 0 || c.gid >= 0 {
		attributes.Sys.Credential = &syscall.Credential{Uid: uint32(max(c.uid, 0)), Gid: uint32(max(c.gid, 0))}
	}
	path := c.path()
	if len(c.limits) > 0 { // the thread that forks is the tracer
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	var p *process
	var err error
	fork := func() (*process, error) {
		return t.start(func() (int, error) { return syscall.ForkExec(path, c.argv, attributes) })
	}
	for attempt := 0; ; attempt++ {
		if c.filter != nil {
			p, err = c.filter.started(fork)
		} else {
			p, err = fork()
		}
		// Busy: a program forked at the same moment still holds the file that was just written.
		if err != syscall.ETXTBSY || attempt == 20 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if refused, is := err.(filterError); is {
		return nil, &failure{code: "filter", message: refused.Error(), path: path}
	}
	if err != nil {
		return nil, c.diagnose(path, err)
	}
	if len(c.limits) > 0 {
		if err := p.limit(c.limits); err != nil {
			p.signalGroup(syscall.SIGKILL)
			syscall.Kill(p.pid, syscall.SIGKILL)
			return nil, &failure{code: "limits", message: "the limits can not be set: " + err.Error(), path: path}
		}
	}
	return p, nil
}

// limit sets the limits between exec and the program's first instruction: a trace stop is the only
// moment at which they can be set from outside without a helper program in between.
func (p *process) limit(limits []limit) error {
	select {
	case <-p.stopped:
	case <-p.done:
		return nil
	}
	var first error
	for _, l := range limits {
		value := [2]uint64{l.value, l.value}
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.pid), uintptr(l.resource),
			uintptr(unsafe.Pointer(&value)), 0, 0, 0)
		if errno != 0 && first == nil {
			first = errno
		}
	}
	if err := syscall.PtraceDetach(p.pid); err != nil && first == nil {
		first = err
	}
	return first
}

func closeAll(files [3]int) {
	for i, fd := range files {
		if fd >= 0 && (i == 0 || fd != files[i-1]) {
			syscall.Close(fd)
		}
	}
}
