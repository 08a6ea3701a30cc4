// Package measured has benchmarks whose counts are known, and some that go wrong.
package measured

// Count goes around an empty loop.
//
//go:noinline
func Count(times int) int {
	total := 0
	for i := 0; i < times; i++ {
		total += i
	}
	return total
}
