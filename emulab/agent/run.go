package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// escapeGrace is how long the output of a finished program is waited for when something that left
// its process group still holds the pipe.
const escapeGrace = 250 * time.Millisecond

// result appends how a process ended and what it used.
func (p *process) result(o *object) *object {
	if p.status.Signaled() {
		o.null("exit").text("signal", signalName(p.status.Signal()))
	} else {
		o.integer("exit", int64(p.status.ExitStatus())).null("signal")
	}
	o.integer("wall_ns", p.ended.Sub(p.began).Nanoseconds())
	o.integer("user_ns", nanoseconds(p.usage.Utime)).integer("system_ns", nanoseconds(p.usage.Stime))
	o.integer("max_rss", int64(p.usage.Maxrss)<<10)
	o.integer("minor_faults", int64(p.usage.Minflt)).integer("major_faults", int64(p.usage.Majflt))
	o.integer("voluntary_switches", int64(p.usage.Nvcsw))
	return o.integer("involuntary_switches", int64(p.usage.Nivcsw)).flag("out_of_memory", p.starved)
}

func nanoseconds(t syscall.Timeval) int64 { return t.Nano() }

var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGILL: "SIGILL",
	syscall.SIGTRAP: "SIGTRAP", syscall.SIGABRT: "SIGABRT", syscall.SIGBUS: "SIGBUS", syscall.SIGFPE: "SIGFPE",
	syscall.SIGKILL: "SIGKILL", syscall.SIGUSR1: "SIGUSR1", syscall.SIGSEGV: "SIGSEGV",
	syscall.SIGUSR2: "SIGUSR2", syscall.SIGPIPE: "SIGPIPE", syscall.SIGALRM: "SIGALRM",
	syscall.SIGTERM: "SIGTERM", syscall.SIGXCPU: "SIGXCPU", syscall.SIGXFSZ: "SIGXFSZ", syscall.SIGSYS: "SIGSYS",
}

func signalName(s syscall.Signal) string {
	if name, ok := signalNames[s]; ok {
		return name
	}
	return "SIG" + strconv.Itoa(int(s))
}

// pump moves one output of a program to the host until its end.
type pump struct {
	file    *os.File
	channel byte
	total   int64
	done    chan struct{}
}

// running is a run under way.
type running struct {
	x         *exchange
	process   *process
	cap       int64 // bytes of output that are sent; the rest is read and dropped
	sent      int64
	truncated bool
	terminal  *os.File // nil without one
}

// pipe returns the agent's end as a file of the poller, and the program's end as a descriptor.
func pipe(agentReads bool) (*os.File, int, error) {
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return nil, -1, err
	}
	ours, theirs := ends[0], ends[1]
	if !agentReads {
		ours, theirs = theirs, ours
	}
	syscall.SetNonblock(ours, true)
	return os.NewFile(uintptr(ours), "pipe"), theirs, nil
}

