package storage

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

// readings read where parties stand on scenarios that are on the table, once for each lens of some keys.
type readings struct {
	*Snapshot
	stakeholders []uuid.UUID // of whose parties they are; empty: of all
	lenses       []Key       // one for each lens
	of           []int       // the place of each key's lens
	read         []*parley.Reading
}

// readings reads where the parties of these stakeholders stand, if any are given, on what the filter has by scenario,
// issue and negotiation.
func (s *Snapshot) readings(
	ctx context.Context, keys []Key, stakeholders []uuid.UUID, f *parley.PositionFilter, fields *Fields,
) (*readings, error) {
	r := &readings{Snapshot: s, stakeholders: stakeholders}
	keys, err := s.lensed(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		place := slices.IndexFunc(r.lenses, func(known Key) bool { return known.Lens == k.Lens })
		if place < 0 {
			place = len(r.lenses)
			r.lenses = append(r.lenses, Key{Lens: k.Lens})
		}
		r.of = append(r.of, place)
	}
	if len(keys) == 0 {
		return r, nil
	}
	c := rows.Conditions{Query: s.Query(r.lenses), List: []string{
		`{known p}`, `p.valid_from <= k.valid_at`, onTheTable("p.scenario_id"), stillMatters,
	}}
	if len(stakeholders) > 0 {
		voices, err := s.voicesOf(ctx, r.lenses, stakeholders)
		if err != nil {
			return nil, err
		}
		c.Of("p.holder_id", voices)
	}
	if err := s.onScenarios(ctx, &c, f); err != nil {
		return nil, err
	}
	said, err := rows.Each(ctx, positions.table, c.Query, wordFields(fields), `{positions p} ON `+
		strings.Join(c.List, " AND "), fmt.Sprintf(`k.n, p.id LIMIT %d`, parley.MaxTogether+1))
	if err != nil {
		return nil, fmt.Errorf("read the words of parties: %w", err)
	}
	voices := make([]*parley.Voices, len(r.lenses))
	for n, list := range said {
		if err := r.puts(ctx, len(list)); err != nil {
			return nil, err
		}
		voices[n] = &parley.Voices{Positions: list}
	}
	if err := readSpeakers(ctx, &s.Reader, r.lenses, voices, stakeholders); err != nil {
		return nil, err
	}
	for _, v := range voices {
		r.read = append(r.read, v.Reading())
	}
	return r, nil
}

// onScenarios narrows positions to those on the scenarios, issues and negotiations of a filter.
func (s *Snapshot) onScenarios(ctx context.Context, c *rows.Conditions, f *parley.PositionFilter) error {
	if f == nil {
		return nil
	}
	var scenarios, issues, negotiations []uuid.UUID
	var refs filterRefs
	refs.want(&scenarios, "scenarios", f.Scenarios, parley.KindScenario)
	refs.want(&issues, "issues", f.Issues, parley.KindIssue)
	refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
	if err := s.resolve(ctx, c.Query, &refs); err != nil {
		return err
	}
	c.Of("p.scenario_id", scenarios)
	c.Of("p.issue_id", issues)
	c.Of("p.negotiation_id", negotiations)
	return nil
}

// cells are where the parties stand through the lens of each key: those for which the stakeholders stand, or all.
func (r *readings) cells() [][]*parley.StanceCell {
	perLens := make([][]*parley.StanceCell, len(r.lenses))
	for n, read := range r.read {
		lens := r.lenses[n].Lens
		perLens[n] = read.Cells(lens, read.PartiesOf(r.stakeholders, lens.ValidAt))
	}
	cells := make([][]*parley.StanceCell, len(r.of))
	for i, n := range r.of {
		cells[i] = perLens[n]
	}
	return cells
}

// amongCells adds that a record is among those of the cells of its key that pass.
func amongCells(
	c *rows.Conditions, column string, cells [][]*parley.StanceCell, pass func(*parley.StanceCell) bool,
	record func(*parley.StanceCell) uuid.UUID,
) {
	var places pq.Int64Array
	var records rows.IDs
	for n, of := range cells {
		met := make(map[uuid.UUID]bool)
		for _, cell := range of {
			if id := record(cell); pass(cell) && !met[id] {
				met[id] = true
				places, records = append(places, int64(n+1)), append(records, id)
			}
		}
	}
	c.Add(`(k.n, ` + column + `) IN (SELECT * FROM unnest(` + c.Arg(places) + `::bigint[], ` + c.Arg(records) +
		`::uuid[]))`)
}

