package storage

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
	"example.org/parley/internal/postgres/pgtest"
)

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) {
	pgtest.Main(m, func(ctx context.Context, dsn string) error { return Migrate(ctx, Options{DSN: dsn}) })
}

func values[E ~string](list []E) []string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = string(e)
	}
	return texts
}

// Every vocabulary stands in three places: in the root package, in the API's schema and in the database. They agree.
func TestVocabulariesAgree(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	db := sqlx.MustConnect("postgres", pgtest.Database(t))
	defer db.Close()
	for _, v := range []struct {
		graphQL, sql string
		values       []string
	}{
		{"TimePrecision", "time_precision", values(parley.TimePrecisions)},
		{"Role", "role", values(parley.Roles)},
		{"AuditedAct", "audited_act", values(parley.AuditedActs)},
		{"NegotiationStage", "negotiation_stage", values(parley.NegotiationStages)},
		{"IssueKind", "issue_kind", values(parley.IssueKinds)},
		{"ScenarioStatus", "scenario_status", values(parley.ScenarioStatuses)},
		{"ScenarioRelationKind", "relation_kind", values(parley.ScenarioRelationKinds)},
		{"StakeholderKind", "stakeholder_kind", values(parley.StakeholderKinds)},
		{"ParticipationRole", "participation_role", values(parley.ParticipationRoles)},
		{"Stance", "stance", values(parley.Stances)},
		{"AnalyticConfidence", "analytic_confidence", values(parley.AnalyticConfidences)},
		{"SourceReliability", "source_reliability", values(parley.SourceReliabilities)},
		{"Marking", "marking", values(parley.Markings)},
		{"InformationCredibility", "information_credibility", values(parley.InformationCredibilities)},
		{"StatementForm", "statement_form", values(parley.StatementForms)},
		{"AttributionTerms", "attribution_terms", values(parley.AllAttributionTerms)},
		{"EventKind", "event_kind", values(parley.EventKinds)},
		{"EventState", "event_state", values(parley.EventStates)},
	} {
		var inSQL []string
		if err := db.Select(&inSQL, `SELECT unnest(enum_range(NULL::`+v.sql+`))::text`); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v.values, inSQL); diff != "" {
			t.Errorf("%s differs from the database (-root +database):\n%s", v.graphQL, diff)
		}
		var inSchema []string
		for _, value := range schema.Types[v.graphQL].EnumValues {
			inSchema = append(inSchema, value.Name)
		}
		if diff := cmp.Diff(v.values, inSchema); diff != "" {
			t.Errorf("%s differs from the schema (-root +schema):\n%s", v.graphQL, diff)
		}
	}
}

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	var sources []*ast.Source
	for _, dir := range []string{"..", "../graph"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".graphqls") {
				continue
			}
			text, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, &ast.Source{Name: e.Name(), Input: string(text)})
		}
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Every constraint that an input can break is named, and has a sentence or is kept by a rule before it.
func TestConstraintsAreNamed(t *testing.T) {
	t.Parallel()
	db := sqlx.MustConnect("postgres", pgtest.Database(t))
	defer db.Close()
	var constraints []string
	err := db.Select(&constraints, `
		SELECT conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
		WHERE n.nspname = 'public' AND contype IN ('c', 'x', 't')
			AND conrelid <> 0 AND conname NOT LIKE 'goose%'
		UNION ALL
		SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND NOT indisprimary
			AND indexrelid::regclass::text LIKE 'one\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	for name := range refusals {
		known := slices.Contains(constraints, name) || strings.HasSuffix(name, "_pkey") ||
			strings.HasSuffix(name, "_key") || strings.HasPrefix(name, "one_open_")
		if !known {
			t.Errorf("there is a sentence for %s, but no such constraint", name)
		}
	}
	for _, name := range constraints {
		if strings.HasSuffix(name, "_check") || strings.HasSuffix(name, "_excl") {
			t.Errorf("the constraint %s has no name of its own", name)
		}
	}
}

// Facts are kept: no row of them can be changed, deleted or emptied past Parley.
func TestFactsAreKept(t *testing.T) {
	t.Parallel()
	s := withNorth(t)
	for _, statement := range []string{
		`UPDATE stakeholders SET name = 'South'`,
		`UPDATE stakeholders SET name = 'South', superseded_at = now(), closed_by = 'EDITED'`,
		`DELETE FROM stakeholders`,
		`TRUNCATE stakeholders CASCADE`,
		`UPDATE records SET path = 'south'`,
		`DELETE FROM records`,
		`UPDATE changes SET summary = ''`,
		`DELETE FROM change_touches`,
	} {
		if _, err := s.db.Exec(statement); err == nil || !strings.Contains(err.Error(), "kept") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if _, err := s.db.Exec(`UPDATE stakeholders SET superseded_at = recorded_at + interval '1 second', closed_by = 'EDITED'`); err != nil {
		t.Errorf("a row can't be closed: %v", err)
	}
	if _, err := s.db.Exec(`UPDATE stakeholders SET superseded_at = recorded_at + interval '2 seconds'`); err == nil {
		t.Error("a closed row could be closed again")
	}
}

// withNorth is a store with one stakeholder.
func withNorth(t *testing.T) *Store {
	t.Helper()
	s := open(t, pgtest.Database(t))
	analyst, err := s.Introduce(t.Context(), "Test analyst")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.RegisterStakeholder(parley.WithCaller(t.Context(), analyst),
		parley.RegisterStakeholderInput{Key: "north", Name: "North", Kind: "STATE"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{DSN: dsn, HeadTimeout: time.Minute, Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	db := sqlx.MustConnect("postgres", dsn)
	defer db.Close()
	db.MustExec(`DROP SCHEMA public CASCADE; CREATE SCHEMA public`)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if err := Migrate(t.Context(), Options{DSN: dsn}); err != nil {
				t.Errorf("several servers start at once: %v", err)
			}
		})
	}
	wait.Wait()
	db.MustExec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true); UPDATE feed_head SET oldest_version = 9999`)
	if err := Migrate(t.Context(), Options{DSN: dsn}); err == nil || !strings.Contains(err.Error(), "newer Parley") {
		t.Errorf("a newer database: %v", err)
	}
}

