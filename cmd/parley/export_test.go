package main_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.org/parley/examples"
	"example.org/parley/internal/postgres/pgtest"
)

func TestExport(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	files := []string{"import"}
	for _, example := range examples.Demo() {
		files = append(files, file(t, example.Name, string(example.Text)))
	}
	does(t, env, files...)

	archive := does(t, env, "export", "ukraine-2025")
	if !strings.HasPrefix(archive, `{"parleyArchive": 1, "knownAt": "2025-08-20T`) {
		t.Errorf("it printed %.300s", archive)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "archive.json")
	if printed := does(t, env, "export", "ukraine-2025", "--output", path); printed != "" {
		t.Errorf("it printed %q", printed)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != archive {
		t.Errorf("the file differs from what was printed (%v)", err)
	}

	other := []string{"DATABASE_URL=" + pgtest.Database(t)}
	got := does(t, other, "import", path)
	if want := path + ": ukraine-2025 as known at 2025-08-20T09:00:00.000010Z, 488 rows\n"; got != want {
		t.Errorf("it printed %q, want %q", got, want)
	}
	if again := does(t, other, "export", "ukraine-2025"); again != archive {
		t.Error("the second export differs from the first")
	}
	p := start(t, other, "import", path)
	if code := p.code(); code != 1 ||
		!strings.Contains(p.said(), "parley: nothing of "+path+" was imported:\n"+path+":3: recordedAt ") {
		t.Errorf("imported again, it ended with code %d:\n%s", code, p.said())
	}

	for _, tt := range []struct {
		args []string
		env  string
		rows int
	}{
		{[]string{"--format", "positions-csv", "--valid-at", "2025-08-18T12:00:00Z"}, "", 15},
		{
			[]string{"--valid-at", "2025-08-18T12:00:00Z", "--known-at", "2025-08-17T00:00:00+02:00"},
			"PARLEY_FORMAT=positions-csv",
			0,
		},
		{[]string{"--format", "status-changes-csv"}, "", 12},
		{[]string{"--known-at", "2025-08-17T00:00:00Z"}, "PARLEY_FORMAT=status-changes-csv", 2},
	} {
		printed := does(t, append(env, tt.env), append([]string{"export", "ukraine-2025"}, tt.args...)...)
		rows, err := csv.NewReader(strings.NewReader(printed)).ReadAll()
		if err != nil || len(rows)-1 != tt.rows {
			t.Errorf("%v: %d rows, want %d (%v)", tt.args, len(rows)-1, tt.rows, err)
		}
	}

	since := []string{
		"export", "ukraine-2025", "--format", "briefing", "--since", "2025-08-14T00:00:00Z",
		"--valid-at", "2025-08-18T18:00:00Z", "--known-at", "2025-08-18T18:00:00Z",
	}
	example, err := os.ReadFile("../../docs/briefing-example.md")
	if err != nil {
		t.Fatal(err)
	}
	report := examples.Demo()[1]
	one := []string{"DATABASE_URL=" + pgtest.Database(t)}
	does(t, one, "import", file(t, report.Name, string(report.Text)))
	if got := does(t, one, since...); got != string(example) {
		t.Errorf("the briefing differs from the example in the documents:\n%s", got)
	}
	start(t, env, "export", "ukraine-2025", "--since", "2025-08-14T00:00:00Z").fails("--since:", "leave it out")
	start(t, env, "export", "ukraine-2025", "--format", "briefing", "--since", "2025-08-14").
		fails("--since:", "is not an instant")

	if edition := does(t, one, append(since, "--up-to", "TLP:GREEN")...); !strings.Contains(edition, "**TLP:GREEN**, an edition") {
		t.Errorf("the edition is not called one:\n%s", edition)
	}
	start(t, env, "export", "ukraine-2025", "--up-to", "TLP_GREEN").fails("--up-to:", "leave it out")
	start(t, env, "export", "ukraine-2025", "--format", "briefing", "--up-to", "SECRET").fails("--up-to:", "SECRET", "TLP_AMBER_STRICT")

	start(t, env, "export", "ukraine-2026").fails(`no negotiation is known as "ukraine-2026"`)
	start(t, env, "export", "russia").fails(`no negotiation is known as "russia"`)
	start(t, env, "export", "ukraine-2025", "--known-at", "9999-01-01T00:00:00Z").
		fails("knownAt: 9999-01-01T00:00:00.000000Z lies in the future")
	start(t, env, "export", "ukraine-2025", "--known-at", "2025-08-17").fails("--known-at:", "is not an instant")
	start(t, env, "export", "ukraine-2025", "--valid-at", "2025-08-17T00:00:00Z").fails("--valid-at:", "leave it out")
	start(t, env, "export", "ukraine-2025", "--output", filepath.Join(dir, "missing", "archive.json")).fails("missing")
	if p := start(t, env, "export", "ukraine-2025", "--format", "pdf"); p.code() == 0 ||
		!strings.Contains(p.said(), `"json","positions-csv","stances-csv","status-changes-csv","briefing","briefing-html"`) {
		t.Errorf("as a pdf: %s", p.said())
	}
	// A failed export leaves the file unchanged, and no other file beside it.
	start(t, env, "export", "ukraine-2026", "--output", path).fails("ukraine-2026")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("there are %v (%v)", entries, err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != archive {
		t.Errorf("the file was touched (%v)", err)
	}
	does(t, env, "export", "ukraine-2025", "--output", os.DevNull)
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s became a regular file (%v)", os.DevNull, err)
	}
}

// A role that may only read exports; a command that records refuses it, and says which rights it lacks.
func TestRoleThatReads(t *testing.T) {
	t.Parallel()
	dsn, role := pgtest.Database(t), pgtest.Role(t, "reader")
	example := examples.Demo()[0]
	does(t, []string{"DATABASE_URL=" + dsn}, "import", file(t, example.Name, string(example.Text)))
	env := []string{"DATABASE_URL=" + dsn + " user=" + role}
	start(t, env, "export", "ukraine-2025").fails("lacks rights (SELECT on", `run GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO "`+role+`".`)
	if _, err := open(t, dsn).Exec(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ` + role); err != nil {
		t.Fatal(err)
	}
	for _, format := range formats {
		if got := does(t, env, "export", "ukraine-2025", "--format", format); got == "" {
			t.Errorf("%s: nothing", format)
		}
	}
	start(t, env, "serve", "--addr", "127.0.0.1:0").fails("lacks rights (INSERT on access, affiliations", "run GRANT SELECT, INSERT, UPDATE")
}

var formats = []string{"json", "positions-csv", "stances-csv", "status-changes-csv", "briefing", "briefing-html"}

func TestImportOfABadArchive(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	bad := file(t, "bad.json",
		"{\"parleyArchive\": 1, \"knownAt\": \"2025-01-01T00:00:00Z\", \"negotiation\": \"talks\",\n\"records\": [\n"+
			"{\"id\":1}\n]}\n")
	p := start(t, env, "import", bad)
	if code := p.code(); code != 1 ||
		!strings.Contains(p.said(), "parley: nothing of "+bad+" was imported:\n"+bad+":3: id: 1 is not a text.") {
		t.Errorf("it ended with code %d:\n%s", code, p.said())
	}
	newer := file(t, "newer.json", `{"parleyArchive": 2}`)
	if p := start(t, env, "import", newer); p.code() != 1 ||
		!strings.Contains(p.said(), newer+":1: The archive has format 2") {
		t.Errorf("it said %s", p.said())
	}
}
