package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

func kindsIn(kinds []parley.Kind) string {
	quoted := make([]string, len(kinds))
	for i, k := range kinds {
		quoted[i] = "'" + string(k) + "'"
	}
	return strings.Join(quoted, ", ")
}

// contradiction is what a statement finds in a section, and a sentence on it.
type contradiction struct{ section, sentence, found string }

// check refuses rows that fit each for itself, and contradict each other. It looks at what is restored, which alone was
// recorded after the record's head ($1).
func (r *Restoration) check(ctx context.Context) error {
	// What came in this transaction is in no statistics yet, without which nobody joins many rows well.
	if err := r.exec(ctx, `ANALYZE `+strings.Join(r.nouns.Tables(), ", ")); err != nil {
		return fmt.Errorf("count what is restored: %w", err)
	}
	for _, s := range r.sections {
		if s.noun == nil {
			continue
		}
		if err := r.checkVersions(ctx, s); err != nil {
			return err
		}
	}
	for _, c := range []contradiction{
		{"records", "It belongs to no negotiation, or to one where its kind belongs to none.", `
			SELECT x.id FROM {records x}
			WHERE x.recorded_at > $1 AND (x.negotiation_id IS NULL) <> 
				(x.kind IN ('NEGOTIATION', ` + kindsIn(r.nouns.shared()) + `))`},
		{"records", "Its absences do not follow one another between recordedAt and retractedAt.", `
			SELECT x.id FROM {records x}
			WHERE x.recorded_at > $1 AND x.absences <> '{}' AND (x.absences <> ARRAY(SELECT DISTINCT a FROM unnest(x.absences) a
					ORDER BY a)
				OR x.absences[1] <= x.recorded_at OR x.absences[cardinality(x.absences)] >= x.retracted_at)`},
		{"records", "mergedInto names what is not in the archive, was not on record then, or is of another kind.", `
			SELECT x.id FROM {records x} LEFT JOIN {records r} ON r.id = x.merged_into
			WHERE x.recorded_at > $1 AND x.merged_into IS NOT NULL AND (r.id IS NULL OR r.recorded_at <= $1
				OR r.recorded_at > x.retracted_at OR r.retracted_at <= x.retracted_at OR r.kind <> x.kind)`},
		{"records", "It is a second negotiation; an archive holds one.", `
			SELECT x.id FROM {records x}
			WHERE x.recorded_at > $1 AND x.kind = 'NEGOTIATION'
			ORDER BY x.recorded_at, x.id OFFSET 1`},
		{"records", "Its path is not that of a key, or not below its negotiation's.", `
			SELECT x.id FROM {records x} LEFT JOIN {records n} ON n.id = x.negotiation_id
			WHERE x.recorded_at > $1 AND (x.path !~ '^([a-z][a-z0-9-]{0,79}/)?[a-z][a-z0-9-]{0,79}$'
				OR (n.id IS NULL) <> (x.path NOT LIKE '%/%') OR NOT starts_with(x.path, n.path || '/'))`},
		{"statusChanges", "Another status of the scenario held at the same time, by what was known at some instant.", `
			SELECT x.id FROM {status_changes x} JOIN {status_changes o} ON o.scenario_id = x.scenario_id
				AND o.id <> x.id
				AND tstzrange(o.effective_at, o.valid_to) && tstzrange(x.effective_at, x.valid_to)
				AND tstzrange(o.recorded_at, o.superseded_at) && tstzrange(x.recorded_at, x.superseded_at)
			WHERE x.recorded_at > $1`},
		{"statusChanges", "No other status of the scenario begins where it ends, by what was known at some instant.", `
			SELECT x.id FROM {status_changes x}
			WHERE x.recorded_at > $1 AND x.valid_to < 'infinity'
				AND NOT coalesce(tstzrange(x.recorded_at, x.superseded_at) <@ (
					SELECT range_agg(tstzrange(o.recorded_at, o.superseded_at)) FROM {status_changes o}
					WHERE o.scenario_id = x.scenario_id AND o.effective_at = x.valid_to
						AND (o.effective_at, o.ordinal) > (x.effective_at, x.ordinal)), false)`},
		{"statusChanges", "Another status of the scenario has the same ordinal at the same instant, by what was " +
			"known at some instant.", `
			SELECT x.id FROM {status_changes x} JOIN {status_changes o} ON o.scenario_id = x.scenario_id
				AND o.id <> x.id AND o.effective_at = x.effective_at AND o.ordinal = x.ordinal
				AND tstzrange(o.recorded_at, o.superseded_at) && tstzrange(x.recorded_at, x.superseded_at)
			WHERE x.recorded_at > $1`},
		{"scenarios", "Its deadline or its resolution lies before its first status.", `
			SELECT x.id FROM {scenarios x}
			WHERE x.recorded_at > $1 AND x.superseded_at = 'infinity' AND least(x.deadline, x.resolved_at) < (
				SELECT min(s.effective_at) FROM {status_changes s}
				WHERE s.scenario_id = x.id AND s.superseded_at = 'infinity')`},
		{"assessments", "It is dated before the scenario's first status.", `
			SELECT x.id FROM {assessments x}
			WHERE x.recorded_at > $1 AND x.superseded_at = 'infinity' AND x.assessed_at < (
				SELECT min(s.effective_at) FROM {status_changes s}
				WHERE s.scenario_id = x.scenario_id AND s.superseded_at = 'infinity')`},
		{"relations", "Both scenarios have occurred, which exclude each other.", `
			SELECT x.id FROM {relations x}
			JOIN {scenarios a} ON a.id = x.from_id AND a.outcome = 'OCCURRED' AND a.superseded_at = 'infinity'
			JOIN {scenarios b} ON b.id = x.to_id AND b.outcome = 'OCCURRED' AND b.superseded_at = 'infinity'
			WHERE x.recorded_at > $1 AND x.kind = 'MUTUALLY_EXCLUSIVE' AND x.claimed_by IS NULL
				AND x.superseded_at = 'infinity'`},
		{"scenarios", "It has no status from the beginning.", `
			SELECT x.id FROM {records x}
			WHERE x.recorded_at > $1 AND x.kind = 'SCENARIO'
				AND NOT EXISTS (SELECT FROM {status_changes s} WHERE s.scenario_id = x.id
					AND s.recorded_at = x.recorded_at)`},
		{"positions",
			"Another position of the holder on the scenario held at the same time, by what was known at some " +
				"instant, and neither contests the other.", `
			SELECT x.id FROM {positions x} JOIN {positions o} ON o.scenario_id = x.scenario_id
				AND o.holder_id = x.holder_id AND o.id <> x.id
				AND tstzrange(o.valid_from, o.valid_to) && tstzrange(x.valid_from, x.valid_to)
				AND tstzrange(o.recorded_at, o.superseded_at) && tstzrange(x.recorded_at, x.superseded_at)
			WHERE x.recorded_at > $1 AND NOT x.beside AND NOT o.beside`},
		{"positions", "It holds for no time, and no other position of the holder on the scenario follows within the " +
			"day.", `
			SELECT x.id FROM {positions x}
			WHERE x.recorded_at > $1 AND x.valid_from = x.valid_to
				AND NOT coalesce(tstzrange(x.recorded_at, x.superseded_at) <@ (
					SELECT range_agg(tstzrange(o.recorded_at, o.superseded_at)) FROM {positions o}
					WHERE o.scenario_id = x.scenario_id AND o.holder_id = x.holder_id AND o.valid_from = x.valid_from
						AND o.ordinal > x.ordinal), false)`},
		{"positions", "Its scenario belongs to another issue.", `
			SELECT x.id FROM {positions x} JOIN {records s} ON s.id = x.scenario_id
			WHERE x.recorded_at > $1 AND x.issue_id IS DISTINCT FROM s.parent_id`},
		{"sources", "It has a contentHash and no body, or a body that the contentHash is not of.", `
			SELECT x.id FROM {sources x} LEFT JOIN {source_bodies b} ON b.source_id = x.id
			WHERE x.recorded_at > $1 AND ((x.content_hash IS NULL) <> (b.source_id IS NULL)
				OR b.body IS NOT NULL AND x.content_hash <> encode(sha256(convert_to(b.body, 'UTF8')), 'hex'))`},
		{"sourceBodies", "It is the body of no source.", `
			SELECT b.source_id FROM {source_bodies b} JOIN {records x} ON x.id = b.source_id
			WHERE x.recorded_at > $1 AND x.kind <> 'SOURCE'`},
		{"changes", "It names a record that is not in the archive.", `
			SELECT x.subject_id FROM {changes x}
			JOIN {records r} ON r.id = ANY(x.lines || ARRAY[x.subject_id, x.negotiation_id, x.scenario_id]
				|| ARRAY(SELECT t.record_id FROM {change_touches t} WHERE t.seq = x.seq))
			WHERE x.recorded_at > $1 AND r.recorded_at <= $1`},
		{"changes", "Its kind is not that of its subject, or it names another negotiation or no scenario.", `
			SELECT x.subject_id FROM {changes x} JOIN {records s} ON s.id = x.subject_id
			WHERE x.recorded_at > $1 AND (x.subject_kind <> s.kind
				OR x.cause IS NOT NULL AND (x.subject_kind NOT IN ('POSITION', 'STATUS_CHANGE')
					OR x.scenario_id IS NULL)
				OR x.negotiation_id IS DISTINCT FROM s.negotiation_id AND s.negotiation_id IS NOT NULL
				OR EXISTS (SELECT FROM {records r} WHERE r.id = x.scenario_id AND r.kind <> 'SCENARIO'
					OR r.id = x.negotiation_id AND r.kind <> 'NEGOTIATION'))`},
	} {
		if err := r.none(ctx, c); err != nil {
			return err
		}
	}
	var foreign []uuid.UUID
	if err := r.all(ctx, &foreign, `SELECT id FROM {records} WHERE id = ANY($2) AND recorded_at <= $1 LIMIT 1`,
		r.before.RecordedAt, r.sent); err != nil {
		return fmt.Errorf("check what ids stand for: %w", err)
	}
	if len(foreign) > 0 {
		return misfit("clientIds: one stands for %s, which is not in the archive.", foreign[0])
	}
	if err := r.checkLifeCycles(ctx); err != nil {
		return err
	}
	return r.checkQuotes(ctx)
}

