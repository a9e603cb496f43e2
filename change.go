package parley

import (
	"slices"

	"github.com/google/uuid"
)

// Cursor is an opaque position in the change feed of one database. A later change has a cursor that sorts later.
type Cursor string

// Change is one entry of the feed: a pointer to one of the types below.
type Change interface{}

// ChangeEntry has the fields that all kinds of change share. NegotiationID is nil if the record belongs to no
// negotiation.
type ChangeEntry struct {
	Seq           int64
	Cursor        Cursor
	Kind          ChangeKind
	Summary       string
	Note          *string
	RecordedAt    Instant
	RecordedByID  uuid.UUID
	NegotiationID *uuid.UUID
	Cause         *ShiftCause // of a change of a status or position; nil for other changes

	// The subject is the record that changed. A nil Version means that it was retracted. PreviousVersion is the version
	// before, nil if there was none.
	Action          RecordAction
	SubjectKind     Kind
	SubjectID       uuid.UUID
	Version         *uuid.UUID
	PreviousVersion *uuid.UUID
	ScenarioID      *uuid.UUID // of a status change
	Fields          []string

	// Lines are the scenarios and holders whose line of statuses or positions changed.
	Lines []uuid.UUID
	// Touches are the records that the change concerns: a filter on any of them matches it.
	Touches []uuid.UUID
	// Moves are the parties that the change concerns, wherever it changes where they stand or what was said for them.
	// The feed finds them if somebody follows parties; MovesKnown says whether it has. AnyMove means that they are too
	// many to find, so that every follower of parties gets the change.
	Moves      []PartyMove
	MovesKnown bool
	AnyMove    bool
}

// A page of changes. Its cursors are those of the feed.
type (
	ChangeConnection struct {
		Nodes      []Change
		Edges      []ChangeEdge
		PageInfo   PageInfo
		TotalCount int // 0 unless it was selected
	}
	ChangeEdge struct {
		Cursor Cursor
		Node   Change
	}
)

// Lens returns the lens for everything beneath the change: both instants are its RecordedAt.
func (e ChangeEntry) Lens() Lens {
	return Pinned(e.RecordedAt, e.RecordedAt)
}

// The types of change.
type (
	// ScenarioStatusChanged says that a scenario took a status, or that a status change was corrected or retracted.
	ScenarioStatusChanged struct{ ChangeEntry }
	// PositionChanged says that a holder took a position, or that a position was corrected or retracted.
	PositionChanged struct{ ChangeEntry }
	// AssessmentChanged says that an analyst assessed a scenario.
	AssessmentChanged struct{ ChangeEntry }
	// RecordChanged is any other change.
	RecordChanged struct{ ChangeEntry }
)

// Change returns the entry as its type of change.
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

// RecordID returns the id of the record that changed.
func (e ChangeEntry) RecordID() uuid.UUID { return e.SubjectID }

// RecordType returns the name of the record's type in the API.
func (e ChangeEntry) RecordType() string { return e.SubjectKind.Type() }

// Subject returns the id of the record that changed, nil if it was retracted.
func (e ChangeEntry) Subject() *uuid.UUID {
	if e.Version == nil {
		return nil
	}
	return &e.SubjectID
}

// ChangeKind is what a change is about, for filters.
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

// RecordAction is what a change did to a record.
type RecordAction string

// The actions on a record.
const (
	Created   RecordAction = "CREATED"
	Updated   RecordAction = "UPDATED"
	Retracted RecordAction = "RETRACTED"
	Restored  RecordAction = "RESTORED"
	Merged    RecordAction = "MERGED"
)

// ShiftCause says why a value reads differently: the world changed, a report came late, the record was corrected, or
// nothing was on record before.
type ShiftCause string

// The causes of a shift.
const (
	WorldChanged    ShiftCause = "WORLD_CHANGED"
	LateReport      ShiftCause = "LATE_REPORT"
	RecordCorrected ShiftCause = "RECORD_CORRECTED"
	FirstRecorded   ShiftCause = "FIRST_RECORDED"
)

// CauseOfNew returns the cause of a new fact, given where it and the other facts of its line begin.
func CauseOfNew(begins Beginning, others []Beginning) ShiftCause {
	if len(others) == 0 {
		return FirstRecorded
	}
	for _, o := range others {
		if begins.Compare(o) < 0 {
			return LateReport
		}
	}
	return WorldChanged
}

