package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// voicesOf are the stakeholders whose positions may be words of the parties that each list of stakeholders stands for:
// these parties, the groups that speak for them, and the persons who speak or spoke for any of them.
func (s *Snapshot) voicesOf(ctx context.Context, keys []Key, stakeholders []uuid.UUID) ([]uuid.UUID, error) {
	met := make(map[uuid.UUID]bool)
	var voices []uuid.UUID
	q := s.Query(keys)
	err := q.Run(ctx, `v.id`, `FROM {keys} `+q.Join()+`LATERAL (
		WITH RECURSIVE parties(id) AS (
			(SELECT unnest(`+q.Arg(rows.IDs(stakeholders))+`::uuid[])
			UNION
			SELECT a.organization_id FROM {affiliations a}
			WHERE a.person_id = ANY(`+q.Arg(rows.IDs(stakeholders))+`::uuid[]) AND a.speaks_for AND {known a}
				AND tstzrange(a.valid_from, a.valid_to) @> k.valid_at)
			UNION
			SELECT m.group_id FROM parties JOIN {memberships m} ON m.member_id = parties.id AND m.speaks_for_members
				AND {known m})
		SELECT id FROM parties
		UNION
		SELECT a.person_id FROM parties JOIN {affiliations a} ON a.organization_id = parties.id AND a.speaks_for
			AND {known a}) v ON true`, func(_ int, sent *rows.Row) {
		if id := sent.Next(); id != nil && !met[id.ID()] {
			met[id.ID()] = true
			voices = append(voices, id.ID())
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read who speaks for the parties: %w", err)
	}
	return voices, nil
}

// stillMatters says that a word may still count at the lens's valid instant, or have ended one that does: it holds, it
// ran out by itself, or its holder's later words may be those of other parties. Of all others, the holder's next word
// has ended whatever they ended.
const stillMatters = `(p.valid_to > k.valid_at OR p.valid_to = p.asserted_to
	OR EXISTS (SELECT FROM {affiliations sp} WHERE sp.person_id = p.holder_id AND sp.speaks_for AND {known sp})
	OR EXISTS (SELECT FROM {memberships sm} WHERE sm.group_id = p.holder_id AND sm.speaks_for_members AND {known sm}))`

// wordFields are what the reading of stances needs, and the fields that are selected of the positions.
func wordFields(selected *Fields) *Fields { return selected.And(asWord, "recordedAt") }

// readSpeakers reads by which offices and memberships the positions are words of parties, and others may speak for
// some.
func readSpeakers(
	ctx context.Context, r *rows.Reader, keys []Key, words []*parley.Voices, others []uuid.UUID,
) error {
	return readSpeakersKnown(ctx, r, keys, words, others, func(_ *rows.Query, _, row string) string {
		return "{known " + row + "}"
	})
}

// readSpeakersKnown is readSpeakers by the rows of a table that are known in some sense.
func readSpeakersKnown(
	ctx context.Context, r *rows.Reader, keys []Key, words []*parley.Voices, others []uuid.UUID,
	known func(q *rows.Query, table, row string) string,
) error {
	met := make(map[uuid.UUID]bool)
	var ids rows.IDs
	add := func(id uuid.UUID) {
		if !met[id] {
			met[id] = true
			ids = append(ids, id)
		}
	}
	for _, w := range words {
		for _, p := range w.Positions {
			add(p.HolderID)
		}
	}
	for _, id := range others {
		add(id)
	}
	q := r.Query(keys)
	offices, err := rows.Each(ctx, affiliations.table, q, officeFields,
		`{affiliations a} ON a.person_id = ANY(`+q.Arg(ids)+`::uuid[]) AND a.speaks_for AND `+known(q, "affiliations", "a"),
		`k.n, a.id`)
	if err != nil {
		return fmt.Errorf("read who speaks for whom: %w", err)
	}
	for n, w := range words {
		w.Offices = offices[n]
		for _, a := range w.Offices {
			add(a.OrganizationID)
		}
	}
	q = r.Query(keys)
	isKnown := known(q, "memberships", "x")
	groups, err := rows.Each(ctx, memberships.table, q, membershipFields, `LATERAL (
		WITH RECURSIVE reached(id) AS (
			SELECT unnest(`+q.Arg(ids)+`::uuid[])
			UNION
			SELECT x.member_id FROM reached JOIN {memberships x} ON x.group_id = reached.id AND x.speaks_for_members
				AND `+isKnown+`)
		SELECT x.* FROM reached JOIN {memberships x} ON x.group_id = reached.id AND x.speaks_for_members
			AND `+isKnown+`) m ON true`, `k.n, m.id`)
	if err != nil {
		return fmt.Errorf("read which groups speak for whom: %w", err)
	}
	for n, w := range words {
		w.Memberships = groups[n]
	}
	return nil
}

var (
	officeFields     = NewFields(map[string]*Fields{spoken: {}, "speaksFor": {}, "validFrom": {}, "validTo": {}})
	membershipFields = NewFields(map[string]*Fields{spoken: {}, "speaksForMembers": {}, "validFrom": {}, "validTo": {}})
)

// spoken selects whose word an office or a membership makes a word of whom.
const spoken = rows.Unselected + "spoken"
