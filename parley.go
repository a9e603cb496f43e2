// Package parley says what the tracker is about: the nouns of a negotiation (scenarios, positions,
// statements and the rest), the rules that hold between them, and the ways in which a record can be refused.
// It holds plain values and pure functions; how they are kept is the business of package storage, how they are
// asked for that of package graph. An input refers to a record by its id or its key ("ukraine-2025",
// "ukraine-2025/ceasefire-first"), whichever the caller has.
package parley

import "github.com/google/uuid"

// Node is any record that has an identity of its own: a pointer to one of this package's nouns.
type Node interface{}

// Kind names the noun that an id belongs to.
type Kind string

// The kinds of record.
const (
	KindNegotiation   Kind = "NEGOTIATION"
	KindIssue         Kind = "ISSUE"
	KindScenario      Kind = "SCENARIO"
	KindRelation      Kind = "RELATION"
	KindStatusChange  Kind = "STATUS_CHANGE"
	KindStakeholder   Kind = "STAKEHOLDER"
	KindAffiliation   Kind = "AFFILIATION"
	KindParticipation Kind = "PARTICIPATION"
	KindPosition      Kind = "POSITION"
	KindSource        Kind = "SOURCE"
	KindStatement     Kind = "STATEMENT"
	KindEvent         Kind = "EVENT"
	KindAssessment    Kind = "ASSESSMENT"
	KindAnalyst       Kind = "ANALYST"
)

// Noun is the kind as it reads in a sentence, with its article.
func (k Kind) Noun() string {
	switch k {
	case KindNegotiation:
		return "a negotiation"
	case KindIssue:
		return "an issue"
	case KindScenario:
		return "a scenario"
	case KindRelation:
		return "a relation between scenarios"
	case KindStatusChange:
		return "a status change"
	case KindStakeholder:
		return "a stakeholder"
	case KindAffiliation:
		return "an affiliation"
	case KindParticipation:
		return "a participation"
	case KindPosition:
		return "a position"
	case KindSource:
		return "a source"
	case KindStatement:
		return "a statement"
	case KindEvent:
		return "an event"
	case KindAssessment:
		return "an assessment"
	case KindAnalyst:
		return "an analyst"
	}
	return "a record"
}

// NewID makes an id for a record or for one version of it. Ids rise with time, so that indexes on them stay compact.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Provenance says who put one version of a record on file, when, and why it replaced the one before.
type Provenance struct {
	Version        uuid.UUID
	RecordedAt     Instant
	RecordedByID   uuid.UUID
	SupersededAt   *Instant
	CorrectionNote *string
}
