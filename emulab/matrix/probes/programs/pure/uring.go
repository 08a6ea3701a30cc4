package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"unsafe"

	"org.emulab/probes/verdict"
)

var _ = verdict.Probe("io-uring", ioUring)

type ringOffsets struct {
	head, tail, mask, entries, flags, dropped, array, _ uint32
	_                                                   uint64
}
type completionOffsets struct {
	head, tail, mask, entries, overflow, cqes, flags, _ uint32
	_                                                   uint64
}
type ringParameters struct {
	entries, completions, flags, cpu, idle, features, queue uint32
	_                                                       [3]uint32
	submission                                              ringOffsets
	completion                                              completionOffsets
}
type submission struct {
	operation, flags uint8
	priority         uint16
	fd               int32
	offset, address  uint64
	length, opFlags  uint32
	data             uint64
	_                [3]uint64
}
type completion struct {
	data   uint64
	result int32
	flags  uint32
}

// ring is the least of io_uring: one request at a time.
type ring struct {
	fd                int
	facts             *ringParameters
	requests, answers []byte
	entries           []byte
}

func openRing() (*ring, error) {
	const offRequests, offAnswers, offEntries = 0, 0x8000000, 0x10000000
	facts := new(ringParameters)
	fd, err := call("io_uring_setup", sysIoUringSetup, 4, pointer(facts))
	if err != nil {
		return nil, err
	}
	made := &ring{fd: int(fd), facts: facts}
	parts := []struct {
		to     *[]byte
		offset int64
		size   uintptr
	}{
		{&made.requests, offRequests, uintptr(facts.submission.array) + 4*uintptr(facts.entries)},
		{&made.answers, offAnswers, uintptr(facts.completion.cqes) + unsafe.Sizeof(completion{})*uintptr(facts.completions)},
		{&made.entries, offEntries, unsafe.Sizeof(submission{}) * uintptr(facts.entries)},
	}
	for _, part := range parts {
		*part.to, err = syscall.Mmap(int(fd), part.offset, int(part.size), syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_SHARED|syscall.MAP_POPULATE)
		if err != nil {
			return nil, verdict.Call("mapping its rings", err)
		}
	}
	return made, nil
}

func word(area []byte, offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&area[offset])) }

// ask has the kernel do one thing and returns what came of it.
func (r *ring) ask(what submission) (int32, error) {
	const getEvents = 1
	at := r.facts.submission
	tail := word(r.requests, at.tail)
	index := *tail & *word(r.requests, at.mask)
	*(*submission)(unsafe.Pointer(&r.entries[uintptr(index)*unsafe.Sizeof(what)])) = what
	*word(r.requests, at.array+4*index) = index
	atomic.StoreUint32(tail, *tail+1)
	if _, err := call("io_uring_enter", sysIoUringEnter, uintptr(r.fd), 1, 1, getEvents, 0, 0); err != nil {
		return 0, err
	}
	done := r.facts.completion
	head := word(r.answers, done.head)
	if *head == atomic.LoadUint32(word(r.answers, done.tail)) {
		return 0, errors.New("io_uring_enter came back without an answer")
	}
	place := uintptr(done.cqes) + uintptr(*head&*word(r.answers, done.mask))*unsafe.Sizeof(completion{})
	answer := *(*completion)(unsafe.Pointer(&r.answers[place]))
	atomic.StoreUint32(head, *head+1)
	if answer.data != what.data {
		return 0, fmt.Errorf("the answer is for request %d, not %d", answer.data, what.data)
	}
	return answer.result, nil
}

func ioUring() (string, error) {
	const opNop, opRead, opWrite = 0, 22, 23
	ring, err := openRing()
	if isRefused(err) {
		return "", verdict.Unsupported("this machine forbids it: %v", err)
	}
	if err != nil {
		return "", err
	}
	defer syscall.Close(ring.fd)
	if result, err := ring.ask(submission{operation: opNop, data: 1}); err != nil || result != 0 {
		return "", fmt.Errorf("nothing to do: %d, %v", result, err)
	}
	directory, remove, err := scratch()
	if err != nil {
		return "", err
	}
	defer remove()
	file, err := os.OpenFile(filepath.Join(directory, "file"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, got := []byte("written by the kernel"), make([]byte, 64)
	kept = append(kept, content, got)
	transfer := func(operation uint8, buffer []byte, data uint64) (int32, error) {
		address := uint64(uintptr(unsafe.Pointer(&buffer[0])))
		return ring.ask(submission{operation: operation, fd: int32(file.Fd()), address: address,
			length: uint32(len(buffer)), data: data})
	}
	if n, err := transfer(opWrite, content, 2); err != nil || int(n) != len(content) {
		return "", fmt.Errorf("writing: %d, %v", n, err)
	}
	n, err := transfer(opRead, got, 3)
	if err != nil || n < 0 {
		return "", fmt.Errorf("reading: %d, %v", n, err)
	}
	return "it wrote a file and read it", expect("what it read", string(got[:n]), string(content))
}
