package postgres

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A cluster of the newer version is filled in a folder beside the one that it replaces, and gets another name there once it is complete.
const (
	upgradeFolder   = "cluster.upgrade"
	completeCluster = "complete"
)

// completeUpgrade is where a newer cluster is complete, until it takes the place of the older one.
func (c *Cluster) completeUpgrade() string {
	return filepath.Join(c.dir, upgradeFolder, completeCluster)
}

// Upgrade copies the cluster in o.Dir into one of the newest version of PostgreSQL that is installed, or of the one in o.BinDir, by its
// pg_dumpall and psql. The old version has to be installed too. It returns the folder with the old files, or nothing if the cluster already has
// that version.
func Upgrade(ctx context.Context, o Options) (kept string, err error) {
	o.Existing = true
	c := &Cluster{options: o.withDefaults()}
	c.log = c.options.Log
	defer c.abandon()
	if err := c.enter(ctx); err != nil {
		return "", err
	}
	madeBy, err := dataDirMajor(c.data)
	switch {
	case err != nil:
		return "", ownAccount().explain(err)
	case madeBy == 0:
		return "", mayCreate(c.data, true)
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
	for _, program := range []string{"pg_dump", "pg_dumpall", "psql"} {
		if clientProgram(newer, program) == "" {
			return "", fmt.Errorf("%s of PostgreSQL %d is neither in %s nor on PATH; install PostgreSQL's client programs (Debian: "+
				"apt-get install postgresql-client-%d)", program, newer.major, newer.bin, newer.major)
		}
	}
	older, err := findBinaries(ctx, "", madeBy, c.data, c.account)
	if err != nil {
		return "", err
	}
	kept = fmt.Sprintf("%s.postgresql-%d", c.data, older.major)
	if !missing(kept) {
		return "", fmt.Errorf("%s, where the old files would be kept, is there already; move it away", kept)
	}
	folder := filepath.Join(c.dir, upgradeFolder)
	defer func() {
		if !missing(c.data) {
			os.RemoveAll(folder)
		}
	}()
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	if err := c.account.own(folder); err != nil {
		return "", err
	}
	if err := c.fill(ctx, folder, older, newer); err != nil {
		return "", fmt.Errorf("cannot copy the database from PostgreSQL %d to %d, and nothing is changed: %w", older.major, newer.major, err)
	}
	return kept, c.exchange(kept)
}

// fill makes the newer cluster. The older one can be read meanwhile.
func (c *Cluster) fill(ctx context.Context, folder string, older, newer binaries) (err error) {
	o := c.options
	o.BinDir, o.readOnly, o.held = older.bin, true, c.lock
	from, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Stop()) }()
	o.Dir, o.BinDir, o.readOnly, o.held, o.Existing = folder, newer.bin, false, nil, false
	to, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Stop()) }()
	c.log.Info("copying the database…", "from", older.major, "to", newer.major)
	if err := copyAll(ctx, newer, from, to); err != nil {
		return err
	}
	if c.Restored() {
		if err := c.mark(to.data); err != nil {
			return err
		}
	}
	lost, err := otherSettings(ctx, from, to)
	if len(lost) > 0 {
		c.log.Warn("these settings of the old server are not those of the new one; set them again with ALTER SYSTEM, or in its postgresql.conf",
			"settings", strings.Join(lost, ", "))
	}
	return err
}

// exchange puts the newer cluster into the place of the older one.
func (c *Cluster) exchange(kept string) error {
	folder := filepath.Join(c.dir, upgradeFolder)
	if err := os.Rename(filepath.Join(folder, "cluster"), c.completeUpgrade()); err != nil {
		return err
	}
	if err := syncDir(folder); err != nil {
		return err
	}
	if err := os.Rename(c.data, kept); err != nil {
		return err
	}
	return c.finishUpgrade()
}

// finishUpgrade puts a newer cluster that is complete in place, if the older one has left that place, and removes what else is left of an
// upgrade that was interrupted.
func (c *Cluster) finishUpgrade() error {
	folder := filepath.Join(c.dir, upgradeFolder)
	if missing(folder) {
		return nil
	}
	madeBy, err := dataDirMajor(c.data)
	if err != nil {
		return ownAccount().explain(err)
	}
	if madeBy == 0 && !missing(c.completeUpgrade()) {
		if err := c.place(c.completeUpgrade()); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("cannot remove what an upgrade has left: %w", ownAccount().explain(err))
	}
	return syncDir(c.dir)
}

// copyAll copies all databases, roles and their settings into a cluster that is new.
func copyAll(ctx context.Context, programs binaries, from, to *Cluster) error {
	var dumpSays, loadSays bytes.Buffer
	dump := exec.CommandContext(ctx, clientProgram(programs, "pg_dumpall"), "--dbname="+from.conninfo())
	load := exec.CommandContext(ctx, clientProgram(programs, "psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1",
		"--command=DROP DATABASE "+Database, "--file=-", `--command=\connect `+Database, "--command=ANALYZE", to.conninfo())
	dump.Env, load.Env = childEnvironment(), append(childEnvironment(), "PGOPTIONS=-c synchronous_commit=off")
	dump.Stderr, load.Stderr = &dumpSays, &loadSays
	pipe, err := dump.StdoutPipe()
	if err != nil {
		return err
	}
	if err := dump.Start(); err != nil {
		return err
	}
	load.Stdin = withoutSuperuser(pipe)
	loaded := load.Run()
	pipe.Close() // so that the dump ends if the load did not read it to its end
	if err := errors.Join(loaded, dump.Wait()); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(dumpSays.String()+loadSays.String()))
	}
	return nil
}

// withoutSuperuser leaves out the line of a dump that creates the superuser, whom a new cluster has. It comes before all data.
func withoutSuperuser(dump io.Reader) io.Reader {
	const line = "CREATE ROLE " + superuser + ";\n"
	lines := bufio.NewReader(dump)
	var before bytes.Buffer
	for range 1000 {
		text, err := lines.ReadString('\n')
		if text == line || err != nil {
			before.WriteString(strings.TrimPrefix(text, line))
			break
		}
		before.WriteString(text)
	}
	return io.MultiReader(&before, lines)
}

// otherSettings are settings in files of one server that the other one does not have.
func otherSettings(ctx context.Context, from, to *Cluster) ([]string, error) {
	was, err := from.settings(ctx)
	if err != nil {
		return nil, err
	}
	is, err := to.settings(ctx)
	maps.DeleteFunc(was, func(name, value string) bool { return is[name] == value })
	return slices.Sorted(maps.Keys(was)), err
}

// settings are those in the cluster's files.
func (c *Cluster) settings(ctx context.Context) (map[string]string, error) {
	db, err := sql.Open("postgres", c.DSN(Database))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT name, setting FROM pg_settings WHERE source = 'configuration file'`)
	if err != nil {
		return nil, fmt.Errorf("cannot read the settings: %w", err)
	}
	defer rows.Close()
	all := make(map[string]string)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		all[name] = value
	}
	return all, rows.Err()
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

// conninfo is how PostgreSQL's own programs reach the cluster.
func (c *Cluster) conninfo() string {
	return strings.ReplaceAll(c.DSN("postgres"), " binary_parameters=yes", "") // which is the driver's own
}
