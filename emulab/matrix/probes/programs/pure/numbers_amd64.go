package main

// For trying a probe out on the machine that it is written on.
const (
	sysSeccomp     = 317
	sysGetrandom   = 318
	sysMemfdCreate = 319
	sysStatx       = 332
)
