package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// affected finds the scenarios on which a change may move where parties stand: those of the position that changed, of
// the positions that rest on the statement or the source, of what the person of an office says and of what the office
// bears out, and of the words of a group and of all who speak for it.
const affected = `
	SELECT p.scenario_id, p.issue_id, p.negotiation_id FROM {positions p} WHERE p.id = k.id
	UNION
	SELECT p.scenario_id, p.issue_id, p.negotiation_id FROM {positions p} WHERE p.evidence @> ARRAY[k.id]
	UNION
	SELECT p.scenario_id, p.issue_id, p.negotiation_id FROM {statements e} JOIN {positions p} ON p.evidence @> ARRAY[e.id] WHERE e.source_id = k.id
	UNION
	SELECT p.scenario_id, p.issue_id, p.negotiation_id FROM {affiliations a}
	JOIN {positions p} ON p.holder_id = a.person_id OR p.holder_id = a.organization_id AND p.disputed
	WHERE a.id = k.id
	UNION
	SELECT p.scenario_id, p.issue_id, p.negotiation_id FROM (
		WITH RECURSIVE groups(id) AS (
			SELECT m.group_id FROM {memberships m} WHERE m.id = k.id
			UNION
			SELECT m.group_id FROM groups JOIN {memberships m} ON m.member_id = groups.id)
		SELECT id FROM groups
		UNION
		SELECT a.person_id FROM groups JOIN {affiliations a} ON a.organization_id = groups.id AND a.speaks_for) g
	JOIN {positions p} ON p.holder_id = g.id
	UNION
	SELECT p.scenario_id, p.issue_id, p.negotiation_id FROM (
		WITH RECURSIVE groups(id) AS (
			SELECT unnest(with_merged(ARRAY[h.id], 'infinity')) FROM {stakeholders h} WHERE h.id = k.id
			UNION
			SELECT m.group_id FROM groups JOIN {memberships m} ON m.member_id = groups.id)
		SELECT id FROM groups
		UNION
		SELECT a.person_id FROM groups JOIN {affiliations a} ON a.organization_id = groups.id) g
	JOIN {positions p} ON p.holder_id = g.id
	UNION
	SELECT p.scenario_id, p.issue_id, p.negotiation_id FROM {statements e} JOIN {positions p} ON p.evidence @> ARRAY[e.id]
	WHERE e.speakers @> ARRAY[k.id]`

// moving are the kinds of record on which the words of parties, and which of them count, depend.
var moving = []parley.Kind{
	parley.KindPosition, parley.KindStatement, parley.KindSource, parley.KindAffiliation, parley.KindMembership,
	parley.KindStakeholder,
}

// mayMove reports whether a change may move where parties stand. Of those to stakeholders, only a merge does.
func mayMove(e *parley.ChangeEntry) bool {
	return slices.Contains(moving, e.SubjectKind) && (e.SubjectKind != parley.KindStakeholder || e.Action == parley.Merged)
}

// before is a change's lens, but for that it knows what was on record just before the change.
func before(e *parley.ChangeEntry) parley.Lens {
	return parley.Pinned(e.RecordedAt, e.RecordedAt.Add(-time.Microsecond))
}

// movesOf reads where the parties stand just before and after each change, on the scenarios that it affects, by the
// words of these holders or, without any, of all. A change that affects no scenario has no readings.
func (s *Snapshot) movesOf(
	ctx context.Context, entries []*parley.ChangeEntry, holders []uuid.UUID, fields *Fields,
) ([]*parley.Moved, error) {
	moved := make([]*parley.Moved, len(entries))
	var keys []Key
	var of []int
	for i, e := range entries {
		if mayMove(e) {
			keys, of = append(keys, Key{ID: e.SubjectID, Lens: e.Lens()}), append(of, i)
		}
	}
	if len(keys) == 0 {
		return moved, nil
	}
	var scenarios, lenses []Key
	var ofScenario []int // the place among lenses of each scenario's first key; the second follows
	err := s.Query(keys).Run(ctx, `x.scenario_id, x.issue_id, x.negotiation_id`, `FROM {keys} JOIN LATERAL (`+affected+`) x ON true ORDER BY k.n`,
		func(n int, sent *rows.Row) {
			e := entries[of[n]]
			if moved[of[n]] == nil {
				moved[of[n]] = &parley.Moved{Entry: e, Places: make(map[uuid.UUID]parley.Place)}
				lenses = append(lenses, Key{Lens: before(e)}, Key{Lens: e.Lens()})
			}
			id := sent.Next().ID()
			moved[of[n]].Places[id] = parley.Place{
				ScenarioID: id, IssueID: sent.Next().ID(), NegotiationID: sent.Next().ID(),
			}
			for _, lens := range []parley.Lens{before(e), e.Lens()} {
				scenarios = append(scenarios, Key{ID: id, Lens: lens})
			}
			ofScenario = append(ofScenario, len(lenses)-2, len(lenses)-1)
		})
	if err != nil {
		return nil, fmt.Errorf("read what a change affects: %w", err)
	}
	if len(scenarios) == 0 {
		return moved, nil
	}
	c := rows.Conditions{Query: s.Query(scenarios), List: []string{`p.scenario_id = k.id`, `{known p}`,
		`p.valid_from <= k.valid_at`}}
	c.Add(`(p.id = ANY(` + c.Arg(rows.RecordIDs(keys)) + `::uuid[]) OR ` + stillMatters + `)`)
	c.Of("p.holder_id", holders)
	said, err := rows.Each(ctx, positions.table, c.Query, wordFields(fields),
		`{positions p} ON `+strings.Join(c.List, " AND "), fmt.Sprintf(`k.n, p.id LIMIT %d`, parley.MaxTogether+1))
	if err != nil {
		return nil, fmt.Errorf("read the words of parties: %w", err)
	}
	voices := make([]*parley.Voices, len(lenses))
	for i := range voices {
		voices[i] = &parley.Voices{}
	}
	for i, list := range said {
		if err := s.puts(ctx, len(list)); err != nil {
			return nil, err
		}
		v := voices[ofScenario[i]]
		v.Positions = append(v.Positions, list...)
	}
	if err := readSpeakers(ctx, &s.Reader, lenses, voices, nil); err != nil {
		return nil, err
	}
	next := 0
	for _, m := range moved {
		if m != nil {
			m.Before, m.After = voices[next].Reading(), voices[next+1].Reading()
			next += 2
		}
	}
	return moved, nil
}

