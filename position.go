package parley

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// Position is a holder's stance on a scenario over an interval, by what the holder says and does. The input asserts
// ValidFrom and AssertedTo. ArrangePositions derives ValidTo, Beside and Disputed from the holder's other positions on
// the scenario.
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
	LastAffirmedAt     *Instant // the latest SaidAt of its evidence up to validAt; nil if none is known
	EvidenceRank       int      // how well it is borne out, the lowest first; read only where claims contest each other
	SecondHand         bool
	ValidFrom          Instant
	ValidFromPrecision TimePrecision
	Ordinal            int // among the facts that begin at ValidFrom; 0 unless the precision is PrecisionDay
	AssertedTo         *Instant
	ContestsID         *uuid.UUID
	// SaidForIDs are the parties that the holder said it for, among those that it then spoke for. Nil: all of them. Not
	// nil, but empty: it was said in private.
	SaidForIDs []uuid.UUID

	// ValidTo is the first instant at which the position no longer holds; nil: it still holds. If it equals ValidFrom,
	// another position of the same day follows, and this one holds for no time.
	ValidTo *Instant
	// Beside means that the position stands beside a plain position, and ends none.
	Beside bool
	// Disputed means that another position of the line holds at some instant of its interval.
	Disputed bool
	// Contested means that another position of the line holds at the lens's valid instant.
	Contested bool
}

