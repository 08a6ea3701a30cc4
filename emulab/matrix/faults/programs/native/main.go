// Native calls the C library, in versions of its functions that came late.
package main

// #include <stdlib.h>
// static long number(const char *text) { return strtol(text, NULL, 10); }
import "C"

import (
	"fmt"
	"unsafe"
)

func main() {
	text := C.CString("42")
	defer C.free(unsafe.Pointer(text))
	fmt.Println("works:", C.number(text))
}