// ShiftsOf are the cells that read differently since each change, sorted by the keys of party and scenario.
func (s *Snapshot) ShiftsOf(
	ctx context.Context, entries []*parley.ChangeEntry, fields *Fields,
) ([][]*parley.StanceShift, error) {
	cells := fields.Only("before").Merged(fields.Only("after"))
	if fields == nil {
		cells = nil
	}
	moved, err := s.movesOf(ctx, entries, nil, cellFields(cells).And("conditions", "redLine"))
	if err != nil {
		return nil, err
	}
	lists := make([][]*parley.StanceShift, len(entries))
	var parties, scenarios []Key
	for i, m := range moved {
		if m == nil {
			continue
		}
		lists[i] = m.Shifts()
		for _, shift := range lists[i] {
			parties = append(parties, Key{ID: shift.PartyID, Lens: shift.Lens})
			scenarios = append(scenarios, Key{ID: shift.ScenarioID, Lens: shift.Lens})
		}
	}
	stakeholders, err := s.Stakeholders(ctx, parties, sortedByKey)
	if err != nil {
		return nil, fmt.Errorf("read the parties of shifts: %w", err)
	}
	found, err := s.Scenarios(ctx, scenarios, sortedByKey)
	if err != nil {
		return nil, fmt.Errorf("read the scenarios of shifts: %w", err)
	}
	names, next := make(map[*parley.StanceShift]string), 0
	for i, list := range lists {
		for _, shift := range list {
			if stakeholders[next] != nil && found[next] != nil {
				names[shift] = stakeholders[next].Key + " " + found[next].Key
			}
			next++
		}
		// A party that was merged into another one is none since.
		list = slices.DeleteFunc(list, func(shift *parley.StanceShift) bool { return names[shift] == "" })
		slices.SortFunc(list, func(a, b *parley.StanceShift) int { return strings.Compare(names[a], names[b]) })
		lists[i] = list
	}
	return lists, nil
}

var sortedByKey = NewFields(map[string]*Fields{"key": {}})

// asRead are the fields of positions in which a cell may read otherwise.
var asRead = NewFields(map[string]*Fields{"conditions": {}, "redLine": {}})

// FindMoves fills in which parties each change concerns. It is worked out by each server as it reads the feed, and not
// by the writer, who holds the head.
func (s *Store) FindMoves(ctx context.Context, entries []parley.ChangeEntry) error {
	list := make([]*parley.ChangeEntry, len(entries))
	for i := range entries {
		list[i] = &entries[i]
	}
	snapshot := &Snapshot{Snapshot: s.feedSource.Snapshot(nil), store: s}
	moved, err := snapshot.movesOf(ctx, list, nil, asRead)
	switch {
	case err == nil:
	case !errors.As(err, new(*parley.Fault)):
		return err
	case len(entries) > 1: // too much for all of them together
		half := len(entries) / 2
		return errors.Join(s.FindMoves(ctx, entries[:half]), s.FindMoves(ctx, entries[half:]))
	default:
		entries[0].AnyMove, entries[0].MovesKnown = true, true
		return nil
	}
	for i, m := range moved {
		entries[i].MovesKnown = true
		if m != nil {
			entries[i].Moves = m.Moves()
		}
	}
	return snapshot.addMerged(ctx, entries)
}

// addMerged says of each move of a party that it is also one of those that were merged into it: whoever followed them
// goes on to follow the party.
func (s *Snapshot) addMerged(ctx context.Context, entries []parley.ChangeEntry) error {
	var parties rows.IDs
	for _, e := range entries {
		for _, move := range e.Moves {
			parties = append(parties, move.PartyID)
		}
	}
	if len(parties) == 0 {
		return nil
	}
	merged := make(map[uuid.UUID][]uuid.UUID)
	err := s.Rows(ctx, `
		SELECT record_send(ROW(party, id))
		FROM (SELECT DISTINCT unnest($1::uuid[])) p(party), unnest(with_merged(ARRAY[party], 'infinity')) AS id
		WHERE id <> party`, []any{parties}, func(sent rows.Row) {
		party := sent.Next().ID()
		merged[party] = append(merged[party], sent.Next().ID())
	})
	if err != nil {
		return fmt.Errorf("look for merged parties: %w", err)
	}
	for i := range entries {
		for _, move := range entries[i].Moves {
			for _, id := range merged[move.PartyID] {
				entries[i].Moves = append(entries[i].Moves, parley.PartyMove{PartyID: id, Place: move.Place})
			}
		}
	}
	return nil
}
