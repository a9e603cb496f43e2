package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeBinaries makes programs that only print their version, open to every user.
func fakeBinaries(t *testing.T, dir, version string) string {
	t.Helper()
	for _, name := range []string{"postgres", "initdb"} {
		write(t, filepath.Join(dir, name), fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %s'\n", name, version), 0o755)
	}
	return dir
}

// openDir returns a temporary directory that every user can reach, unlike t.TempDir's.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "parley-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMajorOf(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	who, err := serverAccount(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]int{
		"15.18 (Debian 15.18-0+deb12u1)": 15, "9.6.24": 9, "17.9": 17, "19beta1": 19, "20devel": 20, "none": 0,
	} {
		bin := fakeBinaries(t, filepath.Join(dir, strings.Fields(version)[0]), version)
		got, err := majorOf(t.Context(), bin, who)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("majorOf(%q) = %d, %v; want %d", version, got, err, want)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := majorOf(cancelled, filepath.Join(dir, "17.9"), who); !errors.Is(err, context.Canceled) {
		t.Errorf("majorOf when cancelled returned %v", err)
	}
}

func TestBinaryFolders(t *testing.T) {
	t.Parallel()
	root := openDir(t)
	at := func(path string) string { return filepath.Join(root, path) }
	for _, path := range []string{"pg/9/bin", "pg/15/bin", "pg/17/bin", "brew/postgresql/bin", "brew/postgresql@16/bin",
		"brew/postgresql@18/bin", "cache/17.9.0-beta.17/bin", "cache/9.1/bin", "pgsql-15/bin"} {
		fakeBinaries(t, at(path), "")
	}
	// A folder of links, as PATH often has; a folder with one of the programs; and one with none.
	write(t, at("links/.keep"), "", 0o600)
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.Symlink(at("pg/15/bin/"+name), at("links/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, at("half/postgres"), "", 0o755)
	write(t, at("none/psql"), "", 0o755)

	for _, test := range []struct{ patterns, want []string }{
		{[]string{"pg/*/bin"}, []string{"pg/17/bin", "pg/15/bin", "pg/9/bin"}},
		{[]string{"links", "pg/*/bin"}, []string{"pg/15/bin", "pg/17/bin", "pg/9/bin"}},
		{
			[]string{"brew/postgresql*/bin"},
			[]string{"brew/postgresql@18/bin", "brew/postgresql@16/bin", "brew/postgresql/bin"},
		},
		{[]string{"cache/*/bin", "pgsql-*/bin"}, []string{"cache/17.9.0-beta.17/bin", "cache/9.1/bin", "pgsql-15/bin"}},
		{[]string{"half", "none", "missing", "missing/*/bin"}, nil},
	} {
		patterns := slices.Clone(test.patterns)
		for i := range patterns {
			patterns[i] = at(patterns[i])
		}
		got := binaryFolders(patterns)
		for i := range got {
			got[i], _ = filepath.Rel(root, got[i])
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.patterns, got, test.want)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(here, at("pg/15/bin"))
	if err != nil {
		t.Fatal(err)
	}
	if got := binaryFolders([]string{relative, ""}); len(got) > 0 {
		t.Errorf("a relative folder is accepted: %v", got)
	}
}

func TestFindBinaries(t *testing.T) {
	root := openDir(t)
	who, err := serverAccount(root, false)
	if err != nil {
		t.Fatal(err)
	}
	old := fakeBinaries(t, filepath.Join(root, "old"), "14.9")
	broken := fakeBinaries(t, filepath.Join(root, "broken"), "nonsense")
	first := fakeBinaries(t, filepath.Join(root, "first"), "90.1")
	second := fakeBinaries(t, filepath.Join(root, "second"), "91.0")
	t.Setenv("PATH",
		strings.Join([]string{old, broken, first, second, os.Getenv("PATH")}, string(filepath.ListSeparator)))

	for _, test := range []struct {
		name, override string
		madeBy         int
		want           string
	}{
		{"the first that is recent enough", "", 0, first},
		{"the version that made the data", "", 91, second},
		{"the override", second, 0, second},
	} {
		got, err := findBinaries(t.Context(), test.override, test.madeBy, "/data", who)
		if err != nil || got.bin != test.want {
			t.Errorf("%s: got %s, %v; want %s", test.name, got.bin, err, test.want)
		}
	}
	for _, test := range []struct {
		name, override string
		madeBy         int
		words          []string
	}{
		{"data too old", "", 14, []string{"/data was made by PostgreSQL 14 and is left untouched", "needs version 15"}},
		{"no such version", "", 92, []string{"/data was made by PostgreSQL 92", "90 in " + first, "91 in " + second}},
		{"override of another version", first, 91, []string{"/data was made by PostgreSQL 91", "90 in " + first}},
		{"override too old", old, 0, []string{"in " + old, "version 14 is too old"}},
		{
			"override empty",
			root,
			0,
			[]string{
				"was not found in " + root,
				"apt install postgresql",
				"brew install postgresql",
				"make setup",
				"DATABASE_URL",
			},
		},
		{
			"override empty for data",
			root,
			91,
			[]string{"PostgreSQL 91, which made the data in /data, was not found", "DATABASE_URL"},
		},
	} {
		_, err := findBinaries(t.Context(), test.override, test.madeBy, "/data", who)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		for _, word := range test.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: error %q does not mention %q", test.name, err, word)
			}
		}
	}
}
