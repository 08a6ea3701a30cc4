// Memory keeps some memory alive while it makes garbage, as a service does that holds a cache.
package main

import (
	"flag"
	"fmt"
	"runtime"
)

const piece = 8 << 10

var kept [][]byte

func main() {
	live := flag.Int("live", 16, "MiB that are kept")
	garbage := flag.Int("garbage", 200, "MiB that are thrown away meanwhile")
	reserve := flag.Int("reserve", 0, "MiB in one block, of which nothing is touched")
	flag.Parse()
	if *reserve > 0 {
		block := make([]byte, *reserve<<20)
		fmt.Println("reserved", len(block)>>20, "MiB in one block")
		return
	}
	for range *live << 20 / piece {
		kept = append(kept, touched())
	}
	for range *garbage << 20 / piece {
		touched()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println("kept", len(kept)*piece>>20, "MiB through", *garbage, "MiB of garbage")
}

//go:noinline
func touched() []byte {
	block := make([]byte, piece)
	for at := 0; at < len(block); at += 1024 {
		block[at] = 1
	}
	return block
}
