package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Files with the same contents are packed into the same bytes, however they came to be.
func TestPackedTheSame(t *testing.T) {
	t.Parallel()
	pack := func(names []string, mode os.FileMode, touched time.Time) []byte {
		folder := filepath.Join(t.TempDir(), "parley")
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, []byte("text of "+name), mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, touched, touched); err != nil {
				t.Fatal(err)
			}
		}
		if output, err := exec.Command("../../scripts/pack", folder, "1700000000").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		packed, err := os.ReadFile(folder + ".tar.gz")
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	first := pack([]string{"a", "b"}, 0o644, time.Unix(1, 0))
	if !bytes.Equal(first, pack([]string{"b", "a"}, 0o600, time.Unix(2, 0))) {
		t.Error("the archives differ")
	}
	if bytes.Equal(first, pack([]string{"a", "c"}, 0o644, time.Unix(1, 0))) {
		t.Error("the archives of different files are the same")
	}
}

// The files that a release copies are in the project.
func TestReleaseFindsItsFiles(t *testing.T) {
	t.Parallel()
	copied := regexp.MustCompile(`(?m)^cp ((?:[\w./-]+ )+)"`).FindAllStringSubmatch(read(t, "scripts/release"), -1)
	if len(copied) < 3 {
		t.Fatalf("only %q are copied", copied)
	}
	for _, line := range copied {
		for path := range strings.FieldsSeq(line[1]) {
			if _, err := os.Stat("../../" + path); err != nil {
				t.Error(err)
			}
		}
	}
}