// What was recorded before facts had an order within a day, and scenarios several successors, says the same as before.
func TestMigratedStatuses(t *testing.T) {
	t.Parallel()
	db := sqlx.MustConnect("postgres", pgtest.Database(t))
	defer db.Close()
	db.MustExec(`DROP SCHEMA public CASCADE; CREATE SCHEMA public`)
	provider, err := newProvider(db.DB)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	const at = `'2025-01-01Z'`
	id := func(n int) string { return fmt.Sprintf(`'00000000-0000-7000-8000-%012d'`, n) }
	analyst, talks, issue, line, strip, first, last := id(1), id(2), id(3), id(4), id(5), id(6), id(7)
	db.MustExec(`INSERT INTO analysts (id, name, role) VALUES (` + analyst + `, 'Test analyst', 'ANALYST')`)
	db.MustExec(`INSERT INTO records (id, kind, path, negotiation_id, parent_id, recorded_at) VALUES
		(` + talks + `, 'NEGOTIATION', 'talks', NULL, NULL, ` + at + `),
		(` + issue + `, 'ISSUE', 'talks/border', ` + talks + `, NULL, ` + at + `),
		(` + line + `, 'SCENARIO', 'talks/line', ` + talks + `, ` + issue + `, ` + at + `),
		(` + strip + `, 'SCENARIO', 'talks/strip', ` + talks + `, ` + issue + `, ` + at + `),
		(` + first + `, 'STATUS_CHANGE', NULL, ` + talks + `, ` + line + `, ` + at + `),
		(` + last + `, 'STATUS_CHANGE', NULL, ` + talks + `, ` + line + `, ` + at + `)`)
	insert := func(id, to, from, successor, effective, until, supersededAt, closed string) {
		t.Helper()
		_, err := db.Exec(`
			INSERT INTO status_changes (id, version, negotiation_id, scenario_id, to_status, moved_by, successor_id,
				effective_at, effective_at_precision, evidence, from_status, skipped, valid_to, content_at, recorded_by,
				recorded_at, superseded_at, closed_by)
			VALUES (` + strings.Join([]string{id, id, talks, line, to, `'{}'`, successor, effective, `'DAY'`, `'{}'`,
			from, `'{}'`, until, at, analyst, at, supersededAt, closed}, ", ") + `)`)
		if err != nil {
			t.Fatal(err)
		}
	}
	insert(first, `'FLOATED'`, `NULL`, `NULL`, `'2024-01-01Z'`, `'2024-02-01Z'`, `'infinity'`, `NULL`)
	insert(last, `'SUPERSEDED'`, `'FLOATED'`, strip, `'2024-02-01Z'`, `'infinity'`, `'2025-02-01Z'`, `'CORRECTED'`)
	if _, err := migrate(t.Context(), db.DB, Options{}.withLog()); err != nil {
		t.Fatal(err)
	}
	var rows []string
	if err := db.Select(&rows, `SELECT to_status || ' ' || ordinal || ' ' || successors::text FROM status_changes
		ORDER BY effective_at`); err != nil {
		t.Fatal(err)
	}
	want := []string{"FLOATED 0 {}", "SUPERSEDED 0 {" + strings.Trim(strip, "'") + "}"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("the rows differ (-want +got):\n%s", diff)
	}
	if _, err := db.Exec(`UPDATE status_changes SET successors = '{}'`); err == nil ||
		!strings.Contains(err.Error(), "kept") {
		t.Errorf("a row can be changed: %v", err)
	}
}

// Each migration says whether servers that do not know it may go on, so that servers can be replaced one after the other.
func TestMigrationsSayWhoGoesOn(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files[22:] {
		text, err := migrations.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		goesOn, stops := strings.Contains(string(text), "-- Older servers go on."), strings.Contains(string(text), "-- Older servers stop.")
		if goesOn == stops || stops != strings.Contains(string(text), "SET oldest_version") {
			t.Errorf("%s has to say “-- Older servers go on.”, or “-- Older servers stop.” and set oldest_version", file)
		}
	}
}
