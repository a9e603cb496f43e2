package parley_test

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport says which of the project's packages each may import, outside of tests: what ARCHITECTURE.md draws.
var mayImport = map[string][]string{
	"parley":                               {},
	"parley/storage":                       {"parley"},
	"parley/feed":                          {"parley"},
	"parley/graph":                         {"parley", "parley/graph/level"},
	"parley/graph/level":                   {},
	"parley/graph/generate":                {},
	"parley/dataset":                       {"parley", "parley/storage"},
	"parley/archive":                       {"parley", "parley/storage"},
	"parley/briefing":                      {"parley", "parley/storage"},
	"parley/resolvers":                     {"parley", "parley/graph", "parley/graph/level", "parley/storage"},
	"parley/server":                        {"parley", "parley/briefing", "parley/graph", "parley/storage", "parley/feed", "parley/resolvers", "parley/examples", "parley/server/playground", "parley/server/transport"},
	"parley/server/transport":              {"parley", "parley/feed", "parley/resolvers"},
	"parley/server/playground":             {},
	"parley/server/playground/browsertest": {},
	"parley/examples":                      {},
	"parley/internal/postgres":             {},
	"parley/internal/randomdoc":            {},
	"parley/internal/postgres/pgtest":      {"parley/internal/postgres"},
	"parley/bench":                         {"parley", "parley/storage", "parley/internal/postgres", "parley/bench/gauge"},
	"parley/bench/feed":                    {"parley/internal/postgres", "parley/bench/gauge"},
	"parley/bench/gauge":                   {},
	"parley/bench/feed/baseline":           {},
	"parley/cmd/parley": {"parley", "parley/storage", "parley/feed", "parley/server", "parley/server/transport", "parley/dataset", "parley/archive", "parley/briefing", "parley/examples",
		"parley/internal/postgres"},
}

// only says which packages may import a library.
var only = map[string][]string{
	"github.com/jmoiron/sqlx":      {"parley/bench", "parley/storage", "parley/internal/postgres", "parley/internal/postgres/pgtest"},
	"github.com/lib/pq":            {"parley/bench", "parley/storage", "parley/internal/postgres", "parley/internal/postgres/pgtest"},
	"github.com/99designs/gqlgen":  {"parley/graph", "parley/graph/level", "parley/graph/generate", "parley/resolvers", "parley/server", "parley/server/transport"},
	"github.com/vektah/gqlparser":  {"parley/internal/randomdoc", "parley/graph", "parley/graph/level", "parley/graph/generate", "parley/resolvers", "parley/server", "parley/server/transport"},
	"github.com/gobwas/ws":         {"parley/server/transport"},
	"github.com/alecthomas/kong":   {"parley/cmd/parley", "parley/bench", "parley/bench/feed"},
	"go.yaml.in/yaml":              {"parley/dataset"},
	"github.com/pressly/goose":     {"parley/storage"},
	"github.com/chromedp/chromedp": {"parley/server/playground/browsertest"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if dir != "." && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(dir, 0)
		if err != nil {
			return nil // no Go in this folder
		}
		checkImports(t, strings.TrimSuffix("parley/"+filepath.ToSlash(dir), "/."), p.Imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, name string, imports []string) {
	allowed, known := mayImport[name]
	if !known {
		t.Errorf("package %s has no place in the architecture; say in mayImport what it may import", name)
	}
	for _, path := range imports {
		if (path == "parley" || strings.HasPrefix(path, "parley/")) && !slices.Contains(allowed, path) {
			t.Errorf("%s imports %s and may import only %v of the project", name, path, allowed)
		}
		for library, users := range only {
			if strings.HasPrefix(path, library) && !slices.Contains(users, name) {
				t.Errorf("%s imports %s, which is for %v", name, path, users)
			}
		}
		standard := !strings.Contains(strings.Split(path, "/")[0], ".") && !strings.HasPrefix(path, "parley")
		if name == "parley" && !standard && path != "github.com/google/uuid" {
			t.Errorf("the root package imports %s; it gets by with the standard library and uuid", path)
		}
	}
}
