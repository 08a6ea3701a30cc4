// Command counts executes a loop of a known length: once, or in every request that it is sent.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
)

//go:noinline
func loop(n int) (sum uint64) {
	for i := 0; i < n; i++ {
		sum += uint64(i)
	}
	return sum
}

func main() {
	if len(os.Args) < 3 {
		os.Exit(3)
	}
	turns, _ := strconv.Atoi(os.Args[2])
	if os.Args[1] == "loop" {
		fmt.Println(loop(turns))
		return
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, loop(turns)) })
	http.ListenAndServe(":8099", nil)
}
