// Package native sums texts up, in C where there is a compiler for it.
package native
