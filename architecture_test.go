package parley_test

import (
	"cmp"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mayImport lists the project's packages that each package may import, outside of tests. ARCHITECTURE.md draws it.
var mayImport = map[string][]string{
	".":                {},
	"storage":          {".", "internal/turns", "storage/exchange", "storage/rows"},
	"storage/exchange": {".", "storage/rows"},
	"storage/rows":     {".", "internal/turns"},
	"feed":             {"."},
	"graph":            {".", "graph/level"},
	"graph/level":      {},
	"graph/generate":   {},
	"dataset":          {".", "storage"},
	"archive":          {".", "storage", "storage/exchange"},
	"briefing":         {".", "storage"},
	"resolvers":        {".", "graph", "graph/level", "internal/deadline", "internal/turns", "storage"},
	"server": {".", "archive", "briefing", "graph", "internal/deadline", "internal/request", "internal/turns", "storage", "feed", "resolvers",
		"examples", "server/observe", "server/playground", "server/transport"},
	"server/observe": {".", "graph/level", "internal/request", "storage"},
	"server/apitest": {".", "dataset", "examples", "feed", "internal/longtest", "internal/postgres/pgtest", "internal/request",
		"server", "storage"},
	"server/transport":              {".", "feed", "internal/request", "internal/turns", "resolvers", "server/observe"},
	"server/playground":             {},
	"server/playground/browsertest": {},
	"server/tests/access":           {},
	"server/tests/analysis":         {},
	"server/clienttest/genqlient":   {},
	"server/tests/clients":          {},
	"server/tests/faults":           {},
	"server/tests/feed":             {},
	"server/tests/history":          {},
	"server/tests/reading":          {},
	"server/tests/recording":        {},
	"examples":                      {},
	"internal/postgres":             {},
	"internal/deadline":             {},
	"internal/longtest":             {},
	"internal/randomdoc":            {},
	"internal/request":              {},
	"internal/turns":                {},
	"internal/postgres/pgtest":      {"internal/postgres"},
	"bench":                         {".", "storage", "internal/postgres", "bench/gauge"},
	"bench/attack":                  {},
	"bench/feed":                    {"internal/postgres", "bench/gauge"},
	"bench/gauge":                   {},
	"bench/feed/baseline":           {},
	"cmd/parley": {".", "storage", "feed", "server", "server/transport", "dataset", "archive", "briefing", "examples",
		"internal/postgres", "internal/request"},
}

// only lists the packages that may import a library.
var only = map[string][]string{
	"github.com/jmoiron/sqlx": {"bench", "storage", "storage/exchange", "storage/rows", "internal/postgres",
		"internal/postgres/pgtest", "server/apitest"},
	"github.com/lib/pq": {"bench", "storage", "storage/exchange", "storage/rows", "internal/postgres",
		"internal/postgres/pgtest"},
	"github.com/99designs/gqlgen": {"graph", "graph/level", "graph/generate", "resolvers", "server",
		"server/observe", "server/transport"},
	"github.com/vektah/gqlparser": {"internal/randomdoc", "graph", "graph/level", "graph/generate", "resolvers",
		"server", "server/observe", "server/transport"},
	"github.com/gobwas/ws":         {"server/transport"},
	"go.opentelemetry.io":          {"server", "server/observe", "cmd/parley"},
	"github.com/alecthomas/kong":   {"cmd/parley", "bench", "bench/feed"},
	"go.yaml.in/yaml":              {"dataset", "cmd/parley"},
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

// A file that names most nouns is a list of them, which everybody who adds one has to find. CONTRIBUTING.md says which
// files those are, and this counts them.
func TestListsOfNouns(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		generated := strings.HasSuffix(path, "_gen.go") || strings.HasSuffix(path, "_gen_test.go") ||
			strings.HasSuffix(path, "generated.go")
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || generated {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		named := make(map[string]bool)
		for _, m := range kindInCode.FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
		if len(named) >= 10 || nounsInStorage.Match(text) {
			found = append(found, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, listed, _ := strings.Cut(string(guide), "<!-- lists of nouns -->")
	listed, _, _ = strings.Cut(listed, "<!-- to here -->")
	var told []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(listed, -1) {
		told = append(told, m[1])
	}
	slices.Sort(told)
	slices.Sort(found)
	if !slices.Equal(found, told) {
		t.Errorf("these files list the nouns: %v; CONTRIBUTING.md names %v", found, told)
	}
}

// kindInCode finds the nouns that a file names by their kinds, and nounsInStorage a list of what package storage calls
// them.
var (
	kindInCode     = regexp.MustCompile(`\bKind([A-Z][A-Za-z]+)\b`)
	nounsInStorage = regexp.MustCompile(`(?s)\{\n\tnegotiations, issues, .*?\n\}`)
)

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
		if name == "." && !standard && path != "github.com/google/uuid" && !strings.HasPrefix(path, "golang.org/x/text/") {
			t.Errorf("the root package imports %s; it may import only the standard library, uuid and Go's library of texts", path)
		}
	}
}
