package storage

import (
	"context"
	"slices"
	"testing"

	"github.com/jmoiron/sqlx"

	"example.org/parley/internal/postgres/pgtest"
)

// Archives hold every table, or it is known where its contents stand instead.
func TestArchivesKnowEveryTable(t *testing.T) {
	t.Parallel()
	db := sqlx.MustConnect("postgres", pgtest.Database(t))
	defer db.Close()
	var tables []string
	if err := db.Select(&tables,
		`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'
			AND table_type = 'BASE TABLE'`); err != nil {
		t.Fatal(err)
	}
	tx, err := db.DB.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	columns, err := archived.Columns(t.Context(), tx)
	if err != nil {
		t.Fatal(err)
	}
	// Analysts are named by their names, what a change touches stands with it, what is searched the database makes
	// itself, and who may use a server is the server's own affair.
	elsewhere := []string{"access", "audit_log", "tokens", "identities", "analysts", "change_touches", "feed_head", "goose_db_version", "search_texts",
		"source_passages"}
	for _, table := range tables {
		if !slices.Contains(archived.Tables(), table) && !slices.Contains(elsewhere, table) {
			t.Errorf("archives have no section for the table %s", table)
		}
		for _, c := range columns[table] {
			known := []string{"bool", "int2", "int4", "int8", "float8", "numeric", "text", "uuid", "timestamptz",
				"bytea"}
			if !slices.Contains(known, c.Type) && len(c.Words) == 0 {
				t.Errorf("archives do not know how to read %s.%s, which is of the type %s", table, c.Name, c.Type)
			}
		}
	}
}
