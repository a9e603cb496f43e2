package parley

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Statement is one attributed utterance in a source. The speaker, who said it, may differ from the holder of a position
// that it is evidence of. A joint text has several speakers, and is the own word of each. There is none if nobody is
// named, or the source speaks in its own voice.
type Statement struct {
	Lens Lens
	Provenance

	ID                 uuid.UUID
	SourceID           uuid.UUID
	SpeakerIDs         []uuid.UUID
	SpeakerDescription *string
	AboutIDs           []uuid.UUID
	Text               string
	Translation        *string
	TranslatedBy       *string
	Form               StatementForm
	Terms              AttributionTerms
	Credibility        InformationCredibility
	Locators           []TextLocator
	SaidAt             *Instant
	SaidAtPrecision    TimePrecision
}

// ObjectID returns the id of the object.
func (s *Statement) ObjectID() ObjectID { return ObjectID{s.ID, s.Replaced(), s.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Statement) RecordType() string { return KindStatement.Type() }

// A page of statements.
type (
	StatementConnection = Connection[Statement]
	StatementEdge       = Edge[Statement]
)

// Label returns a short name for lists: the beginning of the text.
func (s *Statement) Label() string {
	const limit = 80
	if runes := []rune(s.Text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit])) + "…"
	}
	return s.Text
}

// Verified reports whether the statement is a direct quote that stands word for word in its source's body.
func (s *Statement) Verified() bool { return len(s.Locators) > 0 }

// Grade returns the source's reliability and the statement's credibility side by side: "B2".
func (s *Statement) Grade(reliability SourceReliability) string {
	return string(reliability) + strings.TrimPrefix(string(s.Credibility), "C")
}

// StatementForm is how an utterance reached the record.
type StatementForm string

// The forms of statements.
const (
	DirectQuote      StatementForm = "DIRECT_QUOTE"      // the speaker's words, verbatim
	Paraphrase       StatementForm = "PARAPHRASE"        // the speaker's meaning in the source's words
	OfficialText     StatementForm = "OFFICIAL_TEXT"     // a passage from an official document
	SecondHandReport StatementForm = "SECOND_HAND"       // the speaker reports what somebody else said, did or accepts
	Reported         StatementForm = "REPORTED"          // the source says it in its own voice
	AnalystInference StatementForm = "ANALYST_INFERENCE" // the analyst infers it from the source
)

// StatementForms lists every StatementForm.
var StatementForms = []StatementForm{
	DirectQuote, Paraphrase, OfficialText, SecondHandReport, Reported, AnalystInference,
}

// AttributionTerms are the terms on which a speaker may be named, as the Associated Press defines them. There is no
// value for off the record, because such material can't be used.
type AttributionTerms string

// The terms of attribution.
const (
	OnRecord       AttributionTerms = "ON_RECORD"       // may be quoted by name
	OnBackground   AttributionTerms = "ON_BACKGROUND"   // may be used under an agreed description, not by name
	DeepBackground AttributionTerms = "DEEP_BACKGROUND" // may be used without any attribution
)

// AllAttributionTerms lists every AttributionTerms.
var AllAttributionTerms = []AttributionTerms{OnRecord, OnBackground, DeepBackground}

// InformationCredibility is how credible information is in itself: the digits of the Admiralty scale. CredibilityC6
// means unknown; it is not worse than CredibilityC5.
type InformationCredibility string

// The grades of credibility.
const (
	CredibilityC1 InformationCredibility = "C1" // confirmed by other sources
	CredibilityC2 InformationCredibility = "C2" // probably true
	CredibilityC3 InformationCredibility = "C3" // possibly true
	CredibilityC4 InformationCredibility = "C4" // doubtful
	CredibilityC5 InformationCredibility = "C5" // improbable
	CredibilityC6 InformationCredibility = "C6" // truth can't be judged
)

// InformationCredibilities lists every InformationCredibility, best first, unknown last.
var InformationCredibilities = []InformationCredibility{
	CredibilityC1, CredibilityC2, CredibilityC3, CredibilityC4, CredibilityC5, CredibilityC6,
}

// NewStatementInput records a statement, alone or with the fact that it supports.
type NewStatementInput struct {
	ID                 *string
	Source             string   `api:"ref"`
	Speaker            *string  `api:"ref"`
	Speakers           []string `api:"ref"`
	SpeakerDescription *string
	About              []string `api:"ref"`
	Text               string
	Translation        *string
	TranslatedBy       *string
	Form               StatementForm
	Terms              AttributionTerms       `api:"default=ON_RECORD"`
	Credibility        InformationCredibility `api:"default=C6"`
	SaidAt             *Instant
	SaidAtPrecision    TimePrecision `api:"default=INSTANT"`
}

// RecordStatementInput records a statement alone.
type RecordStatementInput struct{ Statement NewStatementInput }

