// Pages maps the second page of a file, whose size it knows or asks for.
package main

import (
	"flag"
	"fmt"
	"os"
	"syscall"
)

func main() {
	ask := flag.Bool("ask", false, "ask the system how large a page is")
	flag.Parse()
	fmt.Println("pages of", os.Getpagesize())
	size := 4096
	if *ask {
		size = os.Getpagesize()
	}
	file, err := os.CreateTemp("", "pages-*")
	if err == nil {
		defer os.Remove(file.Name())
		_, err = file.Write(make([]byte, 4*size))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if _, err := syscall.Mmap(int(file.Fd()), int64(size), size, syscall.PROT_READ, syscall.MAP_SHARED); err != nil {
		fmt.Println("mmap at", size, "failed:", err)
		os.Exit(1)
	}
	fmt.Println("mapped")
}
