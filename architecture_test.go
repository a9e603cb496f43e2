package parley_test

import (
	"cmp"
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport lists the project's packages that each package may import, outside of tests. ARCHITECTURE.md draws it.
var mayImport = map[string][]string{
	".":                {},
	"storage":          {".", "storage/exchange", "storage/rows"},
	"storage/exchange": {".", "storage/rows"},
	"storage/rows":     {"."},
	"feed":             {"."},
	"graph":            {".", "graph/level"},
	"graph/level":      {},
	"graph/generate":   {},
	"dataset":          {".", "storage"},
	"archive":          {".", "storage", "storage/exchange"},
	"briefing":         {".", "storage"},
	"resolvers":        {".", "graph", "graph/level", "storage"},
	"server": {".", "briefing", "graph", "storage", "feed", "resolvers", "examples", "server/playground",
		"server/transport"},
	"server/transport":              {".", "feed", "resolvers"},
	"server/playground":             {},
	"server/playground/browsertest": {},
	"examples":                      {},
	"internal/postgres":             {},
	"internal/randomdoc":            {},
	"internal/postgres/pgtest":      {"internal/postgres"},
	"bench":                         {".", "storage", "internal/postgres", "bench/gauge"},
	"bench/feed":                    {"internal/postgres", "bench/gauge"},
	"bench/gauge":                   {},
	"bench/feed/baseline":           {},
	"cmd/parley": {".", "storage", "feed", "server", "server/transport", "dataset", "archive", "briefing", "examples",
		"internal/postgres"},
}

// only lists the packages that may import a library.
var only = map[string][]string{
	"github.com/jmoiron/sqlx": {"bench", "storage", "storage/exchange", "storage/rows", "internal/postgres",
		"internal/postgres/pgtest"},
	"github.com/lib/pq": {"bench", "storage", "storage/exchange", "storage/rows", "internal/postgres",
		"internal/postgres/pgtest"},
	"github.com/99designs/gqlgen": {"graph", "graph/level", "graph/generate", "resolvers", "server",
		"server/transport"},
	"github.com/vektah/gqlparser": {"internal/randomdoc", "graph", "graph/level", "graph/generate", "resolvers",
		"server", "server/transport"},
	"github.com/gobwas/ws":         {"server/transport"},
	"github.com/alecthomas/kong":   {"cmd/parley", "bench", "bench/feed"},
	"go.yaml.in/yaml":              {"dataset"},
	"github.com/pressly/goose":     {"storage"},
	"github.com/chromedp/chromedp": {"server/playground/browsertest"},
}

// module is the import path of the root package, which the tables above call ".".
const module = "example.org/parley"

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
		checkImports(t, filepath.ToSlash(dir), p.Imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, name string, imports []string) {
	allowed, known := mayImport[name]
	if !known {
		t.Errorf("package %s is not in mayImport; add it there with the packages that it may import", name)
	}
	for _, path := range imports {
		if own, ok := strings.CutPrefix(path+"/", module+"/"); ok {
			if own = cmp.Or(strings.TrimSuffix(own, "/"), "."); !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s, but may import only %v of the project", name, own, allowed)
			}
			continue
		}
		for library, users := range only {
			if strings.HasPrefix(path, library) && !slices.Contains(users, name) {
				t.Errorf("%s imports %s, which only %v may import", name, path, users)
			}
		}
		standard := !strings.Contains(strings.Split(path, "/")[0], ".")
		if name == "." && !standard && path != "github.com/google/uuid" {
			t.Errorf("the root package imports %s; it may import only the standard library and uuid", path)
		}
	}
}
