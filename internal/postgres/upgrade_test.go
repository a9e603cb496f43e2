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
	execute(t, c, Database, `CREATE TABLE note AS SELECT 'kept é' AS body`)
	mustStop(t, c)
	kept, err := Upgrade(t.Context(), Options{Dir: dir, BinDir: testBinaries})
	if kept != "" || err != nil {
		t.Fatalf("of the newest version, it is upgraded: %q %v", kept, err)
	}
	kept, err = Upgrade(t.Context(), Options{Dir: dir, BinDir: testBinaries, sameVersion: true})
	if err != nil || !strings.HasPrefix(kept, filepath.Join(dir, "cluster.postgresql-")) {
		t.Fatalf("upgraded: %q %v", kept, err)
	}
	holds := func() {
		t.Helper()
		c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
		if got := query(t, c, `SELECT body FROM note`); got != "kept é" {
			t.Errorf("the row is %q", got)
		}
		mustStop(t, c)
	}
	holds()
	if _, err := os.Stat(filepath.Join(dir, upgradeFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the upgrade is left (%v)", err)
	}

	if err := os.Mkdir(filepath.Join(dir, upgradeFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "cluster"), filepath.Join(dir, upgradeFolder, completeCluster)); err != nil {
		t.Fatal(err)
	}
	holds()
}

// An upgrade whose load fails says so, although most of the dump is still to come.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	c := mustStart(t, Options{Dir: existing(t), BinDir: testBinaries})
	execute(t, c, Database, `CREATE TABLE note AS SELECT repeat('long ', 100) AS body FROM generate_series(1, 20000)`)
	other := mustStart(t, Options{Dir: existing(t), BinDir: testBinaries})
	execute(t, other, Database, `CREATE TABLE note (body text)`)
	err := copyDatabase(t.Context(), c.binaries, c, other)
	if err == nil || !strings.Contains(err.Error(), `relation "note" already exists`) {
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
	mustFail(t, Options{Dir: dir, BinDir: testBinaries}, "an upgrade has left the one before in "+filepath.Join(dir, "cluster.postgresql-15"))
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
