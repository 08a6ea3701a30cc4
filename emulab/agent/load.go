package main

import (
	"runtime"
	"syscall"
	"time"
)

// The load is what `ab -n REQUESTS -c CONCURRENCY` does: one thread, one poll set, a new connection for
// each request unless they are kept alive, and a request that ends when the server closes.

// loadPlan is a load request.
type loadPlan struct {
	target      *httpTarget
	request     []byte
	requests    int
	concurrency int
	keepAlive   bool
	timeout     time.Duration
	sample      *sampler
}

// The kinds of failed requests.
const (
	failedConnect = iota
	failedSend
	failedReceive
	failedTimeout
	failedLength
	failedMalformed
	failedKinds
)

var failedNames = [failedKinds]string{"connect", "send", "receive", "timeout", "length", "malformed"}

// loadCount is what came of it.
type loadCount struct {
	elapsed   time.Duration
	latencies []int64
	failed    [failedKinds]int64
	non2xx    int64
	bytes     int64
	bodyBytes int64
}

func readLoad(in *fields) *loadPlan {
	p := &loadPlan{
		requests:    int(in.integer("requests", 1000)),
		concurrency: int(in.integer("concurrency", 50)),
		keepAlive:   in.flag("keepalive"),
		timeout:     time.Duration(in.integer("timeout_ns", 30_000_000_000)),
	}
	var ok bool
	if p.target, ok = parseURL(in.text("url")); !ok {
		in.fail("field url must be http://[IP]:PORT/PATH")
	} else {
		p.request = p.target.request(p.keepAlive)
	}
	if p.requests < 1 || p.requests > 10_000_000 || p.concurrency < 1 || p.concurrency > 10_000 || p.timeout <= 0 {
		in.fail("fields requests and concurrency must be from 1 to 10000000 and 10000, timeout_ns positive")
	}
	p.concurrency = min(p.concurrency, p.requests)
	if sample, ok := in.object("sample"); ok {
		p.sample = readSampler(sample)
		if bad := sample.finish(); bad != nil {
			in.fail("in sample: " + bad.message)
		}
	}
	return p
}

// load drives a service and answers what came of it; channel 0 has all latencies in the order in which
// they ended, channel 1 the memory samples, both as 64-bit integers.
func load(x *exchange, in *fields) (reply, *failure) {
	p := readLoad(in)
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	count, err := p.perform(x.cancelled)
	if err != nil {
		return reply{}, failed(err, p.target.host)
	}
	x.data(0, pack(count.latencies))
	x.endData(0)
	if p.sample != nil {
		x.data(1, pack(p.sample.rows))
	}
	x.endData(1)
	return reply{document: count.document().done()}, nil
}

func (c *loadCount) document() *object {
	o := newObject().integer("elapsed_ns", c.elapsed.Nanoseconds()).integer("completed", int64(len(c.latencies)))
	by := newObject()
	for i, n := range c.failed {
		by.integer(failedNames[i], n)
	}
	o.raw("failed", by.done()).integer("non_2xx", c.non2xx)
	return o.integer("bytes", c.bytes).integer("body_bytes", c.bodyBytes)
}

func (p *loadPlan) perform(cancelled <-chan struct{}) (*loadCount, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	set, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(set)
	d := &driver{
		plan: p, set: set, buffer: make([]byte, 16<<10), open: make(map[int32]*connection, p.concurrency),
		count: &loadCount{latencies: make([]int64, 0, p.requests)},
	}
	d.began = time.Now()
	if p.sample != nil {
		p.sample.start(d.began)
		defer p.sample.finish()
	}
	err = d.drive(cancelled)
	d.count.elapsed = d.last.Sub(d.began)
	return d.count, err
}
