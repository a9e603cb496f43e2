package history_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"example.org/parley"
	"example.org/parley/server/apitest"
)

const (
	likelihoodMoves = `likelihoods { nodes { scenario { key } before beforeLikelihood after cause steps { at before after cause } } }`
	eventMoves      = `events { nodes { event { key state } steps { at before { state startedAt } after { state startedAt location } cause } cause } }`
	officeMoves     = `officesBegun { nodes { person { key } organization { key } } } officesEnded { nodes { person { key } organization { key } } }
		membershipsBegun { nodes { member { key } group { key } } } membershipsEnded { nodes { member { key } group { key } } }`
)

// moves asks a diff between days of January 2030 (valid, known) for some lists.
func (a *api) moves(lists, from, to string) apitest.Answer {
	a.T.Helper()
	lens := func(days string) string {
		valid, known, _ := strings.Cut(days, " ")
		return fmt.Sprintf(`{validAt: "2030-01-%sT12:00:00Z", knownAt: "2030-01-%sT12:00:00Z"}`, valid, known)
	}
	return a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: %s, to: %s) { %s } } }`, lens(from), lens(to), lists))
}

const refusals = `userErrors { code message field }`

// day is midnight of a day of January 2030.
func day(d int) string { return fmt.Sprintf("2030-01-%02dT00:00:00Z", d) }

func TestEventsOfADiff(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.On(day(2), `recordEvent(input: {negotiation: "talks", key: "round", kind: MEETING, state: PLANNED, title: "A round", startedAt: "2030-01-10T00:00:00Z"}) { `+refusals+` }`)
	a.On(day(4), `editEvent(input: {event: "talks/round", state: POSTPONED, startedAt: "2030-01-12T00:00:00Z"}) { `+refusals+` }`)
	a.On(day(6), `editEvent(input: {event: "talks/round", title: "The round"}) { `+refusals+` }`)
	a.On(day(14), `editEvent(input: {event: "talks/round", state: HELD, location: "Vienna"}) { `+refusals+` }`)
	a.On(day(16), `editEvent(input: {event: "talks/round", startedAt: "2030-01-11T00:00:00Z"}) { `+refusals+` }`)
	got := a.On(day(18), `recordEvent(input: {negotiation: "talks", key: "call", kind: CALL, title: "A call", startedAt: "2030-01-03T00:00:00Z"}) { event { id } `+refusals+` }`)
	a.On(day(20), fmt.Sprintf(`retract(input: {id: %q, note: "n"}) { %s }`, got.Text("recordEvent.event.id"), refusals))
	a.SetClock(day(31))
	for _, tt := range []struct{ from, to, want string }{
		{"01 01", "03 03", "round: 01 nothing, then PLANNED 10 FIRST_RECORDED"},
		{"03 03", "05 05", "round: 03 PLANNED 10, then POSTPONED 12 WORLD_CHANGED"},
		{"05 05", "07 07", ""},
		{"07 07", "15 15", "round: 07 POSTPONED 12, then PLANNED 12 in Vienna WORLD_CHANGED; 12 PLANNED 12, then HELD 12 in Vienna WORLD_CHANGED"},
		{"11 15", "13 15", "round: 12 PLANNED 12, then HELD 12 in Vienna WORLD_CHANGED"},
		{"13 15", "17 17", "round: 13 HELD 12, then HELD 11 in Vienna RECORD_CORRECTED"},
		{"17 17", "13 15", "round: 13 HELD 11, then HELD 12 in Vienna RECORD_CORRECTED"},
		{"17 17", "19 19", "call: 17 nothing, then HELD 03 FIRST_RECORDED"},
		{"19 19", "21 21", "call: 19 HELD 03, then nothing RECORD_CORRECTED"},
	} {
		got := a.moves(eventMoves, tt.from, tt.to)
		var lines []string
		for i := range got.Count("negotiation.diff.events.nodes") {
			node := fmt.Sprintf("negotiation.diff.events.nodes.%d.", i)
			var steps []string
			for j := range got.Count(node + "steps") {
				step := fmt.Sprintf("%ssteps.%d.", node, j)
				reads := func(side string) string {
					if got.At(step+side) == nil {
						return "nothing"
					}
					return got.Text(step+side+".state") + " " + got.Text(step + side + ".startedAt")[8:10]
				}
				place := ""
				if got.At(step+"after") != nil && got.At(step+"after.location") != nil {
					place = " in " + got.Text(step+"after.location")
				}
				steps = append(steps, fmt.Sprintf("%s %s, then %s%s %s", got.Text(step + "at")[8:10], reads("before"), reads("after"), place,
					got.Text(step+"cause")))
			}
			lines = append(lines, got.Text(node+"event.key")+": "+strings.Join(steps, "; "))
		}
		if is := strings.Join(lines, "\n"); is != tt.want {
			t.Errorf("from %s to %s moved\n%s\nwant\n%s", tt.from, tt.to, is, tt.want)
		}
	}
}

func TestOfficesAndMembershipsOfADiff(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Load("offices.yaml", `
dataset: offices
stakeholders:
  - {key: minister, name: The minister, kind: PERSON}
  - {key: poet, name: The poet, kind: PERSON}
  - {key: league, name: The league, kind: GROUP}
  - {key: academy, name: The academy, kind: ORGANIZATION}
