package parley

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"

	"github.com/google/uuid"
)

// Source is something that was published or obtained: a report, a transcript, a communiqué.
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

// A page of sources.
type (
	SourceConnection = Connection[Source]
	SourceEdge       = Edge[Source]
)

// Label is what to call it in a list.
func (s *Source) Label() string { return s.Title }

// SourceReliability is the Admiralty scale's letter: how far a source has been right before. F: it can't be judged,
// which is not the worst but the unknown.
type SourceReliability string

// SourceReliabilities lists every SourceReliability, best first, unknown last.
var SourceReliabilities = []SourceReliability{"A", "B", "C", "D", "E", "F"}

// Marking is a label of FIRST's Traffic Light Protocol 2.0: how far something may be passed on.
type Marking string

// Markings lists every Marking, widest first.
var Markings = []Marking{"TLP_CLEAR", "TLP_GREEN", "TLP_AMBER", "TLP_AMBER_STRICT", "TLP_RED"}

// RegisterSourceInput puts a source on record. Its body can't be changed afterwards.
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

// EditSource changes the plain fields of a source.
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
	IfUnchangedSince *Cursor
}

// Source is what the input describes, or everything that is wrong with it.
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

// Edit applies the patches and returns the names of the fields that changed.
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
	s.check(&e.checks)
	return e.fields, e.err()
}

// languageShape is the part of BCP 47 in common use: language, script, region and variants.
var languageShape = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func (s *Source) check(c *checks) {
	c.text("title", s.Title, MaxTitle)
	c.optionalText("publisher", s.Publisher, MaxTitle)
	c.optionalText("author", s.Author, MaxTitle)
	if s.URL != nil {
		if u, err := url.Parse(*s.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || len(*s.URL) > MaxReason {
			c.refuse("url", "%q is not the address of a page; give one that begins with https:// or http://, of at most %d characters.", *s.URL, MaxReason)
		}
	}
	if s.Language != nil && !languageShape.MatchString(*s.Language) {
		c.refuse("language", "%q is not a language tag; give one of BCP 47, such as \"en\" or \"uk-UA\".", *s.Language)
	}
}

// BodyErasure tells that the text kept of a source was erased, which takes nothing from the facts that rest on it.
type BodyErasure struct {
	Lens       Lens
	ErasedAt   Instant
	ErasedByID uuid.UUID
	Note       string
}

// EraseBody erases the text kept of a source, where the law demands it.
type EraseBody struct {
	Source string
	Note   string
}

// Check refuses an erasure without a reason.
func (in EraseBody) Check() error {
	var c checks
	c.text("note", in.Note, MaxProse)
	return c.err()
}

// ContentHash is the SHA-256 of a source's body, in hexadecimal.
func ContentHash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
