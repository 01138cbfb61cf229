package main

import "syscall"

// freeSpace returns how many bytes can still be written to a folder. known is false when that cannot be found out.
func freeSpace(folder string) (free uint64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}
