package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.org/parley/internal/postgres/pgtest"
)

func TestImport(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	path := file(t, "table.yaml", table)
	more := file(t, "more.json",
		`{"dataset": "more", "stakeholders": [{"key": "north", "name": "North", "kind": "STATE"}]}`)
	got := does(t, env, "import", path, more)
	want := path + ": 4 facts, 3 changes to the record, 1 warning\n" + more + ": 1 fact, 1 change to the record, 0 warnings\n"
	if got != want {
		t.Errorf("it printed %q, want %q", got, want)
	}
	got = does(t, env, "import", more, path)
	want = more + ": 1 fact, 0 changes to the record, 0 warnings\n" + path + ": 4 facts, 0 changes to the record, 0 warnings\n"
	if got != want {
		t.Errorf("it printed %q, want %q", got, want)
	}
}

// What is questionable is printed with its line: the first twenty.
func TestImportWarns(t *testing.T) {
	t.Parallel()
	text := "dataset: many\nstakeholders:\n"
	for i := range 22 {
		text += fmt.Sprintf("  - {key: s%d, name: The same, kind: STATE}\n", i)
	}
	path := file(t, "many.yaml", text)
	p := start(t, []string{"DATABASE_URL=" + pgtest.Database(t)}, "import", path)
	first := path + `:4: “The same” is much like “The same” (s0), which is on record`
	// Each of the 21 later ones is much like those before it, of which the three most similar are named.
	if code := p.code(); code != 0 || !strings.Contains(p.said(), first) || !strings.Contains(p.said(), "and 40 further warnings") ||
		strings.Count(p.said(), "is much like") != 20 {
		t.Errorf("it ended with code %d:\n%s", code, p.said())
	}
}

func TestImportOfABadFile(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	good := file(t, "good.yaml", "dataset: good\nstakeholders:\n  - {key: good, name: Good, kind: STATE}\n")
	form := file(t, "form.yaml", "dataset: form\nstakeholders:\n  - key: form\n    kind: KINGDOM\n")
	rule := file(t, "rule.yaml",
		"dataset: rule\nstakeholders:\n  - {key: rule, name: Rule, kind: STATE}\nsources:\n  - key: Rule\n"+
			"    title: Rule\n")
	garbled := file(t, "garbled.yaml", "dataset: [\n")

	start(t, env, "import", garbled).fails(garbled + ":1: The file is neither YAML nor JSON")
	// A malformed file stops the import before it begins; a file that a rule refuses fails alone.
	start(t, env, "import", good, form).fails(form + `:4: kind: "KINGDOM" is not one of`)
	p := start(t, env, "import", good, rule)
	refusal := "parley: nothing of " + rule + " was imported:\n" + rule + `:5: The key "Rule" can't be used`
	if code := p.code(); code != 1 || !strings.Contains(p.said(), refusal) {
		t.Errorf("it ended with code %d:\n%s", code, p.said())
	}
	if got, want := p.output.String(), good+": 1 fact, 1 change to the record, 0 warnings\n"; got != want {
		t.Errorf("it printed %q, want %q", got, want)
	}
	var count int
	db := open(t, env[0][len("DATABASE_URL="):])
	if err := db.QueryRow(`SELECT count(*) FROM records`).Scan(&count); err != nil || count != 1 {
		t.Errorf("%d records exist (%v), want only the good one", count, err)
	}

	missing := start(t, env, "import", filepath.Join(t.TempDir(), "missing.yaml"))
	if code := missing.code(); code == 0 || !strings.Contains(missing.said(), "missing.yaml") {
		t.Errorf("without the file it ended with code %d:\n%s", code, missing.said())
	}
}

func TestImportBeforeServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	does(t, nil, "import", "--data-dir", dir, file(t, "table.yaml", table))
	p := serve(t, nil, "--data-dir", dir, "--demo")
	if got := p.changes(); got != 3 {
		t.Errorf("%d changes exist, want the 3 of the import", got)
	}
	p.stop(syscall.SIGINT)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	env := []string{"PARLEY_DATABASE_URL=" + empty(t)}
	for range 2 {
		if got := does(t, env, "migrate"); got != "The database's tables are up to date.\n" {
			t.Errorf("it printed %q", got)
		}
	}
	serve(t, env).stop(syscall.SIGINT)
}

func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	_, err := open(t, dsn).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_URL=" + dsn}
	commands := [][]string{{"serve", "--addr", "127.0.0.1:0"}, {"migrate"}, {"import", file(t, "table.yaml", table)}}
	for _, args := range commands {
		start(t, env, args...).fails("version 9999", "a newer Parley has written it")
	}
}

func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"postgres://somebody:s3cret@127.0.0.1:1/parley?sslmode=disable": "the database can't be reached",
		"postgres://somebody:s3cret@[::1/parley":                        "the database URL can't be read",
		"postgres://somebody:s3cret@127.0.0.1:port/parley":              "the database URL can't be read",
		"mysql://somebody:s3cret@127.0.0.1/parley":                      "the database URL can't be read",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--database-url", url)
			p.fails(says)
			if strings.Contains(p.said(), "s3cret") {
				t.Errorf("the message contains the password:\n%s", p.said())
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if got := does(t, nil, "version"); !strings.HasPrefix(got, "parley ") || strings.Count(got, "\n") != 1 {
		t.Errorf("it printed %q", got)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	help := does(t, nil, "--help")
	for _, word := range []string{"serve", "import", "export", "migrate", "version"} {
		if !strings.Contains(help, word) {
			t.Errorf("the help does not mention %s:\n%s", word, help)
		}
	}
	if help := does(t, nil, "serve", "--help"); !strings.Contains(help, "$PARLEY_ADDR") ||
		!strings.Contains(help, "DATABASE_URL") {
		t.Errorf("the help does not mention environment variables:\n%s", help)
	}
	p := start(t, nil, "serve", "--adr", "127.0.0.1:0")
	if code := p.code(); code == 0 || !strings.Contains(p.said(), "--adr") {
		t.Errorf("with an unknown flag it ended with code %d:\n%s", code, p.said())
	}
	if left, err := os.ReadDir(p.cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}
