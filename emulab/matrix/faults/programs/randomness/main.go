// Randomness says what the kernel answers who asks it for random bytes, and what crypto/rand makes of that.
package main

import (
	"crypto/rand"
	"flag"
	"fmt"
	weak "math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// getrandom is the call's number.
var getrandom = map[string]uintptr{"amd64": 318, "arm64": 278, "riscv64": 278, "arm": 384}[runtime.GOARCH]

const nonBlocking = 1 // GRND_NONBLOCK

func main() {
	secrets := flag.Bool("secrets", true, "draw them; else only what crypto/rand is not needed for")
	limit := flag.Duration("limit", time.Second, "how long crypto/rand may take")
	flag.Parse()
	fmt.Println("getrandom:", asked())
	for _, device := range [...]string{"/dev/urandom", "/dev/random"} {
		if _, err := os.Stat(device); err != nil {
			fmt.Println(device + ": missing")
		}
	}
	seeds := map[uint64]bool{weak.Uint64(): true, weak.Uint64(): true}
	fmt.Println("math/rand:", len(seeds), "different numbers")
	if !*secrets {
		return
	}
	key := make([]byte, 32)
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		_, err := rand.Read(key)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			fmt.Println("crypto/rand: error:", err)
			os.Exit(3)
		}
		fmt.Println("crypto/rand: 32 bytes")
		fmt.Fprintln(os.Stderr, "after", time.Since(began).Round(time.Millisecond))
	case <-time.After(*limit):
		fmt.Println("crypto/rand: no answer within", *limit)
		os.Exit(4)
	}
}

// asked returns what the kernel answers who does not want to wait.
func asked() string {
	var b [8]byte
	_, _, errno := syscall.Syscall(getrandom, uintptr(unsafe.Pointer(&b)), uintptr(len(b)), nonBlocking)
	switch errno {
	case 0:
		return "answers"
	case syscall.ENOSYS:
		return "ENOSYS"
	case syscall.EAGAIN:
		return "EAGAIN, no randomness yet"
	}
	return errno.Error()
}
