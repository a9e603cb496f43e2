package parley

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Statement is one attributed utterance in a source. Whose words they are (the speaker) and whose position they tell of
// (the holder of a position that rests on them) are different things.
type Statement struct {
	Lens Lens
	Provenance

	ID                 uuid.UUID
	SourceID           uuid.UUID
	SpeakerID          *uuid.UUID
	SpeakerDescription *string
	AboutIDs           []uuid.UUID
	Text               string
	Form               StatementForm
	Terms              AttributionTerms
	Credibility        InformationCredibility
	Locators           []TextLocator
	SaidAt             *Instant
	SaidAtPrecision    TimePrecision
}

// A page of statements.
type (
	StatementConnection = Connection[Statement]
	StatementEdge       = Edge[Statement]
)

// Label is what to call it in a list: the beginning of its text.
func (s *Statement) Label() string {
	const limit = 80
	if runes := []rune(s.Text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit])) + "…"
	}
	return s.Text
}

// Verified says that the words are a direct quote and stand in the source's body.
func (s *Statement) Verified() bool { return len(s.Locators) > 0 }

// Grade sets the source's reliability and the statement's credibility side by side: "B2".
func (s *Statement) Grade(reliability SourceReliability) string {
	return string(reliability) + strings.TrimPrefix(string(s.Credibility), "C")
}

// StatementForm says how the words came down to us.
type StatementForm string

// The forms that rules speak of.
const (
	DirectQuote  StatementForm = "DIRECT_QUOTE"
	OfficialText StatementForm = "OFFICIAL_TEXT"
	Reported     StatementForm = "REPORTED"
)

// StatementForms lists every StatementForm.
var StatementForms = []StatementForm{DirectQuote, "PARAPHRASE", OfficialText, "SECOND_HAND", Reported, "ANALYST_INFERENCE"}

// AttributionTerms are the terms on which a speaker may be named, in the Associated Press's words. What was said off the
// record has no place here.
type AttributionTerms string

// OnRecord: the speaker may be named.
const OnRecord AttributionTerms = "ON_RECORD"

// AllAttributionTerms lists every AttributionTerms.
var AllAttributionTerms = []AttributionTerms{OnRecord, "ON_BACKGROUND", "DEEP_BACKGROUND"}

// InformationCredibility is the Admiralty scale's number: how far a statement is borne out by what else is known. C6: it
// can't be judged, which is not the worst but the unknown.
type InformationCredibility string

// InformationCredibilities lists every InformationCredibility, best first, unknown last.
var InformationCredibilities = []InformationCredibility{"C1", "C2", "C3", "C4", "C5", "C6"}

// NewStatementInput is a statement to be recorded, alone or together with what rests on it.
type NewStatementInput struct {
	ID                 *string
	Source             string  `api:"ref"`
	Speaker            *string `api:"ref"`
	SpeakerDescription *string
	About              []string `api:"ref"`
	Text               string
	Form               StatementForm
	Terms              AttributionTerms       `api:"default=ON_RECORD"`
	Credibility        InformationCredibility `api:"default=C6"`
	SaidAt             *Instant
	SaidAtPrecision    TimePrecision `api:"default=INSTANT"`
}

// RecordStatementInput records a statement.
type RecordStatementInput struct{ Statement NewStatementInput }

// CorrectStatement mends a statement that was recorded wrongly.
type CorrectStatement struct {
	Statement          string
	Speaker            Patch[string]
	SpeakerDescription Patch[string]
	About              Patch[[]string]
	Text               Patch[string]
	Form               Patch[StatementForm]
	Terms              Patch[AttributionTerms]
	Credibility        Patch[InformationCredibility]
	SaidAt             Patch[Instant]
	SaidAtPrecision    Patch[TimePrecision]
	Note               string
	IfUnchangedSince   *Cursor
}

// AboutKinds are the kinds of record that a statement can be about.
var AboutKinds = []Kind{KindIssue, KindScenario, KindStakeholder, KindEvent}

// Check refuses what is wrong with the input; its references come later.
func (in RecordStatementInput) Check() error {
	var c checks
	c.statement("statement.", &in.Statement)
	return c.err()
}

