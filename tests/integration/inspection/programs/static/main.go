// Command static prints a word and needs no C library.
package main

import "fmt"

func main() { fmt.Println("ok") }
