package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

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

// fill replaces {from} by a relation of one row with the instants of the lens that the diff comes from, to read through
// in place of k.
func (d diff) fill(text string) string {
	return strings.ReplaceAll(text, "{from}", `(SELECT `+d.Instants(d.one.From)+`)`)
}

// records are the two records of a diff: each read through its lens, the one with the older known instant first.
func records(d *parley.NegotiationDiff) [2]parley.Lens {
	if d.To.KnownAt.Before(d.From.KnownAt) {
		return [2]parley.Lens{d.To, d.From}
	}
	return [2]parley.Lens{d.From, d.To}
}

// uncorrected says that a row is as it was known at an earlier instant, or first recorded since, or has come of either
// without a correction, a retraction or a restoration: only rows closed otherwise were followed by others.
func uncorrected(table, row, earlier string, corrections string) string {
	return strings.NewReplacer("row.", row+".", "{table}", "{"+table+" cx}", "earlier", earlier, "corrections",
		corrections).Replace(`(row.recorded_at <= k.known_at AND row.superseded_at > earlier
		AND (row.superseded_at > k.known_at OR row.closed_by IN (corrections))
		AND NOT EXISTS (SELECT FROM {table} WHERE cx.id = row.id AND cx.closed_by IN (corrections)
			AND cx.superseded_at > earlier AND cx.superseded_at <= row.recorded_at)
		AND (row.recorded_at <= earlier
			OR coalesce((SELECT max(cx.superseded_at) > earlier FROM {table} WHERE cx.id = row.id AND cx.recorded_at <= earlier), true)))`)
}

// What closes a row corrects it. An edit does so of a source and a statement, whose grades are judgements; an office or
// a membership that is edited has ended.
const (
	corrections        = `'CORRECTED', 'RETRACTED', 'MERGED'`
	correctionsOfGrade = `'CORRECTED', 'RETRACTED', 'MERGED', 'EDITED'`
)

// StatusShifts are the scenarios whose statuses moved in each diff.
func (s *Snapshot) StatusShifts(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.StatusShiftConnection, error) {
	d := s.newDiff(diffs)
	scenarios, err := s.scenariosOf(ctx, d)
	if err != nil {
		return nil, err
	}
	records, err := recordsOf(ctx, s, d, statusChanges.table, statusFields,
		`{status_changes c} ON c.negotiation_id = k.id`, `k.n, c.effective_at, c.ordinal, c.id`)
	if err != nil {
		return nil, fmt.Errorf("read the statuses of a diff: %w", err)
	}
	connections := make([]*parley.StatusShiftConnection, len(d.Keys))
	for n := range d.Keys {
		ids, paths := keysBy(scenarios[n], func(s *parley.Scenario) (uuid.UUID, string) { return s.ID, s.Key })
		connections[n], err = rows.PageOf(statusShiftList, parley.StatusShifts(records[n], d.one, ids),
			func(s *parley.StatusShift) []string { return []string{paths[s.ScenarioID]} }, p, fields)
		if err != nil {
			return nil, err
		}
	}
	return spread(d, connections, nil)
}

// recordsOf reads the facts of each negotiation on the two records of a diff, and without corrections.
func recordsOf[T any](
	ctx context.Context, s *Snapshot, d diff, t *rows.Table[T], fields *Fields, join, order string,
) ([]parley.Records[T], error) {
	lenses := records(d.one)
	older, _ := d.one.KnownSpan()
	read := func(lens parley.Lens, known func(*rows.Query) string) ([][]*T, error) {
		q := s.Query(d.through(lens))
		return rows.Each(ctx, t, q, fields, join+` AND `+known(q), order)
	}
	onRecord := func(*rows.Query) string { return `{known ` + t.Alias + `}` }
	first, err := read(lenses[0], onRecord)
	if err != nil {
		return nil, err
	}
	second, err := read(lenses[1], onRecord)
	if err != nil {
		return nil, err
	}
	without, err := read(lenses[1], func(q *rows.Query) string {
		return uncorrected(t.Name, t.Alias, q.Arg(rows.InstantArg(older))+"::timestamptz", corrections)
	})
	if err != nil {
		return nil, err
	}
	list := make([]parley.Records[T], len(d.Keys))
	for n := range list {
		list[n] = parley.Records[T]{Older: first[n], Newer: second[n], Uncorrected: without[n]}
	}
	return list, nil
}

