package postgres

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An upgrade keeps what is on record, and the old files beside it. Where it was interrupted between its last two steps, the next start ends it.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	for _, statement := range []string{
		`CREATE TABLE note AS SELECT 'kept é' AS body`, `CREATE ROLE reporting LOGIN`, `GRANT SELECT ON note TO reporting`,
		`ALTER DATABASE parley SET work_mem = '7MB'`, `CREATE DATABASE other`, `ALTER SYSTEM SET deadlock_timeout = '3s'`,
	} {
		execute(t, c, Database, statement)
	}
	if err := c.mark(c.data); err != nil {
		t.Fatal(err)
	}
	mustStop(t, c)
	kept, err := Upgrade(t.Context(), Options{Dir: dir, BinDir: testBinaries})
	if kept != "" || err != nil {
		t.Fatalf("of the newest version, it is upgraded: %q %v", kept, err)
	}
	log := new(logRecorder)
	kept, err = Upgrade(t.Context(), Options{Dir: dir, BinDir: testBinaries, sameVersion: true, Log: log.Logger()})
	if err != nil || !strings.HasPrefix(kept, filepath.Join(dir, "cluster.postgresql-")) {
		t.Fatalf("upgraded: %q %v", kept, err)
	}
	holds := func() {
		t.Helper()
		c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
		const all = `SET ROLE reporting; SELECT body || (SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database) || current_setting('work_mem') FROM note`
		if got := query(t, c, all); got != "kept éother parley postgres template0 template17MB" {
			t.Errorf("there are %q", got)
		}
		if !c.Restored() {
			t.Error("it is not said to be restored any more")
		}
		mustStop(t, c)
	}
	holds()
	if says := log.String(); !strings.Contains(says, "settings of the old server") || !strings.Contains(says, "settings=deadlock_timeout") {
		t.Errorf("the log says %s", says)
	}
	if _, err := os.Stat(filepath.Join(dir, upgradeFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the upgrade is left (%v)", err)
	}

	// It is killed while it fills the newer cluster, and when that is complete: the older one goes on.
	for _, name := range []string{"cluster", completeCluster} {
		write(t, filepath.Join(dir, upgradeFolder, name, "PG_VERSION"), "15", 0o600)
		holds()
		if !missing(filepath.Join(dir, upgradeFolder)) {
			t.Error("what an upgrade left is not removed")
		}
	}
	// It is killed when the older one has left its place.
	if err := os.Mkdir(filepath.Join(dir, upgradeFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "cluster"), filepath.Join(dir, upgradeFolder, completeCluster)); err != nil {
		t.Fatal(err)
	}
	if says, err := Check(t.Context(), Options{Dir: dir, BinDir: testBinaries}); err != nil || !strings.Contains(says, "by an upgrade that was interrupted") {
		t.Errorf("it is checked: %s %v", says, err)
	}
	if err := Restore(t.Context(), Options{Dir: dir, BinDir: testBinaries}, nil); err == nil || !strings.Contains(err.Error(), "there is a database in") {
		t.Errorf("a backup is restored over it: %v", err)
	}
	holds()
}

// An upgrade whose load fails says so, although most of the dump is still to come.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	c := mustStart(t, Options{Dir: existing(t), BinDir: testBinaries})
	execute(t, c, Database, `CREATE ROLE reporting; CREATE TABLE note AS SELECT repeat('long ', 100) AS body FROM generate_series(1, 20000)`)
	other := mustStart(t, Options{Dir: existing(t), BinDir: testBinaries})
	execute(t, other, Database, `CREATE ROLE reporting`)
	err := copyAll(t.Context(), c.binaries, c, other)
	if err == nil || !strings.Contains(err.Error(), `role "reporting" already exists`) {
		t.Errorf("it says %v", err)
	}
}

// While a cluster is copied, others who join it can only read.
func TestReadOnlyCluster(t *testing.T) {
	t.Parallel()
	c := mustStart(t, Options{Dir: existing(t), BinDir: testBinaries, readOnly: true})
	joined := mustStart(t, Options{Dir: c.dir, BinDir: testBinaries, Join: true})
	if _, err := connect(t, joined, Database).Exec(`CREATE TABLE note ()`); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("it says %v", err)
	}
}

// Where only the old files of an upgrade are left, no empty database is made in their place.
func TestOldFilesOnly(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	if err := os.Rename(filepath.Join(dir, "cluster"), filepath.Join(dir, "cluster.postgresql-15")); err != nil {
		t.Fatal(err)
	}
	for _, existing := range []bool{false, true} {
		o := Options{Dir: dir, BinDir: testBinaries, Existing: existing}
		mustFail(t, o, "an upgrade has left the one before in "+filepath.Join(dir, "cluster.postgresql-15"))
		if says, err := Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), "an upgrade has left the one before") {
			t.Errorf("it is checked: %s %v", says, err)
		}
	}
}

// An upgrade that can't be done changes nothing.
func TestUpgradeRefuses(t *testing.T) {
	refused := func(o Options, says string) {
		t.Helper()
		if _, err := Upgrade(t.Context(), o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("it says %v, want %q", err, says)
		}
	}
	empty := t.TempDir()
	refused(Options{Dir: empty}, "there is no database in "+empty)
	dir := existing(t)
	text := readText(t, filepath.Join(dir, "cluster", "PG_VERSION"))
	bare := fakeBinaries(t, filepath.Join(openDir(t), "bare"), "90.1")
	path := os.Getenv("PATH")
	t.Setenv("PATH", "")
	refused(Options{Dir: dir, BinDir: bare}, "pg_dump of PostgreSQL 90 is neither in "+bare)
	t.Setenv("PATH", path)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	refused(Options{Dir: dir, BinDir: testBinaries, sameVersion: true, lockWait: 1}, "in use by process")
	if got := query(t, c, `SELECT 1`); got != "1" {
		t.Error(got)
	}
	if got := readText(t, filepath.Join(dir, "cluster", "PG_VERSION")); got != text {
		t.Errorf("the version is %q now", got)
	}
}
