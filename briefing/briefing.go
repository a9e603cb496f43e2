// Package briefing describes a negotiation on one page of Markdown for readers who have not followed it: where each
// scenario stands, who stands where, what has moved since a date and why, and which sources say so. A briefing is made
// from one snapshot through one lens. So the same request returns the same bytes, whatever is recorded later.
package briefing

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage"
)

// Request says what a briefing describes.
type Request struct {
	Negotiation string      // id or key
	AsOf        parley.AsOf // default: the present, on both axes
	Since       *parley.Instant
	UpTo        parley.Marking // "": everything; else an edition of what may be passed on up to this marking
	BaseURL     string         // of the server for the permalink, without a slash at its end
}

// ErrUnknown means that the negotiation is unknown through the lens.
var ErrUnknown = errors.New("no such negotiation")

// Path is the beginning of a briefing's URL path. The negotiation's key or id follows.
const Path = "/briefing/"

// Write writes a briefing. It returns ErrUnknown for an unknown negotiation and a *parley.Fault for a faulty request.
func Write(ctx context.Context, w io.Writer, store *storage.Store, r Request) error {
	b := &briefing{Request: r, Snapshot: store.Snapshot()}
	if err := b.read(ctx); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.text())
	return err
}

// briefing holds the records that a briefing describes.
type briefing struct {
	Request
	*storage.Snapshot
	lens        parley.Lens
	negotiation *parley.Negotiation
	issues      []issue
	moved       []move // moves since the date, as known through the lens
	learned     []move // facts about the date that were unknown on the date
	planned     []*parley.Event
	dissenting  map[*parley.StanceCell][]*parley.Position

	stakeholders map[uuid.UUID]*parley.Stakeholder
	offices      map[word][]*parley.Affiliation // of whoever spoke, then
	changes      map[uuid.UUID]*parley.StatusChange
	statements   map[uuid.UUID]*parley.Statement
	sources      map[uuid.UUID]*parley.Source
	cited        []uuid.UUID // sources, in the order of their numbers
}

// word is who spoke, and when.
type word struct {
	who uuid.UUID
	at  int64 // in microseconds
}

func wordOf(p *parley.Position) word { return word{p.HolderID, p.ValidFrom.UnixMicro()} }

// spoken is a speaker's word in a statement; without a date, as if it had been said at the valid instant of the lens.
func (b *briefing) spoken(s *parley.Statement, speaker uuid.UUID) word {
	at := b.lens.ValidAt
	if s.SaidAt != nil {
		at = *s.SaidAt
	}
	return word{speaker, at.UnixMicro()}
}

type issue struct {
	*parley.Issue
	scenarios   []*parley.Scenario
	matrix      *parley.StanceMatrix
	zone        []*parley.LandingZoneEntry
	likelihoods *parley.LikelihoodSet
}

// move is a difference between two readings of a status or a position.
type move struct {
	scenario *parley.Scenario
	cause    parley.ShiftCause

	// For a status: the statuses before and after (nil: not on the table), and the change that led to it.
	from, to *parley.ScenarioStatus
	change   *parley.StatusChange

	// For a position: the party, and the position that counts before and after (nil: none).
	party       *parley.Stakeholder
	also        []*parley.Stakeholder // parties for which the same positions count
	before, now *parley.Position

	// For an event: what is on record of it.
	event *parley.Event

	// For a likelihood: how the pooled judgement moved.
	likelihood *parley.LikelihoodShift
}

