// Command clock answers every line of its input with the clock that the processor runs at now, in hertz: how
// fast multiplications go of which each needs the one before. No other work on the core slows such a chain.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

// Of a multiplication of 64-bit integers: Intel's since Nehalem, AMD's since Zen 2 (Agner Fog's tables).
const latency = 3

const (
	unrolled = 16
	rounds   = 10000
	// Whatever interrupts a try makes it seem slow, so the fastest tells.
	tries = 5
)

//go:noinline
func chain(x, y uint64) uint64 {
	for i := 0; i < rounds; i++ {
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
		x *= y
	}
	return x
}

func main() {
	x := uint64(len(os.Args)) | 1
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		best := time.Hour
		for try := 0; try < tries; try++ {
			begun := time.Now()
			x = chain(x, x|3) | 1
			best = min(best, time.Since(begun))
		}
		fmt.Printf("%.0f\n", latency*unrolled*rounds/best.Seconds())
	}
}
