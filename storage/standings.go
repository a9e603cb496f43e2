package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Matrices are where everybody stands on the scenarios of each issue: on those that pass the filter, and of the
// stakeholders asked for, if any are.
func (s *Snapshot) Matrices(
	ctx context.Context, issues []Key, f *parley.ScenarioFilter, stakeholders []string, fields *Fields,
) ([]*parley.StanceMatrix, error) {
	rows := fields.Only("rows")
	b := s.bargains(issues)
	if err := b.find(ctx, f, stakeholders); err != nil {
		return nil, err
	}
	if err := b.read(ctx, cellFields(rows.Only("cells")), rows.Only("stakeholder")); err != nil {
		return nil, err
	}
	matrices := make([]*parley.StanceMatrix, len(issues))
	for n, of := range b.standings {
		if b.faults[n] == nil {
			matrices[n] = of.Matrix(b.parties[n])
		}
	}
	return matrices, b.refused()
}

// cellFields are what cells need of positions.
func cellFields(cells *Fields) *Fields {
	positions := cells.Only("position").Merged(cells.Only("others"))
	if cells == nil {
		positions = nil
	}
	if cells.Has("ageDays") {
		positions = positions.And("lastAffirmedAt")
	}
	if cells.Has("secondHand") {
		positions = positions.And("secondHand")
	}
	return positions
}

// LandingZones are whether the scenarios of each issue could hold, supposing what is supposed.
func (s *Snapshot) LandingZones(
	ctx context.Context, issues []Key, whatIf []*parley.WhatIfPosition, fields *Fields,
) ([][]*parley.LandingZoneEntry, error) {
	parties := fields.Only("parties")
	b := s.bargains(issues)
	suppositions, err := b.suppositions(ctx, whatIf)
	if err != nil {
		return nil, err
	}
	if err := b.find(ctx, nil, nil); err != nil {
		return nil, err
	}
	if err := b.readStatuses(ctx); err != nil {
		return nil, err
	}
	b.salient = true
	stakeholder := parties.Only("stakeholder")
	if fields != nil {
		for _, list := range []string{"blockers", "undeclared", "conditional", "onHearsay", "contradicting"} {
			stakeholder = stakeholder.Merged(fields.Only(list))
		}
	}
	positions := parties.Only("position").And("conditions", "salience")
	if fields.Has("onHearsay") { // it takes a look at all evidence
		positions = positions.And("secondHand")
	}
	if err := b.read(ctx, positions, stakeholder); err != nil {
		return nil, err
	}
	zones := make([][]*parley.LandingZoneEntry, len(issues))
	for n, of := range b.standings {
		if b.faults[n] == nil {
			zones[n], b.faults[n] = of.LandingZone(b.parties[n], suppositions)
		}
	}
	if err := s.judgeHearsay(ctx, zones); err != nil {
		return nil, err
	}
	return zones, b.refused()
}

// judgeHearsay takes those off the lists of hearsay whose position rests on their own word, though not on its holder's.
func (s *Snapshot) judgeHearsay(ctx context.Context, zones [][]*parley.LandingZoneEntry) error {
	var cells []*parley.StanceCell
	for _, entries := range zones {
		for _, e := range entries {
			for _, p := range e.Parties {
				if slices.Contains(e.OnHearsay, p.Stakeholder) {
					cells = append(cells, &parley.StanceCell{
						Lens: e.Lens, PartyID: p.Stakeholder.ID, Stand: parley.Stand{Position: p.Position},
					})
				}
			}
		}
	}
	heard, err := s.HeardOfOthers(ctx, cells)
	if err != nil {
		return err
	}
	next := 0
	for _, entries := range zones {
		for _, e := range entries {
			e.OnHearsay = slices.DeleteFunc(e.OnHearsay, func(*parley.Stakeholder) bool {
				next++
				return !*heard[next-1]
			})
		}
	}
	return nil
}

// bargains are the standings of several issues in the reading, each through its own lens, and the faults of those that
// can't be answered.
type bargains struct {
	*Snapshot
	issues    []Key
	standings []*parley.Standings
	parties   [][]*parley.Stakeholder
	supposed  []uuid.UUID // stakeholders of whom something is supposed
	salient   bool        // words are read as far back as they say how much the issue matters
	faults    rows.KeyFaults
}

func (s *Snapshot) bargains(issues []Key) *bargains {
	b := &bargains{
		Snapshot: s, issues: issues, standings: make([]*parley.Standings, len(issues)),
		parties: make([][]*parley.Stakeholder, len(issues)), faults: make(rows.KeyFaults, len(issues)),
	}
	for n, k := range issues {
		b.standings[n] = &parley.Standings{
			Lens: k.Lens, IssueID: k.ID, Outcomes: make(map[uuid.UUID]parley.ResolutionOutcome),
		}
	}
	return b
}

