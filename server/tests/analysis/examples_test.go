package analysis_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.org/parley/examples"
)

// between returns the part of docs/analysis.md from one text on and up to another.
func between(t *testing.T, from, to string) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/analysis.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(page), from)
	part, _, ends := strings.Cut(part, to)
	if !found || !ends {
		t.Fatalf("docs/analysis.md has no part from %q to %q", from, to)
	}
	return part
}

// The table that explains where a party stands is loaded row by row, and asked for.
func TestExampleOfWhereAPartyStands(t *testing.T) {
	t.Parallel()
	keys := map[string]string{"Alba": "alba", "the minister": "minister", "the envoy, who speaks for Alba too": "envoy"}
	positions, leaves := "", ""
	var days, want []string
	for row := range strings.Lines(between(t, "| date | who | says | Alba stands |\n|---|---|---|---|\n", "\n\n")) {
		cells := strings.Split(strings.Trim(row, "| \n"), " |")
		date, err := time.Parse("2 January 2006", strings.TrimSpace(cells[0])+" 2014")
		if err != nil || len(cells) != 4 {
			t.Fatalf("%q is no row: %v", row, err)
		}
		day, who, stance := date.Format(time.DateOnly), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		if holder := keys[who]; holder != "" {
			positions += fmt.Sprintf("              - {holder: %s, stance: %s, validFrom: %s}\n", holder, stance, day)
		} else if who == "the envoy leaves office" {
			leaves = ", validTo: " + day
		} else {
			t.Fatalf("who is %q?", who)
		}
		days, want = append(days, day), append(want, strings.TrimSpace(cells[3]))
	}
	if len(days) < 6 || leaves == "" {
		t.Fatalf("the table has %d rows", len(days))
	}
	a := start(t)
	a.Load("alba.yaml", `dataset: alba
stakeholders:
  - {key: alba, name: Alba, kind: STATE}
  - {key: minister, name: the minister, kind: PERSON}
  - {key: envoy, name: the envoy, kind: PERSON}
affiliations:
  - {person: minister, organization: alba, speaksFor: true, validFrom: 2013-01-01}
  - {person: envoy, organization: alba, speaksFor: true`+leaves+`}
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses: [{to: PROPOSED, effectiveAt: 2013-01-01}]
            positions:
`+positions)
	for i, day := range days {
		got := a.Must(fmt.Sprintf(`{ stakeholder(id: "alba", asOf: {validAt: "%sT12:00:00Z"}) { stances {
			stance divided position { holder { name } } others { holder { name } } } } }`, day))
		const cell = "stakeholder.stances.0."
		stands := got.Text(cell + "stance")
		if holder := got.Text(cell + "position.holder.name"); holder != "Alba" {
			stands += " (" + holder + ")"
		}
		if got.At(cell+"divided") == true {
			stands += ", divided:"
		}
		for o := range got.Count(cell + "others") {
			stands += " " + got.Text(fmt.Sprintf("%sothers.%d.holder.name", cell, o))
		}
		if stands != want[i] {
			t.Errorf("on %s Alba stands %q; docs/analysis.md says %q", day, stands, want[i])
		}
	}
}

func withIran(t *testing.T) *api {
	t.Helper()
	a := start(t)
	for _, file := range examples.Iran() {
		a.Load(file.Name, string(file.Text))
	}
	return a
}

