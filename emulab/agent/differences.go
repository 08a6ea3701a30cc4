package main

import "strings"

// tolerance is the part of the larger count by which two counts may differ unexplained.
const tolerance = 0.05

// difference is one quantity that two ways of counting disagree about.
type difference struct {
	name, left, right string
	a, b              int64
}

func (d *difference) large() bool {
	gap, larger := d.a-d.b, max(d.a, d.b)
	if gap < 0 {
		gap = -gap
	}
	return larger > 0 && float64(gap) > tolerance*float64(larger)
}

// differences names what the counts disagree about by more than the tolerance, with the mappings
// that explain it.
func (c *census) differences(pids []int) [][]byte {
	pairs := []difference{
		{"vss", "status", "smaps", c.status.vss, c.sum.vss},
		{"rss", "status", "smaps", c.status.rss, c.sum.rss},
		{"rss", "rollup", "smaps", c.rollup.rss, c.sum.rss},
		{"pss", "rollup", "smaps", c.rollup.pss, c.sum.pss},
		{"swap", "status", "smaps", c.status.swap, c.sum.swap},
	}
	var out [][]byte
	var again []mapping
	for i := range pairs {
		d := &pairs[i]
		if !d.large() {
			continue
		}
		if again == nil {
			for _, pid := range pids {
				if later, err := takeCensus(pid, span{}); err == nil {
					again = append(again, later.mappings...)
				}
			}
		}
		o := newObject().text("quantity", d.name).text("left", d.left).text("right", d.right)
		o.integer("left_value", d.a).integer("right_value", d.b)
		out = append(out, o.raw("mappings", list(explain(c.mappings, again))).done())
	}
	return out
}

// explainedAtMost bounds the mappings that one difference lists.
const explainedAtMost = 16

// explain returns the mappings that the ways of counting treat differently: those of devices and huge
// pages, those of the kernel's own, and those that changed between two readings. When there is none
// the largest ones are what the counters' batches can have missed.
func explain(now, later []mapping) [][]byte {
	before := map[uint64]*mapping{}
	for i := range now {
		before[now[i].low] = &now[i]
	}
	var out [][]byte
	for i := range later {
		m := &later[i]
		reason := m.special()
		if old := before[m.low]; reason == "" && (old == nil || old.rss != m.rss || old.high != m.high) {
			reason = "changed between two readings"
		}
		if reason != "" && len(out) < explainedAtMost {
			out = append(out, m.document(reason))
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, m := range largest(now, 5) {
		out = append(out, m.document("largest resident"))
	}
	return out
}

// special says why a mapping is counted by some and not by others.
func (m *mapping) special() string {
	if m.path == "[vsyscall]" {
		return "the kernel's own page"
	}
	for flags := m.flags; flags != ""; {
		var flag string
		flag, flags, _ = strings.Cut(flags, " ")
		switch flag {
		case "pf", "io":
			return "device memory"
		case "ht":
			return "huge pages"
		}
	}
	return ""
}

func largest(all []mapping, n int) []*mapping {
	var top []*mapping
	for i := range all {
		at := len(top)
		for at > 0 && top[at-1].rss < all[i].rss {
			at--
		}
		top = append(top, nil)
		copy(top[at+1:], top[at:])
		top[at] = &all[i]
		if len(top) > n {
			top = top[:n]
		}
	}
	return top
}