// ObjectID returns the id of the object.
func (p *Position) ObjectID() ObjectID { return ObjectID{p.ID, p.Replaced(), p.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Position) RecordType() string { return KindPosition.Type() }

// A page of positions.
type (
	PositionConnection = Connection[Position]
	PositionEdge       = Edge[Position]
)

// Beginning returns where the position begins on its line.
func (p *Position) Beginning() Beginning { return Beginning{p.ValidFrom, p.Ordinal} }

// Label returns a short name for lists, given the holder's name and the scenario's title.
func (p *Position) Label(holder, scenario string) string {
	return holder + " " + Words(p.Stance) + ": " + scenario
}

// Stance is how far a holder is for or against a scenario. The five graded stances have numbers (Grade). Undeclared
// means that somebody looked and found nothing said, Ambiguous that the holder spoke unclearly, Neutral that it accepts
// either outcome. Where nobody has looked, there is no position.
type Stance string

// The stances. The first five are graded.
const (
	StronglyOpposes  Stance = "STRONGLY_OPPOSES"
	Opposes          Stance = "OPPOSES"
	Neutral          Stance = "NEUTRAL"
	Supports         Stance = "SUPPORTS"
	StronglySupports Stance = "STRONGLY_SUPPORTS"
	Ambiguous        Stance = "AMBIGUOUS"
	Undeclared       Stance = "UNDECLARED"
)

// Stances lists every Stance.
var Stances = []Stance{StronglyOpposes, Opposes, Neutral, Supports, StronglySupports, Ambiguous, Undeclared}

// AnalyticConfidence is how sure an analyst is of a judgement, in the terms of ICD 203.
type AnalyticConfidence string

// The levels of confidence.
const (
	ConfidenceLow      AnalyticConfidence = "LOW"      // the basis is scant, questionable or fragmentary
	ConfidenceModerate AnalyticConfidence = "MODERATE" // the basis is credible, but not well corroborated
	ConfidenceHigh     AnalyticConfidence = "HIGH"     // the basis is good, from several sources
)

// AnalyticConfidences lists every AnalyticConfidence.
var AnalyticConfidences = []AnalyticConfidence{ConfidenceLow, ConfidenceModerate, ConfidenceHigh}

// RecordPositionInput records a position. A nil ValidFrom means the change's own recordedAt. Contests names the
// position that this one contests; nil: it is a plain position. SaidFor is like Position.SaidForIDs.
type RecordPositionInput struct {
	ID                 *string
	Holder             string   `api:"ref"`
	SaidFor            []string `api:"ref null"`
	Scenario           string   `api:"ref"`
	Stance             Stance
	Conditions         []string
	RedLine            bool
	Salience           *int
	Rationale          *string
	Confidence         AnalyticConfidence `api:"default=MODERATE"`
	ValidFrom          *Instant
	ValidFromPrecision TimePrecision `api:"default=INSTANT"`
	Ordinal            int           `api:"default=0"`
	ValidTo            *Instant
	Contests           *string  `api:"ref"`
	Evidence           []string `api:"ref"`
	NewEvidence        []NewStatementInput
	IfUnchangedSince   *Cursor
}

// CorrectPosition corrects a position that was recorded wrongly.
type CorrectPosition struct {
	Position           string
	Holder             Patch[string]
	SaidFor            Patch[[]string]
	Scenario           Patch[string]
	Stance             Patch[Stance]
	Conditions         Patch[[]string]
	RedLine            Patch[bool]
	Salience           Patch[int]
	Rationale          Patch[string]
	Confidence         Patch[AnalyticConfidence]
	ValidFrom          Patch[Instant]
	ValidFromPrecision Patch[TimePrecision]
	Ordinal            Patch[int]
	ValidTo            Patch[Instant]
	Note               string
	IfUnchangedSince   *Cursor
}

// Position returns the position that the input describes, without its references, or a Refusal. Without ValidFrom it
// begins at recordedAt.
func (in RecordPositionInput) Position(recordedAt Instant) (Position, error) {
	p := Position{
		Stance: in.Stance, Conditions: in.Conditions, RedLine: in.RedLine, Salience: in.Salience,
		Rationale: in.Rationale, Confidence: in.Confidence,
		ValidFrom: recordedAt, ValidFromPrecision: in.ValidFromPrecision, Ordinal: in.Ordinal, AssertedTo: in.ValidTo,
	}
	if in.ValidFrom != nil {
		p.ValidFrom = *in.ValidFrom
	}
	var c checks
	c.list("saidFor", len(in.SaidFor))
	c.statements("evidence", in.Evidence, in.NewEvidence)
	p.check(&c)
	return p, c.err()
}

// Correct applies the patches and returns the API names of the fields that changed, or a Refusal. References are passed
// resolved.
func (p *Position) Correct(
	in CorrectPosition, holder, scenario Patch[uuid.UUID], saidFor Patch[[]uuid.UUID],
) ([]string, error) {
	var e edit
	set(&e, "holder", &p.HolderID, holder)
	setOptionalList(&e, "saidFor", &p.SaidForIDs, saidFor)
	set(&e, "scenario", &p.ScenarioID, scenario)
	set(&e, "stance", &p.Stance, in.Stance)
	setList(&e, "conditions", &p.Conditions, in.Conditions)
	set(&e, "redLine", &p.RedLine, in.RedLine)
	setOrClear(&e, "salience", &p.Salience, in.Salience)
	setOrClear(&e, "rationale", &p.Rationale, in.Rationale)
	set(&e, "confidence", &p.Confidence, in.Confidence)
	setInstant(&e, "validFrom", &p.ValidFrom, in.ValidFrom)
	set(&e, "validFromPrecision", &p.ValidFromPrecision, in.ValidFromPrecision)
	set(&e, "ordinal", &p.Ordinal, in.Ordinal)
	setOrClearInstant(&e, "validTo", &p.AssertedTo, in.ValidTo)
	e.text("note", in.Note, MaxProse)
	e.list("saidFor", len(p.SaidForIDs))
	p.check(&e.checks)
	return e.fields, e.err()
}

func (p *Position) check(c *checks) {
	oneOf(c, "stance", p.Stance, Stances)
	c.texts("conditions", p.Conditions, MaxReason)
	c.percent("salience", p.Salience)
	c.optionalText("rationale", p.Rationale, MaxProse)
	c.order("validFrom", "validTo", &p.ValidFrom, p.AssertedTo)
	c.ordinal(p.Ordinal, "validFromPrecision", p.ValidFromPrecision)
}

// Affirm takes over the confidence, rationale and salience of an input that says the same again, where it gives them,
// and returns the API names of the fields that changed. The default confidence changes nothing.
func (p *Position) Affirm(in RecordPositionInput) []string {
	var e edit
	if in.Confidence != ConfidenceModerate {
		set(&e, "confidence", &p.Confidence, To(in.Confidence))
	}
	if in.Rationale != nil {
		setOrClear(&e, "rationale", &p.Rationale, To(*in.Rationale))
	}
	if in.Salience != nil {
		setOrClear(&e, "salience", &p.Salience, To(*in.Salience))
	}
	return e.fields
}

// SaysTheSame reports whether two positions have the same stance, conditions and red line.
func (p *Position) SaysTheSame(o *Position) bool {
	return p.Stance == o.Stance && p.RedLine == o.RedLine && slices.Equal(p.Conditions, o.Conditions)
}

// SameCut reports whether two states of a position are cut in the same way by their line.
func (p *Position) SameCut(o *Position) bool {
	return sameInstant(p.ValidTo, o.ValidTo) && p.Beside == o.Beside && p.Disputed == o.Disputed
}

// PlainAt returns the plain position of a line that holds where another one begins, nil if none does.
func PlainAt(line []*Position, b Beginning) *Position {
	var last *Position
	for _, p := range line {
		begun := !p.Beside && p.Beginning().Compare(b) <= 0
		if begun && (last == nil || p.Beginning().Compare(last.Beginning()) > 0) {
			last = p
		}
	}
	if last == nil || !within(b.At, nil, last.AssertedTo) {
		return nil
	}
	return last
}

// Ended reports whether a position of a line holds no longer where another one begins. It sorts the line.
func Ended(line []*Position, p *Position, b Beginning) bool {
	slices.SortFunc(line, byBeginning)
	next := endedBy(line, contestedBy(line), p)
	return !within(b.At, nil, p.AssertedTo) || next != nil && next.Beginning().Compare(b) <= 0
}

// CutPositions sorts the positions of one holder on one scenario and derives how they cut each other: ValidTo,
// Beside and Disputed.
//
//   - A plain position holds until its asserted end or the beginning of the next later plain position, whichever is
//     earlier. Of several that begin at one instant, ordered within the day, the last holds, and the others hold for no
//     time.
//   - A position that contests another stands beside it and ends none. The next plain position that is later than both
//     ends it too.
//   - If the contested position is no longer on the line, the earliest position that contests it takes its place, and
//     the others contest that one. If a plain position begins at the same instant and is not ordered with it within
//     the day, they stand beside that one instead.
func CutPositions(line []*Position) {
	slices.SortFunc(line, byBeginning)
	contested := contestedBy(line)
	for _, p := range line {
		p.Beside, p.Disputed, p.ValidTo = contested[p] != nil, false, p.AssertedTo
		if next := endedBy(line, contested, p); next != nil {
			p.ValidTo = earlier(p.AssertedTo, &next.ValidFrom)
		}
	}
	for i, p := range line {
		for _, o := range line[i+1:] {
			// The line is sorted, so o does not begin before p.
			if within(o.ValidFrom, nil, p.ValidTo) && within(o.ValidFrom, nil, o.ValidTo) {
				p.Disputed, o.Disputed = true, true
			}
		}
	}
}

// ArrangePositions cuts the positions of one holder on one scenario. It refuses with Conflict if another position begins
// at the same instant as the changed one, unless one of the two contests the other, or both are known to the day only
// and have different ordinals. changed is the id of the position that was recorded or corrected; uuid.Nil means that
// one was retracted.
func ArrangePositions(line []*Position, changed uuid.UUID) error {
	slices.SortFunc(line, byBeginning)
	if err := checkBeginning(line, changed); err != nil {
		return err
	}
	CutPositions(line)
	return nil
}

// orderedWith reports whether two positions that begin at the same instant are ordered within the day.
func (p *Position) orderedWith(o *Position) bool {
	return ordered(p.Beginning(), o.Beginning(), p.ValidFromPrecision, o.ValidFromPrecision)
}

func byBeginning(a, b *Position) int {
	return cmp.Or(a.Beginning().Compare(b.Beginning()), slices.Compare(a.ID[:], b.ID[:]))
}

// endedBy returns the plain position of a sorted line that ends p: the next one that is later than p, and than what p
// contests. It returns nil if there is none.
func endedBy(line []*Position, contested map[*Position]*Position, p *Position) *Position {
	after := p.Beginning()
	for root := contested[p]; root != nil; root = contested[root] {
		if root.Beginning().Compare(after) > 0 {
			after = root.Beginning()
		}
	}
	for _, next := range line {
		if contested[next] == nil && next.Beginning().Compare(after) > 0 {
			return next
		}
	}
	return nil
}

// checkBeginning refuses the changed position if another one on its line begins at the same instant, unless that one
// contests it, or the two are ordered within the day.
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
		if root != p && o.ValidFrom.Equal(p.ValidFrom) && !p.orderedWith(o) {
			return Refuse(Conflict, "validFrom", "The holder already has a position on this scenario from %s on (%s); "+
				"correct that one, contest it, or give another instant or, if both are known to the day only, another "+
				"ordinal.", o.Beginning(), o.Stance)
		}
	}
	return nil
}

