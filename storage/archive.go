package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
)

// archived is a table whose rows an archive holds, and which of them belong to the records $1 as known at $2. What else
// there is to know of a table, its columns and what they refer to, is read from the database: a new noun is a line here.
type archived struct {
	name  string
	kind  parley.Kind // of the noun whose versions these are; empty: of none
	where string
	order string
	// leaks: its rows may also name records of other negotiations, which stay behind.
	leaks bool
}

// archive is what an archive holds, in an order in which it can be restored: what is referred to comes first.
var archive = []archived{
	{name: "records", where: `x.id = ANY($1) AND x.recorded_at <= $2`, order: `x.recorded_at, x.kind, x.id`},
	{name: "client_ids", where: `x.record_id = ANY($1) AND coalesce(x.recorded_at, (SELECT r.recorded_at FROM records r WHERE r.id = x.record_id)) <= $2`, order: `x.id`},
	versions("negotiations", parley.KindNegotiation),
	versions("issues", parley.KindIssue),
	versions("scenarios", parley.KindScenario),
	versions("stakeholders", parley.KindStakeholder),
	versions("affiliations", parley.KindAffiliation),
	versions("participations", parley.KindParticipation),
	versions("sources", parley.KindSource),
	{name: "source_bodies", where: `x.source_id IN (SELECT id FROM sources WHERE id = ANY($1) AND recorded_at <= $2)`, order: `x.source_id`},
	{name: "statements", kind: parley.KindStatement, where: versionsKnown, order: byRecording, leaks: true},
	versions("events", parley.KindEvent),
	versions("relations", parley.KindRelation),
	versions("status_changes", parley.KindStatusChange),
	versions("positions", parley.KindPosition),
	versions("assessments", parley.KindAssessment),
	{name: "changes", where: `x.subject_id = ANY($1) AND x.recorded_at <= $2`, order: `x.recorded_at`, leaks: true},
}

const (
	versionsKnown = `x.id = ANY($1) AND x.recorded_at <= $2`
	byRecording   = `x.recorded_at, x.id`
)

func versions(table string, kind parley.Kind) archived {
	return archived{name: table, kind: kind, where: versionsKnown, order: byRecording}
}

// shared are the kinds of record that belong to no negotiation.
var shared = []parley.Kind{parley.KindStakeholder, parley.KindAffiliation, parley.KindSource, parley.KindStatement}

// section is what an archive calls the table.
func (a archived) section() string { return camelCase(a.name) }

// camelCase is the name of a table or column as the API would write it.
func camelCase(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words[1:] {
		words[i+1] = capital(w)
	}
	return strings.Join(words, "")
}

// archivedColumn is a column of such a table.
type archivedColumn struct {
	Table   string         `db:"table"`
	Name    string         `db:"name"`
	Type    string         `db:"type"` // of its elements, where it is an array
	Array   bool           `db:"array"`
	Words   pq.StringArray `db:"words"` // that an enum has
	NotNull bool           `db:"not_null"`
	// Endless: what is left out is infinity.
	Endless bool   `db:"endless"`
	Refers  string `db:"refers"` // the table that it is a key of; of arrays nothing is known
}

// names says whether the column holds ids of records, but for the row's own.
func (c archivedColumn) names() bool {
	return c.Name != "id" && (c.Refers == "records" || c.Array && c.Type == "uuid")
}

// unarchived are the columns that an archive leaves out: the feed of each database counts its own changes.
func unarchived(table, column string) bool { return table == "changes" && column == "seq" }