// ChangeOrder is a direction in which changes can be listed.
type ChangeOrder string

// The orders of changes.
const (
	OldestFirst ChangeOrder = "OLDEST_FIRST"
	NewestFirst ChangeOrder = "NEWEST_FIRST"
)

// ChangeFilter selects changes. A change matches if it touches a record of each list that is not empty, and Kinds is
// empty or has its kind. With Parties, it matches if it concerns one of them (see Moved.Moves) on one of Scenarios, of
// Issues and in one of Negotiations, as far as these are given.
type ChangeFilter struct {
	Negotiations []string
	Issues       []string
	Scenarios    []string
	Stakeholders []string
	Parties      []string
	Kinds        []ChangeKind
}

// FeedFilter is a ChangeFilter whose references are resolved, so that matching needs no database.
type FeedFilter struct {
	Touching [][]uuid.UUID // the change touches a record of each list
	Kinds    []ChangeKind
	Moves    Kind // only changes with a cause, of facts of this kind, whose lines match Touching; empty: all changes
	// Following narrows to changes that concern one of these parties, on one of the scenarios and in one of the
	// negotiations if any are given. Nil: all changes.
	Following *Following
}

// Following selects changes by the parties that they concern. An empty list of scenarios, issues or negotiations does
// not filter.
type Following struct {
	Parties, Scenarios, Issues, Negotiations []uuid.UUID
}

func (f *Following) matches(e ChangeEntry) bool {
	return e.AnyMove || slices.ContainsFunc(e.Moves, func(m PartyMove) bool {
		return slices.Contains(f.Parties, m.PartyID) &&
			(len(f.Scenarios) == 0 || slices.Contains(f.Scenarios, m.ScenarioID)) &&
			(len(f.Issues) == 0 || slices.Contains(f.Issues, m.IssueID)) &&
			(len(f.Negotiations) == 0 || slices.Contains(f.Negotiations, m.NegotiationID))
	})
}

// Matches reports whether a subscriber with this filter gets the change.
func (f FeedFilter) Matches(e ChangeEntry) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind) {
		return false
	}
	if f.Following != nil && !f.Following.matches(e) {
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
	for _, ids := range f.Touching {
		if !slices.ContainsFunc(ids, func(id uuid.UUID) bool { return slices.Contains(touched, id) }) {
			return false
		}
	}
	return true
}

// AddEvidenceInput adds statements to the evidence of a fact.
type AddEvidenceInput struct {
	To          string
	Evidence    []string
	NewEvidence []NewStatementInput
}

// Check refuses what is wrong with the input. It does not resolve references.
func (in AddEvidenceInput) Check() error {
	var c checks
	c.statements("evidence", in.Evidence, in.NewEvidence)
	if len(in.Evidence)+len(in.NewEvidence) == 0 {
		c.refuse("evidence", "No evidence is given; give evidence, newEvidence, or both.")
	}
	return c.err()
}

// RemoveEvidenceInput detaches statements from the evidence of a fact.
type RemoveEvidenceInput struct {
	From             string
	Evidence         []string
	Note             string
	IfUnchangedSince *Cursor
}

// Check refuses what is wrong with the input. It does not resolve references.
func (in RemoveEvidenceInput) Check() error {
	var c checks
	c.list("evidence", len(in.Evidence))
	c.text("note", in.Note, MaxProse)
	if len(in.Evidence) == 0 {
		c.refuse("evidence", "No evidence is given; name the statements that it should not rest on.")
	}
	return c.err()
}

// RetractInput retracts a record that was made in error.
type RetractInput struct {
	ID               string
	Note             string
	IfUnchangedSince *Cursor
}

// Check refuses a retraction without a note.
func (in RetractInput) Check() error {
	var c checks
	c.text("note", in.Note, MaxProse)
	return c.err()
}

// RestoreInput puts a retracted record back on record.
type RestoreInput struct {
	ID   string
	Note string
}

// Check refuses to restore a record without a note.
func (in RestoreInput) Check() error {
	var c checks
	c.text("note", in.Note, MaxProse)
	return c.err()
}
