//go:build cgo

package native

import "testing"

func TestSumsNothingInC(t *testing.T) {
	if got := Checksum(nil); got != 1 {
		t.Fatalf("%x", got)
	}
}
