package storage

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// changesFollowing reads a page of the changes that concern parties, for each key: of the whole feed, or of the
// negotiation that it names. Whether a change concerns a party takes a reading before and after it, which SQL can't do.
// So changes that may concern the parties are read, more of them at a time, until the pages are full.
func (s *Snapshot) changesFollowing(
	ctx context.Context, keys []Key, p ChangePage, fields *Fields,
) ([]*parley.ChangeConnection, error) {
	span, err := s.spanOf(ctx, p)
	if err != nil {
		return nil, err
	}
	keys, err = s.lensed(ctx, keys)
	if err != nil {
		return nil, err
	}
	q := s.Query(keys)
	match, stakeholders, err := s.feedFilter(ctx, q, p.Filter)
	if err != nil {
		return nil, err
	}
	parties, err := s.partiesOf(ctx, keys, stakeholders)
	if err != nil {
		return nil, err
	}
	holders, records, err := s.concerning(ctx, slices.Concat(parties...))
	if err != nil {
		return nil, err
	}
	match.Touching = append(match.Touching, slices.Concat(holders, records))
	f := following{ChangePage: p, match: match, holders: holders, fields: fields, at: make([]followedKey, len(keys))}
	for i, k := range keys {
		only := *match.Following
		only.Parties = parties[i]
		if k.ID != uuid.Nil {
			f.at[i].done = len(only.Negotiations) > 0 && !slices.Contains(only.Negotiations, k.ID)
			only.Negotiations = []uuid.UUID{k.ID}
		}
		f.at[i].only = parley.FeedFilter{Following: &only}
	}
	totals := make([]int, len(keys))
	if fields.Has("totalCount") {
		whole, err := s.spanOf(ctx, ChangePage{})
		if err != nil {
			return nil, err
		}
		counted, err := f.find(ctx, s, keys, whole, math.MaxInt)
		if err != nil {
			return nil, err
		}
		for i, found := range counted {
			totals[i] = len(found)
		}
	}
	found, err := f.find(ctx, s, keys, span, p.Size()+1)
	if err != nil {
		return nil, err
	}
	return p.connections(found, totals), q.Refused()
}

// following looks for changes that concern parties.
type following struct {
	ChangePage
	match   parley.FeedFilter
	holders []uuid.UUID // whose positions may be words of the parties
	fields  *Fields
	at      []followedKey
}

// followedKey is how far the search has come for one key.
type followedKey struct {
	only  parley.FeedFilter
	after int64
	done  bool
}

// find returns the first changes of a span that concern the parties, at most so many for each key.
func (f following) find(
	ctx context.Context, s *Snapshot, keys []Key, span feedSpan, limit int,
) ([][]parley.ChangeEntry, error) {
	at := slices.Clone(f.at)
	for i := range at {
		at[i].after = span.start
	}
	selected := changeColumns.NeededFor(f.fields.Nodes()) &^ touches
	found := make([][]parley.ChangeEntry, len(keys))
	for size := min(limit, 200); slices.ContainsFunc(at, func(a followedKey) bool { return !a.done }); size *= 2 {
		var from []int64
		var open []Key
		var of []int
		for i, a := range at {
			if !a.done {
				from, open, of = append(from, a.after), append(open, keys[i]), append(of, i)
			}
		}
		c := rows.Conditions{Query: s.Query(open)}
		onFeed(&c, `c.seq`, f.match, f.Since)
		rows.Among(&c, "c.subject_kind", "record_kind", moving)
		c.Add(`c.seq ` + span.back + ` ` + c.Arg(span.end))
		c.Add(`c.seq ` + span.onwards + ` (` + c.Arg(pq.Int64Array(from)) + `::bigint[])[k.n::int]`)
		read := make([][]parley.ChangeEntry, len(open))
		err := c.Run(ctx, `x.*`, `
			FROM {keys}
			JOIN LATERAL (
				SELECT `+strings.Join(changeColumns.SQL(selected, "c"), ", ")+`
				FROM {changes c}
				WHERE `+strings.Join(c.List, " AND ")+`
				ORDER BY c.seq `+span.order+`
				LIMIT `+fmt.Sprint(size)+`
			) x ON true
			ORDER BY k.n, x.seq `+span.order, func(n int, sent *rows.Row) {
			read[n] = append(read[n], s.store.entry(sent, selected))
		})
		if err != nil {
			return nil, fmt.Errorf("read the feed: %w", err)
		}
		if err := s.concerned(ctx, read, f.holders); err != nil {
			return nil, err
		}
		for n, entries := range read {
			key, list := &at[of[n]], &found[of[n]]
			for _, e := range entries {
				if key.after = e.Seq; len(*list) < limit && key.only.Matches(e) {
					*list = append(*list, e)
				}
			}
			key.done = len(entries) < size || len(*list) == limit
		}
	}
	return found, nil
}

// concerned fills in which parties the changes concern, by the words of these holders.
func (s *Snapshot) concerned(ctx context.Context, lists [][]parley.ChangeEntry, holders []uuid.UUID) error {
	var entries []*parley.ChangeEntry
	for _, list := range lists {
		for i := range list {
			entries = append(entries, &list[i])
		}
	}
	moved, err := s.movesOf(ctx, entries, holders, asRead)
	if err != nil {
		return err
	}
	for i, m := range moved {
		if m != nil {
			entries[i].Moves = m.Moves()
		}
	}
	return nil
}

// partiesOf are the parties for which stakeholders stand, through the lens of each key.
func (s *Snapshot) partiesOf(ctx context.Context, keys []Key, stakeholders []uuid.UUID) ([][]uuid.UUID, error) {
	voices := make([]*parley.Voices, len(keys))
	for i := range voices {
		voices[i] = &parley.Voices{}
	}
	if err := readSpeakers(ctx, &s.Reader, keys, voices, stakeholders); err != nil {
		return nil, err
	}
	parties := make([][]uuid.UUID, len(keys))
	for i, v := range voices {
		parties[i] = v.Reading().PartiesOf(stakeholders, keys[i].Lens.ValidAt)
	}
	return parties, nil
}

// concerning are the stakeholders whose positions were ever words of the parties by what was ever on record, and what
// else a change that concerns the parties may be about: the statements and sources on which these positions rest.
func (s *Snapshot) concerning(ctx context.Context, parties []uuid.UUID) (holders, records []uuid.UUID, err error) {
	err = s.Rows(ctx, `
		WITH RECURSIVE parties(id) AS (
			SELECT unnest($1::uuid[])
			UNION
			SELECT m.group_id FROM parties JOIN {memberships m} ON m.member_id = parties.id
		), holders AS (
			SELECT id FROM parties
			UNION
			SELECT a.person_id FROM parties JOIN {affiliations a} ON a.organization_id = parties.id
		), evidence AS (
			SELECT DISTINCT unnest(p.evidence) AS id FROM holders JOIN {positions p} ON p.holder_id = holders.id
		)
		SELECT record_send(ROW(id, true)) FROM holders
		UNION ALL
		SELECT record_send(ROW(id, false)) FROM evidence
		UNION ALL
		SELECT record_send(ROW(source_id, false))
		FROM (SELECT DISTINCT e.source_id FROM evidence JOIN {statements e} ON e.id = evidence.id) s`,
		[]any{rows.IDs(parties)}, func(sent rows.Row) {
			if id := sent.Next().ID(); sent.Next().Flag() {
				holders = append(holders, id)
			} else {
				records = append(records, id)
			}
		})
	if err != nil {
		return nil, nil, fmt.Errorf("read who speaks for the parties: %w", err)
	}
	return holders, records, nil
}
