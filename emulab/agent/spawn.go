package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// spawn starts a program that goes on and waits until it is ready. Its output is kept, not sent.
func spawn(x *exchange, in *fields) (reply, *failure) {
	c := readCommand(in)
	var ready *readiness
	if wanted, ok := in.object("ready"); ok {
		ready = readReadiness(wanted)
		if bad := wanted.finish(); bad != nil {
			in.fail("in ready: " + bad.message)
		}
	}
	if c.pty != nil {
		in.fail("field pty does not fit an operation without input")
	}
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	if ready != nil && ready.taken() {
		return reply{}, &failure{code: "port-in-use", errno: "EADDRINUSE", path: ready.what,
			message: "something listens on port " + strconv.Itoa(ready.tcp.port) + " already"}
	}
	p, matched, bad := x.session.agent.processes.launch(c, ready)
	if bad != nil {
		return reply{}, bad
	}
	if ready == nil {
		return reply{document: newObject().integer("pid", int64(p.pid)).text("outcome", "started").
			null("startup_ns").null("end").done()}, nil
	}
	return x.untilReady(p, ready, matched)
}

// launch starts a program with its output going to a tail.
func (t *processes) launch(c *command, ready *readiness) (*process, chan time.Time, *failure) {
	stdin, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, failed(err, "/dev/null")
	}
	file, out, err := pipe(true)
	if err != nil {
		syscall.Close(stdin)
		return nil, nil, failed(err, "")
	}
	kept := &tail{}
	matched := make(chan time.Time, 1)
	if ready != nil && ready.pattern != nil {
		kept.watch = func(line []byte) {
			if ready.pattern.Match(line) {
				select {
				case matched <- time.Now():
				default:
				}
			}
		}
	}
	p, bad := t.startCommand(c, [3]int{stdin, out, out})
	if bad != nil {
		file.Close()
		return nil, nil, bad
	}
	p.output, p.drained = kept, make(chan struct{})
	go keep(file, p)
	return p, matched, nil
}

// keep reads a program's output into its tail until the end.
func keep(file *os.File, p *process) {
	defer close(p.drained)
	defer file.Close()
	buffer := make([]byte, 4<<10)
	for {
		n, err := file.Read(buffer)
		if n > 0 {
			p.output.write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

func (x *exchange) untilReady(p *process, ready *readiness, matched chan time.Time) (reply, *failure) {
	stop := make(chan struct{})
	found := make(chan time.Duration, 1)
	over := make(chan struct{})
	if ready.pattern == nil {
		go func() {
			defer close(over)
			if startup, ok := ready.poll(p.began, stop); ok {
				found <- startup
			}
		}()
	}
	timer := time.NewTimer(ready.timeout)
	defer timer.Stop()
	defer close(stop)
	select {
	case startup := <-found:
		return started(p, startup), nil
	case at := <-matched:
		p.output.observe(nil)
		return started(p, at.Sub(p.began)), nil
	case <-p.done:
		answer := x.unready(p, "died")
		select { // its last words may be the ones that were waited for
		case at := <-matched:
			return started(p, at.Sub(p.began)), nil
		default:
		}
		return answer, nil
	case <-timer.C:
		return x.unready(p, "timed-out"), nil
	case <-x.cancelled:
		return x.unready(p, "cancelled"), nil
	}
}

func started(p *process, startup time.Duration) reply {
	return reply{document: newObject().integer("pid", int64(p.pid)).text("outcome", "ready").
		integer("startup_ns", startup.Nanoseconds()).null("end").done()}
}

// unready ends a program that never became ready; the reply has its end and its last output.
func (x *exchange) unready(p *process, outcome string) reply {
	p.finish(0)
	x.session.agent.processes.forget(p)
	end := p.result(newObject()).integer("output_bytes", p.output.count()).done()
	document := newObject().integer("pid", int64(p.pid)).text("outcome", outcome).null("startup_ns").
		raw("end", end).done()
	return reply{document: document, payload: p.output.last()}
}

// finish ends a process and what is left of its group, and waits for both and for the output.
func (p *process) finish(grace time.Duration) {
	if grace > 0 && p.alive() {
		p.signalGroup(syscall.SIGTERM)
		timer := time.NewTimer(grace)
		select {
		case <-p.done:
		case <-timer.C:
		}
		timer.Stop()
	}
	p.signalGroup(syscall.SIGKILL)
	<-p.done
	timer := time.NewTimer(escapeGrace)
	defer timer.Stop()
	select {
	case <-p.drained:
	case <-timer.C:
	}
}

// spawned finds the process that a request means by its field pid.
func (x *exchange) spawned(pid int64) (*process, *failure) {
	p := x.session.agent.processes.find(int(pid))
	if p == nil || p.output == nil {
		return nil, &failure{code: "no-process", errno: "ESRCH",
			message: "no spawned process has the pid " + strconv.FormatInt(pid, 10)}
	}
	return p, nil
}

func stop(x *exchange, in *fields) (reply, *failure) {
	pid := in.integer("pid", 0)
	grace := in.integer("grace_ns", 2_000_000_000)
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	p, bad := x.spawned(pid)
	if bad != nil {
		return reply{}, bad
	}
	p.finish(time.Duration(grace))
	x.session.agent.processes.forget(p)
	document := p.result(newObject()).integer("output_bytes", p.output.count()).done()
	return reply{document: document, payload: p.output.last()}, nil
}

// signalProcess signals a program, or its whole group.
func signalProcess(x *exchange, in *fields) (reply, *failure) {
	pid, number := in.integer("pid", 0), in.integer("signal", 0)
	group := in.flag("group")
	if number < 1 || number > 64 {
		in.fail("field signal must be from 1 to 64")
	}
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	p := x.session.agent.processes.find(int(pid))
	if p == nil || !p.alive() {
		return reply{}, &failure{code: "no-process", errno: "ESRCH",
			message: "no running process of the agent has the pid " + strconv.FormatInt(pid, 10)}
	}
	target := p.pid
	if group {
		target = -target
	}
	if err := syscall.Kill(target, syscall.Signal(number)); err != nil {
		return reply{}, failed(err, "")
	}
	return reply{document: []byte("{}")}, nil
}

// output answers the last output of a spawned program, and whether it still runs.
func output(x *exchange, in *fields) (reply, *failure) {
	pid := in.integer("pid", 0)
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	p, bad := x.spawned(pid)
	if bad != nil {
		return reply{}, bad
	}
	document := newObject().flag("alive", p.alive()).integer("output_bytes", p.output.count()).done()
	return reply{document: document, payload: p.output.last()}, nil
}
