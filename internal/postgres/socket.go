package postgres

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/lib/pq"
)

// The port only names the socket's file; nothing listens on TCP.
const (
	superuser  = "postgres"
	socketPort = "5432"
	socketName = ".s.PGSQL." + socketPort
)

// makeSocketDir makes the folder of the server's socket, or reuses the one of an earlier run. Everybody who can enter
// it is the database's superuser, without a password; so only the account may.
//
// The folder is not in the data directory, whose path may be too long for a socket (103 bytes on some systems) or
// closed to the account that root drops to. It has a short name under the temporary folder.
func makeSocketDir(dir string, who account) (string, error) {
	path := socketDirPath(dir, strconv.Itoa(who.uid))
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("cannot make the database socket's folder: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("cannot make the database socket's folder: %w", err)
	}
	if !isPrivate(info, who) {
		return "", fmt.Errorf(
			"%s, where the database's socket goes, must be a folder of user %s with mode 0700: remove it", path,
			who.name)
	}
	return path, who.own(path)
}

// isPrivate says whether a file is a folder that only the account, and root, can enter.
func isPrivate(info fs.FileInfo, who account) bool {
	return info.IsDir() && info.Mode().Perm() == 0o700 && (ownedBy(info, who.uid) || ownedBy(info, os.Geteuid()))
}

// socketDirPath returns the same path for every start on a directory. It does not use TMPDIR, which is often long and
// sometimes closed to other users.
func socketDirPath(dir, uid string) string {
	parent := "/tmp"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = os.TempDir()
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(parent, fmt.Sprintf(".parley-%s-%x", uid, sum[:6]))
}

func removeSocketDir(path string) {
	for _, name := range []string{socketName, socketName + ".lock", ""} {
		_ = os.Remove(filepath.Join(path, name)) // the server may have removed it
	}
}

func ownedBy(info fs.FileInfo, uid int) bool {
	return int(info.Sys().(*syscall.Stat_t).Uid) == uid
}

// checkEnvironment makes sure that lib/pq follows the DSN. PGHOSTADDR, PGSERVICE, or a list in PGHOST would direct it
// to another server.
func checkEnvironment(dsn, socketDir string) error {
	config, err := pq.NewConfig(dsn)
	if err != nil {
		return fmt.Errorf("a PG… variable in the environment conflicts with the built-in database: %w", err)
	}
	if config.Host != socketDir || config.Hostaddr.IsValid() || len(config.Multi) > 0 {
		return errors.New(
			"PGHOST, PGHOSTADDR, or PGSERVICE in the environment names another server: unset it to use the " +
				"built-in database")
	}
	return nil
}