// key returns the storage key of a record, through the lens.
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
		return parley.NewFault(parley.BadRequest,
			"since: %s is later than %s, as of which the briefing is; give an earlier instant.",
			parley.FormatInstant(*b.Since), parley.FormatInstant(lens.ValidAt))
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
	if b.UpTo != "" {
		if err := b.Edition(ctx, b.negotiation.ID, b.UpTo); err != nil {
			return err
		}
	}
	reads := []func(context.Context) error{b.readIssues, b.readDissent, b.readMoves, b.readPlanned, b.readReferenced}
	for _, read := range reads {
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

// readDissent reads the dissenting positions of contested cells.
func (b *briefing) readDissent(ctx context.Context) error {
	var cells []*parley.StanceCell
	var versions []uuid.UUID
	for _, i := range b.issues {
		for _, row := range i.matrix.Rows {
			for _, c := range row.Cells {
				if c.Contested {
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

// readMoves reads what moved since the date, as known through the lens. It then reads what was learned later about the
// date itself, if the negotiation was known on that date.
func (b *briefing) readMoves(ctx context.Context) error {
	if b.Since == nil {
		return nil
	}
	then := parley.Lens{ValidAt: *b.Since, KnownAt: b.lens.KnownAt}
	if err := b.readStatusMoves(ctx); err != nil {
		return err
	}
	positions, err := b.positionMoves(ctx, then, b.lens)
	if err != nil {
		return err
	}
	b.moved = append(b.moved, positions...)
	if err := b.readOtherMoves(ctx, then); err != nil {
		return err
	}
	known := parley.Lens{ValidAt: *b.Since, KnownAt: *b.Since}
	if !known.KnownAt.Before(b.lens.KnownAt) {
		return nil
	}
	was, err := b.Negotiations(ctx, []storage.Key{{ID: b.negotiation.ID, Lens: known}}, nil)
	if err != nil || was[0] == nil {
		return err
	}
	if b.learned, err = b.statusesLearned(ctx, known, then); err != nil {
		return err
	}
	positions, err = b.positionMoves(ctx, known, then)
	b.learned = append(b.learned, positions...)
	return err
}

// readStatusMoves reads the status changes since the date.
func (b *briefing) readStatusMoves(ctx context.Context) error {
	from, to := b.Since.Add(time.Microsecond), b.lens.ValidAt.Add(time.Microsecond)
	asOf, filter := &parley.AsOf{ValidAt: &b.lens.ValidAt, KnownAt: &b.lens.KnownAt}, &parley.StatusChangeFilter{
		Negotiations: []string{b.negotiation.ID.String()}, Effective: &parley.TimeRange{From: &from, To: &to},
	}
	if !from.Before(to) {
		return nil
	}
	changes, err := everyPage(func(p parley.Page) ([]*parley.StatusChangeConnection, error) {
		page, err := b.ListStatusChanges(ctx, asOf, filter, p, nil)
		return []*parley.StatusChangeConnection{page}, err
	})
	if err != nil {
		return err
	}
	slices.Reverse(changes) // earliest first
	of := make([]uuid.UUID, len(changes))
	for i, c := range changes {
		of[i] = c.ScenarioID
	}
	scenarios, err := b.Scenarios(ctx, b.keys(of), nil)
	for i, s := range scenarios {
		if s != nil {
			b.moved = append(b.moved, move{
				scenario: s,
				cause:    parley.WorldChanged,
				from:     changes[i].From,
				to:       &changes[i].To,
				change:   changes[i],
			})
		}
	}
	return err
}

// statusesLearned compares the statuses at one valid time through two known times.
func (b *briefing) statusesLearned(ctx context.Context, from, to parley.Lens) (moves []move, err error) {
	shifts, err := everyPage(func(p parley.Page) ([]*parley.StatusShiftConnection, error) {
		return b.StatusShifts(ctx, []*parley.NegotiationDiff{{NegotiationID: b.negotiation.ID, From: from, To: to}}, p,
			nil)
	})
	if err != nil {
		return nil, err
	}
	was, is := make([]storage.Key, len(shifts)), make([]storage.Key, len(shifts))
	for i, s := range shifts {
		was[i], is[i] = storage.Key{ID: s.ScenarioID, Lens: from}, storage.Key{ID: s.ScenarioID, Lens: to}
	}
	before, err := b.Scenarios(ctx, was, nil)
	if err != nil {
		return nil, err
	}
	now, err := b.Scenarios(ctx, is, nil)
	if err != nil {
		return nil, err
	}
	for i, s := range now {
		is[i].ID = uuid.Nil
		if s != nil && s.StatusChangeID != nil {
			is[i].ID = *s.StatusChangeID
		}
	}
	changes, err := b.StatusChanges(ctx, is, nil)
	for i, s := range shifts {
		if scenario := cmp.Or(now[i], before[i]); err == nil && scenario != nil {
			moves = append(moves,
				move{scenario: scenario, cause: s.Cause(), from: s.Before, to: s.After, change: changes[i]})
		}
	}
	return moves, err
}

// positionMoves compares the positions through two lenses.
func (b *briefing) positionMoves(ctx context.Context, from, to parley.Lens) (moves []move, err error) {
	shifts, err := everyPage(func(p parley.Page) ([]*parley.PositionShiftConnection, error) {
		return b.PositionShifts(ctx, []*parley.NegotiationDiff{{NegotiationID: b.negotiation.ID, From: from, To: to}},
			p, nil)
	})
	if err != nil {
		return nil, err
	}
	before, after := make([]storage.Key, len(shifts)), make([]storage.Key, len(shifts))
	of, parties := make([]uuid.UUID, len(shifts)), make([]uuid.UUID, len(shifts))
	for i, s := range shifts {
		before[i].Lens, after[i].Lens, of[i], parties[i] = from, to, s.ScenarioID, s.PartyID
		if s.Was != nil {
			before[i].ID = s.Was.Version
		}
		if s.Is != nil {
			after[i].ID = s.Is.Version
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
	scenarios, err := b.ScenariosOnTheTable(ctx, b.keys(of), nil)
	if err != nil {
		return nil, err
	}
	stakeholders, err := b.Stakeholders(ctx, b.keys(parties), nil)
	if err != nil {
		return nil, err
	}
	type words struct{ before, now uuid.UUID }
	same := make(map[words]int) // the place of the move with the same positions
	for i, s := range shifts {
		if scenarios[i] == nil || stakeholders[i] == nil || cmp.Or(is[i], was[i]) == nil {
			continue
		}
		of := words{before[i].ID, after[i].ID}
		if place, known := same[of]; known {
			moves[place].also = append(moves[place].also, stakeholders[i])
			continue
		}
		same[of] = len(moves)
		moves = append(moves,
			move{scenario: scenarios[i], cause: s.Cause(), party: stakeholders[i], before: was[i], now: is[i]})
	}
	return moves, nil
}

// readOtherMoves reads the events that were held since the date, and how likelihoods moved.
func (b *briefing) readOtherMoves(ctx context.Context, then parley.Lens) error {
	diff := []*parley.NegotiationDiff{{NegotiationID: b.negotiation.ID, From: then, To: b.lens}}
	events, err := everyPage(func(p parley.Page) ([]*parley.EventConnection, error) {
		return b.EventsOf(ctx, []storage.Key{b.key(b.negotiation.ID)}, p, nil)
	})
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.State == parley.EventHeld && e.StartedAt.After(*b.Since) && !e.StartedAt.After(b.lens.ValidAt) {
			b.moved = append(b.moved, move{cause: parley.WorldChanged, event: e})
		}
	}
	shifts, err := everyPage(func(p parley.Page) ([]*parley.LikelihoodShiftConnection, error) {
		return b.LikelihoodShifts(ctx, diff, p, nil)
	})
	if err != nil {
		return err
	}
	of := make([]uuid.UUID, len(shifts))
	for i, s := range shifts {
		of[i] = s.ScenarioID
	}
	scenarios, err := b.Scenarios(ctx, b.keys(of), nil)
	for i, s := range shifts {
		if err == nil && scenarios[i] != nil {
			b.moved = append(b.moved, move{scenario: scenarios[i], cause: s.Cause(), likelihood: s})
		}
	}
	return err
}

// everyPage reads all pages of a list. read returns one connection.
func everyPage[T any](read func(parley.Page) ([]*parley.Connection[T], error)) (all []*T, err error) {
	err = parley.EachPage(func(p parley.Page) (parley.PageInfo, error) {
		pages, err := read(p)
		if err != nil {
			return parley.PageInfo{}, err
		}
		all = append(all, pages[0].Nodes...)
		return pages[0].PageInfo, nil
	})
	return all, err
}

// readPlanned reads the planned and postponed events that have not ended.
func (b *briefing) readPlanned(ctx context.Context) error {
	events, err := everyPage(func(p parley.Page) ([]*parley.EventConnection, error) {
		return b.EventsOf(ctx, []storage.Key{b.key(b.negotiation.ID)}, p, nil)
	})
	for _, e := range events {
		if (e.State == parley.EventPlanned || e.State == parley.EventPostponed) && ends(e.StartedAt, e.StartedAtPrecision).After(b.lens.ValidAt) {
			b.planned = append(b.planned, e)
		}
	}
	return err
}

// readReferenced reads the records that the text refers to, and the sources.
func (b *briefing) readReferenced(ctx context.Context) (err error) {
	var statements, changes, people []uuid.UUID
	var positions []*parley.Position
	var words []word
	for _, i := range b.issues {
		for _, s := range i.scenarios {
			changes = append(changes, *s.StatusChangeID)
		}
		for _, row := range i.matrix.Rows {
			for _, cell := range row.Cells {
				if cell.ThroughID != nil {
					people = append(people, *cell.ThroughID)
				}
				positions = append(append(positions, cell.Position), cell.Others...)
			}
		}
	}
	for _, list := range b.dissenting {
		positions = append(positions, list...)
	}
	for _, m := range slices.Concat(b.moved, b.learned) {
		statements = append(statements, m.evidence()...)
		positions = append(positions, m.before, m.now)
	}
	positions = slices.DeleteFunc(positions, func(p *parley.Position) bool { return p == nil })
	for _, p := range positions {
		statements, people = append(statements, p.EvidenceIDs...), append(people, p.HolderID)
		words = append(words, wordOf(p))
	}
	b.changes, err = byID(ctx, b, changes, b.StatusChanges, func(c *parley.StatusChange) uuid.UUID { return c.ID })
	if err != nil {
		return err
	}
	for _, c := range b.changes {
		statements = append(statements, c.EvidenceIDs...)
	}
	for _, e := range b.planned {
		statements = append(statements, e.EvidenceIDs...)
	}
	b.statements, err = byID(ctx, b, statements, b.Statements, func(s *parley.Statement) uuid.UUID { return s.ID })
	if err != nil {
		return err
	}
	var sources []uuid.UUID
	for _, s := range b.statements {
		sources = append(sources, s.SourceID)
		for _, speaker := range s.SpeakerIDs {
			people, words = append(people, speaker), append(words, b.spoken(s, speaker))
		}
	}
	slices.SortFunc(words, func(a, b word) int { return cmp.Or(slices.Compare(a.who[:], b.who[:]), cmp.Compare(a.at, b.at)) })
	organizations, err := b.readOffices(ctx, slices.Compact(words))
	if err != nil {
		return err
	}
	people = append(people, organizations...)
	b.sources, err = byID(ctx, b, sources, b.Sources, func(s *parley.Source) uuid.UUID { return s.ID })
	if err != nil {
		return err
	}
	b.stakeholders, err = byID(ctx, b, people, b.Stakeholders, func(s *parley.Stakeholder) uuid.UUID { return s.ID })
	return err
}

// readOffices reads which offices those had who spoke, then, and the organizations.
func (b *briefing) readOffices(ctx context.Context, words []word) (organizations []uuid.UUID, err error) {
	b.offices = make(map[word][]*parley.Affiliation)
	var keys []storage.Key
	for _, w := range words {
		keys = append(keys, storage.Key{ID: w.who, Lens: parley.Lens{ValidAt: time.UnixMicro(w.at).UTC(), KnownAt: b.lens.KnownAt}})
	}
	lists, err := b.AffiliationsOf(ctx, keys, nil)
	for n, list := range lists {
		b.offices[words[n]] = list
		for _, a := range list {
			organizations = append(organizations, a.OrganizationID)
		}
	}
	return organizations, err
}

// byID reads records, each once, and returns them by id.
func byID[T any](
	ctx context.Context, b *briefing, ids []uuid.UUID,
	read func(context.Context, []storage.Key, *storage.Fields) ([]*T, error), id func(*T) uuid.UUID,
) (map[uuid.UUID]*T, error) {
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

// evidence returns the ids of the statements that support a move.
func (m move) evidence() (ids []uuid.UUID) {
	if m.change != nil {
		ids = append(ids, m.change.EvidenceIDs...)
	}
	for _, p := range []*parley.Position{m.now, m.before} {
		if p != nil {
			ids = append(ids, p.EvidenceIDs...)
		}
	}
	if m.event != nil {
		ids = append(ids, m.event.EvidenceIDs...)
	}
	return ids
}

// permalink returns the URL of this briefing. It fixes both instants of the lens, so the answer never changes.
func (b *briefing) permalink() string {
	q := url.Values{
		"validAt": {parley.FormatInstant(b.lens.ValidAt)},
		"knownAt": {parley.FormatInstant(b.lens.KnownAt)},
	}
	if b.Since != nil {
		q.Set("since", parley.FormatInstant(*b.Since))
	}
	if b.UpTo != "" {
		q.Set("upTo", string(b.UpTo))
	}
	return b.BaseURL + Path + url.PathEscape(b.negotiation.Key) + "?" + q.Encode()
}