// keysBy returns the ids of records in order, and their keys by id.
func keysBy[T any](list []*T, of func(*T) (uuid.UUID, string)) ([]uuid.UUID, map[uuid.UUID]string) {
	ids, keys := make([]uuid.UUID, len(list)), make(map[uuid.UUID]string, len(list))
	for i, record := range list {
		id, key := of(record)
		ids[i], keys[id] = id, key
	}
	return ids, keys
}

// LikelihoodShifts are the scenarios whose pooled probability moved in each diff.
func (s *Snapshot) LikelihoodShifts(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.LikelihoodShiftConnection, error) {
	d := s.newDiff(diffs)
	scenarios, err := s.scenariosOf(ctx, d)
	if err != nil {
		return nil, err
	}
	records, err := recordsOf(ctx, s, d, assessments.table, pooledFields,
		`{assessments a} ON a.negotiation_id = k.id`, `k.n, a.assessed_at, a.id`)
	if err != nil {
		return nil, fmt.Errorf("read the assessments of a diff: %w", err)
	}
	connections := make([]*parley.LikelihoodShiftConnection, len(d.Keys))
	for n := range d.Keys {
		ids, paths := keysBy(scenarios[n], func(s *parley.Scenario) (uuid.UUID, string) { return s.ID, s.Key })
		connections[n], err = rows.PageOf(likelihoodShiftList, parley.LikelihoodShifts(records[n], d.one, ids),
			func(s *parley.LikelihoodShift) []string { return []string{paths[s.ScenarioID]} }, p, fields)
		if err != nil {
			return nil, err
		}
	}
	return spread(d, connections, nil)
}

var pooledFields = NewFields(map[string]*Fields{"scenario": {}, "probability": {}, "assessedAt": {}, "analyst": {}})

// EventShifts are the events that began, or of which something else is on record, in each diff.
func (s *Snapshot) EventShifts(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.EventShiftConnection, error) {
	d := s.newDiff(diffs)
	records, err := recordsOf(ctx, s, d, events.table, eventFields, `{events e} ON e.negotiation_id = k.id`,
		`k.n, e.path, e.id`)
	if err != nil {
		return nil, fmt.Errorf("read the events of a diff: %w", err)
	}
	connections := make([]*parley.EventShiftConnection, len(d.Keys))
	for n, r := range records {
		all := slices.Concat(r.Older, r.Newer)
		slices.SortFunc(all, func(a, b *parley.Event) int {
			return cmp.Or(cmp.Compare(a.Key, b.Key), slices.Compare(a.ID[:], b.ID[:]))
		})
		ids, keys := keysBy(all, func(e *parley.Event) (uuid.UUID, string) { return e.ID, e.Key })
		connections[n], err = rows.PageOf(eventShiftList, parley.EventShifts(r, d.one, slices.Compact(ids)),
			func(s *parley.EventShift) []string { return []string{keys[s.EventID], s.EventID.String()} }, p, fields)
		if err != nil {
			return nil, err
		}
	}
	return spread(d, connections, nil)
}

var eventFields = NewFields(map[string]*Fields{
	"key": {}, "state": {}, "startedAt": {}, "startedAtPrecision": {}, "endedAt": {}, "location": {},
})

// The orders of shifts: by the scenario's key, and the party's; by the event's key.
var (
	likelihoodShiftList = rows.List{
		From: "likelihood shifts", Order: rows.Order{Columns: []rows.OrderColumn{by("scenario", "text")}},
	}
	eventShiftList = rows.List{
		From: "event shifts", Order: rows.Order{Columns: []rows.OrderColumn{by("event", "text"), by("id", "uuid")}},
	}
	statusShiftList = rows.List{
		From: "status shifts", Order: rows.Order{Columns: []rows.OrderColumn{by("scenario", "text")}},
	}
	positionShiftList = rows.List{
		From:  "position shifts",
		Order: rows.Order{Columns: []rows.OrderColumn{by("scenario", "text"), by("party", "text")}},
	}
)

// through are the keys of the diffs' negotiations, seen through another lens.
func (d diff) through(lens parley.Lens) []Key {
	keys := make([]Key, len(d.Keys))
	for i, k := range d.Keys {
		keys[i] = Key{ID: k.ID, Lens: lens}
	}
	return keys
}

// scenariosOf are the scenarios of each negotiation that are on record through the lens that the diff goes to, whether
// or not they are on the table, by key.
func (s *Snapshot) scenariosOf(ctx context.Context, d diff) ([][]*parley.Scenario, error) {
	lists, err := rows.Each(ctx, scenarios.table, s.Query(d.Keys), sortedBy,
		`{scenarios s} ON s.negotiation_id = k.id AND {known s}`, `k.n, s.path`)
	if err != nil {
		return nil, fmt.Errorf("read the scenarios of a diff: %w", err)
	}
	return lists, nil
}