// Statement is what the input describes, its references aside.
func (in NewStatementInput) Statement() Statement {
	return Statement{
		SpeakerDescription: in.SpeakerDescription, Text: in.Text, Form: in.Form, Terms: in.Terms,
		Credibility: in.Credibility, SaidAt: in.SaidAt, SaidAtPrecision: in.SaidAtPrecision,
	}
}

// Correct applies the patches and returns the names of the fields that changed. Speaker and about come resolved.
func (s *Statement) Correct(in CorrectStatement, speaker Patch[uuid.UUID], about Patch[[]uuid.UUID]) ([]string, error) {
	var e edit
	setOrClear(&e, "speaker", &s.SpeakerID, speaker)
	setOrClear(&e, "speakerDescription", &s.SpeakerDescription, in.SpeakerDescription)
	setList(&e, "about", &s.AboutIDs, about)
	set(&e, "text", &s.Text, in.Text)
	set(&e, "form", &s.Form, in.Form)
	set(&e, "terms", &s.Terms, in.Terms)
	set(&e, "credibility", &s.Credibility, in.Credibility)
	setOrClearInstant(&e, "saidAt", &s.SaidAt, in.SaidAt)
	set(&e, "saidAtPrecision", &s.SaidAtPrecision, in.SaidAtPrecision)
	e.text("note", in.Note, MaxProse)
	s.check(&e.checks, "", s.SpeakerID != nil, len(s.AboutIDs))
	return e.fields, e.err()
}

func (c *checks) statement(prefix string, in *NewStatementInput) {
	s := in.Statement()
	s.check(c, prefix, in.Speaker != nil, len(in.About))
}

func (s *Statement) check(c *checks, prefix string, named bool, about int) {
	c.text(prefix+"text", s.Text, MaxStatement)
	oneOf(c, prefix+"form", s.Form, StatementForms)
	c.optionalText(prefix+"speakerDescription", s.SpeakerDescription, MaxTitle)
	c.list(prefix+"about", about)
	described := s.SpeakerDescription != nil
	ownVoice := !described && (s.Form == Reported || s.Form == OfficialText)
	switch {
	case named && described:
		c.refuse(prefix+"speakerDescription", "A statement has a speaker or a description of one who may not be named, not both; leave one out.")
	case !named && s.Terms == OnRecord && !ownVoice:
		c.refuse(prefix+"terms", "Nobody is named as the speaker, so the terms can't be ON_RECORD for the form %s; name the speaker, give other terms (ON_BACKGROUND, DEEP_BACKGROUND), or use REPORTED or OFFICIAL_TEXT without a speakerDescription for the source's own voice.", s.Form)
	}
}

// CheckQuote looks a direct quote up in the source's body and sets the locators; other forms have none. A nil body
// (no text is kept) leaves the quote unverified.
func (s *Statement) CheckQuote(field string, body *FoldedText) error {
	s.Locators = nil
	if s.Form != DirectQuote || body == nil {
		return nil
	}
	locators, missing := body.Find(s.Text)
	if missing != "" {
		return Refuse(QuoteNotFound, field, "%q does not stand in the source's body; quote it word for word and mark what is left out between two fragments with %s, or record it as a PARAPHRASE.", missing, Ellipsis)
	}
	s.Locators = locators
	return nil
}

// SecondHand says that none of the evidence was said by the holder or by someone who spoke for it when it was said.
// The offices are those held with the holder; a statement of unknown date is taken as of the instant given.
func SecondHand(holder uuid.UUID, evidence []*Statement, offices []*Affiliation, undated Instant) bool {
	return !slices.ContainsFunc(evidence, func(s *Statement) bool {
		if s.SpeakerID == nil {
			return false
		}
		said := undated
		if s.SaidAt != nil {
			said = *s.SaidAt
		}
		return *s.SpeakerID == holder || slices.ContainsFunc(offices, func(a *Affiliation) bool {
			return a.SpeaksFor && a.PersonID == *s.SpeakerID && a.OrganizationID == holder && a.HoldsAt(said)
		})
	})
}