// checkLifeCycles checks the statuses of each scenario, as they stand in the end, against the life cycle, and what is
// derived from them.
func (r *Restoration) checkLifeCycles(ctx context.Context) error {
	var list []struct {
		ID          uuid.UUID             `db:"id"`
		ScenarioID  uuid.UUID             `db:"scenario_id"`
		To          parley.ScenarioStatus `db:"to_status"`
		From        string                `db:"from_status"`
		Skipped     string                `db:"skipped"`
		EffectiveAt parley.Instant        `db:"effective_at"`
		Precision   parley.TimePrecision  `db:"precision"`
		Ordinal     int                   `db:"ordinal"`
		RecordedAt  parley.Instant        `db:"content_at"`
	}
	err := r.all(ctx, &list, `
		SELECT id, scenario_id, to_status, coalesce(from_status::text, '') AS from_status,
			array_to_string(skipped, ', ') AS skipped, effective_at, effective_at_precision AS precision, ordinal, content_at
		FROM {status_changes}
		WHERE recorded_at > $1 AND superseded_at = 'infinity'
		ORDER BY scenario_id, effective_at, ordinal`, r.before.RecordedAt)
	if err != nil {
		return fmt.Errorf("read statuses: %w", err)
	}
	for begins := 0; begins < len(list); {
		var line []*parley.StatusChange
		ends := begins
		for ; ends < len(list) && list[ends].ScenarioID == list[begins].ScenarioID; ends++ {
			s := list[ends]
			line = append(line, &parley.StatusChange{
				ID: s.ID, To: s.To, EffectiveAt: s.EffectiveAt, EffectiveAtPrecision: s.Precision, Ordinal: s.Ordinal,
			})
		}
		if err := parley.ArrangeStatuses(line, uuid.Nil, list[begins].RecordedAt); err != nil {
			at := begins // of the first one that does not fit
			for i, s := range line {
				if again := parley.ArrangeStatuses(line[:i+1], s.ID, list[begins].RecordedAt); again != nil {
					at, err = begins+i, again
					break
				}
			}
			return misfit("statusChanges, %s: %s", list[at].ID, err)
		}
		for i, s := range list[begins:ends] {
			from := ""
			if line[i].From != nil {
				from = string(*line[i].From)
			}
			if s.From != from || s.Skipped != parley.Listed(line[i].Skipped) {
				return misfit("statusChanges, %s: Its fromStatus and skipped do not follow from the status before it.", s.ID)
			}
		}
		begins = ends
	}
	return nil
}

