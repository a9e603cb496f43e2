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

// Warnings are those about each record as it now stands beside everything else on record. What is not on record has
// none.
func (s *Snapshot) Warnings(ctx context.Context, ids []uuid.UUID) ([][]*parley.Warning, error) {
	now, err := s.Lens(ctx)
	if err != nil {
		return nil, err
	}
	records := keysThrough(now, ids)
	nodes, err := s.Nodes(ctx, records, nil)
	if err != nil {
		return nil, fmt.Errorf("read what was recorded: %w", err)
	}
	warnings := make([][]*parley.Warning, len(records))
	around, err := s.circumstances(ctx, now, nodes)
	if err != nil {
		return nil, err
	}
	for i, node := range nodes {
		switch node := node.(type) {
		case *parley.Position:
			warnings[i] = around[node.ScenarioID].OfPosition(node)
		case *parley.StatusChange:
			warnings[i] = around[node.ScenarioID].OfStatus(node)
		case *parley.Scenario:
			for _, first := range around[node.ID].Statuses {
				if first.RecordedAt.Equal(node.RecordedAt) {
					warnings[i] = append(warnings[i], around[node.ID].OfStatus(first)...)
				}
			}
		case *parley.Event:
			if len(node.EvidenceIDs) == 0 {
				warnings[i] = append(warnings[i], parley.Warn(parley.Unsourced, "evidence",
					"The event “%s” rests on no evidence; add the statement that it was read from.", node.Title))
			}
		case *parley.ScenarioRelation:
			if len(node.EvidenceIDs) == 0 && node.ClaimedByID != nil {
				warnings[i] = append(warnings[i], parley.Warn(parley.Unsourced, "evidence",
					"No evidence says that this relation was claimed; add the statement that it was read from."))
			}
		}
	}
	for _, n := range likenesses {
		if err := n.find(ctx, s, records, nodes, warnings); err != nil {
			return nil, err
		}
	}
	return warnings, nil
}

// likeness finds earlier records of a kind that are called much the same, and so may stand for the same thing.
type likeness struct {
	is    func(parley.Node) bool
	table string
	names string // the names of the record "@", the first of which is the field's
	field string // of the first name; the others are aliases
	among string // which records x are compared with the record m
}

var likenesses = []likeness{
	{is[*parley.Stakeholder], "stakeholders", `string_to_array(@.names, E'\n')`, "name",
		`fold(a.name) <<% fold(x.names)`},
	{is[*parley.Negotiation], "negotiations", `ARRAY[@.title]`, "title", `TRUE`},
	{is[*parley.Issue], "issues", `ARRAY[@.title]`, "title", `x.negotiation_id = m.negotiation_id`},
	{is[*parley.Scenario], "scenarios", `ARRAY[@.title]`, "title", `x.negotiation_id = m.negotiation_id`},
}

func is[T any](node parley.Node) bool {
	_, is := node.(T)
	return is
}

// circumstances are those of each scenario on which a position or a status is among the nodes.
func (s *Snapshot) circumstances(
	ctx context.Context, now parley.Lens, nodes []parley.Node,
) (map[uuid.UUID]*parley.Circumstances, error) {
	around := make(map[uuid.UUID]*parley.Circumstances)
	var scenarios []Key
	add := func(id uuid.UUID) {
		if around[id] == nil {
			around[id] = &parley.Circumstances{Names: make(map[uuid.UUID]string)}
			scenarios = append(scenarios, Key{ID: id, Lens: now})
		}
	}
	for _, node := range nodes {
		switch node := node.(type) {
		case *parley.Position:
			add(node.ScenarioID)
		case *parley.StatusChange:
			add(node.ScenarioID)
		case *parley.Scenario:
			add(node.ID)
		}
	}
	if len(scenarios) == 0 {
		return around, nil
	}
	said, err := rows.Each(ctx, positions.table, s.Query(scenarios),
		wordFields(NewFields(map[string]*Fields{"lastAffirmedAt": {}, "conditions": {}, "redLine": {}})),
		`{positions p} ON p.scenario_id = k.id AND {known p}`, `k.n, p.id`)
	if err != nil {
		return nil, fmt.Errorf("read the words of parties: %w", err)
	}
	statuses, err := rows.Each(ctx, statusChanges.table, s.Query(scenarios), nil,
		`{status_changes c} ON c.scenario_id = k.id AND {known c}`, `k.n, c.effective_at, c.ordinal, c.id`)
	if err != nil {
		return nil, fmt.Errorf("read the statuses of scenarios: %w", err)
	}
	voices := make([]*parley.Voices, len(scenarios))
	var by []uuid.UUID
	for i, k := range scenarios {
		c := around[k.ID]
		c.Positions, c.Statuses, voices[i] = said[i], statuses[i], &c.Voices
		for _, status := range statuses[i] {
			by = append(by, status.ByIDs...)
		}
	}
	if err := readSpeakers(ctx, &s.Reader, scenarios, voices, by); err != nil {
		return nil, err
	}
	return around, s.nameAll(ctx, scenarios, around)
}

