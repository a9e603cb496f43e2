//go:build !linux

package postgres

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

const (
	// parentDeathSignal: only Linux has one. See watch.
	parentDeathSignal = false

	// descriptorPath is empty: the account that root drops to must be able to reach the data directory by its path.
	descriptorPath = ""
)

// childAttributes puts a child into its own process group, so that a terminal's Ctrl-C reaches only us; we stop the
// server when its clients are done.
func childAttributes(as *syscall.Credential, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as}
}

// memoryDir returns "": there is no directory in memory that every system has.
func memoryDir() string { return "" }

// foreignServer returns the id recorded in the data directory if that process is a PostgreSQL server, or 0.
func foreignServer(_ string, recorded int) int {
	if recorded <= 0 {
		return 0
	}
	command, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(recorded)).Output()
	if err != nil || !strings.Contains(string(command), "postgres") {
		return 0
	}
	return recorded
}
