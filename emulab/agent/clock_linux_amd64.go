package main

// The calls that take 64-bit seconds.
const (
	sysClockGettime64 = 228
	sysClockSettime64 = 227
)
