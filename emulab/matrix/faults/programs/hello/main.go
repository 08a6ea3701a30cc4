// Hello does a little of everything that a compiler may use newer instructions for.
package main

import (
	"fmt"
	"math/bits"
	"sync/atomic"
)

func main() {
	var counter atomic.Int64
	for i := range 1000 {
		counter.Add(int64(bits.OnesCount(uint(i)) + bits.TrailingZeros(uint(i|1024))))
	}
	fmt.Println("works:", counter.Load())
}
