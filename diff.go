package parley

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// NegotiationDiff is the difference between two lenses on a negotiation.
type NegotiationDiff struct {
	NegotiationID uuid.UUID
	From, To      Lens
}

// Backwards reports whether the diff goes to an earlier valid instant or, where they are equal, to an earlier known
// one.
func (d *NegotiationDiff) Backwards() bool {
	return cmp.Or(d.From.ValidAt.Compare(d.To.ValidAt), d.From.KnownAt.Compare(d.To.KnownAt)) > 0
}

// ValidSpan returns the two valid instants, the older one first.
func (d *NegotiationDiff) ValidSpan() (older, newer Instant) {
	if d.To.ValidAt.Before(d.From.ValidAt) {
		return d.To.ValidAt, d.From.ValidAt
	}
	return d.From.ValidAt, d.To.ValidAt
}

// KnownSpan returns the two known instants, the older one first.
func (d *NegotiationDiff) KnownSpan() (older, newer Instant) {
	if d.To.KnownAt.Before(d.From.KnownAt) {
		return d.To.KnownAt, d.From.KnownAt
	}
	return d.From.KnownAt, d.To.KnownAt
}

// Step is one change of a value between two lenses. At is the valid instant of the change; for one that the record
// made, it is the valid instant at which the two records are compared.
type Step[V any] struct {
	At     Instant
	Before V
	After  V
	Cause  ShiftCause
}

// StatusStep is a step of a status. Nil: there is none.
type StatusStep = Step[*ScenarioStatus]

// PositionStep is a step of the position that counts, from Was to Is. Nil: none holds. Both have the fields that tell
// them apart, and the lens on whose record they stand.
type PositionStep struct {
	At    Instant
	Was   *Position
	Is    *Position
	Cause ShiftCause
}

// StatusShift is a scenario whose status moved. Before and After are nil where it is not on the table. They are equal
// if it moved and came back.
type StatusShift struct {
	Lens       Lens // the lens that the diff goes to
	ScenarioID uuid.UUID
	Before     *ScenarioStatus
	After      *ScenarioStatus
	Steps      []*StatusStep
}

// Cause returns the cause of the last step.
func (s *StatusShift) Cause() ShiftCause { return s.Steps[len(s.Steps)-1].Cause }

// PositionShift is a party whose word on a scenario moved in stance, conditions or red line. Was and Is are the
// positions that count, with the fields that tell them apart; nil: none holds. They say the same if the party moved and
// came back.
type PositionShift struct {
	Lens       Lens // the lens that the diff goes to
	From       Lens
	PartyID    uuid.UUID
	ScenarioID uuid.UUID
	Was        *Position
	Is         *Position
	Steps      []*PositionStep
}

// Cause returns the cause of the last step.
func (s *PositionShift) Cause() ShiftCause { return s.Steps[len(s.Steps)-1].Cause }

// Pages of shifts.
type (
	StatusShiftConnection   = Connection[StatusShift]
	StatusShiftEdge         = Edge[StatusShift]
	PositionShiftConnection = Connection[PositionShift]
	PositionShiftEdge       = Edge[PositionShift]
)

// course is how a value reads on one record.
type course[V any] struct {
	at    func(Instant) V
	moves func(after, upTo Instant) []taken[V] // the values that it takes, in order; some may be as before
}

// taken is a value from an instant on.
type taken[V any] struct {
	at    Instant
	value V
}

// courses are how a value reads on the records of the two lenses, the one with the older known instant first.
type courses[V any] struct {
	older, newer course[V]
	known        bool            // something was on record of it at the older known instant
	uncorrected  func(Instant) V // how it would read without the corrections and retractions recorded in between
	same         func(a, b V) bool
}

// steps returns the steps from one lens of a diff to the other: where the record changed, one at most; and where the
// world did, by the newer record. The cause of a step of the record is left empty if uncorrected is nil and decides.
func (c courses[V]) steps(d *NegotiationDiff) []*Step[V] {
	begins, ends := d.ValidSpan()
	var steps []*Step[V]
	world := func() {
		value := c.newer.at(begins)
		for _, next := range c.newer.moves(begins, ends) {
			if !c.same(value, next.value) {
				steps = append(steps, &Step[V]{next.at, value, next.value, WorldChanged})
			}
			value = next.value
		}
	}
	// The record changes at the older valid instant, where the newer lens has the newer record too. Otherwise the way
	// to the newer lens leads back to the older record, at its valid instant.
	from, to := d.From, d.To
	if d.Backwards() {
		from, to = to, from
	}
	if to.KnownAt.Before(from.KnownAt) {
		world()
		steps = append(steps, reversed(c.onRecord(ends))...)
	} else {
		steps = c.onRecord(begins)
		world()
	}
	if d.Backwards() {
		return reversed(steps)
	}
	return steps
}

