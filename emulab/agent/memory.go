package main

import (
	"os"
	"strconv"
)

// census is the memory of one process, or of several added up, by the kernel's three ways to count.
type census struct {
	status   sizes // its counters, which a busy thread updates in batches
	rollup   sizes // its own walk over the mappings
	sum      sizes // our sum over the mappings
	within   sizes // our sum over those in the range
	mappings []mapping
}

// span is a range of addresses; the zero span means all of them.
type span struct{ low, high uint64 }

func (s span) holds(m *mapping) bool { return m.low >= s.low && m.high <= s.high }

func readSpan(in *fields) (span, bool) {
	low, high, ok := in.pair("range")
	if ok && (low < 0 || high <= low) {
		in.fail("field range must be [low, high) with low < high")
	}
	return span{uint64(low), uint64(high)}, ok
}

func takeCensus(pid int, within span) (c census, err error) {
	text, err := procFile(pid, "status", nil)
	if err != nil {
		return c, err
	}
	c.status = parseSizes(text)
	if text, err = procFile(pid, "smaps_rollup", text); err != nil {
		return c, err
	}
	c.rollup = parseSizes(text)
	c.rollup.vss = 0 // a rollup has none
	if text, err = procFile(pid, "smaps", text); err != nil {
		return c, err
	}
	c.mappings = parseMappings(text)
	for i := range c.mappings {
		m := &c.mappings[i]
		c.sum.add(&m.sizes)
		if within.holds(m) {
			c.within.add(&m.sizes)
		}
	}
	return c, nil
}

func (c *census) add(other *census) {
	c.status.add(&other.status)
	c.rollup.add(&other.rollup)
	c.sum.add(&other.sum)
	c.within.add(&other.within)
	c.mappings = append(c.mappings, other.mappings...)
}

// memory answers how much memory a process uses, by three counts, and what explains their difference.
func memory(x *exchange, in *fields) (reply, *failure) {
	pid := int(in.integer("pid", 0))
	within, ranged := readSpan(in)
	detail, family := in.flag("detail"), in.flag("descendants")
	if bad := in.finish(); bad != nil {
		return reply{}, bad
	}
	pids := []int{pid}
	if family {
		pids = append(pids, descendants(pid)...)
	}
	var total census
	for i, one := range pids {
		c, err := takeCensus(one, within)
		if err != nil && i > 0 {
			continue // a child that ended meanwhile
		}
		if err != nil {
			return reply{}, memoryFailure(pid, err)
		}
		total.add(&c)
	}
	o := newObject().integer("pid", int64(pid)).integer("processes", int64(len(pids)))
	o.raw("status", total.status.statusDocument()).raw("rollup", total.rollup.document())
	o.raw("sum", total.sum.document())
	if ranged {
		o.raw("within", total.within.document())
	} else {
		o.null("within")
	}
	o.raw("differences", list(total.differences(pids)))
	if detail {
		x.sendMappings(total.mappings)
	}
	return reply{document: o.done()}, nil
}

func memoryFailure(pid int, err error) *failure {
	f := failed(err, "/proc/"+strconv.Itoa(pid))
	if os.IsNotExist(err) {
		f.code, f.message = "no-process", "no process has the pid "+strconv.Itoa(pid)
		if _, gone := os.Stat("/proc/" + strconv.Itoa(pid)); gone == nil {
			f.code, f.message = "unsupported", "this kernel has no smaps (CONFIG_PROC_PAGE_MONITOR)"
		}
	}
	return f
}

func (s *sizes) document() []byte {
	return newObject().integer("vss", s.vss).integer("rss", s.rss).integer("pss", s.pss).
		integer("shared", s.sharedClean+s.sharedDirty).integer("private", s.privateClean+s.privateDirty).
		integer("anonymous", s.anonymous).integer("swap", s.swap).integer("swap_pss", s.swapPSS).
		integer("huge", s.hugeTLB).done()
}

func (s *sizes) statusDocument() []byte {
	return newObject().integer("vss", s.vss).integer("vss_peak", s.vssPeak).integer("rss", s.rss).
		integer("rss_peak", s.rssPeak).integer("anonymous", s.rssAnon).integer("file", s.rssFile).
		integer("shared_memory", s.rssSharedM).integer("swap", s.swap).integer("threads", s.threads).done()
}

// sendMappings sends one JSON object a line on channel 0.
func (x *exchange) sendMappings(mappings []mapping) {
	var b []byte
	for i := range mappings {
		b = append(append(b, mappings[i].document("")...), '\n')
	}
	x.data(0, b)
	x.endData(0)
}

func (m *mapping) document(reason string) []byte {
	o := newObject().text("low", strconv.FormatUint(m.low, 16)).text("high", strconv.FormatUint(m.high, 16))
	o.text("permissions", m.permissions).text("path", m.path).text("flags", m.flags)
	o.integer("vss", m.vss).integer("rss", m.rss).integer("pss", m.pss).integer("swap", m.swap)
	if reason != "" {
		o.text("reason", reason)
	}
	return o.done()
}
