package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	// kernelTellsOfDeath: a child can be sent a signal when its parent ends.
	kernelTellsOfDeath = true

	// descriptorPath names a child's third descriptor as a path.
	descriptorPath = "/proc/self/fd/3"
)

// childAttributes puts a child into a process group of its own, so that a terminal's Ctrl-C reaches
// only us, who stop the server when its clients are done; and has it sent onOurDeath, if not 0, when
// the thread that starts it ends.
func childAttributes(as *syscall.Credential, onOurDeath syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as, Pdeathsig: onOurDeath}
}

// foreignServer returns the id of a server process that works in the data directory, or 0. The one
// recorded in its pid file says little: it may be gone and its children still there, or another
// program may have its number by now.
func foreignServer(dataDir string, _ int) int {
	data, err := os.Stat(dataDir)
	if err != nil {
		return 0
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, comm := range processes {
		name, err := os.ReadFile(comm)
		if err != nil || !strings.HasPrefix(string(name), "postgres") && !strings.HasPrefix(string(name), "postmaster") {
			continue
		}
		process := filepath.Dir(comm)
		// Unreadable for a zombie, which does no harm, and for other users' processes.
		if cwd, err := os.Stat(filepath.Join(process, "cwd")); err == nil && os.SameFile(cwd, data) {
			pid, _ := strconv.Atoi(filepath.Base(process))
			return pid
		}
	}
	return 0
}
