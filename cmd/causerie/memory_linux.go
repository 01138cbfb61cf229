package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// releaseProgram returns the memory of this process that holds parts of its own program file. The start reads much of
// the file that serving never needs: tables of all packages, and sixteen pages around each one that it touches. What is
// needed again comes back from the page cache, where it stays. Errors are ignored: then the process is only larger.
func releaseProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer file.Close()
	var first, end uintptr // of the part that the lines are about; 0 if it is not ours
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 6 && len(fields[1]) == 4: // address, permissions, offset, device, inode, path
			first = 0
			if strings.HasPrefix(fields[1], "r-") && strings.HasSuffix(line, " "+program) {
				if _, err := fmt.Sscanf(fields[0], "%x-%x", &first, &end); err != nil {
					first = 0
				}
			}
		case first != 0 && line != "" && fields[0] == "Anonymous:":
			// What was written to would be lost. In a program that the loader has moved, these parts have been.
			if fields[1] == "0" {
				_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, first, end-first, syscall.MADV_DONTNEED)
			}
			first = 0
		}
	}
}
