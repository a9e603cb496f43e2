package parley

import "github.com/google/uuid"

// Affiliation is an office that a person holds with an organization (a state, too) for a time.
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

// Label is what to call it in a list, given the names of both sides.
func (a *Affiliation) Label(person, organization string) string {
	if a.Office != nil {
		return person + ", " + *a.Office + ", " + organization
	}
	return person + ", " + organization
}

// HoldsAt says whether the person held the office at t.
func (a *Affiliation) HoldsAt(t Instant) bool { return within(t, a.ValidFrom, a.ValidTo) }

// AffiliateInput puts an affiliation on record.
type AffiliateInput struct {
	ID           *string
	Person       string `api:"ref"`
	Organization string `api:"ref"`
	Office       *string
	SpeaksFor    bool
	ValidFrom    *Instant
	ValidTo      *Instant
}

// EndAffiliationInput says when an affiliation ended; without ValidTo, at the change's own recordedAt.
type EndAffiliationInput struct {
	Affiliation string
	ValidTo     *Instant
}

// Affiliation is what the input describes, or everything that is wrong with it.
func (in AffiliateInput) Affiliation() (Affiliation, error) {
	a := Affiliation{Office: in.Office, SpeaksFor: in.SpeaksFor, ValidFrom: in.ValidFrom, ValidTo: in.ValidTo}
	var c checks
	c.optionalText("office", in.Office, MaxTitle)
	c.order("validFrom", "validTo", in.ValidFrom, in.ValidTo)
	return a, c.err()
}

// CheckAffiliates refuses an affiliation of anyone but a person, and one with a person.
func CheckAffiliates(person, organization StakeholderKind) error {
	var c checks
	if person != Person {
		c.refuse("person", "Only persons hold offices, and this stakeholder is of kind %s; name a stakeholder of kind PERSON.", person)
	}
	if organization == Person {
		c.refuse("organization", "A person can't be held an office with; name a stakeholder of another kind than PERSON.")
	}
	return c.err()
}

// End sets the end of the interval; it says whether that changed anything.
func (a *Affiliation) End(validTo Instant) (bool, error) {
	return end(a.ValidFrom, &a.ValidTo, validTo)
}

// end closes a dated interval.
func end(validFrom *Instant, validTo **Instant, at Instant) (bool, error) {
	if *validTo != nil && (*validTo).Equal(at) {
		return false, nil
	}
	var c checks
	c.order("validFrom", "validTo", validFrom, &at)
	*validTo = &at
	return true, c.err()
}
