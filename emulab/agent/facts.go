package main

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// agentVersion changes with what the host may expect; the frames' own version is in their magic.
const agentVersion = 1

const clockBoot = 7 // CLOCK_BOOTTIME

// bootClock returns the nanoseconds since the kernel started.
func bootClock() int64 {
	var now [2]int64
	syscall.RawSyscall(sysClockGettime64, clockBoot, uintptr(unsafe.Pointer(&now)), 0)
	return now[0]*int64(time.Second) + now[1]
}

// facts answers a hello. What does not change is read once: the first thing that a guest does after it was
// restored from a snapshot is to answer a hello, with none of its code translated.
func (a *agent) facts() []byte {
	if a.constant == nil {
		a.constant = a.constantFacts().b
	}
	o := &object{b: append(make([]byte, 0, len(a.constant)+64), a.constant...)}
	return o.integer("uptime_ns", bootClock()).done()
}

func (a *agent) constantFacts() *object {
	var name syscall.Utsname
	syscall.Uname(&name)
	o := newObject().integer("version", agentVersion).integer("window", int64(a.window))
	o.text("architecture", runtime.GOARCH).text("kernel", charsText(name.Release[:]))
	o.text("machine", charsText(name.Machine[:])).integer("page_size", int64(os.Getpagesize()))
	o.integer("cpus", int64(runtime.NumCPU())).integer("memory", memoryInfo("MemTotal"))
	o.integer("started_ns", a.started).text("boot_id", firstLine("/proc/sys/kernel/random/boot_id"))
	return o.integer("pid", int64(os.Getpid())).flag("init", a.init)
}

// charsText reads a field of utsname, whose element type depends on the architecture.
func charsText[C int8 | uint8](field []C) string {
	b := make([]byte, 0, len(field))
	for _, c := range field {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}

func firstLine(path string) string {
	text, err := readFile(path, nil)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// memoryInfo returns a field of /proc/meminfo in bytes, 0 without it.
func memoryInfo(field string) (value int64) {
	text, err := readFile("/proc/meminfo", nil)
	if err != nil {
		return 0
	}
	eachLine(text, func(line []byte) {
		if name, rest, ok := bytes.Cut(line, []byte(":")); ok && string(name) == field {
			value = number(rest) << 10
		}
	})
	return value
}

// usage answers what the agent itself costs, and how busy the machine is.
func usage(_ *exchange, in *fields) (reply, *failure) {
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return reply{}, failed(err, "")
	}
	status, err := procFile(os.Getpid(), "status", nil)
	if err != nil {
		return reply{}, failed(err, "/proc/self/status")
	}
	own := parseSizes(status)
	o := newObject().integer("user_ns", nanoseconds(used.Utime)).integer("system_ns", nanoseconds(used.Stime))
	o.integer("rss", own.rss).integer("rss_peak", own.rssPeak).integer("threads", own.threads)
	o.text("load_average", firstLine("/proc/loadavg"))
	o.integer("memory_total", memoryInfo("MemTotal")).integer("memory_free", memoryInfo("MemFree"))
	o.integer("memory_available", memoryInfo("MemAvailable")).integer("uptime_ns", bootClock())
	return reply{document: o.done()}, nil
}
