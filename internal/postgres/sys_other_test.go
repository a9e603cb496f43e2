//go:build !linux

package postgres

// loseCapabilities exists only on systems that divide root's rights.
func loseCapabilities([]uintptr, string, string) { panic("there are no capabilities on this system") }
