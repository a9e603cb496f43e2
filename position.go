package parley

import (
	"slices"

	"github.com/google/uuid"
)

// Position is a holder's stance on a scenario over an interval: what it says or shows, not what it may want. How long it
// holds, and whether it stands beside another, is not asserted: it follows from its line (see ArrangePositions).
type Position struct {
	Lens Lens
	Provenance

	ID                 uuid.UUID
	HolderID           uuid.UUID
	ScenarioID         uuid.UUID
	Stance             Stance
	Conditions         []string
	RedLine            bool
	Salience           *int
	Rationale          *string
	Confidence         AnalyticConfidence
	EvidenceIDs        []uuid.UUID
	LastAffirmedAt     *Instant // the newest saidAt of its evidence
	SecondHand         bool
	ValidFrom          Instant
	ValidFromPrecision TimePrecision
	AssertedTo         *Instant
	ContestsID         *uuid.UUID

	// ValidTo is until when it holds; nil: until further notice.
	ValidTo *Instant
	// Beside: it stands beside a plain position, and ends none.
	Beside bool
	// Disputed: another position of its line holds at some instant of its interval.
	Disputed bool
	// Contested: another position of its line holds at the lens's valid instant.
	Contested bool
}

// A page of positions.
type (
	PositionConnection = Connection[Position]
	PositionEdge       = Edge[Position]
)

// Label is what to call it in a list, given the holder's name and the scenario's title.
func (p *Position) Label(holder, scenario string) string {
	return holder + " " + Words(p.Stance) + ": " + scenario
}

// Stance is where a holder stands. Looked for and not spoken (UNDECLARED), spoken and unclear (AMBIGUOUS), and saying
// that it does not mind (NEUTRAL) are three things; a fourth, that nobody looked, is no position at all.
type Stance string

// Stances lists every Stance.
var Stances = []Stance{"STRONGLY_OPPOSES", "OPPOSES", "NEUTRAL", "SUPPORTS", "STRONGLY_SUPPORTS", "AMBIGUOUS", "UNDECLARED"}

// AnalyticConfidence is how sure an analyst is of a judgement, in ICD 203's terms.
type AnalyticConfidence string

// AnalyticConfidences lists every AnalyticConfidence.
var AnalyticConfidences = []AnalyticConfidence{"LOW", "MODERATE", "HIGH"}

// RecordPositionInput records where a holder stands.
type RecordPositionInput struct {
	ID                 *string
	Holder             string `api:"ref"`
	Scenario           string `api:"ref"`
	Stance             Stance
	Conditions         []string
	RedLine            bool
	Salience           *int
	Rationale          *string
	Confidence         AnalyticConfidence `api:"default=MODERATE"`
	ValidFrom          *Instant
	ValidFromPrecision TimePrecision `api:"default=INSTANT"`
	ValidTo            *Instant
	Contests           *string  `api:"ref"`
	Evidence           []string `api:"ref"`
	NewEvidence        []NewStatementInput
	IfUnchangedSince   *Cursor
}

// CorrectPosition mends a position that was recorded wrongly.
type CorrectPosition struct {
	Position           string
	Holder             Patch[string]
	Scenario           Patch[string]
	Stance             Patch[Stance]
	Conditions         Patch[[]string]
	RedLine            Patch[bool]
	Salience           Patch[int]
	Rationale          Patch[string]
	Confidence         Patch[AnalyticConfidence]
	ValidFrom          Patch[Instant]
	ValidFromPrecision Patch[TimePrecision]
	ValidTo            Patch[Instant]
	Note               string
	IfUnchangedSince   *Cursor
}

// Position is what the input describes, its references aside, or everything that is wrong with it. Without validFrom
// it begins at the instant given: the change's own recordedAt.
func (in RecordPositionInput) Position(recordedAt Instant) (Position, error) {
	p := Position{
		Stance: in.Stance, Conditions: in.Conditions, RedLine: in.RedLine, Salience: in.Salience, Rationale: in.Rationale,
		Confidence: in.Confidence, ValidFrom: recordedAt, ValidFromPrecision: in.ValidFromPrecision, AssertedTo: in.ValidTo,
	}
	if in.ValidFrom != nil {
		p.ValidFrom = *in.ValidFrom
	}
	var c checks
	c.statements("evidence", in.Evidence, in.NewEvidence)
	p.check(&c)
	return p, c.err()
}

// Correct applies the patches and returns the names of the fields that changed. Holder and scenario come resolved.
func (p *Position) Correct(in CorrectPosition, holder, scenario Patch[uuid.UUID]) ([]string, error) {
	var e edit
	set(&e, "holder", &p.HolderID, holder)
	set(&e, "scenario", &p.ScenarioID, scenario)
	set(&e, "stance", &p.Stance, in.Stance)
	setList(&e, "conditions", &p.Conditions, in.Conditions)
	set(&e, "redLine", &p.RedLine, in.RedLine)
	setOrClear(&e, "salience", &p.Salience, in.Salience)
	setOrClear(&e, "rationale", &p.Rationale, in.Rationale)
	set(&e, "confidence", &p.Confidence, in.Confidence)
	setInstant(&e, "validFrom", &p.ValidFrom, in.ValidFrom)
	set(&e, "validFromPrecision", &p.ValidFromPrecision, in.ValidFromPrecision)
	setOrClearInstant(&e, "validTo", &p.AssertedTo, in.ValidTo)
	e.text("note", in.Note, MaxProse)
	p.check(&e.checks)
	return e.fields, e.err()
}

