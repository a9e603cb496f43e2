package parley

import (
	"regexp"

	"github.com/google/uuid"
)

// Stakeholder is a party to the world's affairs: a state, an organization, a group, a person. (Users of Parley are
// Analysts.)
type Stakeholder struct {
	Lens Lens
	Provenance

	ID          uuid.UUID
	Key         string
	Name        string
	Kind        StakeholderKind
	Aliases     []string
	CountryCode *string
}

// A page of stakeholders.
type (
	StakeholderConnection = Connection[Stakeholder]
	StakeholderEdge       = Edge[Stakeholder]
)

// Label is what to call it in a list.
func (s *Stakeholder) Label() string { return s.Name }

// StakeholderKind classes stakeholders.
type StakeholderKind string

// The kinds of stakeholder that rules speak of.
const (
	Person StakeholderKind = "PERSON"
	State  StakeholderKind = "STATE"
)

// StakeholderKinds lists every StakeholderKind.
var StakeholderKinds = []StakeholderKind{
	State, "INTERGOVERNMENTAL_ORGANIZATION", "ORGANIZATION", "NON_STATE_ARMED_GROUP", "GROUP", Person,
}

// RegisterStakeholderInput puts a stakeholder on record.
type RegisterStakeholderInput struct {
	ID          *string
	Key         string
	Name        string
	Kind        StakeholderKind
	Aliases     []string
	CountryCode *string
}

// EditStakeholder changes the plain fields of a stakeholder.
type EditStakeholder struct {
	Stakeholder      string
	Name             Patch[string]
	Kind             Patch[StakeholderKind]
	Aliases          Patch[[]string]
	CountryCode      Patch[string]
	IfUnchangedSince *Cursor
}

// Stakeholder is what the input describes, or everything that is wrong with it.
func (in RegisterStakeholderInput) Stakeholder() (Stakeholder, error) {
	s := Stakeholder{Key: in.Key, Name: in.Name, Kind: in.Kind, Aliases: in.Aliases, CountryCode: in.CountryCode}
	var c checks
	c.key("key", in.Key)
	s.check(&c)
	return s, c.err()
}

// Edit applies the patches and returns the names of the fields that changed.
func (s *Stakeholder) Edit(in EditStakeholder) ([]string, error) {
	var e edit
	if in.Kind.Value != nil && (*in.Kind.Value == Person) != (s.Kind == Person) {
		e.refuse("kind", "%s can't become %s: only persons hold offices, and only with others; register another stakeholder.", s.Kind, *in.Kind.Value)
	}
	set(&e, "name", &s.Name, in.Name)
	set(&e, "kind", &s.Kind, in.Kind)
	setList(&e, "aliases", &s.Aliases, in.Aliases)
	setOrClear(&e, "countryCode", &s.CountryCode, in.CountryCode)
	s.check(&e.checks)
	return e.fields, e.err()
}

var countryCodeShape = regexp.MustCompile(`^[A-Z]{2}$`)

func (s *Stakeholder) check(c *checks) {
	c.text("name", s.Name, MaxTitle)
	oneOf(c, "kind", s.Kind, StakeholderKinds)
	c.texts("aliases", s.Aliases, MaxTitle)
	if s.CountryCode != nil && !countryCodeShape.MatchString(*s.CountryCode) {
		c.refuse("countryCode", "%q is not a country code; give the two capital letters of ISO 3166-1, such as \"UA\".", *s.CountryCode)
	}
}