// CorrectStatement corrects a statement that was recorded wrongly.
type CorrectStatement struct {
	Statement          string
	Source             Patch[string]
	Speaker            Patch[string]
	Speakers           Patch[[]string]
	SpeakerDescription Patch[string]
	About              Patch[[]string]
	Text               Patch[string]
	Translation        Patch[string]
	TranslatedBy       Patch[string]
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

// Check refuses what is wrong with the input. It does not resolve references.
func (in RecordStatementInput) Check() error {
	var c checks
	c.statement("statement.", &in.Statement)
	return c.err()
}

// Statement returns the statement that the input describes, without its references.
func (in NewStatementInput) Statement() Statement {
	return Statement{
		SpeakerDescription: in.SpeakerDescription, Text: in.Text, Translation: in.Translation,
		TranslatedBy: in.TranslatedBy, Form: in.Form, Terms: in.Terms, Credibility: in.Credibility,
		SaidAt: in.SaidAt, SaidAtPrecision: in.SaidAtPrecision,
	}
}

// Said returns the speakers that the correction gives, by either of its fields.
func (in CorrectStatement) Said() Patch[[]string] {
	switch {
	case !in.Speaker.Set:
		return in.Speakers
	case in.Speaker.Value == nil:
		return Patch[[]string]{Set: true}
	}
	return To([]string{*in.Speaker.Value})
}

// Correct applies the patches and returns the API names of the fields that changed, or a Refusal. Source, speakers and
// about are passed resolved.
func (s *Statement) Correct(
	in CorrectStatement, source Patch[uuid.UUID], speakers, about Patch[[]uuid.UUID],
) ([]string, error) {
	var e edit
	if in.Speaker.Set && in.Speakers.Set {
		e.refuse("speaker", "Speaker and speakers are both given; give all in speakers.")
	}
	set(&e, "source", &s.SourceID, source)
	setList(&e, "speakers", &s.SpeakerIDs, speakers)
	setOrClear(&e, "speakerDescription", &s.SpeakerDescription, in.SpeakerDescription)
	setList(&e, "about", &s.AboutIDs, about)
	set(&e, "text", &s.Text, in.Text)
	setOrClear(&e, "translation", &s.Translation, in.Translation)
	setOrClear(&e, "translatedBy", &s.TranslatedBy, in.TranslatedBy)
	set(&e, "form", &s.Form, in.Form)
	set(&e, "terms", &s.Terms, in.Terms)
	set(&e, "credibility", &s.Credibility, in.Credibility)
	setOrClearInstant(&e, "saidAt", &s.SaidAt, in.SaidAt)
	set(&e, "saidAtPrecision", &s.SaidAtPrecision, in.SaidAtPrecision)
	e.text("note", in.Note, MaxProse)
	s.check(&e.checks, "", len(s.SpeakerIDs), len(s.AboutIDs))
	return e.fields, e.err()
}

func (c *checks) statement(prefix string, in *NewStatementInput) {
	s := in.Statement()
	if in.Speaker != nil && len(in.Speakers) > 0 {
		c.refuse(prefix+"speaker", "Speaker and speakers are both given; give all in speakers.")
	}
	speakers := len(in.Speakers)
	if in.Speaker != nil {
		speakers++
	}
	s.check(c, prefix, speakers, len(in.About))
}

func (s *Statement) check(c *checks, prefix string, speakers, about int) {
	named := speakers > 0
	c.text(prefix+"text", s.Text, MaxStatement)
	c.optionalText(prefix+"translation", s.Translation, MaxStatement)
	c.optionalLine(prefix+"translatedBy", s.TranslatedBy, MaxTitle)
	switch {
	case s.Translation != nil && s.TranslatedBy == nil:
		c.refuse(prefix+"translatedBy", "It has a translation, and nobody who made it; say who did.")
	case s.Translation == nil && s.TranslatedBy != nil:
		c.refuse(prefix+"translation", "It is translated by %q, and the translation is missing; give it too.", *s.TranslatedBy)
	}
	oneOf(c, prefix+"form", s.Form, StatementForms)
	c.optionalLine(prefix+"speakerDescription", s.SpeakerDescription, MaxTitle)
	c.list(prefix+"speakers", speakers)
	c.list(prefix+"about", about)
	described := s.SpeakerDescription != nil
	ownVoice := !described && (s.Form == Reported || s.Form == OfficialText)
	switch {
	case named && described:
		c.refuse(prefix+"speakerDescription", "Speaker and speakerDescription are both given; leave one of them out.")
	case !named && s.Terms == OnRecord && !ownVoice:
		c.refuse(prefix+"terms", "No speaker is named, so the terms can't be ON_RECORD for the form %s; "+
			"name the speaker, give other terms (ON_BACKGROUND, DEEP_BACKGROUND), or use REPORTED or OFFICIAL_TEXT "+
			"without a speakerDescription for the source's own voice.", s.Form)
	}
}

// CheckQuote looks a direct quote up in its source's body and sets the locators. It refuses with QuoteNotFound if a
// fragment is missing. Without a body (nil), and for other forms, it sets none.
func (s *Statement) CheckQuote(field string, body *FoldedText) error {
	s.Locators = nil
	if s.Form != DirectQuote || body == nil {
		return nil
	}
	locators, missing := body.Find(s.Text)
	if missing != "" {
		return Refuse(QuoteNotFound, field, "%q does not stand in the source's body; quote it word for word, "+
			"mark omissions between two fragments with %s, or record it as a PARAPHRASE.", missing, Ellipsis)
	}
	s.Locators = locators
	return nil
}

// Quoted looks the direct quotes on record of a source up in a body that is supplied later, and sets their locators. It
// refuses with QuoteNotFound if some do not stand in it.
func Quoted(quotes []*Statement, body string) error {
	folded := Fold(body)
	var missing []string
	for _, s := range quotes {
		if s.CheckQuote("", folded) != nil {
			missing = append(missing, fmt.Sprintf("“%s” (%s)", s.Label(), s.ID))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	const shown = 5
	more := ""
	if len(missing) > shown {
		more = fmt.Sprintf(" and %d more", len(missing)-shown)
	}
	return Refuse(QuoteNotFound, "body", "Quotes on record do not stand in this body: %s%s; correct them first, or record "+
		"them as a PARAPHRASE.", strings.Join(missing[:min(shown, len(missing))], ", "), more)
}
