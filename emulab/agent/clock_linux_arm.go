package main

// The calls that take 64-bit seconds.
const (
	sysClockGettime64 = 403
	sysClockSettime64 = 404
)
