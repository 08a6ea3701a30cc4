package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"org.emulab/probes/verdict"
)

var (
	_ = verdict.Probe("mmap", mapped)
	_ = verdict.Probe("mmap-16k", func() (string, error) { return mappedBy(16 << 10) })
	_ = verdict.Probe("mmap-64k", func() (string, error) { return mappedBy(64 << 10) })
	_ = verdict.Probe("huge-pages", hugePages)
	_ = verdict.Probe("huge-pages-transparent", hugePagesTransparent)
)

func mapped() (string, error) { return mappedBy(0) }

// mappedBy maps the second page of a file; what counts in other pages than the machine's must be refused.
func mappedBy(wanted int) (string, error) {
	page := os.Getpagesize()
	if wanted != 0 && page != wanted {
		return "", verdict.Unsupported("this machine has pages of %d KiB, not of %d", page>>10, wanted>>10)
	}
	if told, err := kernelsPage(); err == nil && told != page {
		return "", fmt.Errorf("Go has pages of %d bytes, the kernel says %d", page, told)
	}
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	path := filepath.Join(directory, "pages")
	content := bytes.Repeat([]byte{'a'}, 2*page)
	copy(content[page:], "second page")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	area, err := syscall.Mmap(int(file.Fd()), int64(page), page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return "", fmt.Errorf("mapping the second page: %w", err)
	}
	if err := expect("the second page begins", string(area[:11]), "second page"); err != nil {
		return "", err
	}
	copy(area, "by the map ")
	got := make([]byte, 11)
	if _, err := file.ReadAt(got, int64(page)); err != nil || string(got) != "by the map " {
		return "", fmt.Errorf("what was written by the map is read as %q, %v", got, err)
	}
	if _, err := syscall.Mmap(int(file.Fd()), int64(page/2), page, syscall.PROT_READ, syscall.MAP_SHARED); !errors.Is(err, syscall.EINVAL) {
		return "", fmt.Errorf("an offset of half a page: got %v, want %v", err, syscall.EINVAL)
	}
	if err := syscall.Mprotect(area, syscall.PROT_NONE); err != nil {
		return "", fmt.Errorf("mprotect: %w", err)
	}
	if !faults(area) {
		return "", errors.New("a page without access was read")
	}
	if err := syscall.Munmap(area); err != nil {
		return "", err
	}
	return fmt.Sprintf("pages of %d KiB: a file's second page is shared, half a page is refused", page>>10), nil
}

// faults tells whether reading an area is a fault, which Go turns into a panic.
func faults(area []byte) (does bool) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		does = recover() != nil
	}()
	read = area[0]
	return false
}

var read byte

// kernelsPage returns the size of a page by what the kernel gave the program at its start.
func kernelsPage() (int, error) {
	const pageSize = 6
	vector, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return 0, err
	}
	size := int(unsafe.Sizeof(uintptr(0)))
	value := func(at int) uint64 {
		if size == 4 {
			return uint64(binary.NativeEndian.Uint32(vector[at:]))
		}
		return binary.NativeEndian.Uint64(vector[at:])
	}
	for at := 0; at+2*size <= len(vector); at += 2 * size {
		if value(at) == pageSize {
			return int(value(at + size)), nil
		}
	}
	return 0, errors.New("it tells no page size")
}

// memoryOf returns a field of /proc/meminfo in KiB, false where there is none.
func memoryOf(field string) (int, bool) {
	facts, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(facts), "\n") {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			value, err := strconv.Atoi(strings.Fields(rest)[0])
			return value, err == nil
		}
	}
	return 0, false
}

// hugePages reserves huge pages, maps one and gives them back.
func hugePages() (string, error) {
	const hugetlb = 0x40000
	const setting = "/proc/sys/vm/nr_hugepages"
	kib, there := memoryOf("Hugepagesize")
	if !there {
		return "", verdict.Missing("the kernel has no huge pages (CONFIG_HUGETLBFS)")
	}
	if os.Getenv(ownMachine) == "" {
		return "", verdict.Unsupported("it would take memory of a kernel that this machine shares with its host")
	}
	before, err := os.ReadFile(setting)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(setting, []byte("2"), 0); err != nil {
		return "", fmt.Errorf("reserving: %w", err)
	}
	defer os.WriteFile(setting, before, 0)
	if reserved, _ := memoryOf("HugePages_Total"); reserved < 1 {
		return "", verdict.Unsupported("the kernel found no %d KiB of memory in one piece", kib)
	}
	area, err := syscall.Mmap(-1, 0, kib<<10, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|hugetlb)
	if err != nil {
		return "", fmt.Errorf("mapping one: %w", err)
	}
	area[len(area)-1] = 1
	total, _ := memoryOf("HugePages_Total")
	free, _ := memoryOf("HugePages_Free")
	if err := syscall.Munmap(area); err != nil {
		return "", err
	}
	if total-free != 1 {
		return "", fmt.Errorf("a huge page is in use, and the kernel counts %d", total-free)
	}
	return fmt.Sprintf("a page of %d KiB was reserved and used", kib), nil
}

// hugePagesTransparent has the kernel give one unasked for, or by madvise where it is set to that.
func hugePagesTransparent() (string, error) {
	const directory = "/sys/kernel/mm/transparent_hugepage"
	const adviseHuge = 14
	mode, err := os.ReadFile(filepath.Join(directory, "enabled"))
	if err != nil {
		return "", verdict.Missing("the kernel has no transparent huge pages: %v", err)
	}
	if strings.Contains(string(mode), "[never]") {
		return "", verdict.Missing("they are turned off: %s", strings.TrimSpace(string(mode)))
	}
	size, err := os.ReadFile(filepath.Join(directory, "hpage_pmd_size"))
	if err != nil {
		return "", err
	}
	huge, err := strconv.Atoi(strings.TrimSpace(string(size)))
	if err != nil {
		return "", err
	}
	if huge > 64<<20 {
		return "", verdict.Unsupported("one has %d MiB here, which is too much to try", huge>>20)
	}
	area, err := syscall.Mmap(-1, 0, 3*huge, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return "", err
	}
	if err := syscall.Madvise(area, adviseHuge); err != nil {
		return "", fmt.Errorf("madvise(MADV_HUGEPAGE): %w", err)
	}
	for at := 0; at < len(area); at += 4096 {
		area[at] = 1
	}
	got, err := hugeOf(uintptr(unsafe.Pointer(&area[0])))
	if err != nil {
		return "", err
	}
	if got < huge>>10 {
		return "", verdict.Missing("of %d KiB that were asked for in huge pages, %d KiB are", len(area)>>10, got)
	}
	return fmt.Sprintf("%d KiB came in huge pages of %d KiB", got, huge>>10), nil
}

// hugeOf returns how many KiB of a mapping are in huge pages.
func hugeOf(address uintptr) (int, error) {
	facts, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return 0, err
	}
	within := false
	for _, line := range strings.Split(string(facts), "\n") {
		first, _, _ := strings.Cut(line, " ")
		if low, high, is := strings.Cut(first, "-"); is {
			from, errFrom := strconv.ParseUint(low, 16, 64)
			to, errTo := strconv.ParseUint(high, 16, 64)
			if errFrom == nil && errTo == nil {
				within = uint64(address) >= from && uint64(address) < to
			}
		}
		if rest, found := strings.CutPrefix(line, "AnonHugePages:"); found && within {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, errors.New("/proc/self/smaps does not tell of huge pages")
}
