package storage

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

var statusShifts = &rows.Table[parley.StatusShift]{
	Alias: "d",
	Self:  func(s *parley.StatusShift) (*uuid.UUID, *parley.Lens) { return &s.ScenarioID, &s.Lens },
	Columns: rows.Columns[parley.StatusShift]{
		rows.OptionalText("before", "before", func(s *parley.StatusShift) **parley.ScenarioStatus { return &s.Before }),
		rows.OptionalText("after", "after", func(s *parley.StatusShift) **parley.ScenarioStatus { return &s.After }),
		rows.Flag("cause", "on_record", func(s *parley.StatusShift) *bool { return &s.OnRecord }),
		rows.Flag("cause", "as_before", func(s *parley.StatusShift) *bool { return &s.AsBefore }),
		rows.Flag("cause", "unmended", func(s *parley.StatusShift) *bool { return &s.Uncorrected }),
	},
	References: []rows.JoinedReference{rows.Joined("scenario", "@.id", scenarios.table)},
}

var positionShifts = &rows.Table[parley.PositionShift]{
	Alias: "d",
	Self:  func(s *parley.PositionShift) (*uuid.UUID, *parley.Lens) { return &s.ScenarioID, &s.Lens },
	Columns: rows.Columns[parley.PositionShift]{
		rows.ID("", "holder_id", func(s *parley.PositionShift) *uuid.UUID { return &s.HolderID }),
		rows.OptionalID("before", "before", func(s *parley.PositionShift) **uuid.UUID { return &s.BeforeID }),
		rows.OptionalID("after", "after", func(s *parley.PositionShift) **uuid.UUID { return &s.AfterID }),
		rows.Flag("cause", "on_record", func(s *parley.PositionShift) *bool { return &s.OnRecord }),
		rows.Flag("cause", "as_before", func(s *parley.PositionShift) *bool { return &s.AsBefore }),
		rows.NewColumn("cause", "@.mid_stance", func(s *parley.PositionShift, v rows.Value) {
			if v != nil {
				s.Mid = &parley.Position{Stance: parley.Stance(v.Text())}
			}
		}, nil),
		rows.NewColumn("cause", "@.mid_conditions", func(s *parley.PositionShift, v rows.Value) {
			for _, condition := range v.Elements() {
				s.Mid.Conditions = append(s.Mid.Conditions, condition.Text())
			}
		}, nil),
		rows.NewColumn("cause", "@.mid_red_line", func(s *parley.PositionShift, v rows.Value) {
			if v != nil {
				s.Mid.RedLine = v.Flag()
			}
		}, nil),
	},
	References: []rows.JoinedReference{
		rows.Joined("scenario", "@.id", scenarios.table), rows.Joined("holder", "@.holder_id", stakeholders.table),
	},
}

// diff is the reading of the differences between the two lenses that all diffs of a level have: k shows `to`. A
// negotiation that comes several times is compared once.
type diff struct {
	*rows.Query
	one    *parley.NegotiationDiff // like all of them
	places []int                   // which key each of them is
}

func (s *Snapshot) newDiff(diffs []*parley.NegotiationDiff) diff {
	var keys []Key
	places, met := make([]int, len(diffs)), make(map[uuid.UUID]int)
	for i, d := range diffs {
		place, known := met[d.NegotiationID]
		if !known {
			place = len(keys)
			met[d.NegotiationID] = place
			keys = append(keys, Key{ID: d.NegotiationID, Lens: d.To})
		}
		places[i] = place
	}
	return diff{s.Query(keys), diffs[0], places}
}

// spread gives each diff what was read for its negotiation.
func spread[T any](d diff, read []*T, err error) ([]*T, error) {
	if err != nil {
		return nil, err
	}
	list := make([]*T, len(d.places))
	for i, place := range d.places {
		list[i] = read[place]
	}
	return list, nil
}

// fill replaces {from}, {mid} and {earlier} by relations of one row with the instants of these lenses, to read through
// in place of k: mid is the older state of the world on the newer record, earlier is that on the older one, which mid
// has as known_from.
func (d diff) fill(text string) string {
	mid, knownFrom := d.one.Mid(), d.one.KnownFrom()
	for _, lens := range []struct {
		name string
		parley.Lens
	}{{"{from}", d.one.From}, {"{mid}", mid}, {"{earlier}", parley.Lens{ValidAt: mid.ValidAt, KnownAt: knownFrom}}} {
		if strings.Contains(text, lens.name) {
			text = strings.ReplaceAll(text, lens.name,
				`(SELECT `+d.Instants(lens.Lens)+`, `+d.Arg(rows.InstantArg(knownFrom))+`::timestamptz AS known_from)`)
		}
	}
	return text
}

// old is the alias of the value at the older of the two lenses.
func (d diff) old(before, after string) string {
	if d.one.Backwards() {
		return after
	}
	return before
}

