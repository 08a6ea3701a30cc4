// Command cgo prints a word by the C library.
package main

// #include <stdio.h>
// static void say(void) { puts("ok"); fflush(stdout); }
import "C"

func main() { C.say() }
