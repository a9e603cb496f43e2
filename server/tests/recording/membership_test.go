package recording_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.org/parley/server/apitest"
)

// groups are talks with three groups to belong to.
func groups(t *testing.T) *api {
	t.Helper()
	a := withTalks(t)
	a.Load("groups.yaml", `dataset: groups
stakeholders:
  - {key: e3, name: The E3, kind: GROUP}
  - {key: league, name: The league, kind: INTERGOVERNMENTAL_ORGANIZATION}
  - {key: bloc, name: The bloc, kind: GROUP}
`)
	return a
}

const (
	membershipFields = ` { membership { id label speaksForMembers validFrom validTo member { key } group { key } } cursor
		userErrors { code message field } }`
	affiliationFields = ` { affiliation { id label office speaksFor validFrom validTo person { key } organization { key } }
		cursor userErrors { code message field } }`
)

// join adds a membership and returns its id. Years may be empty.
func (a *api) join(member, group, from, to string) string {
	a.T.Helper()
	return a.Must(joining(member, group, from, to)).Text("addMembership.membership.id")
}

func joining(member, group, from, to string) string {
	return fmt.Sprintf(`mutation { addMembership(input: {member: %q, group: %q, validFrom: %s, validTo: %s})`+
		membershipFields+` }`, member, group, year(from), year(to))
}

// year is the beginning of a year as a literal; null for none.
func year(y string) string {
	if y == "" {
		return "null"
	}
	return `"` + y + `-01-01T00:00:00Z"`
}