func (b *bargains) refused() error {
	if slices.ContainsFunc(b.faults, func(err error) bool { return err != nil }) {
		return b.faults
	}
	return nil
}

// perIssue asks for something of many records of each issue.
type perIssue struct {
	keys []Key
	of   []int // the place of each key's issue
}

func (b *bargains) keysOf(ids func(*parley.Standings) []uuid.UUID) (k perIssue) {
	for n, of := range b.standings {
		for _, id := range ids(of) {
			k.keys, k.of = append(k.keys, Key{ID: id, Lens: of.Lens}), append(k.of, n)
		}
	}
	return k
}

func scenariosOf(s *parley.Standings) []uuid.UUID { return s.Scenarios }

// find finds the scenarios, who takes part, and whom the client asks for.
func (b *bargains) find(ctx context.Context, f *parley.ScenarioFilter, stakeholders []string) error {
	c := rows.Conditions{Query: b.Query(b.issues), List: []string{`s.issue_id = k.id`, `{known s}`}}
	if err := b.scenariosThat(ctx, &c, f); err != nil {
		return err
	}
	var asked []uuid.UUID
	var refs filterRefs
	refs.want(&asked, "stakeholders", stakeholders, parley.KindStakeholder)
	if err := b.resolve(ctx, c.Query, &refs); err != nil {
		return err
	}
	if c.Fault != nil {
		return c.Fault
	}
	copy(b.faults, c.Faults)
	read := 0
	err := c.Run(ctx, `s.id, CASE WHEN s.resolved_at <= k.valid_at THEN s.outcome END`, `
		FROM {keys}
		JOIN {scenarios s} ON true
		JOIN `+rows.Aliased(statusInForce, "s")+`
		WHERE `+strings.Join(c.List, " AND ")+`
		ORDER BY k.n, s.path
		LIMIT `+fmt.Sprint(parley.MaxTogether+1), func(n int, sent *rows.Row) {
		read++
		of := b.standings[n]
		scenario := sent.Next().ID()
		of.Scenarios = append(of.Scenarios, scenario)
		if outcome := sent.Next(); outcome != nil {
			of.Outcomes[scenario] = parley.ResolutionOutcome(outcome.Text())
		}
	})
	if err != nil {
		return fmt.Errorf("read the scenarios of a matrix: %w", err)
	}
	if read > parley.MaxTogether {
		return tooMuch()
	}
	for _, of := range b.standings {
		of.Asked = asked
	}
	return b.readParticipations(ctx, `{issues i} ON i.id = k.id AND {known i}
		JOIN {participations p} ON p.negotiation_id = i.negotiation_id`)
}

// readParticipations reads the participations that are joined to each key.
func (b *bargains) readParticipations(ctx context.Context, join string) error {
	lists, err := rows.Each(ctx, participations.table, b.Query(b.issues), nil,
		join+` AND {known p} AND tstzrange(p.valid_from, p.valid_to) @> k.valid_at`, `k.n, p.role, p.id`)
	if err != nil {
		return fmt.Errorf("read who takes part: %w", err)
	}
	for n, of := range b.standings {
		of.Participations = lists[n]
	}
	return nil
}

// read reads the positions, who speaks for whom, and the parties that this comes to.
func (b *bargains) read(ctx context.Context, positions, stakeholder *Fields) error {
	if err := b.readPositions(ctx, wordFields(positions)); err != nil {
		return err
	}
	words, others := make([]*parley.Voices, len(b.standings)), slices.Clone(b.supposed)
	for n, of := range b.standings {
		words[n] = &of.Voices
		others = append(others, of.Asked...)
		for _, p := range of.Participations {
			others = append(others, p.StakeholderID)
		}
		for _, c := range of.StatusChanges {
			others = append(others, c.ByIDs...)
		}
	}
	if err := readSpeakers(ctx, &b.Reader, b.issues, words, others); err != nil {
		return err
	}
	for _, of := range b.standings {
		of.Read()
	}
	for n, of := range b.standings {
		parties := len(of.Parties())
		cells := parties * len(of.Scenarios)
		if cells > parley.MaxCells {
			b.faults[n] = parley.NewFault(parley.Limit,
				"%d parties by %d scenarios are more than is put together of one issue, which is %d; narrow a matrix "+
					"down with scenarios or stakeholders.",
				parties, len(of.Scenarios), parley.MaxCells)
			continue
		}
		if err := b.puts(ctx, cells); err != nil {
			return err
		}
	}
	k := b.keysOf((*parley.Standings).Parties)
	found, err := b.Stakeholders(ctx, k.keys, stakeholder.And("key"))
	if err != nil {
		return fmt.Errorf("read the parties of a matrix: %w", err)
	}
	for i, party := range found {
		if party != nil {
			b.parties[k.of[i]] = append(b.parties[k.of[i]], party)
		}
	}
	for _, parties := range b.parties {
		slices.SortFunc(parties, func(a, b *parley.Stakeholder) int { return strings.Compare(a.Key, b.Key) })
	}
	return nil
}

