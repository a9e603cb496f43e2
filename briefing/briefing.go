// Package briefing writes a negotiation down for somebody who has not followed it: where each scenario stands, who stands
// where, what has moved since a date and why, and by what sources. It is Markdown, made of one snapshot seen through one
// lens, so that the same question has the same answer, byte for byte, whatever is recorded later.
package briefing

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"parley"
	"parley/storage"
)

// Request says what to write about.
type Request struct {
	Negotiation string      // id or key
	AsOf        parley.AsOf // default: now, on both axes
	Since       *parley.Instant
	BaseURL     string // of the server whose permalink is given, without a slash at its end
}

// ErrUnknown: there is no such negotiation through the lens.
var ErrUnknown = errors.New("no such negotiation")

// Path is where servers serve briefings: the negotiation's key or id follows.
const Path = "/briefing/"

// Write writes the briefing. What can't be asked is a *parley.Fault.
func Write(ctx context.Context, w io.Writer, store *storage.Store, r Request) error {
	b := &briefing{Request: r, Snapshot: store.Snapshot()}
	if err := b.read(ctx); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.markdown())
	return err
}

// briefing is what is read for one.
type briefing struct {
	Request
	*storage.Snapshot
	lens        parley.Lens
	negotiation *parley.Negotiation
	issues      []issue
	moved       []move // since the date, as known now
	learned     []move // of what had been so before it
	planned     []*parley.Event
	dissenting  map[*parley.StanceCell][]*parley.Position

	stakeholders map[uuid.UUID]*parley.Stakeholder
	changes      map[uuid.UUID]*parley.StatusChange
	statements   map[uuid.UUID]*parley.Statement
	sources      map[uuid.UUID]*parley.Source
	cited        []uuid.UUID // sources, in the order of their numbers
}

type issue struct {
	*parley.Issue
	scenarios   []*parley.Scenario
	matrix      *parley.StanceMatrix
	zone        []*parley.LandingZoneEntry
	likelihoods *parley.LikelihoodSet
}

// move is a status or a position that reads differently.
type move struct {
	scenario *parley.Scenario
	cause    parley.ShiftCause

	// Of a status: how it read before, nil for not at all, and the change that led to how it reads now.
	was    *parley.ScenarioStatus
	change *parley.StatusChange

	// Of a position: whose, and how it read before and reads now, either being nil for not at all.
	holder      *parley.Stakeholder
	before, now *parley.Position
}

// key asks for a record through the lens.
func (b *briefing) key(id uuid.UUID) storage.Key { return storage.Key{ID: id, Lens: b.lens} }

func (b *briefing) keys(ids []uuid.UUID) []storage.Key {
	keys := make([]storage.Key, len(ids))
	for i, id := range ids {
		keys[i] = b.key(id)
	}
	return keys
}

func (b *briefing) read(ctx context.Context) error {
	lens, err := b.Through(ctx, &b.AsOf)
	if err != nil {
		return err
	}
	if b.Since != nil && b.Since.After(lens.ValidAt) {
		return parley.NewFault(parley.BadRequest, "since: %s is later than %s, as of which the briefing is; give an earlier instant.", parley.FormatInstant(*b.Since), parley.FormatInstant(lens.ValidAt))
	}
	b.lens = lens
	k, err := b.Key(ctx, b.Negotiation, &parley.AsOf{ValidAt: &lens.ValidAt, KnownAt: &lens.KnownAt})
	if err != nil {
		return err
	}
	negotiations, err := b.Negotiations(ctx, []storage.Key{k}, nil)
	if err != nil {
		return err
	}
	if negotiations[0] == nil {
		return ErrUnknown
	}
	b.negotiation = negotiations[0]
	for _, read := range []func(context.Context) error{b.readIssues, b.readDissent, b.readMoves, b.readPlanned, b.readWhatIsNamed} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *briefing) readIssues(ctx context.Context) error {
	lists, err := b.IssuesOf(ctx, []storage.Key{b.key(b.negotiation.ID)}, nil)
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	for _, i := range lists[0] {
		ids = append(ids, i.ID)
	}
	keys := b.keys(ids)
	matrices, err := b.Matrices(ctx, keys, nil, nil, nil)
	if err != nil {
		return err
	}
	zones, err := b.LandingZones(ctx, keys, nil, nil)
	if err != nil {
		return err
	}
	likelihoods, err := b.Likelihoods(ctx, keys, nil)
	if err != nil {
		return err
	}
	var columns []uuid.UUID
	for _, m := range matrices {
		columns = append(columns, m.ScenarioIDs...)
	}
	scenarios, err := b.Scenarios(ctx, b.keys(columns), nil)
	if err != nil {
		return err
	}
	for n, i := range lists[0] {
		own := len(matrices[n].ScenarioIDs)
		b.issues = append(b.issues, issue{i, scenarios[:own], matrices[n], zones[n], likelihoods[n]})
		scenarios = scenarios[own:]
	}
	return nil
}

