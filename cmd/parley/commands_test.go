package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.org/parley/internal/postgres"
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

// Commands that need a database make none where there is none.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"backup", "parley.backup"}, {"export", "talks"}, {"erase", "--note=wrong", "report"}, {"rename-feed"}, {"upgrade-database"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, append(args, "--data-dir", "absent")...)
			p.dir = ""
			p.fails("there is no database in ", "absent; name its folder with --data-dir")
			if left, err := os.ReadDir(p.cmd.Dir); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v (%v)", left, err)
			}
		})
	}
	env := []string{"DATABASE_URL=" + pgtest.Empty(t, "")}
	start(t, env, "export", "talks").fails("has no tables of Parley; name the right ones with --database-url and --schema")
	never := []string{"PARLEY_MIGRATE=never"}
	dir := t.TempDir()
	does(t, never, "migrate", "--data-dir", dir)
	serve(t, never, "--data-dir", dir).stop(syscall.SIGINT)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	env := []string{"PARLEY_DATABASE_URL=" + pgtest.Empty(t, "")}
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
	_, err := open(t, dsn).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true); UPDATE feed_head SET oldest_version = 9999`)
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_URL=" + dsn}
	commands := [][]string{{"serve", "--addr", "127.0.0.1:0"}, {"migrate"}, {"import", file(t, "table.yaml", table)}}
	for _, args := range commands {
		start(t, env, args...).fails("version 9999", "a newer Parley has changed them")
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

// While a server runs the built-in database, other commands use it too, and leave it running.
func TestCommandsBesideAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, nil, "--data-dir", dir)
	path := file(t, "table.yaml", table)
	if got := does(t, nil, "import", "--data-dir", dir, path); !strings.HasPrefix(got, path+": 4 facts, 3 changes") {
		t.Errorf("it printed %q", got)
	}
	if got := p.changes(); got != 3 {
		t.Errorf("the server has %d changes", got)
	}
	if got := does(t, nil, "export", "--data-dir", dir, "talks"); !strings.HasPrefix(got, `{"parleyArchive"`) {
		t.Errorf("it printed %.100s", got)
	}
	p.register("later")
	p.stop(syscall.SIGINT)
	if got := does(t, nil, "export", "--data-dir", dir, "talks"); !strings.HasPrefix(got, `{"parleyArchive"`) {
		t.Errorf("without the server it printed %.100s", got)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	env := []string{"DATABASE_URL=" + dsn}
	got := does(t, env, "check")
	if !strings.Contains(got, `schema "public", role "postgres": tables of version `) || !strings.Contains(got, "\nWarning: A commit does not wait for the disk") {
		t.Errorf("it printed %q", got)
	}
	for flag, says := range map[string]string{
		"--tls-cert=cert.pem":           "TLS needs both --tls-cert and --tls-key",
		"--max-connections=0":           "--max-connections 0 is too small",
		"--documents=/nowhere/map.json": "--documents: ",
		"--database-url=mysql://desk":   "the database URL can't be read",
	} {
		start(t, env, "check", flag).fails(says)
	}
	remote := start(t, env, "check", "--addr=0.0.0.0:80")
	if remote.fails("see above"); !strings.Contains(remote.output.String(), `Problem: by --addr "0.0.0.0:80", other machines can reach the server`) {
		t.Errorf("it printed %q", remote.output.String())
	}
	p := start(t, []string{"DATABASE_URL=" + dsn + " options='-c session_replication_role=replica'"}, "check")
	p.fails("the database can't be used as it is")
	if got := p.output.String(); !strings.Contains(got, `Problem: The setting session_replication_role is "replica"`) {
		t.Errorf("it printed %q", got)
	}

	dir := filepath.Join(t.TempDir(), "data")
	if got := does(t, nil, "check", "--data-dir", dir); !strings.HasPrefix(got, "A new database will be created in "+dir) {
		t.Errorf("it printed %q", got)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("it made the folder (%v)", err)
	}
	does(t, nil, "migrate", "--data-dir", dir)
	if got := does(t, nil, "check", "--data-dir", dir); !strings.HasPrefix(got, "The built-in database in "+dir) {
		t.Errorf("it printed %q", got)
	}
}

// A demo that was interrupted while it was loaded is loaded at the next start, wholly.
func TestInterruptedDemo(t *testing.T) {
	t.Parallel()
	whole := serve(t, []string{"DATABASE_URL=" + pgtest.Database(t)}, "--demo")
	want := whole.changes()
	whole.stop(syscall.SIGINT)
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	for range 3 {
		p := start(t, env, "serve", "--addr", "127.0.0.1:0", "--demo")
		awaitLog(t, p, "loading the example data sets")
		p.signal(syscall.SIGKILL)
		p.code()
		var changes int
		if err := open(t, env[0][len("DATABASE_URL="):]).QueryRow(`SELECT count(*) FROM changes`).Scan(&changes); err != nil || changes != 0 && changes != want {
			t.Fatalf("interrupted, %d changes are on record (%v), want none or %d", changes, err, want)
		}
		if changes > 0 {
			break // it was quicker than the signal
		}
	}
	p := serve(t, env, "--demo")
	if got := p.changes(); got != want {
		t.Errorf("%d changes are on record, want %d", got, want)
	}
	p.stop(syscall.SIGINT)
}

// A copy that is made while a server runs becomes a database of its own, as it was then. Its feed has another name.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir, kept := t.TempDir(), filepath.Join(t.TempDir(), "parley.backup")
	p := serve(t, nil, "--data-dir", dir)
	p.register("before")
	if got := does(t, nil, "backup", "--data-dir", dir, kept); !strings.HasPrefix(got, kept+" holds all that is on record.") {
		t.Errorf("it printed %q", got)
	}
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v %v", info, err)
	}
	p.register("after")
	cursor := p.head()
	start(t, nil, "restore", "--data-dir", dir, kept).fails(kept+" was not restored: ", "in use by process")
	p.stop(syscall.SIGINT)
	start(t, nil, "restore", "--data-dir", dir, kept).fails("there is a database in " + dir + " already")

	restored := filepath.Join(t.TempDir(), "restored")
	if got := does(t, nil, "restore", "--data-dir", restored, kept); !strings.Contains(got, ": 1 change. The feed has a new name") {
		t.Errorf("it printed %q", got)
	}
	p = serve(t, nil, "--data-dir", restored)
	if got := p.changes(); got != 1 {
		t.Errorf("%d changes are restored, want 1", got)
	}
	if is := p.head(); is[:6] == cursor[:6] {
		t.Errorf("the cursor %s begins as %s did", is, cursor)
	}
	p.register("after")
	p.stop(syscall.SIGINT)

	// Where a restore is killed before it opens the database, the next start gives the feed its new name, once.
	unnamed, name := t.TempDir(), ""
	file, err := os.Open(kept)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := postgres.Restore(t.Context(), postgres.Options{Dir: unnamed, BinDir: os.Getenv("PARLEY_POSTGRES_BIN")}, file); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p = serve(t, nil, "--data-dir", unnamed)
		is := p.head()[:6]
		if is == cursor[:6] || name != "" && is != name {
			t.Errorf("the cursor begins with %s; it was %s, then %s", is, cursor, name)
		}
		name = is
		p.stop(syscall.SIGINT)
	}
	for _, command := range []string{"backup", "restore"} {
		start(t, []string{"DATABASE_URL=postgres://desk/parley"}, command, kept).fails("copy and restore one of your own with PostgreSQL's tools")
	}
}

// head is the cursor of the last change.
func (p *program) head() string {
	p.t.Helper()
	var got struct{ Lens struct{ Cursor string } }
	p.must(`{ lens { cursor } }`, nil, &got)
	return got.Lens.Cursor
}