func TestMemberships(t *testing.T) {
	t.Parallel()
	a := groups(t)
	added := a.Must(`mutation { addMembership(input: {member: "north", group: "e3", speaksForMembers: true, validFrom: "2020-01-01T00:00:00Z"})` +
		membershipFields + ` }`)
	added.Want("addMembership.membership.label", "North, The E3", "addMembership.membership.speaksForMembers", true,
		"addMembership.membership.validTo", nil)
	id, before := added.Text("addMembership.membership.id"), a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.join("envoy", "e3", "", "2021") // persons too
	a.join("e3", "league", "2022", "")

	lists := `{ stakeholder(id: "north"%s) { memberships { group { key } } members { id } } e3: stakeholder(id: "e3"%[1]s) { memberships { group { key } } members { member { key } } } }`
	read := func(lens string) apitest.Answer { return a.Must(fmt.Sprintf(lists, lens)) }
	asOf := func(validAt, knownAt string) string {
		return fmt.Sprintf(`, asOf: {validAt: "%s-06-01T00:00:00Z", knownAt: %q}`, validAt, knownAt)
	}
	read("").Want("stakeholder.memberships", "[map[group:map[key:e3]]]", "stakeholder.members", "[]",
		"e3.memberships", "[map[group:map[key:league]]]", "e3.members", "[map[member:map[key:north]]]")
	now := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	read(asOf("2020", now)).Want("e3.memberships", "[]",
		"e3.members", "[map[member:map[key:envoy]] map[member:map[key:north]]]")
	read(asOf("2020", before)).Want("e3.members", "[map[member:map[key:north]]]")
	read(asOf("2019", now)).Want("stakeholder.memberships", "[]", "e3.members", "[map[member:map[key:envoy]]]")

	a.Must(`{ lens(asOf: {validAt: "2020-06-01T00:00:00Z"}) { nextChangeAt } }`).
		Want("lens.nextChangeAt", "2021-01-01T00:00:00.000000Z")

	end := fmt.Sprintf(`mutation($at: Time) { endMembership(input: {membership: %q, validTo: $at})`+membershipFields+` }`, id)
	a.Ask(end, map[string]any{"at": "2019-01-01T00:00:00Z"}).Refused("INVALID validTo")
	a.Must(end)
	a.Must(end).Want("endMembership.cursor", nil)
	read("").Want("stakeholder.memberships", "[]", "e3.members", "[]")
	read(asOf("2023", now)).Want("e3.members", "[map[member:map[key:north]]]")

	// Followers of both sides hear of it, and a stakeholder in a group is in use.
	for _, of := range []string{"north", "e3"} {
		a.Must(fmt.Sprintf(`{ changes(filter: {stakeholders: [%q]}, order: NEWEST_FIRST, first: 1) { nodes { kind summary ... on RecordChanged { action node { id } } } } }`, of)).
			Want("changes.nodes.0.summary", "Edited the membership of North and The E3: validTo.", "changes.nodes.0.action", "UPDATED",
				"changes.nodes.0.kind", "RECORD")
	}
	a.Ask(`mutation { retract(input: {id: "league", note: "x"}) { userErrors { code message field } } }`).
		Refused("IN_USE id", "a membership (", ") rests on it")
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "A mix-up."}) { cursor userErrors { code message field } } }`, id))
	read(asOf("2020", a.Must(`{ lens { knownAt } }`).Text("lens.knownAt"))).Want("stakeholder.memberships", "[]")
	read(asOf("2020", now)).Want("stakeholder.memberships", "[map[group:map[key:e3]]]")
}

func TestMembershipsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := groups(t)
	a.join("north", "e3", "2020", "2022")
	a.join("e3", "league", "2021", "2023")
	a.join("league", "bloc", "2020", "2025")
	before := a.Changes()
	for _, tt := range []struct {
		member, group, from, to, code string
		says                          []string
	}{
		{"north", "e3", "2021", "", "CONFLICT validFrom", []string{"already"}},
		{"north", "envoy", "", "", "INVALID group", []string{"person", "PERSON"}},
		{"north", "league", "2022", "2021", "INVALID validTo", []string{"2021-01-01", "2022-01-01"}},
		{"nobody", "league", "", "", "NOT_FOUND member", []string{`"nobody"`}},
		{"talks", "league", "", "", "NOT_FOUND member", []string{"a negotiation", "a stakeholder"}},
		// Nobody belongs to itself: directly, through a group, and through groups in groups.
		{"north", "north", "2030", "", "INVALID group", []string{"in “North”, “North” would belong to itself"}},
		{"e3", "north", "2021", "", "INVALID group", []string{"in “North”, “The E3” would belong to itself"}},
		{"league", "north", "", "", "INVALID group", []string{"in “North”, “The league” would belong to itself"}},
		{"bloc", "north", "", "", "INVALID group", []string{"in “North”, “The bloc” would belong to itself"}},
	} {
		a.Ask(joining(tt.member, tt.group, tt.from, tt.to)).Refused(tt.code, tt.says...)
	}
	if after := a.Changes(); after != before {
		t.Errorf("refused memberships left %d changes", after-before)
	}

	// The circle counts only if all its memberships hold at one instant: the three hold from 2021 to 2022.
	a.join("bloc", "north", "2022", "")
	a.join("bloc", "north", "", "2021")
	a.Ask(joining("bloc", "north", "2021", "2022")).Refused("INVALID group")
	a.Ask(joining("north", "e3", "2022", "2023")).Refused("INVALID group", "in “The E3”, “North” would belong to itself")
	a.join("north", "e3", "2023", "")
}

func TestMembershipsAreCorrected(t *testing.T) {
	t.Parallel()
	a := groups(t)
	id := a.join("north", "e3", "2020", "2022")
	seen := a.Must(`{ lens { cursor knownAt } }`)
	correct := func(fields string) apitest.Answer {
		a.T.Helper()
		return a.Ask(fmt.Sprintf(`mutation { correctMembership(input: {membership: %q, %s})`+membershipFields+` }`, id,
			fields))
	}
	correct(`member: "south", group: "league", speaksForMembers: true, clear: ["validFrom"], validTo: "2023-01-01T00:00:00Z", note: "It was the South."`).
		Want("correctMembership.membership.id", id, "correctMembership.membership.label", "South, The league",
			"correctMembership.membership.speaksForMembers", true, "correctMembership.membership.validFrom", nil,
			"correctMembership.membership.validTo", "2023-01-01T00:00:00.000000Z")
	// Everybody who followed it hears of it, and what was believed stays readable.
	for _, of := range []string{"north", "south", "e3", "league"} {
		a.Must(fmt.Sprintf(`{ changes(filter: {stakeholders: [%q]}, order: NEWEST_FIRST, first: 1) { nodes { note summary ... on RecordChanged { action fields } } } }`, of)).
			Want("changes.nodes.0.summary",
				"Corrected the membership of North and The E3: member, group, speaksForMembers, validFrom, validTo.",
				"changes.nodes.0.note", "It was the South.", "changes.nodes.0.action", "UPDATED")
	}
	then := `{ stakeholder(id: "e3", asOf: {validAt: "2021-01-01T00:00:00Z"%s}) { members { member { key } } } }`
	a.Must(fmt.Sprintf(then, "")).Want("stakeholder.members", "[]")
	a.Must(fmt.Sprintf(then, fmt.Sprintf(", knownAt: %q", seen.Text("lens.knownAt")))).
		Want("stakeholder.members", "[map[member:map[key:north]]]")

	correct(`member: "south", note: "Again."`).Want("correctMembership.cursor", nil)
	correct(`clear: ["validTo"], note: "x", ifUnchangedSince: "`+seen.Text("lens.cursor")+`"`).
		Refused("CONFLICT ifUnchangedSince", "changed since")
	correct(`clear: ["validTo"], note: " "`).Refused("INVALID note")
	correct(`clear: ["group"], note: "x"`).Refused("INVALID group", "can't be cleared")
	correct(`clear: ["speaksForMembers"], note: "x"`).Refused("INVALID speaksForMembers", "can't be cleared")
	correct(`validFrom: "2024-01-01T00:00:00Z", note: "x"`).Refused("INVALID validTo")
	correct(`group: "envoy", note: "x"`).Refused("INVALID group", "PERSON")
	correct(`group: "south", note: "x"`).Refused("INVALID group", "“South” would belong to itself")

	a.join("south", "league", "2024", "")
	correct(`validTo: "2025-01-01T00:00:00Z", note: "x"`).Refused("CONFLICT validFrom", "already")

	// A correction closes no circle: of an interval, or of what it names.
	back := a.join("league", "south", "2023", "2024")
	correct(`validTo: "2023-06-01T00:00:00Z", note: "x"`).Refused("INVALID group", "“South” would belong to itself")
	a.Ask(fmt.Sprintf(`mutation { correctMembership(input: {membership: %q, clear: ["validFrom"], note: "x"})`+membershipFields+` }`, back)).
		Refused("INVALID group", "“The league” would belong to itself")
	a.Ask(fmt.Sprintf(`mutation { endMembership(input: {membership: %q, validTo: "2025-01-01T00:00:00Z"})`+membershipFields+` }`, back)).
		Refused("INVALID group", "“The league” would belong to itself")
	other := a.join("league", "e3", "2024", "")
	a.Ask(fmt.Sprintf(`mutation { correctMembership(input: {membership: %q, group: "south", note: "x"})`+membershipFields+` }`, other)).
		Refused("INVALID group", "“The league” would belong to itself")
	// What is taken back is in no circle.
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "x"}) { userErrors { code message field } } }`, back))
	a.Ask(fmt.Sprintf(`mutation { correctMembership(input: {membership: %q, validTo: "2023-06-01T00:00:00Z", note: "x"})`+membershipFields+` }`, id)).
		Want("correctMembership.membership.validTo", "2023-06-01T00:00:00.000000Z")
}

