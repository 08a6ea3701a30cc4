// Command newer calls a function that glibc has since 2.38.
package main

// #include <stdio.h>
// #include <string.h>
// // The C library of whoever checks this file may be older.
// size_t strlcpy(char *to, const char *from, size_t room);
// static void say(const char *text) { char word[8]; strlcpy(word, text, sizeof word); puts(word); fflush(stdout); }
import "C"

func main() { C.say(C.CString("ok")) }
