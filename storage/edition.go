package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Edition narrows the snapshot down to one negotiation, and in it to what may be passed on up to a marking: statements of
// sources with a stricter marking are left out, and so are the facts that rest on nothing else. A source's marking is
// that of now, whatever the lens. The positions and statuses that are left are cut as if the others had never been
// recorded; a scenario all of whose statuses are left out is left out with everything on it.
func (s *Snapshot) Edition(ctx context.Context, negotiation uuid.UUID, upTo parley.Marking) error {
	e := withheld{Snapshot: s, negotiation: negotiation}
	if err := e.findWithheld(ctx, upTo); err != nil {
		return fmt.Errorf("find what an edition leaves out: %w", err)
	}
	positions, err := cutPositions.view(ctx, &e)
	if err != nil {
		return fmt.Errorf("cut the positions of an edition: %w", err)
	}
	statuses, err := cutStatuses.view(ctx, &e)
	if err != nil {
		return fmt.Errorf("cut the statuses of an edition: %w", err)
	}
	s.Narrow(map[string]string{
		"scenarios":      s.Expand(`(SELECT * FROM {scenarios x} WHERE x.id <> ALL (` + quoted(e.whole) + `))`),
		"statements":     s.Expand(`(SELECT * FROM {statements x} WHERE x.id <> ALL (` + quoted(e.statements) + `))`),
		"events":         s.Expand(`(SELECT * FROM {events x} WHERE x.version <> ALL (` + quoted(e.versions["events"]) + `))`),
		"relations":      s.Expand(`(SELECT * FROM {relations x} WHERE x.version <> ALL (` + quoted(e.versions["relations"]) + `))`),
		"positions":      positions,
		"status_changes": statuses,
	})
	return nil
}

// withheld is what an edition leaves out.
type withheld struct {
	*Snapshot
	negotiation uuid.UUID
	statements  rows.IDs
	versions    map[string]rows.IDs // of facts, by table
	scenarios   map[string]rows.IDs // on which some of them are
	whole       rows.IDs            // scenarios of which nothing is left
}

// resting are the tables whose facts rest on statements.
var resting = []string{"events", "positions", "relations", "status_changes"}

func (e *withheld) findWithheld(ctx context.Context, upTo parley.Marking) error {
	var evidence, versions []string
	for _, table := range resting {
		scenario, within := "NULL::uuid", "x.negotiation_id = $1"
		switch table {
		case "positions", "status_changes":
			scenario = "x.scenario_id"
		case "relations":
			within = `EXISTS (SELECT FROM {records r} WHERE r.id IN (x.from_id, x.to_id) AND r.negotiation_id = $1)`
		}
		evidence = append(evidence, `SELECT unnest(x.evidence) FROM {`+table+` x} WHERE `+within)
		// A fact that was recorded first and given its evidence then is left out from the beginning.
		versions = append(versions, `SELECT '`+table+`' AS name, x.version, `+scenario+` AS scenario FROM {`+table+` x}
			JOIN LATERAL (SELECT l.evidence FROM {`+table+` l} WHERE l.id = x.id ORDER BY l.recorded_at DESC LIMIT 1) last ON true
			WHERE `+within+` AND (x.evidence <> '{}' AND x.evidence <@ $2 OR last.evidence <> '{}' AND last.evidence <@ $2)`)
	}
	err := e.Rows(ctx, `
		SELECT record_send(ROW(cited.id)) FROM (`+strings.Join(evidence, " UNION ")+`) cited(id)
		JOIN LATERAL (SELECT t.source_id FROM {statements t} WHERE t.id = cited.id ORDER BY t.recorded_at DESC LIMIT 1) said ON true
		JOIN LATERAL (SELECT g.marking FROM {sources g} WHERE g.id = said.source_id ORDER BY g.recorded_at DESC LIMIT 1) source ON true
		WHERE source.marking > $2::marking`, []any{e.negotiation, upTo}, func(sent rows.Row) {
		e.statements = append(e.statements, sent.Next().ID())
	})
	if err != nil {
		return err
	}
	e.versions, e.scenarios = make(map[string]rows.IDs), make(map[string]rows.IDs)
	err = e.Rows(ctx, `SELECT DISTINCT record_send(ROW(name, version, scenario)) FROM (`+
		strings.Join(versions, " UNION ALL ")+`) facts`, []any{e.negotiation, e.statements}, func(sent rows.Row) {
		table := sent.Next().Text()
		e.versions[table] = append(e.versions[table], sent.Next().ID())
		if scenario := sent.Next(); scenario != nil && !slices.Contains(e.scenarios[table], scenario.ID()) {
			e.scenarios[table] = append(e.scenarios[table], scenario.ID())
		}
	})
	if err != nil {
		return err
	}
	return e.Rows(ctx, `
		SELECT record_send(ROW(x.scenario_id)) FROM {status_changes x} WHERE x.scenario_id = ANY ($1)
		GROUP BY x.scenario_id HAVING bool_and(x.version = ANY ($2))`,
		[]any{e.scenarios["status_changes"], e.versions["status_changes"]}, func(sent rows.Row) {
			id := sent.Next().ID()
			e.whole, e.scenarios["positions"] = append(e.whole, id), append(e.scenarios["positions"], id)
		})
}

// cutTable is a table of facts that cut each other: those on one scenario that have the same value in a column.
type cutTable[T any] struct {
	name, line string
	// columns say where a fact begins and what it stands beside; read reads them.
	columns string
	read    func(*rows.Row, *T)
	cut     func([]*T)
	sameCut func(a, b *T) bool
	// cuts are the columns that a fact's neighbours decide.
	cuts func(*T) map[string]any
}

