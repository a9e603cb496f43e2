package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clearLeftovers removes the files that a killed server left. PostgreSQL does so too, but trusts the process id in
// them: if that id belongs to a zombie or to another program, it refuses to start. Since we hold the lock, no server of
// ours runs. clearLeftovers returns an error if a server runs that somebody started by hand.
func (c *Cluster) clearLeftovers() error {
	pidFile := filepath.Join(c.data, "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return c.account.explain(err)
	default:
		first, _, _ := strings.Cut(string(text), "\n")
		recorded, _ := strconv.Atoi(strings.TrimSpace(first))
		if pid := foreignServer(c.data, recorded); pid != 0 {
			return fmt.Errorf("a PostgreSQL server that Parley did not start (process %d) uses %s: stop it first",
				pid, c.data)
		}
		c.log.Info("the database was not shut down properly and is recovering", "dir", c.data)
		if err := os.Remove(pidFile); err != nil {
			return c.account.explain(err)
		}
	}
	for _, name := range []string{socketName, socketName + ".lock"} {
		if err := os.Remove(filepath.Join(c.socketDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c.account.explain(err)
		}
	}
	return nil
}

const temporaryPrefix = "parley-postgres-"

// temporaryParent returns the directory for ephemeral clusters: the one that TMPDIR names, or else one in memory, where
// the files of a database are created and removed several times as fast as on a disk.
func temporaryParent() string {
	if dir := memoryDir(); dir != "" && os.Getenv("TMPDIR") == "" {
		return dir
	}
	return os.TempDir()
}

func makeTemporaryDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, temporaryPrefix)
	if err != nil {
		return "", err
	}
	// The account that root drops to must be able to pass through; the data directory itself stays private.
	return dir, os.Chmod(dir, 0o711)
}

// sweepTemporaryDirs removes ephemeral clusters whose process was killed: their lock is free. It skips very young ones,
// whose process may be about to lock them.
func sweepTemporaryDirs(parent string, log *slog.Logger) {
	dirs, _ := filepath.Glob(filepath.Join(parent, temporaryPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ownedBy(info, os.Geteuid()) || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		lock, err := os.OpenFile(lockPath(dir), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if tryLock(lock) == nil {
			log.Debug("removing a killed test run's database", "dir", dir)
			_ = os.RemoveAll(dir)
			sockets, _ := filepath.Glob(socketDirPath(dir, "*"))
			for _, socket := range sockets {
				removeSocketDir(socket)
			}
		}
		_ = lock.Close()
	}
}
