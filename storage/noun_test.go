package storage

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"example.org/parley/internal/postgres/pgtest"
)

// What the database has to know of a noun agrees with its descriptor: every column is there, and every trigger.
func TestNounsAgreeWithTheDatabase(t *testing.T) {
	t.Parallel()
	db := sqlx.MustConnect("postgres", pgtest.Database(t))
	defer db.Close()
	for _, d := range descriptions {
		var columns []string
		if err := db.Select(&columns, `SELECT column_name::text FROM information_schema.columns WHERE table_name = $1`,
			d.table); err != nil {
			t.Fatal(err)
		}
		wanted := slices.Concat(d.names, d.texts)
		if d.called != "" {
			wanted = append(wanted, d.called)
		}
		for _, c := range d.columns {
			if c.name != "" {
				wanted = append(wanted, c.name)
			}
		}
		for _, at := range d.dates {
			wanted = append(wanted, at.column)
		}
		for _, name := range wanted {
			if !slices.Contains(columns, name) {
				t.Errorf("the table %s has no column %q", d.table, name)
			}
		}

		var triggers []string
		err := db.Select(&triggers, `
			SELECT tgname || ' ' || replace(encode(tgargs, 'escape'), '\000', '|') FROM pg_trigger
			WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgconstraint = 0 ORDER BY 1`, d.table)
		if err != nil {
			t.Fatal(err)
		}
		kept := []string{"keep_all ", "keep_facts "}
		if len(d.names)+len(d.texts) > 0 {
			kept = append(kept,
				"keep_search_text "+string(d.kind)+"|"+strings.Join(d.names, " ")+"|"+strings.Join(d.texts, " ")+"|"+
					strings.Join(d.context, " ")+"|")
		}
		if !slices.Equal(triggers, kept) {
			t.Errorf("the table %s has the triggers %q, want %q", d.table, triggers, kept)
		}
	}
}

// Columns of ids say what they name: whatever refers to a record, or is an array of ids, has its kinds.
func TestColumnsOfIDsSayWhatTheyName(t *testing.T) {
	t.Parallel()
	db := sqlx.MustConnect("postgres", pgtest.Database(t))
	defer db.Close()
	for _, d := range descriptions {
		var ids []string
		err := db.Select(&ids, `
			SELECT a.attname::text FROM pg_attribute a
			LEFT JOIN pg_constraint f ON f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]
			WHERE a.attrelid = $1::regclass AND a.attname <> 'id' AND (f.confrelid = 'records'::regclass
				OR a.atttypid = 'uuid[]'::regtype)`, d.table)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range ids {
			at := slices.IndexFunc(d.columns, func(c describedColumn) bool { return c.name == name })
			if at < 0 || len(d.columns[at].Kinds) == 0 {
				t.Errorf("the descriptor of %s does not say what %s names", d.table, name)
			}
		}
	}
}

// Conditions on dates and on what is visible name columns of the row.
func TestConditionsOfNounsCanBeRead(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Database(t))
	if _, err := s.Snapshot().Search(t.Context(), "word", 1, nil); err != nil {
		t.Error(err)
	}
	lens, err := s.Snapshot().Lens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot().NextChanges(t.Context(), []Key{{Lens: lens}}, nil); err != nil {
		t.Error(err)
	}
}

// Every table is read by its macro, so that one function decides what a reader sees of it. (feed_head holds no facts.)
func TestStatementsReadTablesByMacro(t *testing.T) {
	t.Parallel()
	var tables []string
	for _, file := range filesWith(t, ".sql") {
		for _, m := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllStringSubmatch(file.text, -1) {
			if m[1] != "feed_head" {
				tables = append(tables, m[1])
			}
		}
	}
	bare := regexp.MustCompile(`\b(?:FROM|JOIN) (` + strings.Join(tables, "|") + `)\b`)
	for _, file := range filesWith(t, ".go") {
		for _, m := range bare.FindAllStringSubmatch(file.text, -1) {
			t.Errorf("%s reads the table %s past its macro; write {%s}", file.name, m[1], m[1])
		}
	}
}

type file struct{ name, text string }

// filesWith are the files of this folder and those beneath it whose name ends so, tests aside.
func filesWith(t *testing.T, ending string) (files []file) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ending) || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		files = append(files, file{path, string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
