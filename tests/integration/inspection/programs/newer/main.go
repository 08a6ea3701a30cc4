// Command newer calls a function that glibc has since 2.38.
package main

// #include <stdio.h>
// #include <string.h>
// static void say(const char *text) { char word[8]; strlcpy(word, text, sizeof word); puts(word); fflush(stdout); }
import "C"

func main() { C.say(C.CString("ok")) }
