//go:build arm64 || riscv64

package main

const (
	sysSeccomp     = 277
	sysGetrandom   = 278
	sysMemfdCreate = 279
	sysStatx       = 291
)