// PositionShifts are the parties whose words moved in each diff.
func (s *Snapshot) PositionShifts(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.PositionShiftConnection, error) {
	d := s.newDiff(diffs)
	scenarios, err := s.scenariosOf(ctx, d)
	if err != nil {
		return nil, err
	}
	lenses := records(d.one)
	begins, _ := d.one.ValidSpan()
	var voices [2][]*parley.Voices
	var takePart [2][][]*parley.Participation
	for i, lens := range lenses {
		q := s.Query(d.through(lens))
		since := q.Arg(rows.InstantArg(begins)) + "::timestamptz"
		said, err := s.said(ctx, q, `p.negotiation_id = k.id AND {known p} AND `+
			strings.ReplaceAll(stillMatters, "k.valid_at", since))
		if err != nil {
			return nil, err
		}
		takePart[i], err = rows.Each(ctx, participations.table, s.Query(d.through(lens)), nil, `{participations p}
			ON p.negotiation_id = k.id AND {known p} AND tstzrange(p.valid_from, p.valid_to) @> k.valid_at`, `k.n, p.id`)
		if err != nil {
			return nil, fmt.Errorf("read who takes part: %w", err)
		}
		if err := readSpeakers(ctx, &s.Reader, d.through(lens), said, stakeholdersIn(takePart[i])); err != nil {
			return nil, err
		}
		voices[i] = said
	}
	readings := make([]parley.Readings, len(d.Keys))
	shifts := make([][]*parley.PositionShift, len(d.Keys))
	takesPart := make([]func(uuid.UUID) bool, len(d.Keys))
	open := make(map[uuid.UUID]bool)
	var unexplained []uuid.UUID
	for n := range d.Keys {
		readings[n] = parley.Readings{Older: voices[0][n].Reading(), Newer: voices[1][n].Reading()}
		parties := make(map[uuid.UUID]bool)
		for i, reading := range []*parley.Reading{readings[n].Older, readings[n].Newer} {
			for _, id := range reading.PartiesOf(stakeholdersIn(takePart[i][n:n+1]), lenses[i].ValidAt) {
				parties[id] = true
			}
		}
		takesPart[n] = func(party uuid.UUID) bool { return parties[party] }
		shifts[n] = readings[n].Shifts(d.one, takesPart[n])
		for _, id := range readings[n].Open(shifts[n]) {
			if !open[id] {
				open[id] = true
				unexplained = append(unexplained, id)
			}
		}
	}
	if len(unexplained) > 0 && (fields.Nodes().Has("cause", "steps")) {
		without, err := s.withoutCorrections(ctx, d, unexplained)
		if err != nil {
			return nil, err
		}
		for n := range d.Keys {
			readings[n].Uncorrected = without[n]
			shifts[n] = readings[n].Shifts(d.one, takesPart[n])
		}
	}
	connections := make([]*parley.PositionShiftConnection, len(d.Keys))
	for n := range d.Keys {
		if connections[n], err = s.pageOfShifts(ctx, d, scenarios[n], shifts[n], p, fields); err != nil {
			return nil, err
		}
	}
	return spread(d, connections, nil)
}

// pageOfShifts sorts the shifts by the keys of scenario and party. Those whose scenario or party is not on record
// through the lens that the diff goes to are left out.
func (s *Snapshot) pageOfShifts(
	ctx context.Context, d diff, scenarios []*parley.Scenario, shifts []*parley.PositionShift, p parley.Page,
	fields *Fields,
) (*parley.PositionShiftConnection, error) {
	names := make(map[uuid.UUID]string)
	var parties []Key
	for _, shift := range shifts {
		parties = append(parties, Key{ID: shift.PartyID, Lens: d.one.To})
	}
	found, err := s.Stakeholders(ctx, parties, NewFields(map[string]*Fields{"key": {}}))
	if err != nil {
		return nil, fmt.Errorf("read the parties of a diff: %w", err)
	}
	for _, h := range found {
		if h != nil {
			names[h.ID] = h.Key
		}
	}
	for _, scenario := range scenarios {
		names[scenario.ID] = scenario.Key
	}
	shifts = slices.DeleteFunc(shifts, func(s *parley.PositionShift) bool {
		return names[s.ScenarioID] == "" || names[s.PartyID] == ""
	})
	place := func(s *parley.PositionShift) []string { return []string{names[s.ScenarioID], names[s.PartyID]} }
	slices.SortFunc(shifts, func(a, b *parley.PositionShift) int { return slices.Compare(place(a), place(b)) })
	return rows.PageOf(positionShiftList, shifts, place, p, fields)
}

