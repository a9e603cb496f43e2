package parley

import (
	"slices"

	"github.com/google/uuid"
)

// StatusChange is a scenario's change to a status at an instant. ArrangeStatuses derives From, Skipped and ValidTo from
// the scenario's other status changes. From is nil for the first status.
type StatusChange struct {
	Lens Lens
	Provenance

	ID                   uuid.UUID
	ScenarioID           uuid.UUID
	To                   ScenarioStatus
	ByIDs                []uuid.UUID
	Reason               *string
	SuccessorIDs         []uuid.UUID // the scenarios that replaced it, if To is Superseded
	EffectiveAt          Instant
	EffectiveAtPrecision TimePrecision
	Ordinal              int // among the status changes at EffectiveAt; 0 unless the precision is PrecisionDay
	EvidenceIDs          []uuid.UUID

	From    *ScenarioStatus
	Skipped []ScenarioStatus
	ValidTo *Instant
}

// ObjectID returns the id of the object.
func (s *StatusChange) ObjectID() ObjectID { return ObjectID{s.ID, s.Replaced(), s.Lens} }

// RecordType returns the name of the record's type in the API.
func (*StatusChange) RecordType() string { return KindStatusChange.Type() }

// A page of status changes.
type (
	StatusChangeConnection = Connection[StatusChange]
	StatusChangeEdge       = Edge[StatusChange]
)

// Beginning returns where the status begins on its line.
func (s *StatusChange) Beginning() Beginning { return Beginning{s.EffectiveAt, s.Ordinal} }

// Label returns a short name for lists, given the scenario's title.
func (s *StatusChange) Label(scenario string) string {
	if s.From == nil {
		return scenario + ": " + Words(s.To)
	}
	return scenario + ": " + Words(*s.From) + " to " + Words(s.To)
}

// SameCut reports whether two states of a status change are cut in the same way by their line.
func (s *StatusChange) SameCut(o *StatusChange) bool {
	sameFrom := (s.From == nil) == (o.From == nil) && (s.From == nil || *s.From == *o.From)
	return sameFrom && slices.Equal(s.Skipped, o.Skipped) && sameInstant(s.ValidTo, o.ValidTo)
}

// ChangeScenarioStatusInput records a status change. A nil EffectiveAt means the change's own recordedAt.
// ExpectedStatus, unless nil, is the status that the scenario must have where the new one begins.
type ChangeScenarioStatusInput struct {
	ID                   *string
	Scenario             string `api:"ref"`
	To                   ScenarioStatus
	Reason               string
	By                   []string `api:"ref"`
	EffectiveAt          *Instant
	EffectiveAtPrecision TimePrecision `api:"default=INSTANT"`
	Ordinal              int           `api:"default=0"`
	ExpectedStatus       *ScenarioStatus
	Successors           []string `api:"ref"`
	Evidence             []string `api:"ref"`
	NewEvidence          []NewStatementInput
}

// CorrectStatusChange corrects a status change that was recorded wrongly.
type CorrectStatusChange struct {
	StatusChange         string
	To                   Patch[ScenarioStatus]
	Successors           Patch[[]string]
	EffectiveAt          Patch[Instant]
	EffectiveAtPrecision Patch[TimePrecision]
	Ordinal              Patch[int]
	Reason               Patch[string]
	By                   Patch[[]string]
	Note                 string
	IfUnchangedSince     *Cursor
}

// Check refuses what is wrong with the input. It does not resolve references.
func (in ChangeScenarioStatusInput) Check() error {
	var c checks
	c.text("reason", in.Reason, MaxReason)
	c.list("by", len(in.By))
	c.statements("evidence", in.Evidence, in.NewEvidence)
	c.successors(in.To, len(in.Successors))
	c.ordinal(in.Ordinal, "effectiveAtPrecision", in.EffectiveAtPrecision)
	return c.err()
}

// Correct applies the patches and returns the API names of the fields that changed, or a Refusal. Successors and by are
// passed resolved.
func (s *StatusChange) Correct(in CorrectStatusChange, successors, by Patch[[]uuid.UUID]) ([]string, error) {
	var e edit
	set(&e, "to", &s.To, in.To)
	setList(&e, "successors", &s.SuccessorIDs, successors)
	setInstant(&e, "effectiveAt", &s.EffectiveAt, in.EffectiveAt)
	set(&e, "effectiveAtPrecision", &s.EffectiveAtPrecision, in.EffectiveAtPrecision)
	set(&e, "ordinal", &s.Ordinal, in.Ordinal)
	setOrClear(&e, "reason", &s.Reason, in.Reason)
	setList(&e, "by", &s.ByIDs, by)
	e.text("note", in.Note, MaxProse)
	e.optionalText("reason", s.Reason, MaxReason)
	e.list("by", len(s.ByIDs))
	e.successors(s.To, len(s.SuccessorIDs))
	e.ordinal(s.Ordinal, "effectiveAtPrecision", s.EffectiveAtPrecision)
	if in.Reason.Set && in.Reason.Value == nil && s.From != nil {
		e.refuse("reason", "Reason can't be cleared; only a scenario's first status may have none.")
	}
	return e.fields, e.err()
}

