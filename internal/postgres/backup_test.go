package postgres

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func noProgress(_, _ int64) {}

// A copy that is made while rows are written holds all that was committed before, and nothing out of order.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	// The data is on another disk, and a query has files that it will remove.
	elsewhere := filepath.Join(filepath.Dir(dir), filepath.Base(dir)+"-elsewhere")
	if err := os.Rename(filepath.Join(dir, "cluster"), elsewhere); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(elsewhere) })
	if err := os.Symlink(elsewhere, filepath.Join(dir, "cluster")); err != nil {
		t.Fatal(err)
	}
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	write(t, filepath.Join(elsewhere, "base", "pgsql_tmp", "pgsql_tmp1.0.fileset", "i0of8.p0.0"), "x", 0o600)
	execute(t, c, Database, `CREATE TABLE n (n int PRIMARY KEY, filler text)`)
	writing, stop := context.WithCancel(t.Context())
	var written atomic.Int64
	ended := make(chan struct{})
	db := connect(t, c, Database)
	go func() {
		defer close(ended)
		for writing.Err() == nil {
			n := written.Load() + 1
			if _, err := db.Exec(`INSERT INTO n VALUES ($1, repeat('x', 2000))`, n); err != nil {
				t.Error(err)
				return
			}
			written.Store(n)
		}
	}()
	until(t, "rows to be written", func() bool { return written.Load() > 500 })
	joined := mustStart(t, Options{Dir: c.dir, BinDir: testBinaries, Join: true})
	before := written.Load()
	var copied bytes.Buffer
	if err := joined.Backup(t.Context(), &copied, noProgress); err != nil {
		t.Fatal(err)
	}
	mustStop(t, joined)
	query(t, c, `SELECT 1`) // goes on
	stop()
	<-ended
	after := written.Load()

	target := filepath.Join(t.TempDir(), "restored")
	mustRestore(t, target, copied.Bytes())
	restored := mustStart(t, Options{Dir: target, BinDir: testBinaries})
	if !restored.Restored() {
		t.Error("it is not said to be restored")
	}
	copied.Reset() // a backup of it can be restored too
	if err := restored.Backup(t.Context(), &copied, noProgress); err != nil {
		t.Fatal(err)
	}
	mustRestore(t, filepath.Join(t.TempDir(), "again"), copied.Bytes())
	if err := restored.Settle(); err != nil || restored.Restored() {
		t.Errorf("it is not settled (%v)", err)
	}
	var rows, last int64
	if err := connect(t, restored, Database).QueryRow(`SELECT count(*), max(n) FROM n`).Scan(&rows, &last); err != nil {
		t.Fatal(err)
	}
	if rows != last || last < before || last > after {
		t.Errorf("%d rows up to %d, want all of up to %d and at most %d", rows, last, before, after)
	}
	for path, want := range map[string]os.FileMode{"": 0o700 | os.ModeDir, "PG_VERSION": 0o600} {
		info, err := os.Stat(filepath.Join(restored.data, path))
		if err != nil || info.Mode() != want || !ownedBy(info, restored.account.uid) {
			t.Errorf("%q: %v (%v)", path, info.Mode(), err)
		}
	}
}

func mustRestore(t *testing.T, dir string, copied []byte) {
	t.Helper()
	if err := Restore(t.Context(), Options{Dir: dir, BinDir: testBinaries}, bytes.NewReader(copied)); err != nil {
		t.Fatal(err)
	}
}

// What is no whole backup is refused and leaves nothing; a database that is there is left as it was.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	var whole bytes.Buffer
	if err := c.Backup(t.Context(), &whole, noProgress); err != nil {
		t.Fatal(err)
	}
	mustStop(t, c)
	flipped := bytes.Clone(whole.Bytes())
	flipped[len(flipped)/2] ^= 0xff
	major := readText(t, filepath.Join(c.data, "PG_VERSION"))
	made := `{"parleyBackup": 1, "postgresql": ` + strings.TrimSpace(major) + `}`
	for name, test := range map[string]struct {
		dir, says string
		text      []byte
	}{
		"a database is there": {dir: dir, text: whole.Bytes(), says: "there is a database in " + dir + " already"},
		"other file":          {text: []byte("something else"), says: "it is no backup"},
		"empty file":          {text: nil, says: "it is no backup"},
		"cut":                 {text: whole.Bytes()[:whole.Len()/2], says: "or it is damaged"},
		"without its end":     {text: whole.Bytes()[:whole.Len()-4], says: "or it is damaged"},
		"damaged":             {text: flipped, says: "or it is damaged"},
		"another tar":         {text: tarred(t, "hello", "x"), says: "it is no backup"},
		"another version":     {text: tarred(t, manifestName, `{"parleyBackup": 1, "postgresql": 99}`), says: "PostgreSQL 99"},
		"bad contents": { // of files that are whole, which PostgreSQL finds
			text: tarred(t, manifestName, made, "PG_VERSION", major, "global/", "", "global/pg_control", "x", labelName, "x"),
			says: "did not start",
		},
		"a long name": {
			text: tarred(t, manifestName, made, strings.Repeat("long", 60), "x"), says: "it is no backup",
		},
		"a name of two lines": {
			text: tarred(t, manifestName, made, "a\nb", "x"), says: "it is no backup",
		},
		"a file without its folder": {
			text: tarred(t, manifestName, made, "global/pg_control", "x"), says: "it is no backup",
		},
		"a file twice": {
			text: tarred(t, manifestName, made, "a", "x", "a", "x"), says: "it is no backup",
		},
		"a server that waits for another": {
			text: tarred(t, manifestName, made, "standby.signal", ""), says: "it is no backup",
		},
		"a way out": {
			text: tarred(t, manifestName, made, "../out", "x"), says: "it is no backup",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := test.dir
			if dir == "" {
				dir = t.TempDir()
			}
			err := Restore(t.Context(), Options{Dir: dir, BinDir: testBinaries}, bytes.NewReader(test.text))
			if err == nil || !strings.Contains(err.Error(), test.says) || len(err.Error()) > 300 {
				t.Errorf("it says %v, want %q", err, test.says)
			}
			if test.dir != "" {
				return
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 || filepath.Base(left[0]) != "lock" {
				t.Errorf("it leaves %v", left)
			}
		})
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tarred is an archive of files, given by their names and contents in turn.
func tarred(t *testing.T, files ...string) []byte {
	t.Helper()
	var text bytes.Buffer
	zipped := gzip.NewWriter(&text)
	archive := tar.NewWriter(zipped)
	for i := 0; i < len(files); i += 2 {
		if err := archive.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}