// contestedBy maps each position of a sorted line that stands beside another to that other one. Plain positions are not
// among the keys.
func contestedBy(line []*Position) map[*Position]*Position {
	byID := make(map[uuid.UUID]*Position, len(line))
	plain := make(map[int64][]*Position, len(line)) // by ValidFrom in microseconds
	for _, p := range line {
		byID[p.ID] = p
		if p.ContestsID == nil {
			plain[p.ValidFrom.UnixMicro()] = append(plain[p.ValidFrom.UnixMicro()], p)
		}
	}
	// rivalOf returns the last plain position that begins at the same instant and is not ordered with p within the day.
	rivalOf := func(p *Position) (rival *Position) {
		for _, o := range plain[p.ValidFrom.UnixMicro()] {
			if !p.orderedWith(o) && (rival == nil || o.Ordinal > rival.Ordinal) {
				rival = o
			}
		}
		return rival
	}
	contested := make(map[*Position]*Position)
	heirs := make(map[uuid.UUID]*Position) // the position that took the place of a contested one that is gone
	for _, p := range line {
		switch {
		case p.ContestsID == nil:
		case byID[*p.ContestsID] != nil:
			contested[p] = byID[*p.ContestsID]
		case heirs[*p.ContestsID] != nil:
			contested[p] = heirs[*p.ContestsID]
		case rivalOf(p) != nil:
			contested[p] = rivalOf(p)
			heirs[*p.ContestsID] = contested[p]
		default:
			plain[p.ValidFrom.UnixMicro()] = append(plain[p.ValidFrom.UnixMicro()], p)
			heirs[*p.ContestsID] = p
		}
	}
	return contested
}

// PositionOrder is a sort order of positions.
type PositionOrder string

// The sort orders of positions, latest first.
const (
	PositionsByValidFrom PositionOrder = "VALID_FROM_DESC"
	PositionsByRecorded  PositionOrder = "RECORDED_DESC"
)

// PositionFilter selects positions. Empty fields do not filter.
type PositionFilter struct {
	Live               *bool
	Parties            []string
	Holders            []string
	Scenarios          []string
	Issues             []string
	Negotiations       []string
	Stances            []Stance
	ValidFrom          *TimeRange
	Contested          *bool
	Divided            *bool
	Sources            []string
	SecondHand         *bool
	SingleSourced      *bool
	Unsourced          *bool
	Reliability        []SourceReliability
	NotAffirmedForDays *int
	RedLine            *bool
}
