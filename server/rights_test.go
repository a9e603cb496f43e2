package server_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"example.org/parley/examples"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// as is a DSN with another role.
func as(role, dsn string) string {
	return regexp.MustCompile(`user=\S+`).ReplaceAllString(dsn, "user="+role)
}

func database(t *testing.T, dsn string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.ConnectContext(t.Context(), "postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// owned is an empty database of a role that is no superuser, as it reaches it.
func owned(t *testing.T, owner string) (dsn string) {
	t.Helper()
	dsn = pgtest.Empty(t, "")
	database(t, dsn).MustExec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO ` + owner + `', current_database()); END $$`)
	return as(owner, dsn)
}

// record loads the example data, and records what touches every kind of table.
func record(t *testing.T, a *apitest.API) {
	t.Helper()
	for _, set := range examples.Demo() {
		a.Load(set.Name, string(set.Text))
	}
	a.Load("talks.yaml", apitest.Talks)
	a.Must(retitle)
	a.Must(`mutation { registerStakeholder(input: {key: "spare", name: "Spare", kind: GROUP}) { cursor userErrors { message } } }`)
	a.Must(`mutation { retract(input: {id: "spare", note: "A mistake."}) { cursor userErrors { message } } }`)
	a.Must(`mutation { restore(input: {id: "spare", note: "It was none."}) { cursor userErrors { message } } }`)
	works(t, a)
}

// works asks what needs extensions, and functions of ours.
func works(t *testing.T, a *apitest.API) {
	t.Helper()
	for _, question := range []string{
		`{ search(text: "ceasefire") { snippet } }`,
		`{ search(text: "Zelenskij") { snippet } }`, // is spelt otherwise on record
		`{ scenarios(filter: {text: "CEASEFIRE"}) { nodes { key } } }`,
	} {
		if got := a.Raw(question); strings.Contains(got, "[]") || strings.Contains(got, "errors") {
			t.Errorf("%s: %s", question, got)
		}
	}
}

// The owner of the database needs to be no superuser, the tables may be in any schema, and the extensions in another one.
// Whoever owns them can restore a dump.
func TestOwnerInASchema(t *testing.T) {
	t.Parallel()
	owner := pgtest.Role(t, "owner")
	dsn := owned(t, owner)
	database(t, dsn).MustExec(`CREATE SCHEMA extensions; CREATE EXTENSION unaccent SCHEMA extensions;
		CREATE EXTENSION pg_trgm SCHEMA extensions`)
	a := apitest.StartWith(t, storage.Options{DSN: dsn, Schema: "Desk 1"}, 24*time.Hour)
	record(t, a)
	var elsewhere int
	if err := database(t, dsn).Get(&elsewhere, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`); err != nil || elsewhere > 0 {
		t.Errorf("%d tables are in public (%v)", elsewhere, err)
	}

	restored := owned(t, owner)
	plain := func(dsn string) string { return strings.ReplaceAll(dsn, "binary_parameters=yes", "") } // which is the driver's own
	dump := run(t, nil, "pg_dump", plain(dsn))
	run(t, dump, "psql", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", plain(restored))
	copied := apitest.StartWith(t, storage.Options{DSN: restored, Schema: "Desk 1"}, 24*time.Hour)
	works(t, copied)
	const all = `{ changes(first: 100) { totalCount nodes { cursor summary } } }`
	if was, is := a.Raw(all), copied.Raw(all); was != is {
		t.Errorf("restored: %s\nwas: %s", is, was)
	}
	copied.Must(strings.ReplaceAll(retitle, "New", "Newer"))
}

// Two Parleys in one database keep apart, although the second one finds the extensions among the tables of the first.
func TestTwoParleys(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t, "")
	for _, schema := range []string{"one", "two"} {
		a := apitest.StartWith(t, storage.Options{DSN: dsn, Schema: schema}, 24*time.Hour)
		a.Must(`{ changes { totalCount } }`).Want("changes.totalCount", 0)
		record(t, a)
	}
}

// run runs one of PostgreSQL's programs and returns its output.
func run(t *testing.T, input []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &said
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s, which `make test` installs: %v\n%s", name, err, said.String())
	}
	return output
}

// An owner who is no superuser migrates tables of before search came.
func TestOwnerMigrates(t *testing.T) {
	t.Parallel()
	dsn := owned(t, pgtest.Role(t, "owner"))
	provider, err := goose.NewProvider(goose.DialectPostgres, database(t, dsn).DB, os.DirFS("../storage/migrations"),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	record(t, apitest.StartOn(t, dsn))
}

// A role that may only read and write rows records everything; without a right it is told which one, and what to run.
func TestRoleThatWritesRows(t *testing.T) {
	t.Parallel()
	owner := pgtest.Role(t, "owner")
	dsn := owned(t, owner)
	if err := storage.Migrate(t.Context(), storage.Options{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	writer := pgtest.Role(t, "writer")
	refused := func(says ...string) {
		t.Helper()
		_, err := storage.Open(t.Context(), storage.Options{DSN: as(writer, dsn)})
		for _, words := range says {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("it says %v, want %q", err, words)
			}
		}
	}
	refused(`The role "`+writer+`" lacks rights (SELECT on goose_db_version)`, `run GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA "public"`)
	grant := database(t, dsn)
	grant.MustExec(`GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ` + writer)
	refused("lacks rights (DELETE on source_passages)")
	grant.MustExec(`GRANT DELETE ON source_passages TO ` + writer)
	a := apitest.StartOn(t, as(writer, dsn))
	record(t, a)

	grant.MustExec(`REVOKE INSERT ON changes, positions FROM ` + writer)
	refused("lacks rights (INSERT on changes, positions)")
	newer := strings.ReplaceAll(retitle, "New", "Newer")
	a.Ask(newer).Fails("UNAVAILABLE", "Parley's database role lacks a right that this needs at present, so nothing was recorded; parley check tells")
	unready := func(says string) {
		t.Helper()
		if response, text := a.Send(http.MethodGet, "/readyz", nil, nil); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, says) {
			t.Errorf("/readyz: %d %s", response.StatusCode, text)
		}
	}
	unready("Parley's database role lacks rights")
	grant.MustExec(`REVOKE USAGE ON SCHEMA public FROM PUBLIC`)
	for _, document := range []string{`{ scenario(id: "talks/line") { key } }`, newer} {
		a.Ask(document).Fails("UNAVAILABLE", "Parley's database role can't find the tables at present")
	}
	unready("Parley's database role can't find the tables")
	grant.MustExec(`GRANT USAGE ON SCHEMA public TO PUBLIC`)

	grant.MustExec(`DELETE FROM goose_db_version WHERE version_id > 22`)
	refused("The tables are at version 22", `the role "`+writer+`" does not own them, so run parley migrate as "`+owner+`"`)
}

// Settings by which sessions write dates and numbers otherwise change nothing.
func TestSettingsOfSessions(t *testing.T) {
	t.Parallel()
	a := apitest.StartOn(t, pgtest.Empty(t, "")+` options='-c DateStyle=SQL,DMY -c IntervalStyle=sql_standard -c bytea_output=escape
		-c extra_float_digits=-10 -c default_text_search_config=german -c client_min_messages=debug1 -c lc_monetary=C'`)
	record(t, a)
}
