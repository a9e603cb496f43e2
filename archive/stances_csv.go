package archive

import (
	"context"
	"io"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage"
)

// StancesCSV writes where each party stands at the lens's valid time on the scenarios that are on the table, by the
// keys of scenario and party. progress is as for JSON.
func (s *Subject) StancesCSV(ctx context.Context, w io.Writer, progress func(rows int)) error {
	out := newTable(w, progress, "issue", "scenario", "scenarioTitle", "status", "party", "partyName", "stance",
		"conditions", "redLine", "confidence", "validFrom", "validFromPrecision", "holder", "holderName", "through",
		"formerSpeaker", "contested", "divided", "others", "secondHand", "evidence", "sources", "position")
	filter := &parley.ScenarioFilter{Negotiations: []string{s.ID.String()}}
	err := parley.EachPage(func(p parley.Page) (parley.PageInfo, error) {
		snapshot := s.Store.Snapshot() // a new snapshot per page, since it keeps what it has read
		page, err := snapshot.ListScenarios(ctx, &parley.AsOf{ValidAt: &s.Lens.ValidAt, KnownAt: &s.Lens.KnownAt},
			filter, parley.ScenariosByKey, p, nil)
		if err != nil {
			return parley.PageInfo{}, err
		}
		return page.PageInfo, s.writeStances(ctx, snapshot, out, page.Nodes)
	})
	if err != nil {
		return err
	}
	return out.end()
}

func (s *Subject) writeStances(
	ctx context.Context, snapshot *storage.Snapshot, out *table, scenarios []*parley.Scenario,
) error {
	issues, err := snapshot.Issues(ctx, keys(s, scenarios, func(c *parley.Scenario) uuid.UUID { return c.IssueID }), nil)
	if err != nil {
		return err
	}
	lists, err := snapshot.StancesOn(ctx, keys(s, scenarios, func(c *parley.Scenario) uuid.UUID { return c.ID }), nil)
	if err != nil {
		return err
	}
	var named, evidence []uuid.UUID
	for _, cells := range lists {
		for _, c := range cells {
			named = append(named, c.PartyID, c.Position.HolderID)
			if c.ThroughID != nil {
				named = append(named, *c.ThroughID)
			}
			for _, o := range c.Others {
				named = append(named, o.HolderID)
			}
			evidence = append(evidence, c.Position.EvidenceIDs...)
		}
	}
	read, err := snapshot.Stakeholders(ctx, keys(s, named, itself), nil)
	if err != nil {
		return err
	}
	stakeholders := make(map[uuid.UUID]*parley.Stakeholder, len(read))
	for _, h := range read {
		stakeholders[h.ID] = h
	}
	if _, err := s.sources(ctx, snapshot, evidence); err != nil { // reads all at once, so that the snapshot has each
		return err
	}
	for i, cells := range lists {
		for _, c := range cells {
			sources, err := s.sources(ctx, snapshot, c.Position.EvidenceIDs)
			if err != nil {
				return err
			}
			through := ""
			if c.ThroughID != nil {
				through = stakeholders[*c.ThroughID].Key
			}
			var others []string
			for _, o := range c.Others {
				others = append(others, stakeholders[o.HolderID].Key+": "+string(o.Stance))
			}
			party, holder, p := stakeholders[c.PartyID], stakeholders[c.Position.HolderID], c.Position
			out.write(issues[i].Key, scenarios[i].Key, scenarios[i].Title, scenarios[i].Status, party.Key, party.Name,
				p.Stance, texts(p.Conditions), p.RedLine, p.Confidence, p.ValidFrom, p.ValidFromPrecision, holder.Key,
				holder.Name, through, c.FormerSpeaker, c.Contested, c.Divided(), others, p.SecondHand,
				len(p.EvidenceIDs), sources, p.ID)
		}
	}
	return nil
}