func (c *checks) successors(to ScenarioStatus, named int) {
	c.list("successors", named)
	switch {
	case to == Superseded && named == 0:
		c.refuse("successors", "The status SUPERSEDED needs a successor; name the scenario that replaced this one, or "+
			"all of them if it split.")
	case to != Superseded && named > 0:
		c.refuse("successors", "Only the status SUPERSEDED takes successors, and the status is %s; leave them out.", to)
	}
}

// StatusAt returns the status change of a line that holds where another one begins, nil if that is before the first.
func StatusAt(line []*StatusChange, b Beginning) *StatusChange {
	var holds *StatusChange
	for _, s := range line {
		begun := s.Beginning().Compare(b) <= 0
		if begun && (holds == nil || s.Beginning().Compare(holds.Beginning()) > 0) {
			holds = s
		}
	}
	return holds
}

// CutStatuses sorts a scenario's status changes by Beginning and derives From, Skipped and ValidTo. Of several at one
// instant, ordered within the day, the last holds, and the others hold for no time.
func CutStatuses(line []*StatusChange) {
	slices.SortFunc(line, func(a, b *StatusChange) int { return a.Beginning().Compare(b.Beginning()) })
	for i, s := range line {
		s.From, s.Skipped, s.ValidTo = nil, nil, nil
		if i > 0 {
			s.From, s.Skipped = &line[i-1].To, skipped(line[i-1].To, s.To)
		}
		if i+1 < len(line) {
			s.ValidTo = &line[i+1].EffectiveAt
		}
	}
}

// ArrangeStatuses cuts a scenario's status changes. It refuses with InvalidTransition a line that breaks the life cycle,
// with Conflict two status changes at one instant that are not ordered within the day, and with Invalid a first status
// after now. changed is the id of the status change that was added or corrected, which the sentence is about; uuid.Nil
// means that one was retracted.
func ArrangeStatuses(line []*StatusChange, changed uuid.UUID, now Instant) error {
	CutStatuses(line)
	for i, s := range line {
		if i == 0 {
			if err := checkFirst(s, now); err != nil {
				return err
			}
			continue
		}
		previous := line[i-1]
		if previous.EffectiveAt.Equal(s.EffectiveAt) &&
			!ordered(previous.Beginning(), s.Beginning(), previous.EffectiveAtPrecision, s.EffectiveAtPrecision) {
			other := previous
			if other.ID == changed {
				other = s
			}
			return Refuse(Conflict, "effectiveAt", "The scenario already has a status change at %s, to %s; "+
				"correct that one, or give another instant or, if both are known to the day only, another ordinal.",
				other.Beginning(), other.To)
		}
		if !previous.To.CanBecome(s.To) {
			return refuseTransition(previous, s, changed)
		}
	}
	return nil
}

func checkFirst(s *StatusChange, now Instant) error {
	switch {
	case !s.To.Rule().Initial():
		return Refuse(InvalidTransition, "to", "A scenario's first status can't be %s; give any other status.", s.To)
	case s.EffectiveAt.After(now):
		return Refuse(Invalid, "effectiveAt", "The scenario's first status would begin at %s, in the future; "+
			"give an instant up to now.", FormatInstant(s.EffectiveAt))
	}
	return nil
}

func refuseTransition(previous, next *StatusChange, changed uuid.UUID) error {
	allowed := "no status may follow it"
	if t := previous.To.Rule().Transitions; len(t) > 0 {
		allowed = "allowed are " + Listed(t)
	}
	switch changed {
	case next.ID:
		return Refuse(InvalidTransition, "to", "From %s a scenario can't become %s; %s.", previous.To, next.To, allowed)
	case previous.ID:
		return Refuse(InvalidTransition, "to", "%s at %s can't come before the recorded %s at %s; after %s, %s.",
			previous.To, previous.Beginning(), next.To, next.Beginning(), previous.To, allowed)
	}
	return Refuse(InvalidTransition, "", "Without it, %s at %s would be followed by %s at %s; after %s, %s.",
		previous.To, previous.Beginning(), next.To, next.Beginning(), previous.To, allowed)
}

// StatusChangeFilter selects status changes. Empty fields do not filter.
type StatusChangeFilter struct {
	Negotiations []string
	Scenarios    []string
	By           []string
	Sources      []string
	To           []ScenarioStatus
	Effective    *TimeRange
}
