// Package parley defines the nouns of a negotiation tracker (scenarios, positions, statements and the rest), the rules
// that hold between them, and the refusals of input that breaks a rule.
//
// The package has plain values and pure functions only. Package storage keeps the values in a database, and package
// graph serves them. Where an input refers to a record, it takes an id or a key ("ukraine-2025",
// "ukraine-2025/ceasefire-first").
//
// Types named XInput, EditX and CorrectX are the inputs of mutations. Their methods return a Refusal that lists every
// fault of the input itself. Storage resolves the references in an input, and refuses unknown ones with NotFound.
package parley

import (
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Node is a record with an identity of its own: a pointer to one of this package's nouns.
type Node interface {
	ObjectID() ObjectID
	RecordType() string
}

// Kind is the kind of a record.
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
	KindMembership    Kind = "MEMBERSHIP"
	KindParticipation Kind = "PARTICIPATION"
	KindPosition      Kind = "POSITION"
	KindSource        Kind = "SOURCE"
	KindStatement     Kind = "STATEMENT"
	KindEvent         Kind = "EVENT"
	KindAssessment    Kind = "ASSESSMENT"
	KindAnalyst       Kind = "ANALYST"
)

// Type returns the name of the kind's type in the API: "StatusChange".
func (k Kind) Type() string {
	if k == KindRelation {
		return "ScenarioRelation"
	}
	var name strings.Builder
	for word := range strings.SplitSeq(string(k), "_") {
		_, first := utf8.DecodeRuneInString(word)
		name.WriteString(word[:first] + strings.ToLower(word[first:]))
	}
	return name.String()
}

// Noun returns the kind as it reads in a sentence, with its article: "an issue".
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
	case KindMembership:
		return "a membership"
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

// NewID returns a new id for a record or a version. Ids are UUIDs of version 7, so they rise with time and indexes on
// them stay compact.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Provenance says who recorded one version of a record, when, and why it replaced the version before. SupersededAt is
// nil while no other version has replaced it; CorrectionNote is nil unless the version is a correction.
type Provenance struct {
	Version        uuid.UUID
	RecordedAt     Instant
	RecordedByID   uuid.UUID
	SupersededAt   *Instant
	CorrectionNote *string
}

// Replaced returns the version if another one has replaced it, else the nil UUID.
func (p *Provenance) Replaced() uuid.UUID {
	if p.SupersededAt == nil {
		return uuid.Nil
	}
	return p.Version
}
