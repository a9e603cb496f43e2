// Package exchange writes archives of negotiations and restores them, over the descriptors of the nouns. What there is
// to know of a table besides, its columns and what they refer to, it reads from the database.
package exchange

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Noun is what archives have to know of a noun.
type Noun struct {
	Kind   parley.Kind
	Table  string
	Shared bool                     // its records belong to no negotiation
	Names  map[string][]parley.Kind // the kinds of record that a column of ids may name
	// Keeps are the columns of ids whose records can't leave the record while a row names them.
	Keeps []string
	// Texts are the columns that are searched, and Context those whose words, or the names of the records in them, are
	// searched beside them.
	Texts, Context []string
}

// Nouns are all of them, in an order in which they can be restored: what is referred to comes first.
type Nouns []Noun

// section is a table whose rows an archive holds.
type section struct {
	table string
	noun  *Noun  // whose versions these are; nil: of none
	where string // which rows belong to the records $1 as known at $2
	order string
	// leaks: its rows may also name records of other negotiations, which stay behind.
	leaks bool
}

// sections are what an archive holds, in the order in which it is restored.
func (nouns Nouns) sections() []section {
	list := []section{
		{table: "records", where: `x.id = ANY($1) AND x.recorded_at <= $2`, order: `x.recorded_at, x.kind, x.id`},
		{
			table: "client_ids", order: `x.id`,
			where: `x.record_id = ANY($1) AND coalesce(x.recorded_at, (SELECT r.recorded_at FROM {records r}
				WHERE r.id = x.record_id)) <= $2`,
		},
	}
	for i := range nouns {
		n := &nouns[i]
		list = append(list, section{
			table: n.Table, noun: n, where: `x.id = ANY($1) AND x.recorded_at <= $2`, order: `x.recorded_at, x.id`,
			leaks: nouns.leaks(n),
		})
		if n.Kind == parley.KindSource {
			list = append(list, section{
				table: "source_bodies", order: `x.source_id`,
				where: `x.source_id IN (SELECT id FROM {sources} WHERE id = ANY($1) AND recorded_at <= $2)`,
			})
		}
	}
	return append(list,
		section{table: "changes", where: `x.subject_id = ANY($1) AND x.recorded_at <= $2`, order: `x.recorded_at`,
			leaks: true})
}

// leaks says whether a noun that is shared may name records that belong to a negotiation.
func (nouns Nouns) leaks(n *Noun) bool {
	shared := nouns.shared()
	for _, kinds := range n.Names {
		if n.Shared && slices.ContainsFunc(kinds, func(k parley.Kind) bool { return !slices.Contains(shared, k) }) {
			return true
		}
	}
	return false
}

// shared are the kinds of record that belong to no negotiation.
func (nouns Nouns) shared() (kinds []parley.Kind) {
	for _, n := range nouns {
		if n.Shared {
			kinds = append(kinds, n.Kind)
		}
	}
	return kinds
}

// Tables are those whose rows archives hold.
func (nouns Nouns) Tables() []string {
	var names []string
	for _, s := range nouns.sections() {
		names = append(names, s.table)
	}
	return names
}

// name is what an archive calls the section.
func (s section) name() string { return rows.CamelCase(s.table) }

// Column is a column of a table whose rows archives hold.
type Column struct {
	Table   string
	Name    string
	Type    string // of its elements, where it is an array
	Array   bool
	Words   pq.StringArray // that an enum has
	NotNull bool
	// Default is what is left out, in SQL; empty: what is left out is null.
	Default string
	Refers  string // the table that it is a key of; of arrays nothing is known
}

// Names says whether the column holds ids of records, but for the row's own.
func (c Column) Names() bool {
	return c.Name != "id" && (c.Refers == "records" || c.Array && c.Type == "uuid")
}

// unarchived are the columns that an archive leaves out: the feed of each database counts its own changes.
func unarchived(table, column string) bool { return table == "changes" && column == "seq" }

