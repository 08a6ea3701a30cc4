// probe does one small thing that a test asks for, and shows what came of it.
//
//	probe WHAT [ARGUMENT...]
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	if len(os.Args) < 2 {
		fail("nothing was asked for")
	}
	arguments := os.Args[2:]
	switch os.Args[1] {
	case "arguments":
		for _, argument := range arguments {
			fmt.Printf("%q\n", argument)
		}
	case "environment":
		for _, setting := range os.Environ() {
			fmt.Println(setting)
		}
	case "copy":
		io.Copy(os.Stdout, os.Stdin)
	case "flood":
		flood(number(arguments[0]))
	case "exit":
		fmt.Fprintln(os.Stderr, "probe: leaving with", arguments[0])
		os.Exit(number(arguments[0]))
	case "signal":
		syscall.Kill(os.Getpid(), syscall.Signal(number(arguments[0])))
		time.Sleep(10 * time.Second)
	case "sleep":
		fmt.Println("asleep")
		time.Sleep(time.Hour)
	case "start":
		start()
	case "processor":
		processor()
	case "descriptors":
		descriptors()
	case "eat":
		eat()
	case "work":
		work(number(arguments[0]))
	case "moment":
		moment()
	case "serve":
		serve(arguments[0], number(arguments[1]))
	case "serve-twice":
		serve(arguments[0], 0, arguments[0])
	case "serve-behind":
		serveBehind(arguments[0])
	default:
		fail("no such thing: " + os.Args[1])
	}
}

func fail(reason string) {
	fmt.Fprintln(os.Stderr, "probe:", reason)
	os.Exit(1)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		fail(err.Error())
	}
	return value
}

func flood(size int) {
	line := make([]byte, 64<<10)
	for i := range line {
		line[i] = 'a' + byte(i%26)
	}
	for size > 0 {
		n, err := os.Stdout.Write(line[:min(size, len(line))])
		if err != nil {
			fail(err.Error())
		}
		size -= n
	}
}

// start starts itself and a shell, each of which starts something in turn.
func start() {
	own, err := os.Executable()
	if err != nil {
		fail(err.Error())
	}
	for _, command := range []*exec.Cmd{
		exec.Command(own, "arguments", "by itself", ""),
		exec.Command("/bin/sh", "-c", "uname -m | tr a-z A-Z; exit 7"),
		exec.Command("/bin/sh", "-c", own+" exit 3"),
	} {
		said, err := command.Output()
		fmt.Printf("%q %d %v\n", said, command.ProcessState.ExitCode(), err)
	}
}

// processor prints what the kernel says that the processor has: AT_HWCAP and AT_HWCAP2 of the auxiliary vector.
func processor() {
	vector, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		fail(err.Error())
	}
	size := int(unsafe.Sizeof(uintptr(0)))
	word := func(b []byte) uint64 {
		if size == 4 {
			return uint64(binary.NativeEndian.Uint32(b))
		}
		return binary.NativeEndian.Uint64(b)
	}
	for ; len(vector) >= 2*size; vector = vector[2*size:] {
		switch kind := word(vector); kind {
		case 16, 26:
			fmt.Printf("%d %#x\n", kind, word(vector[size:]))
		}
	}
	fmt.Println("processors", runtime.NumCPU(), runtime.GOMAXPROCS(0))
}

func descriptors() {
	opened := 0
	for ; opened < 4096; opened++ {
		if _, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0); err != nil {
			fmt.Println(opened, err)
			return
		}
	}
	fmt.Println(opened)
}

// eat takes memory, and uses it, until there is none.
func eat() {
	var held [][]byte
	for {
		piece := make([]byte, 1<<20)
		for i := 0; i < len(piece); i += 512 {
			piece[i] = 1
		}
		held = append(held, piece)
	}
}

// work does a fixed amount of computing and prints how long it took on the monotonic clock.
func work(rounds int) {
	began := time.Now()
	sum := sha256.Sum256(nil)
	for i := 0; i < rounds; i++ {
		sum = sha256.Sum256(sum[:])
	}
	fmt.Printf("%x %d\n", sum[:4], time.Since(began).Nanoseconds())
}

// moment prints random bytes of the kernel and the time.
func moment() {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		fail(err.Error())
	}
	fmt.Printf("%x %d\n", random, time.Now().UnixNano())
}

// serve answers with its process id, holding so many bytes, until SIGTERM.
func serve(address string, size int, more ...string) {
	held := make([]byte, size)
	for i := 0; i < len(held); i += 512 {
		held[i] = 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	fmt.Fprintln(os.Stderr, "serving at", address)
	for _, address := range append(more, address) {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			fail(err.Error())
		}
		go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, os.Getpid())
		}))
	}
	<-stop
	runtime.KeepAlive(held)
}

// serveBehind leaves a process behind, in a session of its own, that goes on serving.
func serveBehind(address string) {
	own, err := os.Executable()
	if err != nil {
		fail(err.Error())
	}
	command := exec.Command(own, "serve", address, "0")
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		fail(err.Error())
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
}
