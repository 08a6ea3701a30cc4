package main

const (
	sysSeccomp     = 383
	sysGetrandom   = 384
	sysMemfdCreate = 385
	sysStatx       = 397
)