var (
	cutPositions = cutTable[parley.Position]{
		name: "positions", line: "holder_id",
		columns: `x.id, x.valid_from, x.valid_from_precision::text, x.ordinal, x.asserted_to, x.contests`,
		read: func(sent *rows.Row, p *parley.Position) {
			p.ID, p.ValidFrom, p.ValidFromPrecision = sent.Next().ID(), sent.Next().Time(), parley.TimePrecision(sent.Next().Text())
			p.Ordinal, p.AssertedTo = sent.Next().Int(), sent.Next().OptionalTime()
			if contests := sent.Next(); contests != nil {
				id := contests.ID()
				p.ContestsID = &id
			}
		},
		cut: parley.CutPositions, sameCut: (*parley.Position).SameCut,
		cuts: func(p *parley.Position) map[string]any {
			return map[string]any{"valid_to": endless(p.ValidTo), "beside": p.Beside, "disputed": p.Disputed}
		},
	}
	cutStatuses = cutTable[parley.StatusChange]{
		name: "status_changes", line: "scenario_id",
		columns: `x.id, x.effective_at, x.effective_at_precision::text, x.ordinal, x.to_status::text`,
		read: func(sent *rows.Row, c *parley.StatusChange) {
			c.ID, c.EffectiveAt, c.EffectiveAtPrecision = sent.Next().ID(), sent.Next().Time(), parley.TimePrecision(sent.Next().Text())
			c.Ordinal, c.To = sent.Next().Int(), parley.ScenarioStatus(sent.Next().Text())
		},
		cut: parley.CutStatuses, sameCut: (*parley.StatusChange).SameCut,
		cuts: func(c *parley.StatusChange) map[string]any {
			return map[string]any{"valid_to": endless(c.ValidTo), "from_status": c.From, "skipped": append([]parley.ScenarioStatus{}, c.Skipped...)}
		},
	}
)

// versionOnLine is a version of a fact, on the line on which it stood. A merge may move it to another.
type versionOnLine struct {
	Version uuid.UUID `json:"version"`
	Line    uuid.UUID `json:"line"`
}

// view is what an edition reads of the table: its rows, but on scenarios of which something is left out the rows that
// would be there without that.
func (t cutTable[T]) view(ctx context.Context, e *withheld) (string, error) {
	type line struct{ scenario, line uuid.UUID }
	lines := make(map[line][]parley.Recorded[T])
	of := make(map[*T]versionOnLine)
	err := e.Rows(ctx, `
		SELECT record_send(ROW(x.scenario_id, x.`+t.line+`, x.version, min(x.recorded_at), max(x.superseded_at), `+t.columns+`))
		FROM {`+t.name+` x}
		WHERE x.scenario_id = ANY ($1) AND x.scenario_id <> ALL ($2) AND x.version <> ALL ($3)
		GROUP BY x.scenario_id, x.`+t.line+`, x.version, `+t.columns,
		[]any{e.scenarios[t.name], e.whole, e.versions[t.name]}, func(sent rows.Row) {
			on, version, from := line{sent.Next().ID(), sent.Next().ID()}, sent.Next().ID(), sent.Next().Time()
			r := parley.Recorded[T]{Fact: new(T), From: &from, To: sent.Next().OptionalTime()}
			t.read(&sent, r.Fact)
			of[r.Fact] = versionOnLine{version, on.line}
			lines[on] = append(lines[on], r)
		})
	if err != nil {
		return "", err
	}
	type row struct {
		versionOnLine
		Patch map[string]any `json:"patch"`
	}
	anew := []row{}
	for _, line := range lines {
		for i, spans := range parley.Replay(line, t.cut, t.sameCut) {
			for _, span := range spans {
				patch := t.cuts(span.Fact)
				patch["recorded_at"], patch["superseded_at"] = instant(span.From), endless(span.To)
				anew = append(anew, row{of[line[i].Fact], patch})
			}
		}
	}
	text, err := json.Marshal(anew)
	if err != nil {
		return "", fmt.Errorf("write down rows of %s: %w", t.name, err)
	}
	// The last row of a version says what closed it in the end. Before that, a row was closed to cut it anew.
	return e.Expand(`(
		SELECT x.* FROM {` + t.name + ` x}
		WHERE x.negotiation_id = ` + pq.QuoteLiteral(e.negotiation.String()) + ` AND x.scenario_id <> ALL (` + quoted(e.scenarios[t.name]) + `)
		UNION ALL
		SELECT y.* FROM jsonb_to_recordset(` + pq.QuoteLiteral(string(text)) + `) r(version uuid, line uuid, patch jsonb),
		LATERAL (
			SELECT x AS last, CASE WHEN x.superseded_at > (r.patch ->> 'superseded_at')::timestamptz THEN 'RECUT'::closed_by ELSE x.closed_by END AS closed_by
			FROM {` + t.name + ` x} WHERE x.version = r.version AND x.` + t.line + ` = r.line
			ORDER BY x.recorded_at DESC LIMIT 1) v,
		LATERAL jsonb_populate_record(v.last, r.patch || jsonb_build_object('closed_by', v.closed_by)) y)`), nil
}

// endless is an end as JSON that the database reads.
func endless(t *parley.Instant) any {
	if t == nil {
		return "infinity"
	}
	return instant(t)
}

// quoted is a list of ids as a literal.
func quoted(ids rows.IDs) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	return `'{` + strings.Join(list, ",") + `}'::uuid[]`
}
