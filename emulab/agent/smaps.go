package main

import (
	"bytes"
	"strconv"
	"syscall"
)

// mapping is one entry of /proc/PID/smaps, sizes in bytes.
type mapping struct {
	low, high   uint64
	permissions string
	path        string
	flags       string
	sizes
}

// sizes is what smaps, smaps_rollup and status count, in bytes.
type sizes struct {
	vss, rss, pss                int64
	sharedClean, sharedDirty     int64
	privateClean, privateDirty   int64
	anonymous, swap, swapPSS     int64
	hugeTLB                      int64
	vssPeak, rssPeak             int64 // status only
	rssAnon, rssFile, rssSharedM int64 // status only
	threads                      int64 // status only
}

func (s *sizes) add(t *sizes) {
	s.vss += t.vss
	s.rss += t.rss
	s.pss += t.pss
	s.sharedClean += t.sharedClean
	s.sharedDirty += t.sharedDirty
	s.privateClean += t.privateClean
	s.privateDirty += t.privateDirty
	s.anonymous += t.anonymous
	s.swap += t.swap
	s.swapPSS += t.swapPSS
	s.hugeTLB += t.hugeTLB
	s.vssPeak += t.vssPeak
	s.rssPeak += t.rssPeak
	s.rssAnon += t.rssAnon
	s.rssFile += t.rssFile
	s.rssSharedM += t.rssSharedM
	s.threads += t.threads
}

// set stores one "Key: value kB" line; keys that nobody asks for are skipped.
func (s *sizes) set(key, value []byte) {
	var at *int64
	scale := int64(1024)
	switch string(key) {
	case "Size", "VmSize":
		at = &s.vss
	case "Rss", "VmRSS":
		at = &s.rss
	case "Pss":
		at = &s.pss
	case "Shared_Clean":
		at = &s.sharedClean
	case "Shared_Dirty":
		at = &s.sharedDirty
	case "Private_Clean":
		at = &s.privateClean
	case "Private_Dirty":
		at = &s.privateDirty
	case "Anonymous":
		at = &s.anonymous
	case "Swap", "VmSwap":
		at = &s.swap
	case "SwapPss":
		at = &s.swapPSS
	case "Shared_Hugetlb", "Private_Hugetlb":
		s.hugeTLB += number(value) * scale
		return
	case "VmPeak":
		at = &s.vssPeak
	case "VmHWM":
		at = &s.rssPeak
	case "RssAnon":
		at = &s.rssAnon
	case "RssFile":
		at = &s.rssFile
	case "RssShmem":
		at = &s.rssSharedM
	case "Threads":
		at, scale = &s.threads, 1
	default:
		return
	}
	*at = number(value) * scale
}

// number reads the first decimal number of a line.
func number(b []byte) int64 {
	var n int64
	for _, c := range bytes.TrimLeft(b, " \t") {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// parseSizes reads smaps_rollup or status.
func parseSizes(text []byte) (s sizes) {
	eachLine(text, func(line []byte) {
		if key, value, ok := bytes.Cut(line, []byte(":")); ok {
			s.set(key, value)
		}
	})
	return s
}

// parseMappings reads smaps. Text that is no entry is skipped.
func parseMappings(text []byte) []mapping {
	var all []mapping
	eachLine(text, func(line []byte) {
		if len(line) == 0 {
			return
		}
		if c := line[0]; c >= 'A' && c <= 'Z' {
			if len(all) == 0 {
				return
			}
			m := &all[len(all)-1]
			key, value, _ := bytes.Cut(line, []byte(":"))
			if string(key) == "VmFlags" {
				m.flags = string(bytes.TrimSpace(value))
			} else {
				m.set(key, value)
			}
			return
		}
		if m, ok := parseMappingLine(line); ok {
			all = append(all, m)
		}
	})
	return all
}

// parseMappingLine reads "low-high perms offset dev inode   path".
func parseMappingLine(line []byte) (m mapping, ok bool) {
	var words [5][]byte
	rest := line
	for i := range words {
		words[i], rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	}
	low, high, ok := bytes.Cut(words[0], []byte("-"))
	if !ok {
		return m, false
	}
	var first, second error
	m.low, first = strconv.ParseUint(string(low), 16, 64)
	m.high, second = strconv.ParseUint(string(high), 16, 64)
	m.permissions = string(words[1])
	m.path = string(bytes.TrimSpace(rest))
	return m, first == nil && second == nil
}

func eachLine(text []byte, do func([]byte)) {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		do(line)
		text = rest
	}
}

// procFile reads a file of a process.
func procFile(pid int, name string, buffer []byte) ([]byte, error) {
	return readFile("/proc/"+strconv.Itoa(pid)+"/"+name, buffer)
}

// readFile reads a small file or one of /proc in as few system calls as its size allows, into buffer when
// it fits: for some the kernel does all its work again for every call.
func readFile(path string, buffer []byte) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	b := buffer[:0]
	for {
		if len(b) == cap(b) {
			b = append(b, make([]byte, max(cap(b), 4<<10))...)[:len(b)]
		}
		n, err := syscall.Read(fd, b[len(b):cap(b)])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return b, nil
		default:
			b = b[:len(b)+n]
		}
	}
}
