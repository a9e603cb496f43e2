package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Check says in a sentence with which programs Start would run the cluster in o.Dir. Like Start it refuses a directory that it can't use,
// but it changes nothing.
func Check(ctx context.Context, o Options) (string, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", err
	}
	c := &Cluster{dir: dir, data: filepath.Join(dir, "cluster")}
	data := c.data
	if _, err := os.Lstat(data); errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		if err := mayWrite(dir); err != nil {
			return "", err
		}
	}
	madeBy, err := dataDirMajor(data)
	then := "is run"
	if err == nil && madeBy == 0 && !missing(c.completeUpgrade()) {
		data, then = c.completeUpgrade(), "is left by an upgrade that was interrupted; the start ends that. It will be run"
		madeBy, err = dataDirMajor(data)
	}
	if err != nil {
		return "", ownAccount().explain(err)
	}
	if madeBy == 0 {
		if err := mayCreate(data, o.Existing); err != nil {
			return "", err
		}
	}
	if err := mayLock(lockPath(dir)); err != nil {
		return "", err
	}
	who, err := serverAccount(data, madeBy != 0)
	if err != nil {
		return "", err
	}
	c.socketDir = socketDirPath(dir, strconv.Itoa(who.uid))
	if err := checkEnvironment(c.DSN(Database), c.socketDir); err != nil {
		return "", err
	}
	found, err := findBinaries(ctx, o.BinDir, madeBy, data, who)
	if err != nil {
		return "", err
	}
	if madeBy == 0 {
		return fmt.Sprintf("A new database will be created in %s, with PostgreSQL %d in %s, as user %s.", data, found.major, found.bin, who.name), nil
	}
	return fmt.Sprintf("The built-in database in %s %s by PostgreSQL %d in %s, as user %s.", data, then, found.major, found.bin, who.name), nil
}

// mayLock says why the lock file, if there is one, can't be used.
func mayLock(lock string) error {
	info, err := os.Stat(lock)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && info.IsDir():
		err = unix.EISDIR
	case err == nil:
		err = unix.Access(lock, unix.R_OK|unix.W_OK)
	}
	if err != nil {
		return fmt.Errorf("cannot lock the data directory: %s: %w", lock, err)
	}
	return nil
}

// mayWrite says why files can't be made in a folder, or the folder itself can't.
func mayWrite(dir string) error {
	info, err := os.Stat(dir)
	if _, dangling := os.Lstat(dir); dangling == nil && errors.Is(err, fs.ErrNotExist) { // a link to what is not there
		return fmt.Errorf("cannot make the data directory in %s: %w", dir, err)
	}
	switch {
	case (errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR)) && filepath.Dir(dir) != dir:
		return mayWrite(filepath.Dir(dir))
	case err == nil && !info.IsDir():
		err = unix.ENOTDIR
	case err == nil:
		err = unix.Access(dir, unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return fmt.Errorf("cannot make the data directory in %s: %w", dir, err)
	}
	return nil
}
