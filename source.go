package parley

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/language"
)

// Source is a document that statements are taken from: a report, a transcript, a communiqué. ContentHash is nil if no
// body was recorded.
type Source struct {
	Lens Lens
	Provenance

	ID          uuid.UUID
	Key         string
	Title       string
	Publisher   *string
	Author      *string
	URL         *string
	PublishedAt *Instant
	RetrievedAt *Instant
	Language    *string
	Reliability SourceReliability
	Marking     Marking
	ContentHash *string
}

// ObjectID returns the id of the object.
func (s *Source) ObjectID() ObjectID { return ObjectID{s.ID, s.Replaced(), s.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Source) RecordType() string { return KindSource.Type() }

// A page of sources.
type (
	SourceConnection = Connection[Source]
	SourceEdge       = Edge[Source]
)

// Label returns a short name for lists.
func (s *Source) Label() string { return s.Title }

// SourceReliability is how reliable a source has been: the letters of the Admiralty scale. ReliabilityF means unknown;
// it is not worse than ReliabilityE.
type SourceReliability string

// The grades of reliability.
const (
	ReliabilityA SourceReliability = "A" // completely reliable
	ReliabilityB SourceReliability = "B" // usually reliable
	ReliabilityC SourceReliability = "C" // fairly reliable
	ReliabilityD SourceReliability = "D" // not usually reliable
	ReliabilityE SourceReliability = "E" // unreliable
	ReliabilityF SourceReliability = "F" // can't be judged
)

// SourceReliabilities lists every SourceReliability, best first, unknown last.
var SourceReliabilities = []SourceReliability{
	ReliabilityA, ReliabilityB, ReliabilityC, ReliabilityD, ReliabilityE, ReliabilityF,
}

// Marking says how far something may be passed on: the Traffic Light Protocol 2.0 of FIRST.
type Marking string

// The markings.
const (
	TLPClear       Marking = "TLP_CLEAR"        // may be passed on to anyone
	TLPGreen       Marking = "TLP_GREEN"        // within the community, not in public
	TLPAmber       Marking = "TLP_AMBER"        // within the organization and to its clients
	TLPAmberStrict Marking = "TLP_AMBER_STRICT" // within the organization only
	TLPRed         Marking = "TLP_RED"          // for the individual recipients only
)

// Markings lists every Marking, widest first.
var Markings = []Marking{TLPClear, TLPGreen, TLPAmber, TLPAmberStrict, TLPRed}

// ReadMarking reads a marking as a parameter gives it: TLP_GREEN or, as FIRST writes it, TLP:GREEN.
func ReadMarking(text string) (Marking, error) {
	m := Marking(strings.NewReplacer(":", "_", "+", "_").Replace(strings.ToUpper(text)))
	if !slices.Contains(Markings, m) {
		return "", NewFault(BadRequest, "%q is no marking; give one of %s.", text, Listed(Markings))
	}
	return m, nil
}

// RegisterSourceInput records a source. Its body can't be changed afterwards.
type RegisterSourceInput struct {
	ID          *string
	Key         string
	Title       string
	Publisher   *string
	Author      *string
	URL         *string
	PublishedAt *Instant
	RetrievedAt *Instant
	Language    *string
	Reliability SourceReliability `api:"default=F"`
	Marking     Marking           `api:"default=TLP_CLEAR"`
	Body        *string
}

// EditSource edits a source.
type EditSource struct {
	Source           string
	Title            Patch[string]
	Publisher        Patch[string]
	Author           Patch[string]
	URL              Patch[string]
	PublishedAt      Patch[Instant]
	RetrievedAt      Patch[Instant]
	Language         Patch[string]
	Reliability      Patch[SourceReliability]
	Marking          Patch[Marking]
	Body             Patch[string]
	IfUnchangedSince *Cursor
}

// Source returns the source that the input describes, with the hash of its body, or a Refusal.
func (in RegisterSourceInput) Source() (Source, error) {
	s := Source{
		Key: in.Key, Title: in.Title, Publisher: in.Publisher, Author: in.Author, URL: in.URL,
		PublishedAt: in.PublishedAt, RetrievedAt: in.RetrievedAt, Language: in.Language,
		Reliability: in.Reliability, Marking: in.Marking,
	}
	var c checks
	c.key("key", in.Key)
	c.optionalText("body", in.Body, MaxBody)
	s.check(&c)
	if in.Body != nil {
		hash := ContentHash(*in.Body)
		s.ContentHash = &hash
	}
	return s, c.err()
}

// Edit applies the patches and returns the API names of the fields that changed, or a Refusal.
func (s *Source) Edit(in EditSource) ([]string, error) {
	var e edit
	set(&e, "title", &s.Title, in.Title)
	setOrClear(&e, "publisher", &s.Publisher, in.Publisher)
	setOrClear(&e, "author", &s.Author, in.Author)
	setOrClear(&e, "url", &s.URL, in.URL)
	setOrClearInstant(&e, "publishedAt", &s.PublishedAt, in.PublishedAt)
	setOrClearInstant(&e, "retrievedAt", &s.RetrievedAt, in.RetrievedAt)
	setOrClear(&e, "language", &s.Language, in.Language)
	set(&e, "reliability", &s.Reliability, in.Reliability)
	set(&e, "marking", &s.Marking, in.Marking)
	s.supply(&e, in.Body)
	s.check(&e.checks)
	return e.fields, e.err()
}

// supply sets the hash of a body, if the source has none yet.
func (s *Source) supply(e *edit, body Patch[string]) {
	switch {
	case !body.Set:
	case body.Value == nil:
		e.refuse("body", "A body can't be taken away; leave it out.")
	case s.ContentHash == nil:
		e.optionalText("body", body.Value, MaxBody)
		hash := ContentHash(*body.Value)
		s.ContentHash = &hash
		e.fields = append(e.fields, "body")
	case *s.ContentHash != ContentHash(*body.Value):
		e.refuse("body", "“%s” has another body on record, which can't be changed; register the new text as another source.",
			s.Title)
	}
}

func (s *Source) check(c *checks) {
	c.line("title", s.Title, MaxTitle)
	c.optionalLine("publisher", s.Publisher, MaxTitle)
	c.optionalLine("author", s.Author, MaxTitle)
	if s.URL != nil {
		u, err := url.Parse(*s.URL)
		if err != nil || strings.ContainsFunc(*s.URL, notInURL) || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || len(*s.URL) > MaxReason {
			c.refuse("url", "%q is not a web address; give one that begins with https:// or http://, "+
				"has no spaces, and at most %d characters.", *s.URL, MaxReason)
		}
	}
	if s.Language != nil && !isLanguageTag(*s.Language) {
		c.refuse("language", "%q is not a language tag; give a BCP 47 tag such as \"en\" or \"uk-UA\".", *s.Language)
	}
}

// notInURL reports whether a character can't be in a web address, not even in one that is shown in its own script.
func notInURL(r rune) bool {
	return unicode.IsControl(r) || blank(r) || ReordersText(r) || strings.ContainsRune(`<>"`, r)
}

// isLanguageTag reports whether a text is a tag of BCP 47 whose parts are registered.
func isLanguageTag(text string) bool {
	_, err := language.Parse(text)
	return err == nil && !strings.Contains(text, "_")
}

// BodyErasure records that a source's body was erased. The facts based on it stay.
type BodyErasure struct {
	Lens       Lens
	ErasedAt   Instant
	ErasedByID uuid.UUID
	Note       string
}

// EraseBody erases a source's body, for example because the law demands it.
type EraseBody struct {
	Source string
	Note   string
}

// Check refuses an erasure without a note.
func (in EraseBody) Check() error {
	var c checks
	c.text("note", in.Note, MaxProse)
	return c.err()
}

// ContentHash returns the SHA-256 of a source's body, in lower-case hexadecimal.
func ContentHash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