// onRecord returns the step from the older to the newer record at an instant, none if both say the same.
func (c courses[V]) onRecord(t Instant) []*Step[V] {
	before, after := c.older.at(t), c.newer.at(t)
	if c.same(before, after) {
		return nil
	}
	cause := LateReport
	switch {
	case !c.known:
		cause = FirstRecorded
	case c.uncorrected == nil:
		cause = ""
	case !c.same(c.uncorrected(t), after):
		cause = RecordCorrected
	}
	return []*Step[V]{{t, before, after, cause}}
}

// reversed returns the steps of the way back.
func reversed[V any](steps []*Step[V]) []*Step[V] {
	back := make([]*Step[V], 0, len(steps))
	for _, s := range slices.Backward(steps) {
		back = append(back, &Step[V]{s.At, s.After, s.Before, s.Cause})
	}
	return back
}

// ends returns the values at the two ends of a diff: of the older record at its instant, and so on.
func (c courses[V]) ends(d *NegotiationDiff) (from, to V) {
	older, _ := d.KnownSpan()
	read := func(lens Lens) V {
		if lens.KnownAt.Equal(older) {
			return c.older.at(lens.ValidAt)
		}
		return c.newer.at(lens.ValidAt)
	}
	return read(d.From), read(d.To)
}

// Records are facts on the two records of a diff, and without the corrections and retractions recorded in between. Each
// list is sorted by time.
type Records[T any] struct {
	Older, Newer, Uncorrected []*T
}

// moved calls each for every id whose value moved between the lenses, in order. Of says whose value a fact is of, and
// reads how the value reads on its facts.
func moved[T, V any](
	r Records[T], d *NegotiationDiff, ids []uuid.UUID, of func(*T) uuid.UUID, reads func([]*T) course[V],
	same func(a, b V) bool, each func(id uuid.UUID, before, after V, steps []*Step[V]),
) {
	older, newer, uncorrected := groupBy(r.Older, of), groupBy(r.Newer, of), groupBy(r.Uncorrected, of)
	for _, id := range ids {
		c := courses[V]{
			older: reads(older[id]), newer: reads(newer[id]), known: len(older[id]) > 0,
			uncorrected: reads(uncorrected[id]).at, same: same,
		}
		if steps := c.steps(d); len(steps) > 0 {
			before, after := c.ends(d)
			each(id, before, after, steps)
		}
	}
}

func groupBy[T any](facts []*T, of func(*T) uuid.UUID) map[uuid.UUID][]*T {
	groups := make(map[uuid.UUID][]*T)
	for _, f := range facts {
		groups[of(f)] = append(groups[of(f)], f)
	}
	return groups
}

// equal reports whether both are nil, or both are not and have the same value.
func equal[V comparable](a, b *V) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// StatusShifts returns how the statuses of these scenarios moved, in their order.
func StatusShifts(r Records[StatusChange], d *NegotiationDiff, scenarios []uuid.UUID) (shifts []*StatusShift) {
	moved(r, d, scenarios, func(s *StatusChange) uuid.UUID { return s.ScenarioID }, courseOf, equal,
		func(id uuid.UUID, before, after *ScenarioStatus, steps []*StatusStep) {
			shifts = append(shifts, &StatusShift{d.To, id, before, after, steps})
		})
	return shifts
}

func courseOf(line []*StatusChange) course[*ScenarioStatus] {
	return course[*ScenarioStatus]{
		at: func(t Instant) *ScenarioStatus {
			if s := StatusAt(line, Beginning{t, MaxOrdinal}); s != nil {
				return &s.To
			}
			return nil
		},
		moves: func(after, upTo Instant) (all []taken[*ScenarioStatus]) {
			for _, s := range line {
				if s.EffectiveAt.After(after) && !s.EffectiveAt.After(upTo) {
					all = append(all, taken[*ScenarioStatus]{s.EffectiveAt, &s.To})
				}
			}
			return all
		},
	}
}

// Readings are where parties stand on the two records of a diff, and without the corrections and retractions recorded
// in between. A nil Uncorrected leaves the causes open that depend on it.
type Readings struct {
	Older, Newer, Uncorrected *Reading
}

