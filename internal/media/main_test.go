package media

import (
	"os"
	"runtime/debug"
	"testing"
)

// The throwaway PostgreSQL of storetest lives as long as a pipe that nothing but its finalizer closes; collecting
// garbage while pictures are drawn would end it in the middle of a test.
func TestMain(m *testing.M) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(3 << 30)
	os.Exit(m.Run())
}
