package storage

import (
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"example.org/parley/internal/postgres/pgtest"
)

// A database that can't be used is refused in sentences, before anything in it is touched.
func TestDatabasesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options string // of CREATE DATABASE
		setup   string // by a superuser; ROLE is the role that opens it
		dsn     string // added to the DSN
		open    Options
		says    []string
	}{
		"SQL_ASCII": {options: "ENCODING 'SQL_ASCII' LOCALE 'C'", says: []string{"has the encoding SQL_ASCII; Parley needs UTF8"}},
		"LATIN1":    {options: "ENCODING 'LATIN1' LOCALE 'C'", says: []string{"has the encoding LATIN1; Parley needs UTF8"}},
		"read-only": {dsn: " options='-c default_transaction_read_only=on'", says: []string{"is read-only (default_transaction_read_only is on"}},
		"no schema": {dsn: " search_path=nowhere", says: []string{"No schema of search_path (nowhere) exists", "--schema"}},
		"settings": {
			dsn: " options='-c session_replication_role=replica -c standard_conforming_strings=off'",
			says: []string{
				`The setting session_replication_role is "replica" (its source: client); Parley needs "origin"`,
				`The setting standard_conforming_strings is "off"`,
			},
		},
		"setting of the database": {
			setup: `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$`,
			says:  []string{`default_transaction_isolation is "serializable" (its source: database); Parley needs "read committed"`},
		},
		"tables of another program": {
			setup: `CREATE TABLE scenarios (id int)`,
			says:  []string{`The schema "public" has objects of another program (such as the table scenarios); name another schema with --schema`},
		},
		"sequence of another program": {
			setup: `CREATE SEQUENCE issues`, says: []string{`has objects of another program (such as the sequence issues)`},
		},
		"function of another program": {
			setup: `CREATE SCHEMA desk; CREATE FUNCTION desk.fold(text) RETURNS text LANGUAGE sql AS 'SELECT $1'`, open: Options{Schema: "desk"},
			says: []string{`The schema "desk" has objects of another program (such as the function fold); name another schema with --schema`},
		},
		"type of another program": {
			setup: `CREATE TYPE stance AS ENUM ()`, says: []string{`has objects of another program (such as the type stance)`},
		},
		"a schema that search_path reads otherwise": {
			open: Options{Schema: "$user"}, says: []string{`The schema "$user" can't be used; give a name of at most 63 bytes`},
		},
		"a schema whose name is cut off": {
			open: Options{Schema: strings.Repeat("é", 32)}, says: []string{`éé" can't be used; give a name of at most 63 bytes`},
		},
		"nothing is there": {
			open: Options{Existing: true},
			says: []string{`The schema "public" of the database "`, `has no tables of Parley; name the right ones with --database-url and --schema`},
		},
		"migrations of another program": {
			setup: `CREATE TABLE goose_db_version (id int, version_id bigint, is_applied bool, tstamp timestamp); INSERT INTO goose_db_version VALUES (1, 7, true)`,
			says:  []string{`has objects of another program (such as the table goose_db_version)`},
		},
		"no right to create the schema": {
			dsn: " user=ROLE", open: Options{Schema: "desk"},
			says: []string{`There is no schema "desk", and the role "ROLE" may not create it`, `CREATE SCHEMA "desk" AUTHORIZATION "ROLE"`},
		},
		"no right to use the schema": {
			setup: `CREATE SCHEMA desk`, dsn: " user=ROLE", open: Options{Schema: "desk"},
			says: []string{`The role "ROLE" may not use the schema "desk"`, `GRANT USAGE ON SCHEMA "desk" TO "ROLE"`},
		},
		"no right to create": {
			dsn:  " user=ROLE",
			says: []string{`may not create tables in the schema "public"`, "lacks the extensions btree_gist, pg_trgm, unaccent, and the role"},
		},
		"not to be migrated, in a schema that is not there": {
			open: Options{Schema: "desk", NoMigration: true}, says: []string{"The tables are at version 0", "run parley migrate first"},
		},
		"not to be migrated": {
			open: Options{NoMigration: true}, says: []string{"The tables are at version 0, and this Parley needs version", "run parley migrate first"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := pgtest.Role(t, "desk")
			dsn := pgtest.Empty(t, test.options)
			db := sqlx.MustConnect("postgres", dsn)
			defer db.Close()
			db.MustExec(test.setup)
			const contents = `SELECT count(*) FROM (SELECT oid FROM pg_class UNION ALL SELECT oid FROM pg_namespace) all_of_them`
			var before, after int
			if err := db.Get(&before, contents); err != nil {
				t.Fatal(err)
			}
			test.open.DSN = dsn + strings.ReplaceAll(test.dsn, "ROLE", role)
			_, err := Open(t.Context(), test.open)
			found, failed := Check(t.Context(), test.open)
			if err == nil || failed != nil || strings.Join(found.Problems, "\n") != err.Error() {
				t.Errorf("opened: %v\nchecked: %q %v", err, found.Problems, failed)
			}
			for _, says := range test.says {
				if says := strings.ReplaceAll(says, "ROLE", role); err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("it says %q, want %q", err, says)
				}
			}
			if err := db.Get(&after, contents); err != nil || after != before {
				t.Errorf("%d tables and indexes, then %d (%v)", before, after, err)
			}
		})
	}
}

// What is questionable is a warning.
func TestQuestionableDatabase(t *testing.T) {
	t.Parallel()
	found, err := Check(t.Context(), Options{DSN: pgtest.Empty(t, "LOCALE 'C'")})
	if err != nil || len(found.Problems) > 0 || !strings.Contains(strings.Join(found.Warnings, "\n"), "has the LC_CTYPE C") ||
		!strings.Contains(strings.Join(found.Warnings, "\n"), "does not wait for the disk") {
		t.Errorf("%+v %v", found, err)
	}
}

// Servers that start at once make one schema.
func TestSchemaMadeAtOnce(t *testing.T) {
	t.Parallel()
	o := Options{DSN: pgtest.Empty(t, ""), Schema: "desk"}
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if err := Migrate(t.Context(), o); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if found, err := Check(t.Context(), o); err != nil || found.Version != found.Newest {
		t.Errorf("%+v %v", found, err)
	}
}

// Two Parleys share a database, wherever its extensions are.
func TestTwoSchemas(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string]string{
		"extensions of the first one": ``,
		"extensions in a schema of their own": `CREATE SCHEMA extensions; CREATE EXTENSION btree_gist SCHEMA extensions;
			CREATE EXTENSION pg_trgm SCHEMA extensions; CREATE EXTENSION unaccent SCHEMA extensions`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Empty(t, "")
			db := sqlx.MustConnect("postgres", dsn)
			defer db.Close()
			db.MustExec(setup)
			for _, schema := range []string{"one", "two"} {
				o := Options{DSN: dsn, Schema: schema}
				if err := Migrate(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if found, err := Check(t.Context(), o); err != nil || found.Version != found.Newest || len(found.Problems) > 0 {
					t.Errorf("%+v %v", found, err)
				}
			}
		})
	}
}
