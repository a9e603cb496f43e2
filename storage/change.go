package storage

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"parley"
)

type changeRow struct {
	numbered
	parley.ChangeEntry
	Fields  words[string] `db:"fields"`
	Touches uuids         `db:"touches"`
	Lines   uuids         `db:"lines"`
}

// entry completes a row with the change's cursor.
func (s *Store) entry(r changeRow) parley.ChangeEntry {
	e := r.ChangeEntry
	e.Cursor, e.RecordedAt, e.Fields = s.cursor(e.Seq), e.RecordedAt.UTC(), r.Fields
	e.Touches, e.Lines = r.Touches, r.Lines
	return e
}

const changeColumns = `c.seq, c.recorded_at, c.recorded_by, c.kind, c.action, c.subject_kind, c.subject_id, c.version,
	c.previous_version, c.negotiation_id, c.scenario_id, c.cause, c.lines, c.fields, c.summary, c.note,
	ARRAY(SELECT t.record_id FROM change_touches t WHERE t.seq = c.seq) AS touches`

// ChangePage is the part of the feed that is asked for.
type ChangePage struct {
	Filter *parley.ChangeFilter
	Since  *parley.Instant
	Order  parley.ChangeOrder
	First  int
	After  *parley.Cursor
	Count  bool
}

// ListChanges lists changes of the whole feed.
func (s *Snapshot) ListChanges(ctx context.Context, lens parley.Lens, p ChangePage) (*parley.ChangeConnection, error) {
	return first(s.changesWhere(ctx, []Key{{Lens: lens}}, `TRUE`, p))
}

// ChangesOf are the changes that touch each negotiation.
func (s *Snapshot) ChangesOf(ctx context.Context, negotiations []Key, p ChangePage) ([]*parley.ChangeConnection, error) {
	return s.changesWhere(ctx, negotiations, `EXISTS (SELECT FROM change_touches t WHERE t.record_id = k.id AND t.seq = c.seq)`, p)
}

func (s *Snapshot) changesWhere(ctx context.Context, keys []Key, scope string, p ChangePage) ([]*parley.ChangeConnection, error) {
	if err := (parley.Page{First: p.First}).Check(); err != nil {
		return nil, err
	}
	c := conditions{query: newQuery(keys), list: []string{scope, `c.recorded_at <= k.known_at`}}
	if p.Filter != nil {
		match, err := s.FeedFilter(ctx, p.Filter)
		if err != nil {
			return nil, err
		}
		for _, ids := range match.Touching {
			c.add(`EXISTS (SELECT FROM change_touches t WHERE t.record_id = ANY(` + c.arg(uuids(ids)) + `::uuid[]) AND t.seq = c.seq)`)
		}
		among(&c, "c.kind", "change_kind", match.Kinds)
	}
	if p.Since != nil {
		c.add("c.recorded_at >= " + c.arg(*p.Since))
	}
	counted, total := c.args, strings.Join(c.list, " AND ")

	direction, operator := "ASC", ">"
	if p.Order == parley.NewestFirst {
		direction, operator = "DESC", "<"
	}
	if p.After != nil {
		seq, err := s.store.seq(*p.After, s.Head)
		if err != nil {
			return nil, err
		}
		c.add("c.seq " + operator + " " + c.arg(seq))
	}
	var rows []changeRow
	err := s.all(ctx, &rows, c.expand(`
		SELECT k.n, x.*
		FROM {keys}
		CROSS JOIN LATERAL (
			SELECT `+changeColumns+`
			FROM changes c
			WHERE `+strings.Join(c.list, " AND ")+`
			ORDER BY c.seq `+direction+`
			LIMIT `+strconv.Itoa(p.First+1)+`
		) x
		ORDER BY k.n, x.seq `+direction), c.args...)
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	connections := make([]*parley.ChangeConnection, len(keys))
	for i := range connections {
		connections[i] = &parley.ChangeConnection{PageInfo: parley.PageInfo{HasPreviousPage: p.After != nil}}
	}
	for _, row := range rows {
		page := connections[row.index()]
		if len(page.Nodes) == p.First {
			page.PageInfo.HasNextPage = true
			continue
		}
		e := s.store.entry(row)
		cursor := string(e.Cursor)
		page.Nodes = append(page.Nodes, e.Change())
		page.Edges = append(page.Edges, parley.ChangeEdge{Cursor: e.Cursor, Node: e.Change()})
		if page.PageInfo.StartCursor == nil {
			page.PageInfo.StartCursor = &cursor
		}
		page.PageInfo.EndCursor = &cursor
	}
	if !p.Count {
		return connections, nil
	}
	var totals []struct {
		numbered
		Total int `db:"total"`
	}
	err = s.all(ctx, &totals, c.expand(`
		SELECT k.n, count(c.seq) AS total
		FROM {keys}
		LEFT JOIN changes c ON `+total+`
		GROUP BY k.n`), counted...)
	if err != nil {
		return nil, fmt.Errorf("count the feed: %w", err)
	}
	for _, t := range totals {
		connections[t.index()].TotalCount = t.Total
	}
	return connections, nil
}

// FeedFilter resolves what a filter names, so that changes can be matched without the database.
func (s *Snapshot) FeedFilter(ctx context.Context, f *parley.ChangeFilter) (parley.FeedFilter, error) {
	var match parley.FeedFilter
	if f == nil {
		return match, nil
	}
	match.Kinds = f.Kinds
	var refs filterRefs
	lists := make([][]uuid.UUID, 4)
	refs.want(&lists[0], "negotiations", f.Negotiations, parley.KindNegotiation)
	refs.want(&lists[1], "issues", f.Issues, parley.KindIssue)
	refs.want(&lists[2], "scenarios", f.Scenarios, parley.KindScenario)
	refs.want(&lists[3], "stakeholders", f.Stakeholders, parley.KindStakeholder)
	if err := s.resolve(ctx, &refs); err != nil {
		return match, err
	}
	for _, list := range lists {
		if len(list) > 0 {
			match.Touching = append(match.Touching, list)
		}
	}
	return match, nil
}

// Head is the number of the last change in the feed.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var seq int64
	if err := s.db.GetContext(ctx, &seq, `SELECT seq FROM feed_head`); err != nil {
		return 0, fmt.Errorf("read the head of the feed: %w", err)
	}
	return seq, nil
}

// ChangesAfter are the changes that follow one in the feed, oldest first, at most so many.
func (s *Store) ChangesAfter(ctx context.Context, seq int64, limit int) ([]parley.ChangeEntry, error) {
	var rows []changeRow
	err := s.db.SelectContext(ctx, &rows, `
		SELECT 1 AS n, `+changeColumns+`
		FROM changes c
		WHERE c.seq > $1
		ORDER BY c.seq
		LIMIT $2`, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	entries := make([]parley.ChangeEntry, len(rows))
	for i, row := range rows {
		entries[i] = s.entry(row)
	}
	return entries, nil
}