// Of memberships that only together close a circle, and are recorded at once, all but one are recorded.
func TestMembershipsAtOnceCloseNoCircle(t *testing.T) {
	t.Parallel()
	a := groups(t)
	other := startOn(t, a.DSN) // on two servers
	for range 8 {
		documents := []string{
			joining("north", "e3", "", ""), joining("e3", "league", "", ""), joining("league", "north", "", ""),
		}
		answers := make([]apitest.Answer, len(documents))
		var at sync.WaitGroup
		for i, document := range documents {
			at.Go(func() { answers[i] = []*api{a, other}[i%2].Ask(document) })
		}
		at.Wait()
		refused := 0
		var ids []string
		for _, got := range answers {
			list := apitest.Refusals(got.Data)
			if len(list) == 0 {
				ids = append(ids, got.Text("addMembership.membership.id"))
				continue
			}
			if refused++; !strings.HasPrefix(list[0], "INVALID group: By this membership in ") {
				t.Error(list)
			}
		}
		if refused != 1 {
			t.Fatalf("%d of three were refused, want one", refused)
		}
		for _, id := range ids {
			a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "x"}) { userErrors { code message field } } }`, id))
		}
	}
}

func TestAffiliationsAreCorrected(t *testing.T) {
	t.Parallel()
	a := groups(t)
	office := a.Must(`{ lens { cursor knownAt } stakeholder(id: "envoy") { affiliations { id } } }`)
	id := office.Text("stakeholder.affiliations.0.id")
	correct := func(fields string) apitest.Answer {
		a.T.Helper()
		return a.Ask(fmt.Sprintf(`mutation { correctAffiliation(input: {affiliation: %q, %s})`+affiliationFields+` }`, id,
			fields))
	}
	correct(`organization: "south", clear: ["office"], speaksFor: false, validFrom: "2021-01-01T00:00:00Z", note: "A mix-up."`).
		Want("correctAffiliation.affiliation.id", id, "correctAffiliation.affiliation.label", "The envoy, South",
			"correctAffiliation.affiliation.office", nil, "correctAffiliation.affiliation.speaksFor", false,
			"correctAffiliation.affiliation.validFrom", "2021-01-01T00:00:00.000000Z")
	for _, of := range []string{"north", "south", "envoy"} {
		a.Must(fmt.Sprintf(`{ changes(filter: {stakeholders: [%q]}, order: NEWEST_FIRST, first: 1) { nodes { note summary ... on RecordChanged { action } } } }`, of)).
			Want("changes.nodes.0.summary", "Corrected the affiliation of The envoy and North: organization, office, speaksFor, validFrom.",
				"changes.nodes.0.note", "A mix-up.", "changes.nodes.0.action", "UPDATED")
	}
	then := `{ north: stakeholder(id: "north"%s) { officeHolders { office } } south: stakeholder(id: "south"%[1]s) { officeHolders { office person { key } } } }`
	a.Must(fmt.Sprintf(then, "")).Want("north.officeHolders", "[]",
		"south.officeHolders", "[map[office:<nil> person:map[key:envoy]]]")
	a.Must(fmt.Sprintf(then, fmt.Sprintf(", asOf: {knownAt: %q}", office.Text("lens.knownAt")))).
		Want("north.officeHolders", "[map[office:envoy]]", "south.officeHolders", "[]")
	a.Must(fmt.Sprintf(then, `, asOf: {validAt: "2020-06-01T00:00:00Z"}`)).Want("south.officeHolders", "[]")

	correct(`speaksFor: false, note: "Again."`).Want("correctAffiliation.cursor", nil)
	correct(`office: "x", note: "x", ifUnchangedSince: "`+office.Text("lens.cursor")+`"`).
		Refused("CONFLICT ifUnchangedSince", "changed since")
	correct(`office: "x", note: ""`).Refused("INVALID note")
	correct(`office: "", note: "x"`).Refused("INVALID office")
	correct(`clear: ["person"], note: "x"`).Refused("INVALID person", "can't be cleared")
	correct(`person: "north", note: "x"`).Refused("INVALID person", "PERSON")
	correct(`organization: "envoy", note: "x"`).Refused("INVALID organization")
	correct(`validTo: "2020-01-01T00:00:00Z", note: "x"`).Refused("INVALID validTo")
	correct(`organization: "nowhere", note: "x"`).Refused("NOT_FOUND organization")
	a.Must(`mutation { affiliate(input: {person: "envoy", organization: "north", office: "envoy"})` + affiliationFields + ` }`)
	correct(`organization: "north", office: "envoy", note: "x"`).Refused("CONFLICT validFrom", "already")
}
