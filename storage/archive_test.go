package storage

import (
	"context"
	"slices"
	"testing"

	"github.com/jmoiron/sqlx"

	"example.org/parley/internal/postgres/pgtest"
)

// Whoever adds a table says whether archives hold it, and whoever adds a reference, to what.
func TestArchivesKnowEveryTable(t *testing.T) {
	t.Parallel()
	db := sqlx.MustConnect("postgres", pgtest.Database(t))
	defer db.Close()
	var tables []string
	if err := db.Select(&tables, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`); err != nil {
		t.Fatal(err)
	}
	tx, err := db.DB.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	columns, err := archivedColumns(t.Context(), tx)
	if err != nil {
		t.Fatal(err)
	}
	// Analysts are told by their name, what a change touches stands with it, and what is searched the database makes itself.
	elsewhere := []string{"analysts", "change_touches", "feed_head", "goose_db_version", "search_texts", "source_passages"}
	for _, table := range tables {
		at := slices.IndexFunc(archive, func(a archived) bool { return a.name == table })
		if at < 0 {
			if !slices.Contains(elsewhere, table) {
				t.Errorf("archives have no section for the table %s", table)
			}
			continue
		}
		a := archive[at]
		versioned := slices.ContainsFunc(columns[table], func(c archivedColumn) bool { return c.Name == "superseded_at" })
		if versioned != (a.kind != "") || versioned && retractable[a.kind] != table {
			t.Errorf("archives take %s for the versions of %q", table, a.kind)
		}
		for _, c := range columns[table] {
			if versioned && c.names() && len(referable[c.Name]) == 0 {
				t.Errorf("what %s.%s may name is not told", table, c.Name)
			}
			if known := []string{"bool", "int2", "int4", "int8", "float8", "numeric", "text", "uuid", "timestamptz", "bytea"}; !slices.Contains(known, c.Type) && len(c.Words) == 0 {
				t.Errorf("archives do not know how to read %s.%s, which is of the type %s", table, c.Name, c.Type)
			}
		}
	}
	for kind, table := range retractable {
		if !slices.ContainsFunc(archive, func(a archived) bool { return a.kind == kind && a.name == table }) {
			t.Errorf("archives do not hold %s", table)
		}
	}
}
