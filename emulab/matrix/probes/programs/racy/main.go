// Command racy has a data race, for the race detector to find.
package main

import (
	"fmt"
	"sync"
)

func main() {
	shared := 0
	var both sync.WaitGroup
	for range 2 {
		both.Add(1)
		go func() {
			defer both.Done()
			for range 1000 {
				shared++
			}
		}()
	}
	both.Wait()
	fmt.Println(shared)
}
