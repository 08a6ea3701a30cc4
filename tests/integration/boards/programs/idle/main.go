// Program idle is the smallest program, kept from ending so that its memory can be looked at.
package main

import "syscall"

func main() { syscall.Pause() }
