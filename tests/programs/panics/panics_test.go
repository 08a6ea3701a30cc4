// Package panics has a benchmark that ends its process, between two that do not.
package panics

import "testing"

var sink int

func BenchmarkBefore(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink += i * 7
	}
}

func BenchmarkPanics(b *testing.B) {
	panic("no way on")
}

func BenchmarkTowardsTheEnd(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink += i * 7
	}
}