// none expects a contradiction not to be found.
func (r *Restoration) none(ctx context.Context, c contradiction) error {
	var found []uuid.UUID
	err := r.all(ctx, &found, c.found+` LIMIT 1`, r.before.RecordedAt)
	if err != nil {
		return fmt.Errorf("check what is restored: %w", err)
	}
	if len(found) > 0 {
		return misfit("%s, %s: %s", c.section, found[0], c.sentence)
	}
	return nil
}

// checkVersions checks the versions of a noun: that each record has its own, that they follow one another, and what
// they name.
func (r *Restoration) checkVersions(ctx context.Context, s section) error {
	fill := strings.NewReplacer("{table}", "{"+s.table+" x}", "{versions}", "{"+s.table+" v}", "{kind}",
		string(s.noun.Kind))
	section := s.name()
	checks := []contradiction{
		{section, "Its versions do not follow one another from when the record came to when it went, each once.", `
			SELECT r.id FROM {records r}
			LEFT JOIN (
				SELECT id, min(recorded_at) AS first, max(superseded_at) AS last,
					array_agg(superseded_at ORDER BY recorded_at) FILTER (WHERE next <> superseded_at) AS went,
					array_agg(next ORDER BY recorded_at) FILTER (WHERE next <> superseded_at) AS came
				FROM (
					SELECT id, recorded_at, superseded_at,
						lead(recorded_at) OVER (PARTITION BY id ORDER BY recorded_at) AS next
					FROM {table} WHERE recorded_at > $1
				) x
				GROUP BY id
			) x ON x.id = r.id
			WHERE r.recorded_at > $1 AND r.kind = '{kind}'
				AND (x.first IS DISTINCT FROM r.recorded_at OR x.last IS DISTINCT FROM r.retracted_at
					OR coalesce(x.went, '{}') <> ARRAY(
						SELECT r.absences[i] FROM generate_series(1, cardinality(r.absences), 2) i ORDER BY i)
					OR coalesce(x.came, '{}') <> ARRAY(
						SELECT r.absences[i] FROM generate_series(2, cardinality(r.absences), 2) i ORDER BY i))`},
		{section, "It is no version of such a record, or closedBy contradicts supersededAt.", `
			SELECT x.id FROM {table} JOIN {records r} ON r.id = x.id
			WHERE x.recorded_at > $1 AND (r.kind <> '{kind}' OR (x.closed_by IS NULL) <> (x.superseded_at = 'infinity')
				OR coalesce(x.closed_by = 'RETRACTED', false) <> (x.superseded_at = r.retracted_at AND r.merged_into IS NULL
						AND x.superseded_at < 'infinity'
					OR coalesce(array_position(r.absences, x.superseded_at) % 2 = 1, false))
				OR x.superseded_at = r.retracted_at AND r.merged_into IS NOT NULL AND x.closed_by <> 'MERGED')`},
		{section, "A change tells of a version of it that is not there.", `
			SELECT x.subject_id FROM {changes x}
			WHERE x.recorded_at > $1 AND x.subject_kind = '{kind}'
				AND (x.version IS NOT NULL AND NOT EXISTS (SELECT FROM {versions} WHERE v.id = x.subject_id
					AND v.version = x.version AND v.recorded_at <= x.recorded_at)
				OR x.previous_version IS NOT NULL AND NOT EXISTS (SELECT FROM {versions}
					WHERE v.version = x.previous_version AND v.recorded_at <= x.recorded_at))`},
	}
	for _, c := range r.columns[s.table] {
		switch {
		case c.Name == "path":
			checks = append(checks, contradiction{section, "Its path or key is not that of the record.", `
				SELECT x.id FROM {table} JOIN {records r} ON r.id = x.id
				WHERE x.recorded_at > $1 AND (x.path IS DISTINCT FROM r.path
					OR x.key <> regexp_replace(x.path, '^.*/', ''))`})
		case c.Name == "negotiation_id":
			checks = append(checks, contradiction{section, "Its negotiation is not that of the record.", `
				SELECT x.id FROM {table} JOIN {records r} ON r.id = x.id
				WHERE x.recorded_at > $1 AND x.negotiation_id IS DISTINCT FROM r.negotiation_id`})
		}
		if !c.Names() {
			continue
		}
		named := `VALUES (x.` + pq.QuoteIdentifier(c.Name) + `)`
		if c.Array {
			named = `SELECT unnest(x.` + pq.QuoteIdentifier(c.Name) + `)`
		}
		checks = append(checks, contradiction{section,
			rows.CamelCase(c.Name) + " names what is not in the archive, came later, or is of another kind.", `
			SELECT x.id FROM {table} CROSS JOIN LATERAL (` + named + `) n(id) LEFT JOIN {records r} ON r.id = n.id
			WHERE x.recorded_at > $1 AND n.id IS NOT NULL
				AND (r.id IS NULL OR r.recorded_at <= $1 OR r.recorded_at > x.recorded_at
					OR r.kind NOT IN (` + kindsIn(s.noun.Names[c.Name]) + `))`})
		gone := `r.merged_into IS NOT NULL AND r.retracted_at < x.superseded_at`
		if slices.Contains(s.noun.Keeps, c.Name) {
			gone = `r.retracted_at < x.superseded_at OR EXISTS (
				SELECT FROM generate_series(1, cardinality(r.absences), 2) i
				WHERE tstzrange(r.absences[i], r.absences[i + 1]) && tstzrange(x.recorded_at, x.superseded_at))`
		}
		checks = append(checks, contradiction{section,
			rows.CamelCase(c.Name) + " names what was retracted or merged while this version was on record.", `
			SELECT x.id FROM {table} CROSS JOIN LATERAL (` + named + `) n(id) JOIN {records r} ON r.id = n.id
			WHERE x.recorded_at > $1 AND (` + gone + `)`})
	}
	for _, c := range checks {
		if err := r.none(ctx, contradiction{section, c.sentence, fill.Replace(c.found)}); err != nil {
			return err
		}
	}
	return nil
}

