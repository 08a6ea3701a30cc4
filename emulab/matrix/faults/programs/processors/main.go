// Processors starts workers by how many processors there are, as pools do, or waits busily for another goroutine.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

func main() {
	spin := flag.Bool("spin", false, "wait busily")
	least := flag.Int("least", 0, "fewest workers")
	flag.Parse()
	fmt.Println("processors:", runtime.NumCPU())
	if *spin {
		wait()
		return
	}
	jobs, done := make(chan int), make(chan int)
	for range max(runtime.NumCPU()-1, *least) { // one is left for the rest
		go func() {
			for job := range jobs {
				done <- job
			}
		}()
	}
	jobs <- 1
	fmt.Println("job done:", <-done)
}

// wait spins without any call until another goroutine says that it is over.
func wait() {
	var over atomic.Bool
	go func() {
		time.Sleep(10 * time.Millisecond)
		over.Store(true)
	}()
	for !over.Load() {
	}
	fmt.Println("the busy wait ended")
}