// readDissent reads what stands beside the positions that are contested.
func (b *briefing) readDissent(ctx context.Context) error {
	var cells []*parley.StanceCell
	var versions []uuid.UUID
	for _, i := range b.issues {
		for _, row := range i.matrix.Rows {
			for _, c := range row.Cells {
				if c.Position != nil && c.Position.Contested {
					cells, versions = append(cells, c), append(versions, c.Position.Version)
				}
			}
		}
	}
	lists, err := b.Dissenting(ctx, b.keys(versions), nil)
	b.dissenting = make(map[*parley.StanceCell][]*parley.Position, len(cells))
	for n, list := range lists {
		b.dissenting[cells[n]] = list
	}
	return err
}

// readMoves compares now with the date: the world then, as known now, and what was known then of it.
func (b *briefing) readMoves(ctx context.Context) error {
	if b.Since == nil {
		return nil
	}
	then := parley.Lens{ValidAt: *b.Since, KnownAt: b.lens.KnownAt}
	moved, err := b.compare(ctx, then)
	if err != nil {
		return err
	}
	b.moved = moved
	if !b.Since.Before(b.lens.KnownAt) {
		return nil
	}
	then.KnownAt = *b.Since
	learned, err := b.compare(ctx, then)
	for _, m := range learned {
		if m.cause == parley.LateReport || m.cause == parley.RecordCorrected {
			b.learned = append(b.learned, m)
		}
	}
	return err
}

func (b *briefing) compare(ctx context.Context, from parley.Lens) (moves []move, err error) {
	diff := []*parley.NegotiationDiff{{NegotiationID: b.negotiation.ID, From: from, To: b.lens}}
	statuses, err := everyPage(func(p parley.Page) ([]*parley.StatusShiftConnection, error) {
		return b.StatusShifts(ctx, diff, p, nil)
	})
	if err != nil {
		return nil, err
	}
	positions, err := everyPage(func(p parley.Page) ([]*parley.PositionShiftConnection, error) {
		return b.PositionShifts(ctx, diff, p, nil)
	})
	if err != nil {
		return nil, err
	}
	var of []uuid.UUID
	for _, s := range statuses {
		of = append(of, s.ScenarioID)
	}
	scenarios, err := b.Scenarios(ctx, b.keys(of), nil)
	if err != nil {
		return nil, err
	}
	changes, err := b.currentChanges(ctx, scenarios)
	if err != nil {
		return nil, err
	}
	for i, s := range statuses {
		if scenarios[i] != nil && changes[i] != nil {
			moves = append(moves, move{scenario: scenarios[i], cause: s.Cause(), was: s.Before, change: changes[i]})
		}
	}
	more, err := b.positionMoves(ctx, from, positions)
	return append(moves, more...), err
}

// currentChanges are the status changes in force of scenarios.
func (b *briefing) currentChanges(ctx context.Context, scenarios []*parley.Scenario) ([]*parley.StatusChange, error) {
	keys := make([]storage.Key, len(scenarios))
	for i, s := range scenarios {
		keys[i].Lens = b.lens
		if s != nil && s.StatusChangeID != nil {
			keys[i].ID = *s.StatusChangeID
		}
	}
	return b.StatusChanges(ctx, keys, nil)
}

func (b *briefing) positionMoves(ctx context.Context, from parley.Lens, shifts []*parley.PositionShift) ([]move, error) {
	before, after := make([]storage.Key, len(shifts)), make([]storage.Key, len(shifts))
	of, holders := make([]uuid.UUID, len(shifts)), make([]uuid.UUID, len(shifts))
	for i, s := range shifts {
		before[i].Lens, after[i].Lens, of[i], holders[i] = from, b.lens, s.ScenarioID, s.HolderID
		if s.BeforeID != nil {
			before[i].ID = *s.BeforeID
		}
		if s.AfterID != nil {
			after[i].ID = *s.AfterID
		}
	}
	was, err := b.PositionVersions(ctx, before, nil)
	if err != nil {
		return nil, err
	}
	is, err := b.PositionVersions(ctx, after, nil)
	if err != nil {
		return nil, err
	}
	scenarios, err := b.Scenarios(ctx, b.keys(of), nil)
	if err != nil {
		return nil, err
	}
	stakeholders, err := b.Stakeholders(ctx, b.keys(holders), nil)
	if err != nil {
		return nil, err
	}
	var moves []move
	for i, s := range shifts {
		if scenarios[i] != nil && stakeholders[i] != nil {
			moves = append(moves, move{scenario: scenarios[i], cause: s.Cause(), holder: stakeholders[i], before: was[i], now: is[i]})
		}
	}
	return moves, nil
}

