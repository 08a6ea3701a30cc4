//go:build go1.24

package measured

import "testing"

func BenchmarkLoop(b *testing.B) {
	sink = Count(1_000_000)
	for b.Loop() {
		sink = Count(1000)
	}
}
