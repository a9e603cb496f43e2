package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A cluster of the newer version is filled in a folder beside the one that it replaces, and gets another name there once it is complete.
const (
	upgradeFolder   = "upgrade"
	completeCluster = "complete"
)

// Upgrade copies the cluster in o.Dir into one of the newest version of PostgreSQL that is installed, or of the one in o.BinDir, by its pg_dump
// and psql. The old version has to be installed too. It returns the folder with the old files, or nothing if the cluster already has that
// version.
func Upgrade(ctx context.Context, o Options) (kept string, err error) {
	c := &Cluster{options: o.withDefaults()}
	if err := c.makeDir(); err != nil {
		return "", err
	}
	c.log = c.options.Log
	if err := c.finishUpgrade(); err != nil {
		return "", err
	}
	madeBy, err := dataDirMajor(c.data)
	switch {
	case err != nil:
		return "", ownAccount().explain(err)
	case madeBy == 0:
		return "", fmt.Errorf("there is no database in %s; name its folder with --data-dir", c.dir)
	}
	if c.account, err = serverAccount(c.data, true); err != nil {
		return "", err
	}
	newer, err := newestBinaries(ctx, o.BinDir, c.account)
	switch {
	case err != nil:
		return "", err
	case newer.major == madeBy && !o.sameVersion:
		return "", nil
	case newer.major < madeBy:
		return "", fmt.Errorf("the data in %s was made by PostgreSQL %d, and only version %d was found; install a newer one", c.data, madeBy, newer.major)
	}
	for _, program := range []string{"pg_dump", "psql"} {
		if clientProgram(newer, program) == "" {
			return "", fmt.Errorf("%s of PostgreSQL %d is neither in %s nor on PATH; install PostgreSQL's client programs (Debian: "+
				"apt-get install postgresql-client-%d)", program, newer.major, newer.bin, newer.major)
		}
	}
	older, err := findBinaries(ctx, "", madeBy, c.data, c.account)
	if err != nil {
		return "", err
	}
	return c.upgrade(ctx, older, newer)
}

func (c *Cluster) upgrade(ctx context.Context, older, newer binaries) (kept string, err error) {
	kept = fmt.Sprintf("%s.postgresql-%d", c.data, older.major)
	if _, err := os.Lstat(kept); err == nil {
		return "", fmt.Errorf("%s, where the old files would be kept, is there already; move it away", kept)
	}
	o := c.options
	o.BinDir, o.readOnly = older.bin, true
	old, err := Start(ctx, o)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, old.Stop()) }()
	folder := filepath.Join(c.dir, upgradeFolder)
	if err := os.RemoveAll(folder); err != nil { // of an attempt that was interrupted
		return "", err
	}
	defer func() {
		if _, complete := os.Stat(filepath.Join(folder, completeCluster)); complete != nil {
			os.RemoveAll(folder)
		}
	}()
	o.Dir, o.BinDir, o.readOnly = folder, newer.bin, false
	young, err := Start(ctx, o)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, young.Stop()) }()
	c.options.Log.Info("copying the database…", "from", older.major, "to", newer.major)
	if err := copyDatabase(ctx, newer, old, young); err != nil {
		return "", fmt.Errorf("cannot copy the database from PostgreSQL %d to %d, and nothing is changed: %w", older.major, newer.major, err)
	}
	if err := errors.Join(young.Stop(), old.Stop()); err != nil {
		return "", err
	}
	return kept, c.exchange(ctx, kept)
}

// exchange puts the new cluster into the place of the old one.
func (c *Cluster) exchange(ctx context.Context, kept string) error {
	control := filepath.Join(c.data, "global", "pg_control")
	before, err := os.Stat(control)
	if err != nil {
		return err
	}
	lock, err := acquireLock(ctx, c.dir, c.options.lockWait, c.options.Log, alone)
	if err != nil {
		return err
	}
	defer lock.Close()
	switch after, err := os.Stat(control); {
	case err != nil:
		return err
	case !after.ModTime().Equal(before.ModTime()):
		return errors.New("the database was used meanwhile, so nothing is changed; stop all servers, and upgrade again")
	}
	folder := filepath.Join(c.dir, upgradeFolder)
	if err := os.Rename(filepath.Join(folder, "cluster"), filepath.Join(folder, completeCluster)); err != nil {
		return err
	}
	if err := os.Rename(c.data, kept); err != nil {
		return err
	}
	return c.finishUpgrade()
}

// finishUpgrade puts a new cluster that is complete in place, where its predecessor has left that place.
func (c *Cluster) finishUpgrade() error {
	complete := filepath.Join(c.dir, upgradeFolder, completeCluster)
	if _, err := os.Stat(c.data); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Rename(complete, c.data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot put the upgraded database in place: %w", err)
	}
	if err := os.Remove(filepath.Join(c.dir, upgradeFolder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Debug("the folder of an upgrade is left", "error", err)
	}
	return syncDir(c.dir)
}

// copyDatabase copies the contents of a database into an empty one.
func copyDatabase(ctx context.Context, programs binaries, from, to *Cluster) error {
	var dumpSays, loadSays bytes.Buffer
	dump := exec.CommandContext(ctx, clientProgram(programs, "pg_dump"), from.conninfo())
	load := exec.CommandContext(ctx, clientProgram(programs, "psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1",
		"--single-transaction", "--file=-", "--command=ANALYZE", to.conninfo())
	dump.Env, load.Env = childEnvironment(), childEnvironment()
	dump.Stderr, load.Stderr = &dumpSays, &loadSays
	pipe, err := dump.StdoutPipe()
	if err != nil {
		return err
	}
	load.Stdin = pipe
	if err := dump.Start(); err != nil {
		return err
	}
	loaded := load.Run()
	pipe.Close() // so that the dump ends if the load did not read it to its end
	if err := errors.Join(loaded, dump.Wait()); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(dumpSays.String()+loadSays.String()))
	}
	return nil
}

// clientProgram finds a program of PostgreSQL's that not every installation has. It is empty if there is none.
func clientProgram(beside binaries, name string) string {
	if path, err := exec.LookPath(filepath.Join(beside.bin, name)); err == nil {
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// conninfo is how PostgreSQL's own programs reach the database.
func (c *Cluster) conninfo() string {
	return strings.ReplaceAll(c.DSN(Database), " binary_parameters=yes", "") // which is the driver's own
}
