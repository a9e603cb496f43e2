package parley

import (
	"slices"

	"github.com/google/uuid"
)

// Cursor is an opaque position in the change feed of one database. Later changes have cursors that sort later.
type Cursor string

// Change is one entry of the feed: a pointer to one of the types below.
type Change interface{}

// ChangeEntry is what every kind of change has.
type ChangeEntry struct {
	Seq           int64
	Cursor        Cursor
	Kind          ChangeKind
	Summary       string
	Note          *string
	RecordedAt    Instant
	RecordedByID  uuid.UUID
	NegotiationID *uuid.UUID
	Cause         *ShiftCause // of a status or position that moved

	// What was changed. A nil Version says that it was retracted; PreviousVersion is what stood there before.
	Action          RecordAction
	SubjectKind     Kind
	SubjectID       uuid.UUID
	Version         *uuid.UUID
	PreviousVersion *uuid.UUID
	ScenarioID      *uuid.UUID // of a status change
	Fields          []string

	// Lines are the scenarios and the holders whose line of facts it changed.
	Lines []uuid.UUID
	// Touches are the records that a subscriber to any of them wants to hear of it for.
	Touches []uuid.UUID
}

// A page of changes. Its cursors are those of the feed.
type (
	ChangeConnection struct {
		Nodes      []Change
		Edges      []ChangeEdge
		PageInfo   PageInfo
		TotalCount int // 0 unless it was asked for
	}
	ChangeEdge struct {
		Cursor Cursor
		Node   Change
	}
)

// Lens is the lens through which everything beneath a change is read: the world and the record as of the change.
func (e ChangeEntry) Lens() Lens {
	return Pinned(e.RecordedAt, e.RecordedAt)
}

// The kinds of change, as a subscriber meets them.
type (
	// ScenarioStatusChanged: a scenario's status moved, or its record was mended.
	ScenarioStatusChanged struct{ ChangeEntry }
	// PositionChanged: a holder's position moved, or its record was mended.
	PositionChanged struct{ ChangeEntry }
	// AssessmentChanged: an analyst assessed a scenario.
	AssessmentChanged struct{ ChangeEntry }
	// RecordChanged: anything else.
	RecordChanged struct{ ChangeEntry }
)

// Change is the entry as its kind of change.
func (e ChangeEntry) Change() Change {
	switch {
	case e.Cause != nil && e.SubjectKind == KindPosition:
		return &PositionChanged{e}
	case e.Cause != nil:
		return &ScenarioStatusChanged{e}
	case e.SubjectKind == KindAssessment && e.Action == Created:
		return &AssessmentChanged{e}
	}
	return &RecordChanged{e}
}

// Subject is the id of what was changed; nil when it was retracted.
func (e ChangeEntry) Subject() *uuid.UUID {
	if e.Version == nil {
		return nil
	}
	return &e.SubjectID
}

// ChangeKind classes changes for those who filter them.
type ChangeKind string

// The kinds of change.
const (
	ChangeOfStatus     ChangeKind = "STATUS"
	ChangeOfPosition   ChangeKind = "POSITION"
	ChangeOfAssessment ChangeKind = "ASSESSMENT"
	ChangeOfEvent      ChangeKind = "EVENT"
	ChangeOfStatement  ChangeKind = "STATEMENT"
	ChangeOfRecord     ChangeKind = "RECORD"
)

// RecordAction is what happened to a record.
type RecordAction string

// The actions on a record.
const (
	Created   RecordAction = "CREATED"
	Updated   RecordAction = "UPDATED"
	Retracted RecordAction = "RETRACTED"
)

// ShiftCause says why something reads differently: the world moved, we learned late that it had, the record was mended,
// or nothing was on record before.
type ShiftCause string

// The causes of a shift.
const (
	WorldChanged    ShiftCause = "WORLD_CHANGED"
	LateReport      ShiftCause = "LATE_REPORT"
	RecordCorrected ShiftCause = "RECORD_CORRECTED"
	FirstRecorded   ShiftCause = "FIRST_RECORDED"
)

// CauseOfNew is the cause of a new fact that begins at an instant, given where the other facts of its line begin.
func CauseOfNew(begins Instant, others []Instant) ShiftCause {
	if len(others) == 0 {
		return FirstRecorded
	}
	for _, o := range others {
		if begins.Before(o) {
			return LateReport
		}
	}
	return WorldChanged
}

// ChangeOrder is an order in which changes can be listed.
type ChangeOrder string

// The orders of changes.
const (
	OldestFirst ChangeOrder = "OLDEST_FIRST"
	NewestFirst ChangeOrder = "NEWEST_FIRST"
)

// ChangeFilter narrows the feed: a change matches when it touches one of each list that is given and is of one of the
// kinds.
type ChangeFilter struct {
	Negotiations []string
	Issues       []string
	Scenarios    []string
	Stakeholders []string
	Kinds        []ChangeKind
}

// FeedFilter is a ChangeFilter with its records found: a change matches without the database being asked.
type FeedFilter struct {
	Touching [][]uuid.UUID // of each list, the change touches one
	Kinds    []ChangeKind
	Moves    Kind // only moves of this kind of fact, and Touching is of their lines; empty: all changes
}

// Matches says whether a subscriber with this filter hears of the change.
func (f FeedFilter) Matches(e ChangeEntry) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind) {
		return false
	}
	touched := e.Touches
	if f.Moves != "" {
		if e.Cause == nil || e.SubjectKind != f.Moves {
			return false
		}
		touched = e.Lines
		if e.NegotiationID != nil {
			touched = append(slices.Clone(e.Lines), *e.NegotiationID)
		}
	}
	for _, any := range f.Touching {
		if !slices.ContainsFunc(any, func(id uuid.UUID) bool { return slices.Contains(touched, id) }) {
			return false
		}
	}
	return true
}

// AddEvidenceInput adds statements to what rests on them, without moving it.
type AddEvidenceInput struct {
	To          string
	Evidence    []string
	NewEvidence []NewStatementInput
}

// Check refuses what is wrong with the input; its references come later.
func (in AddEvidenceInput) Check() error {
	var c checks
	c.statements("evidence", in.Evidence, in.NewEvidence)
	if len(in.Evidence)+len(in.NewEvidence) == 0 {
		c.refuse("evidence", "No evidence is named; give evidence, newEvidence, or both.")
	}
	return c.err()
}

// RetractInput takes back a record that should never have been.
type RetractInput struct {
	ID               string
	Note             string
	IfUnchangedSince *Cursor
}

// Check refuses a retraction without a reason.
func (in RetractInput) Check() error {
	var c checks
	c.text("note", in.Note, MaxProse)
	return c.err()
}
