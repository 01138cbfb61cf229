package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestPartsOfTheProgramAreReleasedAndComeBack(t *testing.T) {
	before := programMemory(t)
	releaseProgram()
	if after := programMemory(t); after > before*2/3 {
		t.Errorf("the process held %d KB of its files, and still holds %d KB", before, after)
	}
	if _, trouble, status := cli(t.Context(), []string{"help"}, nil, ""); status != done {
		t.Errorf("the program does not work any more: %d %s", status, trouble)
	}
}

// programMemory returns how many kilobytes of this process are parts of files.
func programMemory(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "RssFile:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest + " ?")[0])
	if err != nil {
		t.Skip("this kernel does not count the parts of files")
	}
	return kilobytes
}