// Shifts returns how the words of parties moved, in no order. A party that has no word of its own on a scenario, but
// those of groups, is left out unless it takes part.
func (r *Readings) Shifts(d *NegotiationDiff, takesPart func(party uuid.UUID) bool) []*PositionShift {
	met := make(map[cell]bool, len(r.Newer.lines))
	var shifts []*PositionShift
	for _, reading := range []*Reading{r.Older, r.Newer} {
		for at := range reading.lines {
			if met[at] {
				continue
			}
			met[at] = true
			if !r.Older.hasOwn(at) && !r.Newer.hasOwn(at) && !takesPart(at.party) {
				continue
			}
			if s := r.shift(d, at); s != nil {
				shifts = append(shifts, s)
			}
		}
	}
	return shifts
}

// Open returns the scenarios on which the cause of a step depends on Uncorrected.
func (r *Readings) Open(shifts []*PositionShift) []uuid.UUID {
	var scenarios []uuid.UUID
	for _, s := range shifts {
		open := slices.ContainsFunc(s.Steps, func(step *PositionStep) bool { return step.Cause == "" })
		if open && !slices.Contains(scenarios, s.ScenarioID) {
			scenarios = append(scenarios, s.ScenarioID)
		}
	}
	return scenarios
}

func (r *Readings) shift(d *NegotiationDiff, at cell) *PositionShift {
	c := courses[*Position]{
		older: r.Older.course(at), newer: r.Newer.course(at), known: len(r.Older.lines[at]) > 0, same: saysTheSame,
	}
	if r.Uncorrected != nil {
		c.uncorrected = r.Uncorrected.course(at).at
	}
	steps := c.steps(d)
	if len(steps) == 0 {
		return nil
	}
	s := &PositionShift{Lens: d.To, From: d.From, PartyID: at.party, ScenarioID: at.scenario}
	for _, step := range steps {
		s.Steps = append(s.Steps, &PositionStep{step.At, step.Before, step.After, step.Cause})
	}
	s.Was, s.Is = c.ends(d)
	return s
}

func saysTheSame(a, b *Position) bool {
	return (a == nil) == (b == nil) && (a == nil || a.SaysTheSame(b))
}

func (r *Reading) hasOwn(at cell) bool {
	return slices.ContainsFunc(r.lines[at], func(l *line) bool { return l.from == at.party })
}

// course returns how the word that counts for a party reads.
func (r *Reading) course(at cell) course[*Position] {
	read := func(t Instant) *Position { return r.At(at.party, at.scenario, t).Position }
	return course[*Position]{at: read, moves: func(after, upTo Instant) (all []taken[*Position]) {
		var instants []Instant
		add := func(t *Instant) {
			if t != nil && t.After(after) && !t.After(upTo) {
				instants = append(instants, *t)
			}
		}
		var passing []*word // followed at the same instant, and a move all the same
		for _, l := range r.lines[at] {
			for _, w := range l.words {
				add(&w.ValidFrom)
				add(w.until)
				if w.until != nil && w.until.Equal(w.ValidFrom) && !w.beside && !w.isSilence(at.party) {
					passing = append(passing, w)
				}
			}
		}
		slices.SortFunc(instants, Instant.Compare)
		slices.SortFunc(passing, func(a, b *word) int { return a.Beginning().Compare(b.Beginning()) })
		for _, t := range slices.CompactFunc(instants, Instant.Equal) {
			for _, w := range passing {
				if w.ValidFrom.Equal(t) {
					all = append(all, taken[*Position]{t, w.Position})
				}
			}
			all = append(all, taken[*Position]{t, read(t)})
		}
		return all
	}}
}

// Rearranged derives again how the words of each holder cut each other, from what was asserted alone: for words that
// were not on record together. Of two plain ones that begin at the same time, the one recorded earlier counts.
func (v *Voices) Rearranged() *Voices {
	lines := make(map[cell][]*Position)
	for _, p := range v.Positions {
		own := *p
		at := cell{p.HolderID, p.ScenarioID}
		lines[at] = append(lines[at], &own)
	}
	arranged := &Voices{Offices: v.Offices, Memberships: v.Memberships}
	for _, line := range lines {
		line = slices.DeleteFunc(slices.Clone(line), func(p *Position) bool {
			return p.ContestsID == nil && slices.ContainsFunc(line, func(o *Position) bool {
				return o != p && o.ContestsID == nil && o.Beginning() == p.Beginning() && o.RecordedAt.Before(p.RecordedAt)
			})
		})
		_ = ArrangePositions(line, uuid.Nil) // never refuses: nothing is marked as changed
		arranged.Positions = append(arranged.Positions, line...)
	}
	return arranged
}
