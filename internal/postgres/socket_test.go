package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The owner of the socket's folder is the database's superuser, so a folder that others may enter is refused.
func TestSocketDirOfOthers(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"open":          func(path string) error { return os.Mkdir(path, 0o755) },
		"file":          func(path string) error { return os.WriteFile(path, nil, 0o700) },
		"symbolic link": func(path string) error { return os.Symlink(os.TempDir(), path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := socketDirPath(dir, strconv.Itoa(ownAccount().uid))
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(path) })
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if _, err := makeSocketDir(dir, ownAccount()); err == nil ||
				!strings.Contains(err.Error(), path+", where") {
				t.Errorf("makeSocketDir returned %v", err)
			}
		})
	}
}

func TestSocketPathIsShort(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDirPath("/a"+strings.Repeat("/very/long/path", 50), "4294967295"), socketName)
	if len(path) > 103 {
		t.Errorf("%s is too long for a socket on some systems", path)
	}
}

// An environment variable must not direct the program to another server.
func TestEnvironmentNamesAnotherServer(t *testing.T) {
	dir := existing(t)
	for _, variable := range []string{"PGHOSTADDR=192.0.2.1", "PGHOST=a,b", "PGSERVICE=other", "PGREQUIREAUTH=md5"} {
		t.Run(variable, func(t *testing.T) {
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
			mustFail(t, Options{Dir: dir, BinDir: testBinaries}, "in the environment")
		})
	}
	for _, variable := range []string{
		"PGHOST=elsewhere", "PGPORT=1", "PGUSER=me", "PGDATABASE=mine", "PGDATA=/", "LANG=tr_TR.UTF-8",
	} {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	if got := query(t, c, `SELECT current_database() || ' ' || current_user`); got != "parley postgres" {
		t.Errorf("connected to %q", got)
	}
}
