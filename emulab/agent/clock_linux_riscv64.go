package main

// The calls that take 64-bit seconds.
const (
	sysClockGettime64 = 113
	sysClockSettime64 = 112
)
