//go:build arm64 || riscv64

package main

const (
	sysGetrandom   = 278
	sysMemfdCreate = 279
	sysStatx       = 291
)