// readPositions reads the words on the scenarios up to the lens's valid instant that matter: of those who may speak for
// the stakeholders asked for, if any are.
func (b *bargains) readPositions(ctx context.Context, fields *Fields) error {
	var voices []uuid.UUID
	if len(b.standings) > 0 && len(b.standings[0].Asked) > 0 {
		var err error
		if voices, err = b.voicesOf(ctx, b.issues, b.standings[0].Asked); err != nil {
			return err
		}
	}
	matters := stillMatters
	if b.salient {
		matters = "(p.salience IS NOT NULL OR " + stillMatters + ")"
	}
	k := b.keysOf(scenariosOf)
	c := rows.Conditions{List: []string{`p.scenario_id = k.id`, `{known p}`, `p.valid_from <= k.valid_at`, matters}}
	lists, err := b.positionsJoined(ctx, k, fields, func(q *rows.Query) string {
		c.Query = q
		c.Of("p.holder_id", voices)
		return `{positions p} ON ` + strings.Join(c.List, " AND ")
	})
	if err != nil {
		return fmt.Errorf("read the positions of a matrix: %w", err)
	}
	for i, positions := range lists {
		of := b.standings[k.of[i]]
		of.Positions = append(of.Positions, positions...)
	}
	return nil
}

// readStatuses reads the statuses of the scenarios up to the lens's valid instant.
func (b *bargains) readStatuses(ctx context.Context) error {
	k := b.keysOf(scenariosOf)
	lists, err := rows.Each(ctx, statusChanges.table, b.Query(k.keys), statusFields, `
		{status_changes c} ON c.scenario_id = k.id AND {known c} AND c.effective_at <= k.valid_at`,
		`k.n, c.effective_at, c.ordinal, c.id`)
	if err != nil {
		return fmt.Errorf("read the statuses of a landing zone: %w", err)
	}
	for i, changes := range lists {
		of := b.standings[k.of[i]]
		of.StatusChanges = append(of.StatusChanges, changes...)
	}
	return nil
}

var statusFields = NewFields(map[string]*Fields{
	asWord: {}, "to": {}, "by": {}, "effectiveAt": {}, "effectiveAtPrecision": {},
})

// positionsJoined are the positions that are joined to each scenario.
func (b *bargains) positionsJoined(
	ctx context.Context, scenarios perIssue, fields *Fields, join func(*rows.Query) string,
) ([][]*parley.Position, error) {
	if len(scenarios.keys) == 0 {
		return nil, nil
	}
	q := b.Query(scenarios.keys)
	lists, err := rows.Each(ctx, positions.table, q, fields, join(q),
		fmt.Sprintf(`k.n, p.id LIMIT %d`, parley.MaxTogether+1))
	if err != nil {
		return nil, err
	}
	read := 0
	for _, positions := range lists {
		read += len(positions)
	}
	if read > parley.MaxTogether {
		return nil, tooMuch()
	}
	return lists, nil
}

// puts counts what an analysis puts together.
func (s *Snapshot) puts(ctx context.Context, n int) error {
	if s.together.Add(int64(n)) > parley.MaxTogether {
		return tooMuch()
	}
	return parley.CostOf(ctx).Spend(ctx, n)
}

func tooMuch() error {
	return parley.NewFault(parley.Limit,
		"An operation puts together at most %d times a party and a scenario; ask for fewer matrices and landing "+
			"zones at once, or narrow them down.", parley.MaxTogether)
}

// suppositions finds the records that they are about.
func (b *bargains) suppositions(ctx context.Context, whatIf []*parley.WhatIfPosition) ([]parley.Supposition, error) {
	if len(whatIf) > parley.MaxWhatIf {
		return nil, parley.NewFault(parley.BadRequest, "whatIf: %d stances are supposed; suppose at most %d at once.",
			len(whatIf), parley.MaxWhatIf)
	}
	list := make([]parley.Supposition, len(whatIf))
	var stakeholders, scenarios []uuid.UUID
	var refs filterRefs
	for i, w := range whatIf {
		list[i].WhatIfPosition = *w
		refs.want(&stakeholders, "whatIf", []string{w.Stakeholder}, parley.KindStakeholder)
		refs.want(&scenarios, "whatIf", []string{w.Scenario}, parley.KindScenario)
	}
	q := b.Query(b.issues)
	if err := b.resolve(ctx, q, &refs); err != nil {
		return nil, err
	}
	copy(b.faults, q.Faults)
	b.supposed = stakeholders
	for i := range stakeholders {
		list[i].StakeholderID, list[i].ScenarioID = stakeholders[i], scenarios[i]
	}
	return list, nil
}