func (p *Position) check(c *checks) {
	oneOf(c, "stance", p.Stance, Stances)
	c.texts("conditions", p.Conditions, MaxReason)
	c.percent("salience", p.Salience)
	c.optionalText("rationale", p.Rationale, MaxProse)
	c.order("validFrom", "validTo", &p.ValidFrom, p.AssertedTo)
}

// SaysTheSame compares what two positions hold: stance, conditions and red line.
func (p *Position) SaysTheSame(o *Position) bool {
	return p.Stance == o.Stance && p.RedLine == o.RedLine && slices.Equal(p.Conditions, o.Conditions)
}

// SameCut says whether two states of a position owe the same to their line.
func (p *Position) SameCut(o *Position) bool {
	return sameInstant(p.ValidTo, o.ValidTo) && p.Beside == o.Beside && p.Disputed == o.Disputed
}

// PlainAt is the plain position on a line that holds at t; nil when none does.
func PlainAt(line []*Position, t Instant) *Position {
	i := slices.IndexFunc(line, func(p *Position) bool { return !p.Beside && within(t, &p.ValidFrom, p.ValidTo) })
	if i < 0 {
		return nil
	}
	return line[i]
}

// ArrangePositions derives how the positions of one holder on one scenario cut each other: ValidTo, Beside and Disputed.
//
//   - A plain position holds until its asserted end or the beginning of the next later plain one.
//   - One that contests another stands beside it and ends nobody; the next plain one later than both ends it as well.
//   - Where the contested one is gone from the line, the earliest to contest it takes its place, and the others now
//     contest that one; if a plain one begins at the same instant, they stand beside that.
//
// The one that was recorded or corrected (uuid.Nil: one was taken away) is refused with CONFLICT where another begins at
// the same instant, unless one of the two contests the other.
func ArrangePositions(line []*Position, changed uuid.UUID) error {
	slices.SortFunc(line, func(a, b *Position) int {
		if c := a.ValidFrom.Compare(b.ValidFrom); c != 0 {
			return c
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	if err := checkBeginning(line, changed); err != nil {
		return err
	}
	contested := contestedBy(line)
	for _, p := range line {
		after := p.ValidFrom
		p.Beside, p.Disputed, p.ValidTo = contested[p] != nil, false, p.AssertedTo
		for root := contested[p]; root != nil; root = contested[root] {
			if root.ValidFrom.After(after) {
				after = root.ValidFrom
			}
		}
		for _, next := range line {
			if contested[next] == nil && next.ValidFrom.After(after) {
				p.ValidTo = earlier(p.AssertedTo, &next.ValidFrom)
				break
			}
		}
	}
	for i, p := range line {
		for _, o := range line[i+1:] {
			if p.ValidTo == nil || o.ValidFrom.Before(*p.ValidTo) { // the line is sorted: o begins no earlier than p
				p.Disputed, o.Disputed = true, true
			}
		}
	}
	return nil
}

// checkBeginning refuses a position that begins when another one on its line does, unless that one contests it.
func checkBeginning(line []*Position, changed uuid.UUID) error {
	byID := make(map[uuid.UUID]*Position, len(line))
	for _, p := range line {
		byID[p.ID] = p
	}
	p := byID[changed]
	if p == nil || p.ContestsID != nil {
		return nil
	}
	for _, o := range line {
		root := o
		for root.ContestsID != nil && byID[*root.ContestsID] != nil {
			root = byID[*root.ContestsID]
		}
		if root != p && o.ValidFrom.Equal(p.ValidFrom) {
			return Refuse(Conflict, "validFrom", "The holder has a position on this scenario from %s on record already (%s); correct that one, contest it, or give another instant.",
				FormatInstant(o.ValidFrom), o.Stance)
		}
	}
	return nil
}

// contestedBy says which position each one on a sorted line stands beside; a plain one is not among the keys.
func contestedBy(line []*Position) map[*Position]*Position {
	byID := make(map[uuid.UUID]*Position, len(line))
	plainAt := make(map[int64]*Position, len(line)) // by ValidFrom in microseconds
	for _, p := range line {
		byID[p.ID] = p
		if p.ContestsID == nil {
			plainAt[p.ValidFrom.UnixMicro()] = p
		}
	}
	contested := make(map[*Position]*Position)
	heirs := make(map[uuid.UUID]*Position) // who took the place of one that is gone
	for _, p := range line {
		switch {
		case p.ContestsID == nil:
		case byID[*p.ContestsID] != nil:
			contested[p] = byID[*p.ContestsID]
		case heirs[*p.ContestsID] != nil:
			contested[p] = heirs[*p.ContestsID]
		case plainAt[p.ValidFrom.UnixMicro()] != nil:
			contested[p] = plainAt[p.ValidFrom.UnixMicro()]
			heirs[*p.ContestsID] = contested[p]
		default:
			plainAt[p.ValidFrom.UnixMicro()] = p
			heirs[*p.ContestsID] = p
		}
	}
	return contested
}

// PositionOrder is an order in which positions can be listed.
type PositionOrder string

// The orders of positions.
const (
	PositionsByValidFrom PositionOrder = "VALID_FROM_DESC"
	PositionsByRecorded  PositionOrder = "RECORDED_DESC"
)

// PositionFilter narrows a list of positions; what is left out does not narrow.
type PositionFilter struct {
	Holders            []string
	Scenarios          []string
	Issues             []string
	Negotiations       []string
	Stances            []Stance
	ValidFrom          *TimeRange
	Contested          *bool
	SecondHand         *bool
	SingleSourced      *bool
	Unsourced          *bool
	Reliability        []SourceReliability
	NotAffirmedForDays *int
	RedLine            *bool
}