// Columns are those of all archived tables, by table.
func (nouns Nouns) Columns(ctx context.Context, tx *sql.Tx) (map[string][]Column, error) {
	found, err := tx.QueryContext(ctx, `
		SELECT a.attrelid::regclass::text, a.attname, coalesce(e.typname, t.typname), e.oid IS NOT NULL,
			ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = coalesce(e.oid, t.oid)
				ORDER BY enumsortorder)::text,
			a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
			coalesce((SELECT f.confrelid::regclass::text FROM pg_constraint f
				WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]), '')
		FROM pg_attribute a
		JOIN pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = ANY($1::text[]::regclass[]) AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY a.attrelid, a.attnum`, pq.StringArray(nouns.Tables()))
	if err != nil {
		return nil, fmt.Errorf("read the columns of the tables: %w", err)
	}
	defer found.Close()
	columns := make(map[string][]Column)
	for found.Next() {
		var c Column
		if err := found.Scan(&c.Table, &c.Name, &c.Type, &c.Array, &c.Words, &c.NotNull, &c.Default,
			&c.Refers); err != nil {
			return nil, err
		}
		if !unarchived(c.Table, c.Name) {
			columns[c.Table] = append(columns[c.Table], c)
		}
	}
	return columns, found.Err()
}

// written is the value of a column in an archive.
func (c Column) written(s section) string {
	column := `x.` + pq.QuoteIdentifier(c.Name)
	switch {
	// What comes to pass later is not known.
	case c.Name == "absences":
		return `nullif(ARRAY(SELECT ` + writtenInstant("u.at") + ` FROM unnest(x.absences) WITH ORDINALITY u(at, n)
			WHERE n <= width_bucket($2::timestamptz, x.absences) / 2 * 2 ORDER BY n), '{}')`
	case c.Name == "retracted_at":
		return `CASE WHEN width_bucket($2::timestamptz, x.absences) % 2 = 1
			THEN ` + writtenInstant("x.absences[width_bucket($2::timestamptz, x.absences)]") + `
			WHEN x.retracted_at <= $2 THEN ` + writtenInstant(column) + ` END`
	case c.Name == "merged_into":
		return `CASE WHEN x.retracted_at <= $2 THEN ` + column + ` END`
	case c.Name == "superseded_at":
		return `CASE WHEN ` + column + ` <= $2 THEN ` + writtenInstant(column) + ` END`
	case c.Name == "closed_by":
		return `CASE WHEN x.superseded_at <= $2 THEN ` + column + ` END`
	case c.Refers == "analysts":
		return `(SELECT a.name FROM {analysts a} WHERE a.id = ` + column + `)`
	case s.leaks && c.Array && c.Type == "uuid":
		return `ARRAY(SELECT u.id FROM unnest(` + column +
			`) WITH ORDINALITY u(id, n) WHERE u.id = ANY($1) ORDER BY u.n)`
	case s.leaks && c.Refers == "records" && !c.NotNull:
		return `CASE WHEN ` + column + ` = ANY($1) THEN ` + column + ` END`
	case c.Type == "timestamptz":
		return `CASE WHEN isfinite(` + column + `) THEN ` + writtenInstant(column) + ` END`
	case c.Type == "bytea":
		return `encode(` + column + `, 'hex')`
	case c.Default != "":
		return `nullif(` + column + `, ` + c.Default + `)`
	}
	return column
}

