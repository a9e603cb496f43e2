package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	// parentDeathSignal: the kernel can send a child a signal when its parent ends.
	parentDeathSignal = true

	// descriptorPath is the path of a child's third descriptor.
	descriptorPath = "/proc/self/fd/3"
)

// childAttributes puts a child into its own process group, so that a terminal's Ctrl-C reaches only us; we stop the
// server when its clients are done. onOurDeath, unless 0, is the signal that the child receives when the thread that
// starts it ends.
func childAttributes(as *syscall.Credential, onOurDeath syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as, Pdeathsig: onOurDeath}
}

// memoryDir returns a directory in memory that has room for an ephemeral cluster, or "".
func memoryDir() string {
	const (
		dir   = "/dev/shm"
		tmpfs = 0x01021994
		room  = 2 << 30 // some hundred megabytes for each of the clusters that run at once
	)
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil || int64(fs.Type) != tmpfs || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	if syscall.Access(dir, 2|1) != nil { // not writable
		return ""
	}
	return dir
}

// foreignServer returns the id of a server process that works in the data directory, or 0. The id in the pid file is
// not enough: that process may be gone while its children still run, or another program may have its number.
func foreignServer(dataDir string, _ int) int {
	data, err := os.Stat(dataDir)
	if err != nil {
		return 0
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, comm := range processes {
		name, err := os.ReadFile(comm)
		if err != nil ||
			!strings.HasPrefix(string(name), "postgres") && !strings.HasPrefix(string(name), "postmaster") {
			continue
		}
		process := filepath.Dir(comm)
		// This fails for zombies, which are harmless, and for other users' processes.
		if cwd, err := os.Stat(filepath.Join(process, "cwd")); err == nil && os.SameFile(cwd, data) {
			pid, _ := strconv.Atoi(filepath.Base(process))
			return pid
		}
	}
	return 0
}