func run(x *exchange, in *fields) (reply, *failure) {
	c := readCommand(in)
	streamed := in.flag("stdin")
	timeout := in.integer("timeout_ns", 0)
	stdinPath := in.optionalText("stdin_file", "/dev/null")
	limit := in.integer("output_limit", 1<<62)
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	if c.pty != nil {
		return runOnTerminal(x, c, timeout)
	}
	var files [3]int
	var stdin *os.File
	var err error
	if streamed {
		stdin, files[0], err = pipe(false)
	} else {
		files[0], err = syscall.Open(stdinPath, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		return reply{}, failed(err, stdinPath)
	}
	stdout, out, err := pipe(true)
	if err != nil {
		return reply{}, failed(err, "")
	}
	stderr, diagnostics, err := pipe(true)
	if err != nil {
		return reply{}, failed(err, "")
	}
	files[1], files[2] = out, diagnostics
	p, bad := x.session.agent.processes.startCommand(c, files)
	if bad != nil {
		stdout.Close()
		stderr.Close()
		if stdin != nil {
			stdin.Close()
		}
		return reply{}, bad
	}
	r := &running{x: x, process: p, cap: limit}
	if stdin != nil {
		go x.feed(stdin)
	}
	return r.finish(timeout, []*pump{{file: stdout, channel: 1}, {file: stderr, channel: 2}})
}

// feed writes what the host sends to a program's standard input, and closes it after.
func (x *exchange) feed(stdin *os.File) {
	defer stdin.Close()
	for {
		b, err := x.receive()
		if err != nil {
			return
		}
		_, err = stdin.Write(b)
		x.consumed(b)
		if err != nil {
			x.drain()
			return
		}
	}
}

// drain takes and forgets what the host still sends to a program that does not read.
func (x *exchange) drain() {
	for {
		b, err := x.receive()
		if err != nil {
			return
		}
		x.consumed(b)
	}
}

// finish waits for the program and its output.
func (r *running) finish(timeout int64, pumps []*pump) (reply, *failure) {
	r.x.event(newObject().integer("pid", int64(r.process.pid)).done())
	for _, out := range pumps {
		out.done = make(chan struct{})
		go r.move(out)
	}
	timedOut := r.wait(timeout)
	r.process.signalGroup(syscall.SIGKILL) // what it left behind in the background
	for _, out := range pumps {
		out.file.SetReadDeadline(time.Now().Add(escapeGrace))
		<-out.done
		out.file.Close()
	}
	r.x.session.agent.processes.forget(r.process)
	o := r.process.result(newObject()).flag("timed_out", timedOut).flag("truncated", r.truncated)
	o.integer("stdout_bytes", pumps[0].total)
	stderr := int64(0)
	if len(pumps) > 1 {
		stderr = pumps[1].total
	}
	o.integer("stderr_bytes", stderr)
	r.x.end() // ends the feeding
	return reply{document: o.done()}, nil
}

// wait waits for the program's end, and brings it about at the time-out or when the run is given up.
func (r *running) wait(timeout int64) (timedOut bool) {
	var expiry <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(time.Duration(timeout))
		defer timer.Stop()
		expiry = timer.C
	}
	given := r.x.cancelled
	for {
		select {
		case <-r.process.done:
			return timedOut
		case <-expiry:
			timedOut = true
			r.process.signalGroup(syscall.SIGKILL)
		case <-given:
			given = nil
			r.process.signalGroup(syscall.SIGKILL)
		case in := <-r.x.control:
			r.obey(in)
		}
	}
}

func (r *running) obey(in *fields) {
	if signal := in.integer("signal", 0); signal > 0 {
		r.process.signalGroup(syscall.Signal(signal))
	}
	rows, columns := in.integer("rows", 0), in.integer("columns", 0)
	if r.terminal != nil && rows > 0 && columns > 0 {
		if raw, err := r.terminal.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { setWindowSize(int(fd), windowSize{uint16(rows), uint16(columns)}) })
		}
	}
}

// move sends what the program prints, and waits for credit with the program blocked on its pipe.
func (r *running) move(out *pump) {
	defer close(out.done)
	buffer := make([]byte, r.x.session.agent.pumped)
	late := false
	for {
		n, err := out.file.Read(buffer)
		if n > 0 {
			out.total += int64(n)
			late = false
			r.send(out.channel, buffer[:n])
		}
		switch {
		case err == nil:
		case os.IsTimeout(err) && !late && !r.process.alive():
			// The deadline may have passed while the host was slow: only a whole one without a byte counts.
			late = true
		default:
			r.x.endData(out.channel)
			return
		}
		if !r.process.alive() {
			out.file.SetReadDeadline(time.Now().Add(escapeGrace))
		}
	}
}

func (r *running) send(channel byte, b []byte) {
	r.x.mu.Lock()
	left := r.cap - r.sent
	if int64(len(b)) > left {
		b, r.truncated = b[:left], true
	}
	r.sent += int64(len(b))
	r.x.mu.Unlock()
	r.x.data(channel, b) // a cancelled run goes on to be drained
}