affiliations:
  - {person: minister, organization: north, speaksFor: true, validFrom: 2030-01-03, validTo: 2030-01-07}
  - {person: minister, organization: north, speaksFor: true, office: President, validFrom: 2030-01-07}
  - {person: poet, organization: academy, validFrom: 2030-01-03}
memberships:
  - {member: north, group: league, speaksForMembers: true, validFrom: 2030-01-05, validTo: 2030-01-09}
  - {member: poet, group: academy, validFrom: 2030-01-03}
`)
	a.SetClock(day(31))
	a.Must(`mutation { endAffiliation(input: {affiliation: "` +
		a.Must(`{ stakeholder(id: "minister", asOf: {validAt: "2030-01-08T00:00:00Z"}) { affiliations { id } } }`).Text("stakeholder.affiliations.0.id") +
		`", validTo: "2030-01-20T00:00:00Z"}) { ` + refusals + ` } }`)
	for _, tt := range []struct{ from, to, want string }{
		{"01", "04", "[minister north] [] [] []"},
		{"04", "06", "[] [] [north league] []"},
		{"06", "08", "[minister north] [minister north] [] []"}, // another office
		{"08", "10", "[] [] [] [north league]"},
		{"10", "21", "[] [minister north] [] []"},
		{"21", "10", "[minister north] [] [] []"},
		{"01", "21", "[] [] [] []"},
	} {
		got := a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: {validAt: "2030-01-%sT12:00:00Z"}, to: {validAt: "2030-01-%sT12:00:00Z"}) { %s } } }`,
			tt.from, tt.to, officeMoves))
		var lists []string
		for _, list := range [][3]string{
			{"officesBegun", "person", "organization"}, {"officesEnded", "person", "organization"},
			{"membershipsBegun", "member", "group"}, {"membershipsEnded", "member", "group"},
		} {
			path := "negotiation.diff." + list[0] + ".nodes"
			var names []string
			for i := range got.Count(path) {
				node := fmt.Sprintf("%s.%d.", path, i)
				names = append(names, got.Text(node+list[1]+".key")+" "+got.Text(node+list[2]+".key"))
			}
			lists = append(lists, fmt.Sprint(names))
		}
		if is := strings.Join(lists, " "); is != tt.want {
			t.Errorf("from %s to %s: %s, want %s", tt.from, tt.to, is, tt.want)
		}
	}
}

// What a diff says of likelihoods at its ends is what the issue says through its lenses, and its steps lead from one to
// the other, each with another value.
func TestLikelihoodsOfADiff(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	n, moved, causes := 0, 0, make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		n++
		key := fmt.Sprintf("open-%d", n)
		a.Must(fmt.Sprintf(`mutation { addScenario(input: {issue: "talks/border", key: %q, title: "t", effectiveAt: "2025-01-01T00:00:00Z"}) { %s } }`, key, refusals))
		var ids, known []string
		instant := func(label string) string {
			return fmt.Sprintf("2025-03-%02dT00:00:00Z", rapid.IntRange(1, 28).Draw(rt, label))
		}
		remember := func() { known = append(known, a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")) }
		remember()
		for range rapid.IntRange(1, 8).Draw(rt, "deeds") {
			if len(ids) > 0 && rapid.IntRange(0, 3).Draw(rt, "retract") == 0 {
				a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "n"}) { %s } }`, ids[0], refusals))
				ids = ids[1:]
			} else {
				ctx, _ := a.As(rapid.SampledFrom([]string{"ann", "bob", "cem"}).Draw(rt, "analyst"))
				at, err := parley.ParseInstant(instant("assessed"))
				if err != nil {
					rt.Fatal(err)
				}
				written, err := a.Store.AssessScenario(ctx, parley.AssessScenarioInput{Scenario: "talks/" + key, Confidence: "LOW", Rationale: "r",
					Probability: rapid.IntRange(1, 99).Draw(rt, "probability"), AssessedAt: &at})
				if err != nil {
					continue // a second one at that instant
				}
				ids = append(ids, written.ID.String())
			}
			remember()
		}
		lens := func(label string) string {
			return fmt.Sprintf(`{validAt: %q, knownAt: %q}`, instant(label), rapid.SampledFrom(known).Draw(rt, label+" known"))
		}
		for range 10 {
			from, to := lens("from"), lens("to")
			got := a.Must(fmt.Sprintf(`{ negotiation(id: "talks") { diff(from: %s, to: %s) { %s } }
				from: issue(id: "talks/border", asOf: %[1]s) { likelihoods { entries { scenario { key } assessed } } }
				to: issue(id: "talks/border", asOf: %[2]s) { likelihoods { entries { scenario { key } assessed } } } }`, from, to, likelihoodMoves))
			at := func(list string) string {
				for i := range got.Count(list + ".likelihoods.entries") {
					if entry := fmt.Sprintf("%s.likelihoods.entries.%d.", list, i); got.Text(entry+"scenario.key") == key {
						return fmt.Sprint(got.At(entry + "assessed"))
					}
				}
				return "<nil>"
			}
			before, after, value := at("from"), at("to"), at("from")
			found := false
			for i := range got.Count("negotiation.diff.likelihoods.nodes") {
				node := fmt.Sprintf("negotiation.diff.likelihoods.nodes.%d.", i)
				if got.Text(node+"scenario.key") != key {
					continue
				}
				found = true
				if was, is := fmt.Sprint(got.At(node+"before")), fmt.Sprint(got.At(node+"after")); was != before || is != after {
					rt.Fatalf("the diff is from %s to %s, want %s to %s", was, is, before, after)
				}
				for j := range got.Count(node + "steps") {
					step := fmt.Sprintf("%ssteps.%d.", node, j)
					was, is := fmt.Sprint(got.At(step+"before")), fmt.Sprint(got.At(step+"after"))
					if was != value || was == is {
						rt.Fatalf("after %s, a step leads from %s to %s", value, was, is)
					}
					value = is
					causes[got.Text(step+"cause")]++
				}
				moved++
			}
			if value != after || !found && before != after {
				rt.Fatalf("the steps lead to %s, want %s", value, after)
			}
		}
	})
	if moved == 0 || len(causes) < 4 {
		t.Errorf("%d moved, by %v", moved, causes)
	}
}
