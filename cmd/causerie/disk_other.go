//go:build !linux

package main

// freeSpace is how many bytes may still be written to a folder, which is known on Linux only.
func freeSpace(string) (free uint64, known bool) { return 0, false }
