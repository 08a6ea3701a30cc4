// Command plugged opens a plugin, calls into it and shares a value with it.
package main

import (
	"fmt"
	"os"
	"plugin"
)

func main() {
	saw, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(saw)
}

func run(path string) (string, error) {
	part, err := plugin.Open(path)
	if err != nil {
		return "", err
	}
	double, err := part.Lookup("Double")
	if err != nil {
		return "", err
	}
	call, is := double.(func([]int) []int)
	if !is {
		return "", fmt.Errorf("Double is a %T", double)
	}
	if got := fmt.Sprint(call([]int{1, 2, 3})); got != "[2 4 6]" {
		return "", fmt.Errorf("the double of [1 2 3] is %s", got)
	}
	return "a plugin was loaded and called", nil
}
