package native

import (
	"hash/adler32"
	"testing"
)

func TestSumsAsTheStandardLibraryDoes(t *testing.T) {
	for _, text := range []string{"", "a", "what is in the store"} {
		if got, want := Checksum([]byte(text)), adler32.Checksum([]byte(text)); got != want {
			t.Errorf("%q: %x, want %x", text, got, want)
		}
	}
}