func keysThrough(lens parley.Lens, ids []uuid.UUID) []Key {
	keys := rows.KeysOf(ids...)
	for i := range keys {
		keys[i].Lens = lens
	}
	return keys
}

// nameAll fills in the names of the scenarios, and of whoever has a part in their circumstances.
func (s *Snapshot) nameAll(
	ctx context.Context, scenarios []Key, around map[uuid.UUID]*parley.Circumstances,
) error {
	titled, err := s.Scenarios(ctx, scenarios, NewFields(map[string]*Fields{"title": {}}))
	if err != nil {
		return fmt.Errorf("read the titles of scenarios: %w", err)
	}
	var stakeholders rows.IDs
	for _, c := range around {
		for _, p := range c.Positions {
			stakeholders = append(append(stakeholders, p.HolderID), p.SaidForIDs...)
		}
		for _, status := range c.Statuses {
			stakeholders = append(stakeholders, status.ByIDs...)
		}
		for _, office := range c.Offices {
			stakeholders = append(stakeholders, office.OrganizationID)
		}
		for _, m := range c.Memberships {
			stakeholders = append(stakeholders, m.MemberID, m.GroupID)
		}
	}
	slices.SortFunc(stakeholders, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	stakeholders = slices.Compact(stakeholders)
	named, err := s.Stakeholders(ctx, keysThrough(scenarios[0].Lens, stakeholders), NewFields(map[string]*Fields{"name": {}}))
	if err != nil {
		return fmt.Errorf("read the names of stakeholders: %w", err)
	}
	for i, scenario := range titled {
		names := around[scenarios[i].ID].Names
		if scenario != nil {
			names[scenario.ID] = scenario.Title
		}
		for _, stakeholder := range named {
			if stakeholder != nil {
				names[stakeholder.ID] = stakeholder.Name
			}
		}
	}
	return nil
}

// spelledAlike says that two names are much the same, in their words a and b: they share half of their trigrams, and
// each word of the shorter name is spelled like a word of the longer one.
const spelledAlike = `similarity(a.words, b.words) >= 0.5 AND 0.45 <= (
	SELECT min(strict_word_similarity(w, CASE WHEN length(a.words) > length(b.words) THEN a.words ELSE b.words END))
	FROM unnest(string_to_array(CASE WHEN length(a.words) > length(b.words) THEN b.words ELSE a.words END, ' ')) w)`

// mostAlike is how many similar records there are warnings about, those with the most similar names.
const mostAlike = 3

// find adds the warnings about the names of the records among the nodes that are of this kind.
func (l likeness) find(
	ctx context.Context, s *Snapshot, records []Key, nodes []parley.Node, warnings [][]*parley.Warning,
) error {
	var keys []Key
	var of []int
	for i, node := range nodes {
		if l.is(node) {
			keys, of = append(keys, records[i]), append(of, i)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	met := make([]map[string]bool, len(keys)) // for each key, the records that are named already
	err := s.Query(keys).Run(ctx, `a.name, a.place, b.name, x.path`, strings.NewReplacer(
		"{noun ", "{"+l.table+" ", "{names m}", rows.Aliased(l.names, "m"), "{names x}", rows.Aliased(l.names, "x"),
		"{among}", l.among, "{alike}", spelledAlike,
	).Replace(`
		FROM {keys}
		JOIN {noun m} ON m.id = k.id AND {known m}
		CROSS JOIN LATERAL (
			SELECT name, place, words(name) FROM unnest({names m}) WITH ORDINALITY n(name, place)
		) a
		JOIN {noun x} ON (x.recorded_at, x.id) < (m.recorded_at, m.id) AND x.id <> m.id AND {known x} AND {among}
		CROSS JOIN LATERAL (SELECT name, words(name) FROM unnest({names x}) n(name)) b
		WHERE {alike}
		ORDER BY k.n, similarity(a.words, b.words) DESC, x.path, a.place`), func(n int, sent *rows.Row) {
		name, place, other, path := sent.Next().Text(), sent.Next().Int(), sent.Next().Text(), sent.Next().Text()
		if met[n] == nil {
			met[n] = make(map[string]bool)
		}
		if met[n][path] || len(met[n]) == mostAlike {
			return
		}
		met[n][path] = true
		field := l.field
		if place > 1 {
			field = fmt.Sprintf("aliases.%d", place-2)
		}
		warnings[of[n]] = append(warnings[of[n]], parley.Warn(parley.SimilarName, field,
			"“%s” is much like “%s” (%s), which is on record; if they are the same, merge this one into it (mergeStakeholders).",
			name, other, path))
	})
	if err != nil {
		return fmt.Errorf("look for similar names: %w", err)
	}
	return nil
}
