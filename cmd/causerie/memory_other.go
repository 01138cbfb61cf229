//go:build !linux

package main

// releaseProgram does nothing: only on Linux it is known how.
func releaseProgram() {}