// takenBy adds that the parties of one of the stakeholders stand on the scenario s so that it passes.
func (s *Snapshot) takenBy(
	ctx context.Context, c *rows.Conditions, stakeholders []uuid.UUID, pass func(grade int) bool,
) error {
	if len(stakeholders) == 0 {
		return nil
	}
	r, err := s.readings(ctx, c.Keys, stakeholders, nil, &Fields{})
	if err != nil {
		return err
	}
	amongCells(c, "s.id", r.cells(), func(cell *parley.StanceCell) bool {
		grade, graded := cell.Position.Stance.Grade()
		return graded && pass(grade)
	}, func(cell *parley.StanceCell) uuid.UUID { return cell.ScenarioID })
	return nil
}

// StancesOf are where each stakeholder stands on the scenarios that are on the table and match the filter, by
// negotiation and key.
func (s *Snapshot) StancesOf(
	ctx context.Context, stakeholders []Key, f *parley.PositionFilter, fields *Fields,
) ([][]*parley.StanceCell, error) {
	ids := []uuid.UUID(rows.RecordIDs(stakeholders))
	r, err := s.readings(ctx, stakeholders, ids, f, cellFields(fields))
	if err != nil {
		return nil, err
	}
	type one struct {
		lens  int
		party uuid.UUID
	}
	of := make(map[one][]*parley.StanceCell)
	var scenarios []Key
	var cells []*parley.StanceCell
	for n, read := range r.read {
		for _, cell := range read.Cells(r.lenses[n].Lens, ids) {
			cells, scenarios = append(cells, cell), append(scenarios, Key{ID: cell.ScenarioID, Lens: cell.Lens})
			of[one{n, cell.PartyID}] = append(of[one{n, cell.PartyID}], cell)
		}
	}
	found, err := s.Scenarios(ctx, scenarios, sortedBy)
	if err != nil {
		return nil, fmt.Errorf("read the scenarios on which stakeholders stand: %w", err)
	}
	keys := make(map[uuid.UUID]string, len(found))
	for i, scenario := range found {
		if scenario != nil {
			keys[cells[i].ScenarioID] = scenario.NegotiationID.String() + scenario.Key
		}
	}
	lists := make([][]*parley.StanceCell, len(stakeholders))
	for i, k := range stakeholders {
		lists[i] = of[one{r.of[i], k.ID}]
		slices.SortFunc(lists[i], func(a, b *parley.StanceCell) int {
			return strings.Compare(keys[a.ScenarioID], keys[b.ScenarioID])
		})
	}
	return lists, nil
}

var sortedBy = NewFields(map[string]*Fields{"key": {}, "negotiation": {}})

// StancesOn are where the parties stand on each scenario, by their keys: of those who take part or have a word of their
// own on it.
func (s *Snapshot) StancesOn(ctx context.Context, scenarios []Key, fields *Fields) ([][]*parley.StanceCell, error) {
	b := s.bargains(scenarios)
	for n, k := range scenarios {
		b.standings[n].Scenarios = []uuid.UUID{k.ID}
	}
	if err := b.readParticipations(ctx, `{scenarios s} ON s.id = k.id AND {known s}
		JOIN {participations p} ON p.negotiation_id = s.negotiation_id`); err != nil {
		return nil, err
	}
	if err := b.read(ctx, cellFields(fields), fields.Only("party")); err != nil {
		return nil, err
	}
	lists := make([][]*parley.StanceCell, len(scenarios))
	for n, of := range b.standings {
		if b.faults[n] != nil {
			continue
		}
		for _, row := range of.Matrix(b.parties[n]).Rows {
			if row.Cells[0].Position != nil {
				lists[n] = append(lists[n], row.Cells[0])
			}
		}
	}
	return lists, b.refused()
}

// HeardOfOthers reports for each cell whether its position rests on nothing but what others said; nil where there is
// none.
func (s *Snapshot) HeardOfOthers(ctx context.Context, cells []*parley.StanceCell) ([]*bool, error) {
	heard := make([]*bool, len(cells))
	var positions []Key
	var parties []uuid.UUID
	var of []int
	for i, c := range cells {
		if c.Position == nil {
			continue
		}
		heard[i] = &c.Position.SecondHand
		if c.Position.SecondHand && c.Position.HolderID != c.PartyID {
			positions, parties = append(positions, Key{ID: c.Position.ID, Lens: c.Lens}), append(parties, c.PartyID)
			of = append(of, i)
		}
	}
	own, err := s.OwnWords(ctx, positions, parties)
	if err != nil {
		return nil, err
	}
	for n, i := range of {
		if own[n] {
			heard[i] = new(bool)
		}
	}
	return heard, nil
}