func stakeholdersIn(lists [][]*parley.Participation) (ids []uuid.UUID) {
	for _, list := range lists {
		for _, p := range list {
			ids = append(ids, p.StakeholderID)
		}
	}
	return ids
}

// said reads the positions that are joined to each key by a condition, as words.
func (s *Snapshot) said(ctx context.Context, q *rows.Query, condition string) ([]*parley.Voices, error) {
	lists, err := rows.Each(ctx, positions.table, q, saidFields, `{positions p} ON `+condition,
		fmt.Sprintf(`k.n, p.id LIMIT %d`, parley.MaxTogether+1))
	if err != nil {
		return nil, fmt.Errorf("read the words of parties: %w", err)
	}
	voices := make([]*parley.Voices, len(lists))
	for n, list := range lists {
		if err := s.puts(ctx, len(list)); err != nil {
			return nil, err
		}
		voices[n] = &parley.Voices{Positions: list}
	}
	return voices, nil
}

var saidFields = wordFields(NewFields(map[string]*Fields{"version": {}, "conditions": {}, "redLine": {}}))

// withoutCorrections reads how the parties would stand on some scenarios by the newer record, had nothing been
// corrected or retracted since the older one.
func (s *Snapshot) withoutCorrections(
	ctx context.Context, d diff, scenarios []uuid.UUID,
) ([]*parley.Reading, error) {
	older, _ := d.one.KnownSpan()
	keys := d.through(records(d.one)[1])
	q := s.Query(keys)
	earlier := q.Arg(rows.InstantArg(older)) + "::timestamptz"
	voices, err := s.said(ctx, q, `p.scenario_id = ANY(`+q.Arg(rows.IDs(scenarios))+`::uuid[])
		AND p.negotiation_id = k.id AND `+uncorrected("positions", "p", earlier, corrections))
	if err != nil {
		return nil, err
	}
	if err := readSpeakersKnown(ctx, &s.Reader, keys, voices, nil, func(q *rows.Query, table, row string) string {
		return uncorrected(table, row, q.Arg(rows.InstantArg(older))+"::timestamptz", corrections)
	}); err != nil {
		return nil, err
	}
	if err := s.rankWithoutCorrections(ctx, keys, older, voices); err != nil {
		return nil, err
	}
	readings := make([]*parley.Reading, len(voices))
	for n, v := range voices {
		readings[n] = v.Rearranged().Reading()
	}
	return readings, nil
}

