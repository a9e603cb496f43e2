package postgres

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// join uses the server that another process runs in the directory. It reports whether that server can be used by now.
func (c *Cluster) join(ctx context.Context) bool {
	who, err := serverAccount(c.data, true)
	if err != nil {
		return false
	}
	if _, ready := postmaster(c.data); !ready {
		return false
	}
	running := &Cluster{socketDir: socketDirPath(c.dir, strconv.Itoa(who.uid))}
	// Somebody else could run a server of his own there.
	if info, err := os.Lstat(running.socketDir); err != nil || !isPrivate(info, who) {
		return false
	}
	dsn := running.DSN(Database)
	if checkEnvironment(dsn, running.socketDir) != nil {
		return false
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return false
	}
	defer db.Close()
	if db.PingContext(ctx) != nil {
		return false
	}
	c.account, c.socketDir, c.joined = who, running.socketDir, true
	return true
}

// postmaster reads which process serves a data directory, and whether it accepts connections.
func postmaster(dataDir string) (pid int, ready bool) {
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	lines := strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	return pid, len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}

// alone is what acquireLock asks where nobody else may use the directory.
func alone() bool { return false }