// checkQuotes looks direct quotes up in their sources' bodies once more.
func (r *Restoration) checkQuotes(ctx context.Context) error {
	type quoted struct {
		parley.Statement
		Places string `db:"places"`
	}
	var sources []uuid.UUID
	err := r.all(ctx, &sources, `
		SELECT DISTINCT s.source_id FROM {statements s} JOIN {source_bodies b} ON b.source_id = s.source_id
		WHERE s.recorded_at > $1 AND s.form = 'DIRECT_QUOTE' AND b.body IS NOT NULL`, r.before.RecordedAt)
	if err != nil {
		return fmt.Errorf("look for quotes: %w", err)
	}
	for _, source := range sources {
		var bodies []string
		if err := r.all(ctx, &bodies, `SELECT body FROM {source_bodies} WHERE source_id = $1`, source); err != nil {
			return fmt.Errorf("read the body of a source: %w", err)
		}
		body := parley.Fold(bodies[0])
		var quotes []quoted
		err = r.all(ctx, &quotes,
			`SELECT id, text, form, locators::text AS places FROM {statements} WHERE source_id = $1
				AND form = 'DIRECT_QUOTE'`, source)
		if err != nil {
			return fmt.Errorf("read quotes: %w", err)
		}
		for _, q := range quotes {
			if err := q.CheckQuote("", body); err != nil {
				return misfit("statements, %s: %s", q.ID, err)
			}
			var places []string
			for _, at := range q.Locators {
				places = append(places, fmt.Sprint(at.Start), fmt.Sprint(at.End))
			}
			if !slices.Equal(places, strings.Split(strings.Trim(q.Places, "{}"), ",")) {
				return misfit("statements, %s: Its locators are not where the quote stands in the source's body.", q.ID)
			}
		}
	}
	return nil
}
