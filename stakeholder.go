package parley

import (
	"slices"

	"github.com/google/uuid"
	"golang.org/x/text/language"
)

// Stakeholder is somebody with something at stake: a state, an organization, a group or a person. (The users of Parley
// are Analysts.)
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

// ObjectID returns the id of the object.
func (s *Stakeholder) ObjectID() ObjectID { return ObjectID{s.ID, s.Replaced(), s.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Stakeholder) RecordType() string { return KindStakeholder.Type() }

// A page of stakeholders.
type (
	StakeholderConnection = Connection[Stakeholder]
	StakeholderEdge       = Edge[Stakeholder]
)

// Label returns a short name for lists.
func (s *Stakeholder) Label() string { return s.Name }

// StakeholderKind is what a stakeholder is.
type StakeholderKind string

// The kinds of stakeholder.
const (
	State                         StakeholderKind = "STATE"
	IntergovernmentalOrganization StakeholderKind = "INTERGOVERNMENTAL_ORGANIZATION" // its members are states
	Organization                  StakeholderKind = "ORGANIZATION"                   // any other organization
	NonStateArmedGroup            StakeholderKind = "NON_STATE_ARMED_GROUP"
	Group                         StakeholderKind = "GROUP" // people or states named together, not one organization
	Person                        StakeholderKind = "PERSON"
)

// StakeholderKinds lists every StakeholderKind.
var StakeholderKinds = []StakeholderKind{
	State, IntergovernmentalOrganization, Organization, NonStateArmedGroup, Group, Person,
}

// RegisterStakeholderInput records a stakeholder.
type RegisterStakeholderInput struct {
	ID          *string
	Key         string
	Name        string
	Kind        StakeholderKind
	Aliases     []string
	CountryCode *string
}

// EditStakeholder edits a stakeholder.
type EditStakeholder struct {
	Stakeholder      string
	Name             Patch[string]
	Kind             Patch[StakeholderKind]
	Aliases          Patch[[]string]
	CountryCode      Patch[string]
	IfUnchangedSince *Cursor
}

// Stakeholder returns the stakeholder that the input describes, or a Refusal.
func (in RegisterStakeholderInput) Stakeholder() (Stakeholder, error) {
	s := Stakeholder{Key: in.Key, Name: in.Name, Kind: in.Kind, Aliases: in.Aliases, CountryCode: in.CountryCode}
	var c checks
	c.key("key", in.Key)
	s.check(&c)
	return s, c.err()
}

// Edit applies the patches and returns the API names of the fields that changed, or a Refusal. It refuses a change of
// kind from or to Person.
func (s *Stakeholder) Edit(in EditStakeholder) ([]string, error) {
	var e edit
	if in.Kind.Value != nil && (*in.Kind.Value == Person) != (s.Kind == Person) {
		e.refuse("kind", "A stakeholder of kind %s can't become %s, because only persons can hold offices; "+
			"register another stakeholder.", s.Kind, *in.Kind.Value)
	}
	set(&e, "name", &s.Name, in.Name)
	set(&e, "kind", &s.Kind, in.Kind)
	setList(&e, "aliases", &s.Aliases, in.Aliases)
	setOrClear(&e, "countryCode", &s.CountryCode, in.CountryCode)
	s.check(&e.checks)
	return e.fields, e.err()
}

func (s *Stakeholder) check(c *checks) {
	c.line("name", s.Name, MaxTitle)
	oneOf(c, "kind", s.Kind, StakeholderKinds)
	c.lines("aliases", s.Aliases, MaxTitle)
	if s.CountryCode != nil && !isCountryCode(*s.CountryCode) {
		c.refuse("countryCode", "%q is not a country code; give the two capital letters of ISO 3166-1, such as \"GB\" or \"UA\".",
			*s.CountryCode)
	}
}

// withdrawn are codes of countries that are no more, which the library also has.
var withdrawn = []string{"AN", "CS", "SU", "YU"}

// isCountryCode reports whether a text is a code of ISO 3166-1, or XK, which stands for Kosovo everywhere.
func isCountryCode(text string) bool {
	region, err := language.ParseRegion(text)
	return err == nil && region.String() == text && region.IsCountry() && region.Canonicalize() == region &&
		region.ISO3() != "ZZZ" && region.M49() != 0 && !slices.Contains(withdrawn, text)
}
