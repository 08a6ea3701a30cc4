package measured

import (
	"os"
	"testing"
)

var sink int
var kept []byte

func BenchmarkCount(b *testing.B) {
	for _, each := range []struct {
		name  string
		times int
	}{{"1000", 1000}, {"2000", 2000}} {
		b.Run(each.name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				sink = Count(each.times)
			}
		})
	}
}

// What is done once, or while the timer stands, is no part of an operation.
func BenchmarkSetUp(b *testing.B) {
	sink = Count(1_000_000)
	for i := 0; i < b.N; i++ {
		b.StopTimer()
		sink = Count(3000)
		b.StartTimer()
		sink = Count(1000)
	}
}

func BenchmarkNames(b *testing.B) {
	for _, name := range []string{"a b", "x=1.5,[y]|z*", "deep/er", "same", "same"} {
		b.Run(name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				sink = Count(1000)
			}
		})
	}
}

func BenchmarkReadsTestdata(b *testing.B) {
	data, err := os.ReadFile("testdata/three.txt")
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < b.N; i++ {
		sink = Count(len(data))
	}
}

func BenchmarkAllocates(b *testing.B) {
	for i := 0; i < b.N; i++ {
		kept = make([]byte, 1024)
	}
}

func BenchmarkFails(b *testing.B) {
	b.Fatal("it can not be measured")
}
