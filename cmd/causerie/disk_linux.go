package main

import "syscall"

// freeSpace is how many bytes may still be written to a folder; false when that cannot be known.
func freeSpace(folder string) (free uint64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}
