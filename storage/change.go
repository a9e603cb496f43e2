package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// changeColumns are those of a change. What it touches takes a look at another table, and is read for the feed only.
var changeColumns = rows.Columns[parley.ChangeEntry]{
	rows.Number("", "seq", func(e *parley.ChangeEntry) *int64 { return &e.Seq }),
	rows.Time("", "recorded_at", func(e *parley.ChangeEntry) *parley.Instant { return &e.RecordedAt }),
	rows.Text("", "subject_kind", func(e *parley.ChangeEntry) *parley.Kind { return &e.SubjectKind }),
	rows.ID("", "subject_id", func(e *parley.ChangeEntry) *uuid.UUID { return &e.SubjectID }),
	rows.OptionalText("", "cause", func(e *parley.ChangeEntry) **parley.ShiftCause { return &e.Cause }),
	rows.ID("recordedBy", "recorded_by", func(e *parley.ChangeEntry) *uuid.UUID { return &e.RecordedByID }),
	rows.Text("kind", "kind", func(e *parley.ChangeEntry) *parley.ChangeKind { return &e.Kind }),
	rows.Text("", "action", func(e *parley.ChangeEntry) *parley.RecordAction { return &e.Action }),
	rows.OptionalID("node position statusChange assessment", "version",
		func(e *parley.ChangeEntry) **uuid.UUID { return &e.Version }),
	rows.OptionalID("previous previousAssessment", "previous_version",
		func(e *parley.ChangeEntry) **uuid.UUID { return &e.PreviousVersion }),
	rows.OptionalID("negotiation", "negotiation_id",
		func(e *parley.ChangeEntry) **uuid.UUID { return &e.NegotiationID }),
	rows.OptionalID("scenario", "scenario_id", func(e *parley.ChangeEntry) **uuid.UUID { return &e.ScenarioID }),
	rows.Texts("fields", "fields", func(e *parley.ChangeEntry) *[]string { return &e.Fields }),
	rows.Text("summary", "summary", func(e *parley.ChangeEntry) *string { return &e.Summary }),
	rows.OptionalText("note", "note", func(e *parley.ChangeEntry) **string { return &e.Note }),
	rows.IDList("lines", "lines", func(e *parley.ChangeEntry) *[]uuid.UUID { return &e.Lines }),
	rows.IDList("touches", "ARRAY(SELECT t.record_id FROM {change_touches t} WHERE t.seq = @.seq)",
		func(e *parley.ChangeEntry) *[]uuid.UUID { return &e.Touches }),
}

// entry reads a change.
func (s *Store) entry(sent *rows.Row, selected uint64) parley.ChangeEntry {
	var e parley.ChangeEntry
	changeColumns.Read(sent, selected, &e)
	e.Cursor = s.cursor(e.RecordedAt)
	return e
}

// ChangePage is the part of the feed that is asked for.
type ChangePage struct {
	Filter *parley.ChangeFilter
	Since  *parley.Instant
	Order  parley.ChangeOrder
	parley.Page
}

// ListChanges lists changes of the whole feed.
func (s *Snapshot) ListChanges(ctx context.Context, p ChangePage, fields *Fields) (*parley.ChangeConnection, error) {
	if p.follows() {
		return first(s.changesFollowing(ctx, []Key{{}}, p, fields))
	}
	return first(s.changesWhere(ctx, []Key{{}}, `{changes c}`, `c.seq`, `TRUE`, p, fields))
}

// ChangesOf are the changes that touch each negotiation.
func (s *Snapshot) ChangesOf(
	ctx context.Context, negotiations []Key, p ChangePage, fields *Fields,
) ([]*parley.ChangeConnection, error) {
	if p.follows() {
		return s.changesFollowing(ctx, negotiations, p, fields)
	}
	return s.changesWhere(ctx, negotiations, `{change_touches t} JOIN {changes c} ON c.seq = t.seq`, `t.seq`,
		`t.record_id = k.id`, p, fields)
}

