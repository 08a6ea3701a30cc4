package main

import (
	"strconv"
	"syscall"
)

// A batch is a list of requests that are performed one after another without a host, for machines whose
// time is counted in instructions: a host's bytes would come at moments that differ from run to run.
//
//	{"requests": [{"op": "spawn", …}, {"op": "load", …}, {"op": "stop", "pid": {"of": 0}}]}
//
// A pid may be that of an earlier request's answer. What came of each is one line on the console, after
// the last one has ended.
const batchPrefix = "EMULAB-BATCH "

// batchSink keeps what a request sends.
type batchSink struct {
	data     [channels][]byte
	document []byte
	payload  []byte
	problem  []byte
}

func (s *batchSink) send(f *frame) error {
	switch f.kind {
	case kindData:
		s.data[f.channel] = append(s.data[f.channel], f.payload...)
	case kindAnswer:
		s.document, s.payload = f.document, append([]byte(nil), f.payload...)
	case kindFailure:
		s.problem = f.document
	}
	return nil
}

// batch performs a plan and prints the results.
func (a *agent) batch(plan []byte) {
	lines := a.performAll(plan)
	a.processes.killAll()
	printBatch(lines)
}

// performAll returns one line for each request of a plan.
func (a *agent) performAll(plan []byte) (lines [][]byte) {
	v, err := parseDocument(plan)
	in := newFields(v)
	requests, _ := in.take("requests")
	all, ok := requests.([]any)
	if err != nil || in.finish() != nil || !ok {
		problem := &failure{code: "bad-request", message: "/batch.json is no batch"}
		return [][]byte{newObject().integer("index", -1).raw("failure", problem.document()).done()}
	}
	pids := make([]int64, len(all))
	for i, request := range all {
		sink := &batchSink{}
		a.performOne(sink, request, pids)
		if answer, err := parseDocument(sink.document); err == nil {
			pids[i] = newFields(answer).integer("pid", 0)
		}
		lines = append(lines, sink.line(i))
	}
	return lines
}

func (a *agent) performOne(sink *batchSink, request any, pids []int64) {
	s := &session{agent: a, link: sink, hostWindow: 1 << 30, exchanges: map[uint32]*exchange{}}
	x := newExchange(s, 1)
	x.end()
	members, ok := request.(map[string]any)
	if ok {
		ok = fillPIDs(members, pids)
	}
	if !ok {
		sink.problem = (&failure{code: "bad-request", message: "a batch's request is no object, or names no earlier one"}).document()
		return
	}
	answer, bad := x.performFields(newFields(members))
	if bad != nil {
		sink.problem = bad.document()
		return
	}
	sink.document, sink.payload = answer.document, answer.payload
}

// fillPIDs replaces {"pid": {"of": N}} by the pid that request N answered, in nested objects too.
func fillPIDs(members map[string]any, pids []int64) bool {
	for name, v := range members {
		inner, is := v.(map[string]any)
		if !is {
			continue
		}
		if name != "pid" {
			if !fillPIDs(inner, pids) {
				return false
			}
			continue
		}
		of, is := inner["of"].(int64)
		if !is || of < 0 || of >= int64(len(pids)) || pids[of] == 0 {
			return false
		}
		members[name] = pids[of]
	}
	return true
}

func (s *batchSink) line(index int) []byte {
	o := newObject().integer("index", int64(index))
	if s.problem != nil {
		return o.raw("failure", s.problem).done()
	}
	o.raw("answer", s.document).text("payload", base64(s.payload))
	for channel, data := range s.data {
		o.text("data"+strconv.Itoa(channel), base64(data))
	}
	return o.done()
}

// printBatch writes the lines to the console and waits until they have left the serial port.
func printBatch(lines [][]byte) {
	fd, err := syscall.Open("/dev/console", syscall.O_WRONLY|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		fd = 1
	}
	var b []byte
	for _, line := range lines {
		b = append(append(append(b, batchPrefix...), line...), '\n')
	}
	b = append(b, batchPrefix+`{"end":`+strconv.Itoa(len(lines))+"}\n"...)
	writeAll(fd, b)
	const flush, drain = 0x5409, 1 // TCSBRK as tcdrain uses it
	syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), flush, drain)
}

// base64 is RFC 4648's, standard alphabet with padding.
func base64(b []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	out := make([]byte, 0, (len(b)+2)/3*4)
	for ; len(b) >= 3; b = b[3:] {
		v := uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
		out = append(out, alphabet[v>>18], alphabet[v>>12&63], alphabet[v>>6&63], alphabet[v&63])
	}
	switch len(b) {
	case 1:
		v := uint(b[0]) << 16
		out = append(out, alphabet[v>>18], alphabet[v>>12&63], '=', '=')
	case 2:
		v := uint(b[0])<<16 | uint(b[1])<<8
		out = append(out, alphabet[v>>18], alphabet[v>>12&63], alphabet[v>>6&63], '=')
	}
	return string(out)
}

var _ frameSink = (*batchSink)(nil)