// everyPage reads all pages of the one list that is asked for.
func everyPage[T any](read func(parley.Page) ([]*parley.Connection[T], error)) (all []*T, err error) {
	p := parley.Page{First: parley.MaxPage}
	for {
		pages, err := read(p)
		if err != nil {
			return nil, err
		}
		all = append(all, pages[0].Nodes...)
		if !pages[0].PageInfo.HasNextPage {
			return all, nil
		}
		p.After = pages[0].PageInfo.EndCursor
	}
}

// readPlanned reads the events ahead.
func (b *briefing) readPlanned(ctx context.Context) error {
	events, err := everyPage(func(p parley.Page) ([]*parley.EventConnection, error) {
		return b.EventsOf(ctx, []storage.Key{b.key(b.negotiation.ID)}, p, nil)
	})
	for _, e := range events {
		if e.State == "PLANNED" && ends(e.StartedAt, e.StartedAtPrecision).After(b.lens.ValidAt) {
			b.planned = append(b.planned, e)
		}
	}
	return err
}

// readWhatIsNamed reads the records that the text names, and the sources.
func (b *briefing) readWhatIsNamed(ctx context.Context) (err error) {
	var statements, changes, people []uuid.UUID
	for _, i := range b.issues {
		for _, s := range i.scenarios {
			changes = append(changes, *s.StatusChangeID)
		}
		for _, row := range i.matrix.Rows {
			for _, cell := range row.Cells {
				if cell.Position != nil {
					statements, people = append(statements, cell.Position.EvidenceIDs...), append(people, cell.Position.HolderID)
				}
			}
		}
	}
	if b.changes, err = byID(ctx, b, changes, b.StatusChanges, func(c *parley.StatusChange) uuid.UUID { return c.ID }); err != nil {
		return err
	}
	for _, c := range b.changes {
		statements = append(statements, c.EvidenceIDs...)
	}
	for _, list := range b.dissenting {
		for _, p := range list {
			statements = append(statements, p.EvidenceIDs...)
		}
	}
	for _, m := range slices.Concat(b.moved, b.learned) {
		statements = append(statements, m.evidence()...)
	}
	if b.statements, err = byID(ctx, b, statements, b.Statements, func(s *parley.Statement) uuid.UUID { return s.ID }); err != nil {
		return err
	}
	var sources []uuid.UUID
	for _, s := range b.statements {
		sources = append(sources, s.SourceID)
		if s.SpeakerID != nil {
			people = append(people, *s.SpeakerID)
		}
	}
	if b.sources, err = byID(ctx, b, sources, b.Sources, func(s *parley.Source) uuid.UUID { return s.ID }); err != nil {
		return err
	}
	b.stakeholders, err = byID(ctx, b, people, b.Stakeholders, func(s *parley.Stakeholder) uuid.UUID { return s.ID })
	return err
}

func byID[T any](ctx context.Context, b *briefing, ids []uuid.UUID, read func(context.Context, []storage.Key, *storage.Fields) ([]*T, error), id func(*T) uuid.UUID) (map[uuid.UUID]*T, error) {
	found := make(map[uuid.UUID]*T)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	records, err := read(ctx, b.keys(ids), nil)
	for _, r := range records {
		if r != nil {
			found[id(r)] = r
		}
	}
	return found, err
}

// evidence is what a move rests on.
func (m move) evidence() []uuid.UUID {
	switch {
	case m.change != nil:
		return m.change.EvidenceIDs
	case m.now != nil:
		return m.now.EvidenceIDs
	}
	return nil
}

// permalink asks for the same again: with both instants pinned, the answer stays.
func (b *briefing) permalink() string {
	q := url.Values{"validAt": {parley.FormatInstant(b.lens.ValidAt)}, "knownAt": {parley.FormatInstant(b.lens.KnownAt)}}
	if b.Since != nil {
		q.Set("since", parley.FormatInstant(*b.Since))
	}
	return b.BaseURL + Path + url.PathEscape(b.negotiation.Key) + "?" + q.Encode()
}
