package storetest

import (
	"os"
	"slices"
	"strings"
)

// Required reports whether CAUSERIE_TEST_REQUIRE names a part of the tests: postgres, browser, or several with commas
// between them. A required part fails where what it needs is missing. Any other part is skipped there.
func Required(part string) bool {
	return slices.Contains(strings.Split(os.Getenv("CAUSERIE_TEST_REQUIRE"), ","), part)
}
