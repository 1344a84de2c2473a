//go:build unix && !linux

package lab

// memoryDirectory returns "": only Linux has one at a known place.
func memoryDirectory() string { return "" }
