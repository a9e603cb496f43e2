package storage

import (
	"fmt"
	"testing"
	"time"
)

// A write whose commit was lost is not on record because another one has its number and its recordedAt, as happens while the database's clock
// is behind the last recordedAt.
func TestRecordedByAnother(t *testing.T) {
	t.Parallel()
	s := withNorth(t)
	var made struct {
		Transaction string    `db:"id"`
		Seq         int64     `db:"seq"`
		At          time.Time `db:"recorded_at"`
	}
	if err := s.db.Get(&made, `SELECT xmin::text AS id, seq, recorded_at FROM changes`); err != nil {
		t.Fatal(err)
	}
	var lost string
	tx := s.db.MustBegin()
	if err := tx.Get(&lost, `SELECT pg_current_xact_id()::text`); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	for transaction, want := range map[string]bool{made.Transaction: true, lost: false, "": false} {
		if got, err := s.recorded(t.Context(), transaction, made.Seq, made.At); got != want || err != nil {
			t.Errorf("transaction %q: %t %v, want %t", transaction, got, err, want)
		}
	}
	if got, err := s.recorded(t.Context(), made.Transaction, made.Seq+1, made.At); got || err != nil {
		t.Errorf("another change: %t %v", got, err)
	}
}

// A URL may have several hosts, each with its own port, as libpq reads it.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:p%40@a:5432,b:5433/db?sslmode=disable": "a:5432 b:5433",
		"postgres://u@a,b/db":                                "a:5432 b:5432",
		"postgres://u@a:1/db":                                "a:1",
		"host=a,b port=1,2 user=u":                           "a:1 b:2",
	} {
		c, err := configure(dsn)
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		got := fmt.Sprintf("%s:%d", c.Host, c.Port)
		for _, m := range c.Multi {
			got += fmt.Sprintf(" %s:%d", m.Host, m.Port)
		}
		if got != want {
			t.Errorf("%s leads to %s, want %s", dsn, got, want)
		}
	}
}