// asFirstReported: the row was known at an earlier instant, or is the first cut of a fact that was reported since.
func asFirstReported(row, earlier string) string {
	return strings.NewReplacer("row.", row+".", "earlier", earlier).Replace(`((row.recorded_at <= earlier ` +
		`AND row.superseded_at > earlier)
		OR (row.recorded_at = row.content_at AND row.recorded_at > earlier AND row.recorded_at <= k.known_at
			AND EXISTS (SELECT FROM {records r} WHERE r.id = row.id AND r.recorded_at = row.recorded_at)))`)
}

// StatusShifts are the scenarios whose status reads differently in each diff.
func (s *Snapshot) StatusShifts(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.StatusShiftConnection, error) {
	d := s.newDiff(diffs)
	inForce := rows.Aliased(statusInForce, "s")
	old := d.old("b", "sc")
	from := d.fill(`(
		SELECT s.id, s.path, b.to_status AS before, sc.to_status AS after,
			` + old + `.to_status IS NOT NULL OR EXISTS (SELECT FROM {earlier} k ` +
		`JOIN {status_changes e} ON e.scenario_id = s.id AND {known e}) AS on_record,
			m.to_status IS NOT DISTINCT FROM ` + old + `.to_status AS as_before,
			m.to_status IS NOT DISTINCT FROM (
				SELECT u.to_status
				FROM {mid} k
				JOIN {status_changes u} ON u.scenario_id = s.id AND u.effective_at <= k.valid_at ` +
		`AND ` + asFirstReported("u", "k.known_from") + `
				ORDER BY u.effective_at DESC, u.ordinal DESC, u.content_at
				LIMIT 1) AS unmended
		FROM {records s}
		JOIN {scenarios sn} ON sn.id = s.id AND {known sn}
		LEFT JOIN ` + inForce + `
		LEFT JOIN LATERAL (SELECT sc.to_status FROM {from} k JOIN ` + inForce + `) b ON true
		LEFT JOIN LATERAL (SELECT sc.to_status FROM {mid} k JOIN ` + inForce + `) m ON true
		WHERE s.negotiation_id = k.id AND s.kind = 'SCENARIO') d`)
	read, err := rows.Pages(ctx, statusShifts, d.Query, rows.List{
		From: from, Where: []string{`d.before IS DISTINCT FROM d.after`}, Uncached: true,
		Order: rows.Order{Columns: []rows.OrderColumn{by("d.path", "text")}},
	}, p, fields)
	return spread(d, read, err)
}

// PositionShifts are the holders whose prevailing position on a scenario reads differently in each diff.
func (s *Snapshot) PositionShifts(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.PositionShiftConnection, error) {
	d := s.newDiff(diffs)
	const said = `p.holder_id, p.scenario_id, p.version, p.stance, p.conditions, p.red_line`
	prevailing := `{known p} AND ` + positionHolds + ` AND ` + onTheTable("p.scenario_id") + ` AND ` + prevails
	old := d.old("b", "a")
	from := d.fill(`(
		SELECT s.id, s.path, h.id AS holder_id, h.path AS holder_path, b.version AS before, a.version AS after,
			` + old + `.version IS NOT NULL OR EXISTS (
				SELECT FROM {earlier} k JOIN {positions e} ON e.scenario_id = s.id AND e.holder_id = h.id ` +
		`AND {known e}) AS on_record,
			(m.stance, m.conditions, m.red_line) IS NOT DISTINCT ` +
		`FROM (` + old + `.stance, ` + old + `.conditions, ` + old + `.red_line) AS as_before,
			m.stance AS mid_stance, m.conditions AS mid_conditions, m.red_line AS mid_red_line
		FROM (
			SELECT ` + said + `
			FROM (SELECT k.id, f.valid_at, f.known_at FROM {from} f) k
			JOIN {records s} ON s.negotiation_id = k.id AND s.kind = 'SCENARIO'
			JOIN {positions p} ON p.scenario_id = s.id AND ` + prevailing + `) b
		FULL JOIN (
			SELECT ` + said + `
			FROM {records s}
			JOIN {positions p} ON p.scenario_id = s.id AND ` + prevailing + `
			WHERE s.negotiation_id = k.id AND s.kind = 'SCENARIO') a ON a.holder_id = b.holder_id ` +
		`AND a.scenario_id = b.scenario_id
		JOIN {records s} ON s.id = coalesce(a.scenario_id, b.scenario_id)
		JOIN {scenarios sn} ON sn.id = s.id AND {known sn}
		JOIN {records h} ON h.id = coalesce(a.holder_id, b.holder_id)
		JOIN {stakeholders hn} ON hn.id = h.id AND {known hn}
		LEFT JOIN LATERAL (
			SELECT ` + said + `
			FROM {mid} k
			JOIN {positions p} ON p.scenario_id = s.id AND p.holder_id = h.id AND ` + prevailing + `) m ON true
		WHERE (b.stance, b.conditions, b.red_line) IS DISTINCT FROM (a.stance, a.conditions, a.red_line)) d`)
	connections, err := rows.Pages(ctx, positionShifts, d.Query, rows.List{
		From: from, Where: []string{`TRUE`}, Uncached: true,
		Order: rows.Order{Columns: []rows.OrderColumn{by("d.path", "text"), by("d.holder_path", "text")}},
	}, p, fields)
	if err != nil {
		return nil, err
	}
	if fields.Nodes().Has("cause") {
		err = s.uncorrected(ctx, d.one, connections)
	}
	for _, c := range connections {
		for _, shift := range c.Nodes {
			shift.From = d.one.From
		}
	}
	return spread(d, connections, err)
}

