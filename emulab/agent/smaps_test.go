package main

import (
	"os"
	"testing"
)

const smapsText = `aaaad4b40000-aaaad4c40000 r-xp 00000000 fd:00 1234      /usr/bin/a name with spaces
Size:               1024 kB
Rss:                 512 kB
Pss:                 256 kB
Shared_Clean:        512 kB
Private_Dirty:         0 kB
Swap:                  8 kB
VmFlags: rd ex mr mw me
100000000000-100000010000 rw-p 00000000 00:00 0
Size:                 64 kB
Rss:                  64 kB
Pss:                  64 kB
Private_Dirty:        64 kB
Private_Hugetlb:    2048 kB
VmFlags: rd wr ht
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Size:                  4 kB
Rss:                   0 kB
`

func TestMappingsAreRead(t *testing.T) {
	all := parseMappings([]byte(smapsText))
	if len(all) != 3 {
		t.Fatalf("%d mappings", len(all))
	}
	m := all[0]
	if m.low != 0xaaaad4b40000 || m.path != "/usr/bin/a name with spaces" || m.permissions != "r-xp" ||
		m.vss != 1<<20 || m.rss != 512<<10 || m.pss != 256<<10 || m.swap != 8<<10 || m.flags != "rd ex mr mw me" {
		t.Errorf("%+v", m)
	}
	if m = all[1]; m.path != "" || m.hugeTLB != 2<<20 || m.special() != "huge pages" {
		t.Errorf("%+v", m)
	}
	if m = all[2]; m.high != 0xffffffffff601000 || m.special() == "" {
		t.Errorf("%+v", m)
	}
}

func TestOnlyMappingsInsideTheRangeCount(t *testing.T) {
	guest := span{0x100000000000, 0x200000000000}
	var total sizes
	for _, m := range parseMappings([]byte(smapsText)) {
		if guest.holds(&m) {
			total.add(&m.sizes)
		}
	}
	if total.rss != 64<<10 || total.vss != 64<<10 {
		t.Errorf("%+v", total)
	}
}

func TestDifferencesNameTheMappingsThatExplainThem(t *testing.T) {
	c := census{mappings: parseMappings([]byte(smapsText))}
	for i := range c.mappings {
		c.sum.add(&c.mappings[i].sizes)
	}
	c.status, c.rollup = c.sum, c.sum
	if got := c.differences(nil); len(got) != 0 {
		t.Errorf("equal counts differ: %s", got)
	}
	c.status.rss += c.status.rss * 4 / 100
	if got := c.differences(nil); len(got) != 0 {
		t.Errorf("4 %% are no difference: %s", got)
	}
	c.status.rss = c.sum.rss * 2
	got := c.differences(nil)
	if len(got) != 1 {
		t.Fatalf("%s", got)
	}
	v, err := parseDocument(got[0])
	if err != nil {
		t.Fatal(err)
	}
	in := newFields(v)
	if in.text("quantity") != "rss" || in.text("left") != "status" || in.integer("left_value", 0) != c.status.rss {
		t.Errorf("%s", got[0])
	}
	if largest(c.mappings, 1)[0].rss != 512<<10 {
		t.Error("the largest mapping is another")
	}
}

func TestTheCensusOfThisProcessAgreesWithItself(t *testing.T) {
	ballast := make([]byte, 32<<20)
	for i := range ballast {
		ballast[i] = 1
	}
	c, err := takeCensus(os.Getpid(), span{0, 1 << 62})
	if err != nil {
		t.Fatal(err)
	}
	if c.sum.rss < 32<<20 || c.status.rssPeak < c.status.rss || c.rollup.pss == 0 || c.status.threads == 0 {
		t.Errorf("%+v", c)
	}
	if d := (&difference{a: c.rollup.rss, b: c.sum.rss}); d.large() {
		t.Errorf("rollup %d, sum %d", c.rollup.rss, c.sum.rss)
	}
	if ballast[1] != 1 {
		t.Error("the ballast is gone")
	}
}

func FuzzMappings(f *testing.F) {
	f.Add([]byte(smapsText))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range parseMappings(text) {
			m.document("")
			m.special()
		}
		parseSizes(text)
	})
}
