package parley

import (
	"slices"

	"github.com/google/uuid"
)

// Affiliation is an office that a person holds in an organization (which may be a state) over an interval. A nil
// ValidFrom or ValidTo is open.
type Affiliation struct {
	Lens Lens
	Provenance

	ID             uuid.UUID
	PersonID       uuid.UUID
	OrganizationID uuid.UUID
	Office         *string
	SpeaksFor      bool
	ValidFrom      *Instant
	ValidTo        *Instant
}

// ObjectID returns the id of the object.
func (a *Affiliation) ObjectID() ObjectID { return ObjectID{a.ID, a.Replaced(), a.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Affiliation) RecordType() string { return KindAffiliation.Type() }

// A page of affiliations.
type (
	AffiliationConnection = Connection[Affiliation]
	AffiliationEdge       = Edge[Affiliation]
)

// Label returns a short name for lists, given the names of both sides.
func (a *Affiliation) Label(person, organization string) string {
	if a.Office != nil {
		return person + ", " + *a.Office + ", " + organization
	}
	return person + ", " + organization
}

// HoldsAt reports whether the person holds the office at t.
func (a *Affiliation) HoldsAt(t Instant) bool { return within(t, a.ValidFrom, a.ValidTo) }

// AffiliateInput records an affiliation.
type AffiliateInput struct {
	ID           *string
	Person       string `api:"ref"`
	Organization string `api:"ref"`
	Office       *string
	SpeaksFor    bool
	ValidFrom    *Instant
	ValidTo      *Instant
}

// EndAffiliationInput records the end of an affiliation. A nil ValidTo means the change's own recordedAt.
type EndAffiliationInput struct {
	Affiliation string
	ValidTo     *Instant
}

// CorrectAffiliation corrects an affiliation that was recorded wrongly.
type CorrectAffiliation struct {
	Affiliation      string
	Person           Patch[string]
	Organization     Patch[string]
	Office           Patch[string]
	SpeaksFor        Patch[bool]
	ValidFrom        Patch[Instant]
	ValidTo          Patch[Instant]
	Note             string
	IfUnchangedSince *Cursor
}

// Affiliation returns the affiliation that the input describes, without its references, or a Refusal.
func (in AffiliateInput) Affiliation() (Affiliation, error) {
	a := Affiliation{Office: in.Office, SpeaksFor: in.SpeaksFor, ValidFrom: in.ValidFrom, ValidTo: in.ValidTo}
	var c checks
	a.check(&c)
	return a, c.err()
}

// Correct applies the patches and returns the API names of the fields that changed, or a Refusal. Person and
// organization are passed resolved.
func (a *Affiliation) Correct(in CorrectAffiliation, person, organization Patch[uuid.UUID]) ([]string, error) {
	var e edit
	set(&e, "person", &a.PersonID, person)
	set(&e, "organization", &a.OrganizationID, organization)
	setOrClear(&e, "office", &a.Office, in.Office)
	set(&e, "speaksFor", &a.SpeaksFor, in.SpeaksFor)
	setOrClearInstant(&e, "validFrom", &a.ValidFrom, in.ValidFrom)
	setOrClearInstant(&e, "validTo", &a.ValidTo, in.ValidTo)
	e.text("note", in.Note, MaxProse)
	a.check(&e.checks)
	return e.fields, e.err()
}

// OnlyEndsBy reports whether all that the correction changes, person and organization aside, is the end, of which none
// is on record yet. That is news, and no correction.
func (a *Affiliation) OnlyEndsBy(in CorrectAffiliation) bool {
	corrected := *a
	fields, _ := corrected.Correct(in, Patch[uuid.UUID]{}, Patch[uuid.UUID]{})
	return a.ValidTo == nil && slices.Equal(fields, []string{"validTo"})
}

func (a *Affiliation) check(c *checks) {
	c.optionalLine("office", a.Office, MaxTitle)
	c.order("validFrom", "validTo", a.ValidFrom, a.ValidTo)
}

// CheckAffiliates refuses an affiliation whose person is of another kind than Person, or whose organization is a
// Person.
func CheckAffiliates(person, organization StakeholderKind) error {
	var c checks
	if person != Person {
		c.refuse("person", "Only a person can hold an office, and this stakeholder is of kind %s; "+
			"name a stakeholder of kind PERSON.", person)
	}
	if organization == Person {
		c.refuse("organization", "An organization can't be a person; name a stakeholder of another kind than PERSON.")
	}
	return c.err()
}

// End sets the end of the interval and reports whether that changed it. It refuses an end that is not after the
// beginning.
func (a *Affiliation) End(validTo Instant) (bool, error) {
	return end(a.ValidFrom, &a.ValidTo, validTo)
}

// end sets the end of an interval and reports whether that changed it.
func end(validFrom *Instant, validTo **Instant, at Instant) (bool, error) {
	if *validTo != nil && (*validTo).Equal(at) {
		return false, nil
	}
	var c checks
	c.order("validFrom", "validTo", validFrom, &at)
	*validTo = &at
	return true, c.err()
}
