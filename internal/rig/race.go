//go:build race

package rig

// Racing reports whether the race detector is part of the test and of the programs that it builds.
const Racing = true