// archivedColumns are those of all archived tables, by table.
func archivedColumns(ctx context.Context, tx *sql.Tx) (map[string][]archivedColumn, error) {
	names := make([]string, len(archive))
	for i, a := range archive {
		names[i] = a.name
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT a.attrelid::regclass::text, a.attname, coalesce(e.typname, t.typname), e.oid IS NOT NULL,
			ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = coalesce(e.oid, t.oid) ORDER BY enumsortorder)::text,
			a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE '''infinity''%', false),
			coalesce((SELECT f.confrelid::regclass::text FROM pg_constraint f
				WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]), '')
		FROM pg_attribute a
		JOIN pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = ANY($1::text[]::regclass[]) AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY a.attrelid, a.attnum`, pq.StringArray(names))
	if err != nil {
		return nil, fmt.Errorf("read the columns of the tables: %w", err)
	}
	defer rows.Close()
	columns := make(map[string][]archivedColumn)
	for rows.Next() {
		var c archivedColumn
		if err := rows.Scan(&c.Table, &c.Name, &c.Type, &c.Array, &c.Words, &c.NotNull, &c.Endless, &c.Refers); err != nil {
			return nil, err
		}
		if !unarchived(c.Table, c.Name) {
			columns[c.Table] = append(columns[c.Table], c)
		}
	}
	return columns, rows.Err()
}

// written is the value of a column in an archive.
func (c archivedColumn) written(a archived) string {
	column := `x.` + pq.QuoteIdentifier(c.Name)
	switch {
	case c.Name == "superseded_at", c.Name == "retracted_at": // what comes to pass later is not known
		return `CASE WHEN ` + column + ` <= $2 THEN ` + writtenInstant(column) + ` END`
	case c.Name == "closed_by":
		return `CASE WHEN x.superseded_at <= $2 THEN ` + column + ` END`
	case c.Refers == "analysts":
		return `(SELECT a.name FROM analysts a WHERE a.id = ` + column + `)`
	case a.leaks && c.Array && c.Type == "uuid":
		return `ARRAY(SELECT u.id FROM unnest(` + column + `) WITH ORDINALITY u(id, n) WHERE u.id = ANY($1) ORDER BY u.n)`
	case a.leaks && c.Refers == "records" && !c.NotNull:
		return `CASE WHEN ` + column + ` = ANY($1) THEN ` + column + ` END`
	case c.Type == "timestamptz":
		return `CASE WHEN isfinite(` + column + `) THEN ` + writtenInstant(column) + ` END`
	case c.Type == "bytea":
		return `encode(` + column + `, 'hex')`
	}
	return column
}

func writtenInstant(column string) string {
	return `to_char(` + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

// Archive reads everything that is on record about a negotiation as known at an instant, over the whole of its history,
// section by section: each row as one line of JSON. The shared records that it refers to come along; what is on record
// about other negotiations does not.
func (s *Store) Archive(ctx context.Context, negotiation uuid.UUID, knownAt parley.Instant, each func(section string, row []byte) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin to read an archive: %w", err)
	}
	defer tx.Rollback()
	columns, err := archivedColumns(ctx, tx)
	if err != nil {
		return err
	}
	var members uuids
	err = tx.QueryRowContext(ctx, membersOf(columns), negotiation, knownAt, pq.Array(shared)).Scan(&members)
	if err != nil {
		return fmt.Errorf("look for what belongs to a negotiation: %w", err)
	}
	for _, a := range archive {
		var pairs []string
		for _, c := range columns[a.name] {
			pairs = append(pairs, pq.QuoteLiteral(camelCase(c.Name))+`, `+c.written(a))
		}
		if a.name == "changes" {
			pairs = append(pairs, `'touches', ARRAY(SELECT t.record_id FROM change_touches t WHERE t.seq = x.seq AND t.record_id = ANY($1) ORDER BY t.record_id)`)
		}
		err := lines(ctx, tx, `
			SELECT json_strip_nulls(json_build_object(`+strings.Join(pairs, ", ")+`))
			FROM `+a.name+` x
			WHERE `+a.where+`
			ORDER BY `+a.order, func(row []byte) error { return each(a.section(), row) }, members, knownAt)
		if err != nil {
			return fmt.Errorf("read %s: %w", a.name, err)
		}
	}
	return nil
}

// lines runs a statement whose every row is one text.
func lines(ctx context.Context, tx *sql.Tx, text string, each func([]byte) error, args ...any) error {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var row sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&row); err != nil {
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// membersOf finds the records that an archive holds: those of the negotiation itself; the shared ones that a version of
// these names, and the statements about one of them; what these statements name in turn; the parties for which persons among
// them speak; and the affiliations between two who are in it.
func membersOf(columns map[string][]archivedColumn) string {
	named := func(from string, wanted func(archived) bool) string {
		var selects []string
		for _, a := range archive {
			for _, c := range columns[a.name] {
				if a.kind == "" || !wanted(a) || !c.names() {
					continue
				}
				id := `x.` + pq.QuoteIdentifier(c.Name)
				if c.Array {
					id = `unnest(` + id + `)`
				}
				selects = append(selects, `SELECT `+id+` AS id FROM `+a.name+` x JOIN `+from+` m ON m.id = x.id WHERE x.recorded_at <= $2`)
			}
		}
		return strings.Join(selects, " UNION ")
	}
	return `
		WITH own AS (
			SELECT id FROM records WHERE (id = $1 OR negotiation_id = $1) AND recorded_at <= $2
		), named AS (
			` + named("own", func(a archived) bool { return !slices.Contains(shared, a.kind) }) + `
			UNION SELECT x.id FROM own JOIN statements x ON x.about @> ARRAY[own.id] WHERE x.recorded_at <= $2
		), said AS (
			` + named("named", func(a archived) bool { return a.kind == parley.KindStatement }) + `
		), met AS (
			SELECT id FROM own
			UNION SELECT r.id FROM (SELECT id FROM named UNION SELECT id FROM said) n JOIN records r ON r.id = n.id WHERE r.kind = ANY($3::text[]::record_kind[])
		), members AS (
			SELECT id FROM met
			UNION SELECT x.organization_id FROM affiliations x JOIN met p ON p.id = x.person_id WHERE x.speaks_for AND x.recorded_at <= $2
		)
		SELECT array_agg(id) FROM (
			SELECT id FROM members
			UNION SELECT x.id FROM affiliations x JOIN members p ON p.id = x.person_id JOIN members o ON o.id = x.organization_id WHERE x.recorded_at <= $2
		) m`
}