// changesWhere reads a page of the feed for each key. Bounds are put on the column, place, whose index has the order of
// the feed, those in time too, so that a page takes no look at what lies before it.
func (s *Snapshot) changesWhere(
	ctx context.Context, keys []Key, from, place, scope string, p ChangePage, fields *Fields,
) ([]*parley.ChangeConnection, error) {
	// A cursor that is none is a fault of all keys; one of the filter may be of some.
	span, err := s.spanOf(ctx, p)
	if err != nil {
		return nil, err
	}
	c := rows.Conditions{Query: s.Query(keys), List: []string{scope}}
	match, _, err := s.feedFilter(ctx, c.Query, p.Filter)
	if err != nil {
		return nil, err
	}
	onFeed(&c, place, match, p.Since)
	totals := make([]int, len(keys))
	if fields.Has("totalCount") {
		total := `(SELECT count(*) FROM ` + from + ` WHERE ` + strings.Join(c.List, " AND ") + `)`
		err := c.Run(ctx, total, `FROM {keys}`,
			func(n int, sent *rows.Row) { totals[n] = sent.Next().Int() })
		if err != nil {
			return nil, fmt.Errorf("count the feed: %w", err)
		}
	}

	c.Add(place + " " + span.onwards + " " + c.Arg(span.start))
	c.Add(place + " " + span.back + " " + c.Arg(span.end))
	selected := changeColumns.NeededFor(fields.Nodes()) &^ touches
	read := make([][]parley.ChangeEntry, len(keys))
	err = c.Run(ctx, `x.*`, `
		FROM {keys}
		`+c.Join()+`LATERAL (
			SELECT `+strings.Join(changeColumns.SQL(selected, "c"), ", ")+`
			FROM `+from+`
			WHERE `+strings.Join(c.List, " AND ")+`
			ORDER BY `+place+` `+span.order+`
			LIMIT `+strconv.Itoa(p.Size()+1)+`
		) x ON true
		ORDER BY k.n, x.seq `+span.order, func(n int, sent *rows.Row) {
		if !sent.IsNull() {
			read[n] = append(read[n], s.store.entry(sent, selected))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	return p.connections(read, totals), c.Refused()
}

// follows reports whether the filter names parties.
func (p ChangePage) follows() bool { return p.Filter != nil && len(p.Filter.Parties) > 0 }

// feedSpan is the part of the feed that a page is cut from: the changes strictly between two numbers, in the order in
// which they are read.
type feedSpan struct {
	start, end           int64
	order, onwards, back string // in SQL: the order, and the operators that compare a number with start and with end
}

// spanOf bounds a page. A page from the end is read against its order.
func (s *Snapshot) spanOf(ctx context.Context, p ChangePage) (feedSpan, error) {
	read := feedSpan{start: -1, end: math.MaxInt64, order: "ASC", onwards: ">", back: "<"}
	if err := p.Check(); err != nil {
		return read, err
	}
	after, err := s.number(ctx, "after", p.After)
	if err != nil {
		return read, err
	}
	before, err := s.number(ctx, "before", p.Before)
	if err != nil {
		return read, err
	}
	if (p.Order == parley.NewestFirst) != p.FromEnd() {
		read = feedSpan{start: read.end, end: read.start, order: "DESC", onwards: "<", back: ">"}
	}
	if p.FromEnd() {
		after, before = before, after
	}
	if after != nil {
		read.start = *after
	}
	if before != nil {
		read.end = *before
	}
	return read, nil
}

// number is that of the change that the cursor in an argument names. Without a cursor, it is nil.
func (s *Snapshot) number(ctx context.Context, argument string, cursor *parley.Cursor) (*int64, error) {
	if cursor == nil {
		return nil, nil
	}
	seq, _, err := s.Place(ctx, cursor)
	var fault *parley.Fault
	if errors.As(err, &fault) && fault.Code == parley.BadCursor {
		return nil, &parley.Fault{Code: fault.Code, Message: argument + ": " + fault.Message}
	}
	return &seq, err
}

// connections makes the pages of what was read for them: one change more than there is room for says that more follow.
func (p ChangePage) connections(read [][]parley.ChangeEntry, totals []int) []*parley.ChangeConnection {
	connections := make([]*parley.ChangeConnection, len(read))
	for i, entries := range read {
		more := len(entries) > p.Size()
		entries = entries[:min(p.Size(), len(entries))]
		if p.FromEnd() {
			slices.Reverse(entries)
		}
		c := &parley.ChangeConnection{TotalCount: totals[i]}
		cursors := make([]parley.Cursor, len(entries))
		for i, e := range entries {
			cursors[i] = e.Cursor
			node := e.Change()
			c.Nodes = append(c.Nodes, node)
			c.Edges = append(c.Edges, parley.ChangeEdge{Cursor: e.Cursor, Node: node})
		}
		c.PageInfo = p.Info(cursors, more)
		connections[i] = c
	}
	return connections
}

// onFeed adds that a change c is on record through the lens, matches the filter but for the parties that it follows,
// and was recorded at an instant or later.
func onFeed(c *rows.Conditions, place string, match parley.FeedFilter, since *parley.Instant) {
	c.Add(place + ` <= (SELECT l.seq FROM {changes l} WHERE l.recorded_at <= k.known_at
		ORDER BY l.recorded_at DESC LIMIT 1)`)
	for _, ids := range match.Touching {
		c.Add(`EXISTS (SELECT FROM {change_touches o} WHERE o.record_id = ANY(` + c.Arg(rows.IDs(ids)) +
			`::uuid[]) AND o.seq = ` + place + `)`)
	}
	rows.Among(c, "c.kind", "change_kind", match.Kinds)
	if since != nil {
		c.Add(place + ` >= (SELECT f.seq FROM {changes f} WHERE f.recorded_at >= ` + c.Arg(*since) +
			` ORDER BY f.recorded_at LIMIT 1)`)
	}
}

// touches is the set of one column: what a change touches, which lists leave out.
var touches = changeColumns.NeededFor(nil) &^ changeColumns[:len(changeColumns)-1].NeededFor(nil)

// FeedFilter resolves what a filter names, so that changes can be matched without the database. A person stands for the
// parties that the person speaks for now.
func (s *Snapshot) FeedFilter(ctx context.Context, f *parley.ChangeFilter) (parley.FeedFilter, error) {
	match, stakeholders, err := s.feedFilter(ctx, s.Query([]Key{{}}), f)
	if err != nil || match.Following == nil {
		return match, err
	}
	lens, err := s.Lens(ctx)
	if err != nil {
		return parley.FeedFilter{}, err
	}
	parties, err := s.partiesOf(ctx, []Key{{Lens: lens}}, stakeholders)
	if err != nil {
		return parley.FeedFilter{}, err
	}
	match.Following.Parties = parties[0]
	return match, nil
}

// feedFilter resolves what a filter names. The stakeholders whose parties it follows are returned, since they depend on
// the lens.
func (s *Snapshot) feedFilter(
	ctx context.Context, q *rows.Query, f *parley.ChangeFilter,
) (match parley.FeedFilter, following []uuid.UUID, err error) {
	if f == nil {
		return match, nil, nil
	}
	match.Kinds = f.Kinds
	var refs filterRefs
	var negotiations, issues, scenarios, stakeholders []uuid.UUID
	refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
	refs.want(&issues, "issues", f.Issues, parley.KindIssue)
	refs.want(&scenarios, "scenarios", f.Scenarios, parley.KindScenario)
	refs.want(&stakeholders, "stakeholders", f.Stakeholders, parley.KindStakeholder)
	refs.want(&following, "parties", f.Parties, parley.KindStakeholder)
	if err := s.resolve(ctx, q, &refs); err != nil {
		return match, nil, err
	}
	if stakeholders, err = s.withMerged(ctx, q, stakeholders); err != nil {
		return match, nil, err
	}
	if following, err = s.withMerged(ctx, q, following); err != nil {
		return match, nil, err
	}
	lists := [][]uuid.UUID{negotiations, issues, scenarios, stakeholders}
	if len(f.Parties) > 0 {
		match.Following = &parley.Following{Negotiations: negotiations, Issues: issues, Scenarios: scenarios}
		lists = lists[3:]
	}
	for _, list := range lists {
		if len(list) > 0 {
			match.Touching = append(match.Touching, list)
		}
	}
	return match, following, nil
}

// withMerged adds to stakeholders those that were merged into them, as known through the lens of the first key: their
// older changes are changes of the others now.
func (s *Snapshot) withMerged(ctx context.Context, q *rows.Query, stakeholders []uuid.UUID) ([]uuid.UUID, error) {
	if len(stakeholders) == 0 {
		return stakeholders, nil
	}
	at := parley.LatestInstant
	if known := s.KnownThrough(q.Keys[0]); known != nil {
		at = *known
	}
	var all []uuid.UUID
	err := s.Rows(ctx, `SELECT record_send(ROW(id)) FROM unnest(with_merged($1, $2)) AS id`,
		[]any{rows.IDs(stakeholders), rows.InstantArg(at)}, func(sent rows.Row) { all = append(all, sent.Next().ID()) })
	if err != nil {
		return nil, fmt.Errorf("look for merged stakeholders: %w", err)
	}
	return all, nil
}

// Place is the place in the feed that a cursor names, or, without one, its end. With an error it is none.
func (s *Snapshot) Place(ctx context.Context, after *parley.Cursor) (seq int64, cursor parley.Cursor, err error) {
	if after != nil {
		if seq, err = s.store.place(ctx, &s.Reader, *after); err != nil {
			return 0, "", err
		}
		return seq, *after, nil
	}
	var last parley.Instant
	err = s.RowsUnshared(ctx, `SELECT record_send(ROW(seq, recorded_at)) FROM {changes} ORDER BY seq DESC LIMIT 1`, nil,
		func(sent rows.Row) { seq, last = sent.Next().Number(), sent.Next().Time() })
	if err != nil {
		return 0, "", fmt.Errorf("read the end of the feed: %w", err)
	}
	return seq, s.store.cursor(last), nil
}

// Head reads anew what the feed is called, and which number its last change has. What is known of an earlier history of
// the database is forgotten.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var head struct {
		Feed       string    `db:"feed"`
		Seq        int64     `db:"seq"`
		RecordedAt time.Time `db:"recorded_at"`
	}
	if err := s.db.GetContext(ctx, &head, `SELECT feed, seq, recorded_at FROM feed_head`); err != nil {
		return 0, fmt.Errorf("read the head of the feed: %w", err)
	}
	s.feed.Store(&head.Feed)
	s.mark.Reset(head.RecordedAt)
	return head.Seq, nil
}

// Continues says whether the feed is still that of a change. It is another one if changes were lost, or the feed was given
// a new name. A standby that lacks the change is late only.
func (s *Store) Continues(ctx context.Context, last parley.ChangeEntry) (continues bool, err error) {
	err = s.feedReads.Query(ctx, s.expand(`
		SELECT record_send(ROW(h.feed = $1 AND (pg_is_in_recovery()
			OR EXISTS (SELECT FROM {changes} WHERE seq = $2 AND recorded_at = $3))))
		FROM feed_head h`), []any{*s.feed.Load(), last.Seq, rows.InstantArg(last.RecordedAt)},
		func(sent rows.Row) { continues = sent.Next().Flag() })
	if err != nil {
		return false, fmt.Errorf("look for the last change: %w", err)
	}
	return continues, nil
}

// RenameFeed gives the feed a new name, so that no cursor from before is accepted any more.
func (s *Store) RenameFeed(ctx context.Context) error {
	err := s.attempt(ctx, func(w *writer) error {
		return w.exec(ctx, `UPDATE feed_head SET feed = substr(translate(gen_random_uuid()::text, '-', ''), 1, 6)`)
	})
	if err != nil {
		return fmt.Errorf("rename the feed: %w", err)
	}
	return nil
}

// ChangesAfter are the changes that follow one in the feed, oldest first, at most so many: all, or, if records are
// given, those that touch one of them.
func (s *Store) ChangesAfter(
	ctx context.Context, seq int64, touching []uuid.UUID, limit int,
) ([]parley.ChangeEntry, error) {
	var entries []parley.ChangeEntry
	selected := changeColumns.NeededFor(nil)
	from, args := `{changes c} WHERE c.seq > $1`, []any{seq, limit}
	if len(touching) > 0 {
		// Each record's own few are found in the order of the feed, rather than all that they were ever touched by.
		from = `{changes c} WHERE c.seq IN (
			SELECT t.seq
			FROM unnest($3::uuid[]) AS record(id)
			CROSS JOIN LATERAL (SELECT seq FROM {change_touches} WHERE record_id = record.id AND seq > $1
				ORDER BY seq LIMIT $2) t)`
		args = append(args, rows.IDs(touching))
	}
	err := s.feedReads.Query(ctx, s.expand(`
		SELECT record_send(ROW(`+strings.Join(changeColumns.SQL(selected, "c"), ", ")+`))
		FROM `+from+`
		ORDER BY c.seq
		LIMIT $2`), args, func(sent rows.Row) { entries = append(entries, s.entry(&sent, selected)) })
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	if len(entries) > 0 {
		s.mark.Raise(entries[len(entries)-1].RecordedAt)
	}
	return entries, nil
}
