//go:build cgo

package native

// #include <stdint.h>
//
// static uint32_t adler(const unsigned char *text, int length) {
//     uint32_t a = 1, b = 0;
//     for (int i = 0; i < length; i++) { a = (a + text[i]) % 65521; b = (b + a) % 65521; }
//     return b << 16 | a;
// }
import "C"

import "unsafe"

// Checksum returns the Adler-32 of a text, by C.
func Checksum(text []byte) uint32 {
	if len(text) == 0 {
		return 1
	}
	return uint32(C.adler((*C.uchar)(unsafe.Pointer(&text[0])), C.int(len(text))))
}
