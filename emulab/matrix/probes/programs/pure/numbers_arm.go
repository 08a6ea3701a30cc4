package main

const (
	sysGetrandom   = 384
	sysMemfdCreate = 385
	sysStatx       = 397
)