// uncorrected finds out where the corrections and retractions recorded in between made no difference.
func (s *Snapshot) uncorrected(
	ctx context.Context, one *parley.NegotiationDiff, connections []*parley.PositionShiftConnection,
) error {
	type line struct{ scenario, holder uuid.UUID }
	shifts := make(map[line]*parley.PositionShift)
	var holders rows.IDs
	var scenarios []Key
	for _, c := range connections {
		for _, shift := range c.Nodes {
			if shift.OnRecord && !shift.AsBefore {
				shifts[line{shift.ScenarioID, shift.HolderID}] = shift
				holders = append(holders, shift.HolderID)
				scenarios = append(scenarios, Key{ID: shift.ScenarioID, Lens: one.Mid()})
			}
		}
	}
	if len(shifts) == 0 {
		return nil
	}
	slices.SortFunc(scenarios, func(a, b Key) int { return slices.Compare(a.ID[:], b.ID[:]) })
	scenarios = slices.Compact(scenarios)
	q := s.Query(scenarios)
	earlier := q.Arg(rows.InstantArg(one.KnownFrom())) + `::timestamptz`
	join := `{positions p} ON p.scenario_id = k.id AND p.holder_id = ANY(` + q.Arg(holders) + `::uuid[]) ` +
		`AND ` + asFirstReported("p", earlier) + `
		CROSS JOIN LATERAL ` + gradeOf("p") + ` g`
	lists, err := rows.Each(ctx, positions.table, q, nil, join,
		`k.n, g.credibility, g.reliability, p.content_at DESC, p.id DESC`)
	if err != nil {
		return err
	}
	lines := make(map[line][]*parley.Position)
	for _, p := range slices.Concat(lists...) {
		at := line{p.ScenarioID, p.HolderID}
		lines[at] = append(lines[at], p)
	}
	for at, shift := range shifts {
		p := parley.PrevailingAt(lines[at], one.Mid().ValidAt)
		shift.Uncorrected = (p == nil) == (shift.Mid == nil) && (p == nil || p.SaysTheSame(shift.Mid))
	}
	return nil
}

// ScenariosAdded are the scenarios that came on the table in each diff.
func (s *Snapshot) ScenariosAdded(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.ScenarioConnection, error) {
	d := s.newDiff(diffs)
	read, err := rows.Pages(ctx, scenarios.table, d.Query, rows.List{
		From: `{scenarios s} JOIN ` + rows.Aliased(statusInForce, "s"),
		Where: []string{`s.negotiation_id = k.id`, `{known s}`,
			d.fill(`NOT EXISTS (SELECT FROM {from} k WHERE ` + onTheTable("s.id") + `)`)},
		Order: rows.Order{Columns: []rows.OrderColumn{by("s.path", "text")}},
	}, p, fields)
	return spread(d, read, err)
}

// ParticipantsJoined are the roles that are in force in each diff and were not before.
func (s *Snapshot) ParticipantsJoined(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.ParticipationConnection, error) {
	d := s.newDiff(diffs)
	read, err := rows.Pages(ctx, participations.table, d.Query, rows.List{
		From: `{participations p}`,
		Where: []string{`p.negotiation_id = k.id`, `{known p}`, `tstzrange(p.valid_from, p.valid_to) @> k.valid_at`, d.fill(`NOT EXISTS (
			SELECT FROM {from} k JOIN {participations o} ON o.negotiation_id = p.negotiation_id
				AND o.stakeholder_id = p.stakeholder_id AND o.role = p.role AND {known o} ` +
			`AND tstzrange(o.valid_from, o.valid_to) @> k.valid_at)`)},
		Order: rows.Order{Columns: byRole},
	}, p, fields)
	return spread(d, read, err)
}

// ParticipantsLeft are the roles that were in force before and are no more in each diff, as they were.
func (s *Snapshot) ParticipantsLeft(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.ParticipationConnection, error) {
	back := make([]*parley.NegotiationDiff, len(diffs))
	for i, d := range diffs {
		back[i] = &parley.NegotiationDiff{NegotiationID: d.NegotiationID, From: d.To, To: d.From}
	}
	return s.ParticipantsJoined(ctx, back, p, fields)
}
