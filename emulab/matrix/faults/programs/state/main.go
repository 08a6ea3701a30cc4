// State writes its state to a file, as a service does that must know it after the next start.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	directory := flag.String("dir", "/var/lib/service", "where the state goes")
	fallback := flag.String("fallback", "", "where it goes when it can not go there")
	size := flag.Int("size", 64<<10, "bytes of it")
	within := flag.Duration("within", 0, "when the watchdog bites, 0 for never")
	tolerant := flag.Bool("tolerant", false, "go on in memory when it can not be stored")
	beside := flag.Bool("beside", false, "store it beside the work that the watchdog watches")
	flag.Parse()
	stored := make(chan error, 1)
	go func() { stored <- store(*directory, *size) }()
	if *beside {
		time.Sleep(100 * time.Millisecond)
		fmt.Println("served meanwhile")
		return
	}
	var bite <-chan time.Time
	if *within > 0 {
		bite = time.After(*within)
	}
	var err error
	select {
	case err = <-stored:
	case <-bite:
		err = fmt.Errorf("watchdog: the state was not on the disk within %v", *within)
	}
	if err != nil && *fallback != "" {
		fmt.Println("state:", err)
		*directory = *fallback
		err = store(*directory, *size)
	}
	switch {
	case err == nil:
		fmt.Println("state: stored in", *directory)
	case *tolerant:
		fmt.Println("state:", err)
		fmt.Println("state: kept in memory")
	default:
		fmt.Println("state:", err)
		os.Exit(1)
	}
}

// store puts the state into a new file, waits until the disk has it, and gives it its name.
func store(directory string, size int) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(directory, "state-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(make([]byte, size))
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(directory, "state"))
}