func writtenInstant(column string) string {
	return `to_char(` + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

// Write reads everything that is on record about a negotiation as known at an instant, over the whole of its history,
// section by section: each row as one line of JSON. The shared records that it refers to come along; what is on record
// about other negotiations does not. The transaction has to see one state of the database.
func (nouns Nouns) Write(
	ctx context.Context, tx *sql.Tx, negotiation uuid.UUID, knownAt parley.Instant,
	each func(section string, row []byte) error,
) error {
	columns, err := nouns.Columns(ctx, tx)
	if err != nil {
		return err
	}
	var members rows.IDs
	err = tx.QueryRowContext(ctx, expand(nouns.membersOf(columns)), negotiation, knownAt,
		pq.Array(nouns.shared())).Scan(&members)
	if err != nil {
		return fmt.Errorf("look for what belongs to a negotiation: %w", err)
	}
	for _, s := range nouns.sections() {
		var pairs []string
		for _, c := range columns[s.table] {
			pairs = append(pairs, pq.QuoteLiteral(rows.CamelCase(c.Name))+`, `+c.written(s))
		}
		if s.table == "changes" {
			pairs = append(pairs, `'touches', ARRAY(SELECT t.record_id FROM {change_touches t}
				WHERE t.seq = x.seq AND t.record_id = ANY($1) ORDER BY t.record_id)`)
		}
		err := lines(ctx, tx, `
			SELECT json_strip_nulls(json_build_object(`+strings.Join(pairs, ", ")+`))
			FROM {`+s.table+` x}
			WHERE `+s.where+`
			ORDER BY `+s.order, func(row []byte) error { return each(s.name(), row) }, members, knownAt)
		if err != nil {
			return fmt.Errorf("read %s: %w", s.table, err)
		}
	}
	return nil
}

// expand writes out the macros of a statement.
func expand(text string) string { return new(rows.Reader).Expand(text) }

// lines runs a statement whose every row is one text.
func lines(ctx context.Context, tx *sql.Tx, text string, each func([]byte) error, args ...any) error {
	found, err := tx.QueryContext(ctx, expand(text), args...)
	if err != nil {
		return err
	}
	defer found.Close()
	var row sql.RawBytes
	for found.Next() {
		if err := found.Scan(&row); err != nil {
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return found.Err()
}

// membersOf finds the records that an archive holds: those of the negotiation itself; the shared ones that a version of
// these names, and the statements about one of them; what these statements name in turn; the parties for which persons
// among them speak, and the members for which groups among them do; and the affiliations and memberships between two
// who are in it.
func (nouns Nouns) membersOf(columns map[string][]Column) string {
	named := func(from string, wanted func(Noun) bool) string {
		var selects []string
		for _, n := range nouns {
			for _, c := range columns[n.Table] {
				if !wanted(n) || !c.Names() {
					continue
				}
				id := `x.` + pq.QuoteIdentifier(c.Name)
				if c.Array {
					id = `unnest(` + id + `)`
				}
				selects = append(selects,
					`SELECT `+id+` AS id FROM {`+n.Table+` x} JOIN `+from+` m ON m.id = x.id WHERE x.recorded_at <= $2`)
			}
		}
		return strings.Join(selects, " UNION ")
	}
	return `
		WITH RECURSIVE own AS (
			SELECT id FROM {records} WHERE (id = $1 OR negotiation_id = $1) AND recorded_at <= $2
		), named AS (
			` + named("own", func(n Noun) bool { return !n.Shared }) + `
			UNION SELECT x.id FROM own JOIN {statements x} ON x.about @> ARRAY[own.id] WHERE x.recorded_at <= $2
		), said AS (
			` + named("named", func(n Noun) bool { return n.Kind == parley.KindStatement }) + `
		), met AS (
			SELECT id FROM own
			UNION SELECT r.id FROM (SELECT id FROM named UNION SELECT id FROM said) n
			JOIN {records r} ON r.id = n.id WHERE r.kind = ANY($3::text[]::record_kind[])
		), spoken AS (
			SELECT id FROM met
			UNION SELECT x.organization_id FROM {affiliations x} JOIN met p ON p.id = x.person_id WHERE x.speaks_for
				AND x.recorded_at <= $2
		), members AS (
			SELECT id FROM spoken
			UNION SELECT l.id FROM members g CROSS JOIN LATERAL (
				SELECT x.member_id AS id FROM {memberships x} WHERE x.group_id = g.id AND x.speaks_for_members
					AND x.recorded_at <= $2
				UNION ALL SELECT x.merged_into FROM {records x} WHERE x.id = g.id AND x.merged_into IS NOT NULL
					AND x.retracted_at <= $2) l
		)
		SELECT array_agg(id) FROM (
			SELECT id FROM members
			UNION SELECT x.id FROM {affiliations x} JOIN members p ON p.id = x.person_id
				JOIN members o ON o.id = x.organization_id
			WHERE x.recorded_at <= $2
			UNION SELECT x.id FROM {memberships x} JOIN members p ON p.id = x.member_id
				JOIN members g ON g.id = x.group_id
			WHERE x.recorded_at <= $2
		) m`
}
