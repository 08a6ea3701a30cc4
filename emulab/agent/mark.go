package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// markerCall is no system call of any kernel. An emulator that counts what its guest executes ends a window at it.
const markerCall = 0x656d

// mark ends a window of what is counted, from within the guest, so that the same instruction ends it every
// time. With a pid it first reads the kernel's account of that process.
//
//	{"op": "mark", "number": 3, "pid": 17}
func mark(_ *exchange, in *fields) (reply, *failure) {
	number, pid := in.integer("number", 0), in.integer("pid", -1)
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	o := newObject()
	if pid >= 0 {
		known, err := takeAccount(int(pid))
		if err != nil {
			return reply{}, failed(err, "/proc/"+strconv.FormatInt(pid, 10))
		}
		o.integer("minor_faults", known.minorFaults).integer("major_faults", known.majorFaults)
		o.integer("voluntary_switches", known.voluntary).integer("involuntary_switches", known.involuntary)
	}
	syscall.RawSyscall(markerCall, uintptr(number), 0, 0)
	return reply{document: o.done()}, nil
}

// account is what the kernel has counted of a running process: the faults of all its threads, and the switches of
// those that live.
type account struct{ minorFaults, majorFaults, voluntary, involuntary int64 }

func takeAccount(pid int) (a account, err error) {
	text, err := procFile(pid, "stat", nil)
	if err != nil {
		return a, err
	}
	// The second field may hold spaces and brackets; from the third on minflt is the eighth, majflt the tenth.
	rest := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(rest) > 9 {
		a.minorFaults, _ = strconv.ParseInt(rest[7], 10, 64)
		a.majorFaults, _ = strconv.ParseInt(rest[9], 10, 64)
	}
	dir, err := os.Open("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return a, err
	}
	threads, err := dir.Readdirnames(-1)
	dir.Close()
	for _, thread := range threads {
		status, problem := procFile(pid, "task/"+thread+"/status", text)
		if problem != nil {
			continue // it has just ended
		}
		a.voluntary += lineNumber(string(status), "\nvoluntary_ctxt_switches:")
		a.involuntary += lineNumber(string(status), "\nnonvoluntary_ctxt_switches:")
	}
	return a, err
}

// lineNumber returns the number that follows a word, 0 when it is not there.
func lineNumber(text, word string) int64 {
	_, rest, _ := strings.Cut(text, word)
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return n
}