// rankWithoutCorrections ranks the positions by their evidence as it was graded before corrections.
func (s *Snapshot) rankWithoutCorrections(
	ctx context.Context, keys []Key, older parley.Instant, voices []*parley.Voices,
) error {
	var versions rows.IDs
	for _, v := range voices {
		for _, p := range v.Positions {
			versions = append(versions, p.Version)
		}
	}
	q := s.Query(keys)
	earlier := q.Arg(rows.InstantArg(older)) + "::timestamptz"
	rank := strings.NewReplacer(
		"{known e}", uncorrected("statements", "e", earlier, correctionsOfGrade),
		"{known g}", uncorrected("sources", "g", earlier, correctionsOfGrade),
		"{known sp}", uncorrected("affiliations", "sp", earlier, corrections),
	).Replace(rankOf("p"))
	ranks := make([]map[uuid.UUID]int, len(keys))
	for n := range ranks {
		ranks[n] = make(map[uuid.UUID]int)
	}
	err := q.Run(ctx, `p.version, `+rank, `FROM {keys} JOIN {positions p} ON p.version = ANY(`+q.Arg(versions)+
		`::uuid[]) AND p.negotiation_id = k.id AND p.recorded_at <= k.known_at`, func(n int, sent *rows.Row) {
		version := sent.Next().ID()
		ranks[n][version] = sent.Next().Int()
	})
	if err != nil {
		return fmt.Errorf("rank the evidence of a diff: %w", err)
	}
	for n, v := range voices {
		for _, p := range v.Positions {
			p.EvidenceRank = ranks[n][p.Version]
		}
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
				AND ` + d.sameOne("o.stakeholder_id", "p.stakeholder_id") + ` AND o.role = p.role AND {known o}
				AND tstzrange(o.valid_from, o.valid_to) @> k.valid_at)`)},
		Order: rows.Order{Columns: byRole},
	}, p, fields)
	return spread(d, read, err)
}

// ParticipantsLeft are the roles that were in force before and are no more in each diff, as they were.
func (s *Snapshot) ParticipantsLeft(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.ParticipationConnection, error) {
	return s.ParticipantsJoined(ctx, back(diffs), p, fields)
}

// back turns the diffs round.
func back(diffs []*parley.NegotiationDiff) []*parley.NegotiationDiff {
	turned := make([]*parley.NegotiationDiff, len(diffs))
	for i, d := range diffs {
		turned[i] = &parley.NegotiationDiff{NegotiationID: d.NegotiationID, From: d.To, To: d.From}
	}
	return turned
}

// sameOne says that two columns name one stakeholder. Those that were merged between the two lenses are one; they are
// few, and only for them is it worked out.
func (d diff) sameOne(a, b string) string {
	older, newer := d.one.KnownSpan()
	if older.Equal(newer) {
		return a + " = " + b
	}
	return strings.NewReplacer("{a}", a, "{b}", b, "{older}", d.Arg(rows.InstantArg(older))+"::timestamptz",
		"{newer}", d.Arg(rows.InstantArg(newer))+"::timestamptz").Replace(`{a} = ANY(CASE
			WHEN {b} = ANY((SELECT coalesce(array_agg(one), '{}')
				FROM {records m}, unnest(ARRAY[m.id, merged_at(m.id, {newer})]) one
				WHERE m.merged_into IS NOT NULL AND m.retracted_at > {older} AND m.retracted_at <= {newer})::uuid[])
			THEN with_merged(ARRAY[merged_at({b}, {newer})], {newer})
			ELSE ARRAY[{b}] END)`)
}

// OfficesBegun are the offices that are in force in each diff and were not before, of or with whoever is involved.
func (s *Snapshot) OfficesBegun(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.AffiliationConnection, error) {
	return begun(ctx, s, affiliations.table, "person_id", "organization_id", diffs,
		` AND o.office IS NOT DISTINCT FROM a.office`, p, fields)
}

// OfficesEnded are the offices that were in force before and are no more in each diff, as they were.
func (s *Snapshot) OfficesEnded(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.AffiliationConnection, error) {
	return s.OfficesBegun(ctx, back(diffs), p, fields)
}

// MembershipsBegun are the memberships that are in force in each diff and were not before, of or in whoever is
// involved.
func (s *Snapshot) MembershipsBegun(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.MembershipConnection, error) {
	return begun(ctx, s, memberships.table, "member_id", "group_id", diffs, "", p, fields)
}

// MembershipsEnded are the memberships that were in force before and are no more in each diff, as they were.
func (s *Snapshot) MembershipsEnded(
	ctx context.Context, diffs []*parley.NegotiationDiff, p parley.Page, fields *Fields,
) ([]*parley.MembershipConnection, error) {
	return s.MembershipsBegun(ctx, back(diffs), p, fields)
}

// begun are the rows of a table that hold in each diff, and before it no row o did with the same two stakeholders that
// also was the same otherwise. They are of stakeholders who take part in the negotiation or hold a position in it.
func begun[T any](
	ctx context.Context, s *Snapshot, t *rows.Table[T], one, other string, diffs []*parley.NegotiationDiff, otherwise string,
	p parley.Page, fields *Fields,
) ([]*parley.Connection[T], error) {
	d := s.newDiff(diffs)
	fill := strings.NewReplacer("{row}", t.Alias, "{row ", "{"+t.Name+" ", "{one}", one, "{other}", other, "{same}",
		d.sameOne("o."+one, t.Alias+"."+one)+` AND `+d.sameOne("o."+other, t.Alias+"."+other)+otherwise)
	read, err := rows.Pages(ctx, t, d.Query, rows.List{
		From: fill.Replace(`{row {row}}`),
		Where: []string{
			`{known ` + t.Alias + `}`,
			fill.Replace(`tstzrange({row}.valid_from, {row}.valid_to) @> k.valid_at`),
			fill.Replace(`EXISTS (
				SELECT FROM {participations i}
				WHERE i.negotiation_id = k.id AND i.stakeholder_id IN ({row}.{one}, {row}.{other}) AND {known i}
				UNION ALL
				SELECT FROM {positions i}
				WHERE i.negotiation_id = k.id AND i.holder_id IN ({row}.{one}, {row}.{other}) AND {known i})`),
			d.fill(fill.Replace(`NOT EXISTS (
				SELECT FROM {from} k JOIN {row o} ON {same} AND {known o}
					AND tstzrange(o.valid_from, o.valid_to) @> k.valid_at)`)),
		},
		Order: rows.Order{Columns: []rows.OrderColumn{by(t.Alias+".id", "uuid")}},
	}, p, fields)
	return spread(d, read, err)
}
