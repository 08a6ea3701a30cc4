package main

import (
	"bytes"
	standard64 "encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

func FuzzBytesAreEncodedAsTheStandardLibraryDoes(f *testing.F) {
	for _, s := range []string{"", "a", "ab", "abc", "abcd", "\x00\xff\x7f"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := base64(b); got != standard64.StdEncoding.EncodeToString(b) {
			t.Errorf("base64 of %x: %s", b, got)
		}
		if got, ok := unhex(hex.EncodeToString(b)); !ok || !bytes.Equal(got, b) {
			t.Errorf("hexadecimal of %x: %x", b, got)
		}
		want, err := hex.DecodeString(string(b))
		if got, ok := unhex(string(b)); ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Errorf("%q as hexadecimal: %x, %v", b, got, ok)
		}
	})
}

func TestIntegersAreLittleEndian(t *testing.T) {
	b := append64(append32(nil, 0xA1B2C3D4), 0x1122334455667788)
	if get32(b) != binary.LittleEndian.Uint32(b) || get16(b) != binary.LittleEndian.Uint16(b) ||
		get64(b[4:]) != binary.LittleEndian.Uint64(b[4:]) || get64(b[4:]) != 0x1122334455667788 {
		t.Errorf("%x", b)
	}
}