// The talks on Iran, read at several dates, and as they were known then.
func TestIran(t *testing.T) {
	t.Parallel()
	a := withIran(t)
	for _, is := range []struct{ party, scenario, validAt, knownAt, want string }{
		// A minister against his group; a later correction says that he was not.
		{"france", "first-step", "2013-11-15", "2014-01-01", "SUPPORTS(ashton)<e3-eu-3/OPPOSES(fabius)"},
		{"france", "first-step", "2013-11-15", "", "SUPPORTS(ashton)<e3-eu-3"},
		// Former speakers count until somebody else speaks.
		{"iran", "no-enrichment", "2013-09-01", "", "STRONGLY_OPPOSES(jalili)"},
		{"iran", "no-enrichment", "2013-12-01", "", "STRONGLY_OPPOSES(jalili)~"},
		{"iran", "no-enrichment", "2018-06-01", "", "STRONGLY_OPPOSES(rouhani)"},
		// Reported late, and older than the word that was on record.
		{"us", "limited-enrichment", "2013-03-01", "2014-01-01", "-"},
		{"us", "limited-enrichment", "2013-03-01", "", "SUPPORTS"},
		{"us", "limited-enrichment", "2013-12-01", "", "SUPPORTS(kerry)"},
		// What America says that Iran accepts, and what Iran says itself.
		{"iran", "phased-relief", "2015-04-05", "", "OPPOSES!"},
		{"iran", "phased-relief", "2015-07-15", "", "SUPPORTS(rouhani)/OPPOSES(khamenei)"},
		{"iran", "full-deal", "2015-07-15", "", "SUPPORTS(rouhani)/AMBIGUOUS(khamenei)"},
		{"iran", "full-deal", "2017-06-01", "", "SUPPORTS(khamenei)"},
		// A candidate speaks for nobody, a president for the state.
		{"trump", "full-deal", "2016-06-01", "", "STRONGLY_OPPOSES"},
		{"us", "full-deal", "2016-06-01", "", "SUPPORTS(kerry)"},
		{"us", "full-deal", "2017-03-01", "", "SUPPORTS(kerry)~"},
		{"us", "full-deal", "2017-06-01", "", "OPPOSES(trump)/AMBIGUOUS(tillerson)/SUPPORTS(mogherini)"},
		{"us", "full-deal", "2018-06-01", "", "STRONGLY_OPPOSES(trump)"},
		// Said for the Union, not for the six powers.
		{"eu", "us-leaves", "2018-06-01", "", "STRONGLY_OPPOSES(mogherini)"},
		{"us", "us-leaves", "2017-11-01", "", "SUPPORTS(trump)/AMBIGUOUS(tillerson)"},
		{"russia", "us-leaves", "2018-06-01", "", "-"},
		{"germany", "us-leaves", "2018-06-01", "", "STRONGLY_OPPOSES(e3)<e3"},
		{"iran", "without-us", "2018-06-01", "", "AMBIGUOUS(khamenei)/SUPPORTS(rouhani)"},
	} {
		asOf := fmt.Sprintf(`validAt: "%sT12:00:00Z"`, is.validAt)
		if is.knownAt != "" {
			asOf += fmt.Sprintf(`, knownAt: "%sT00:00:00Z"`, is.knownAt)
		}
		got := a.Must(fmt.Sprintf(`{ stakeholder(id: %q, asOf: {%s}) { stances(scenarios: [%q]) {
			stance contested formerSpeaker position { holder { key } } through { key } others { stance holder { key } } } } }`,
			is.party, asOf, "iran-2013/"+is.scenario))
		stands := "-"
		if got.Count("stakeholder.stances") > 0 {
			const cell = "stakeholder.stances.0."
			stands = got.Text(cell + "stance")
			if holder := got.Text(cell + "position.holder.key"); holder != is.party {
				stands += "(" + holder + ")"
			}
			if got.At(cell+"through") != nil {
				stands += "<" + got.Text(cell+"through.key")
			}
			if got.At(cell+"formerSpeaker") == true {
				stands += "~"
			}
			if got.At(cell+"contested") == true {
				stands += "!"
			}
			for o := range got.Count(cell + "others") {
				other := fmt.Sprintf("%sothers.%d.", cell, o)
				stands += "/" + got.Text(other+"stance") + "(" + got.Text(other+"holder.key") + ")"
			}
		}
		if stands != is.want {
			t.Errorf("%s on %s at %s, known %s: %s, want %s", is.party, is.scenario, is.validAt, is.knownAt, stands,
				is.want)
		}
	}

	for issue, verdicts := range map[string][][2]string{
		"deal": {
			{"2013-12-01", "first-step SETTLED, full-deal ACCEPTABLE"},
			{"2017-06-01", "first-step OFF_THE_TABLE, full-deal SETTLED despite us"},
			{"2018-06-01", "first-step OFF_THE_TABLE, full-deal OFF_THE_TABLE"},
		},
		"sanctions": {
			{"2015-04-05", "phased-relief BLOCKED by iran"},
			{"2015-07-15", "phased-relief SETTLED, relief-at-once OFF_THE_TABLE despite iran"},
			{"2017-06-01", "phased-relief SETTLED, relief-at-once OFF_THE_TABLE"},
		},
		"exit": {
			{"2015-07-15", "us-leaves BLOCKED by us"},
			{"2018-06-01", "added-limits OFF_THE_TABLE, us-leaves SETTLED"},
		},
		"future": {{"2018-06-01", "new-deal BLOCKED by iran, without-us UNDECIDED"}},
	} {
		for _, at := range verdicts {
			z := a.Must(fmt.Sprintf(`{ issue(id: "iran-2013/%s", asOf: {validAt: "%sT12:00:00Z"}) { landingZone {
				scenario { key } verdict blockers { key } contradicting { key } } } }`, issue, at[0]))
			var list []string
			for i := range z.Count("issue.landingZone") {
				entry := fmt.Sprintf("issue.landingZone.%d.", i)
				text := z.Text(entry+"scenario.key") + " " + z.Text(entry+"verdict")
				if names := z.Names(entry + "blockers"); names != "" {
					text += " by " + names
				}
				if names := z.Names(entry + "contradicting"); names != "" {
					text += " despite " + names
				}
				list = append(list, text)
			}
			if got := strings.Join(list, ", "); got != at[1] {
				t.Errorf("%s at %s: %s, want %s", issue, at[0], got, at[1])
			}
		}
	}

	// Both assessments were made before the scenario occurred: 0.6² and 0.7².
	for scenario, score := range map[string]float64{"full-deal": 0.36, "us-leaves": 0.49} {
		a.Must(fmt.Sprintf(`{ scenario(id: "iran-2013/%s") { assessments { nodes { brierScore } } } }`, scenario)).
			Want("scenario.assessments.nodes.0.brierScore", score)
	}
}

func TestExampleQueryOnIran(t *testing.T) {
	t.Parallel()
	var want any
	if err := json.Unmarshal([]byte(between(t, "```json\n", "```")), &want); err != nil {
		t.Fatal(err)
	}
	if got := withIran(t).Must(between(t, "```graphql\n", "```")).Data; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, docs/analysis.md has %v", got, want)
	}
}
