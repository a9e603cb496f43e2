package analysis_test

import (
	"fmt"
	"testing"
)

// A position is second-hand where it has evidence and none is an own word. A joint text is the own word of each of its
// speakers; an office on record later counts as well; and a cell is judged for its party.
func TestSecondHand(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("hearsay.yaml", `
dataset: hearsay
stakeholders:
  - {key: alba, name: Alba, kind: STATE}
  - {key: brig, name: Brig, kind: STATE}
  - {key: league, name: The league, kind: GROUP}
  - {key: minister, name: The minister, kind: PERSON}
  - {key: speaker, name: The speaker, kind: PERSON}
affiliations:
  - {person: minister, organization: alba, speaksFor: true, validFrom: 2025-01-01, validTo: 2025-03-01}
memberships:
  - {member: brig, group: league, speaksForMembers: true}
sources: [{key: wire, title: The wire}]
statements:
  - {key: joint, source: wire, form: OFFICIAL_TEXT, speakers: [alba, brig], text: We agree., saidAt: 2025-02-01}
  - {key: told, source: wire, form: SECOND_HAND, speaker: brig, text: Alba agrees., saidAt: 2025-02-02}
  - {key: said, source: wire, form: DIRECT_QUOTE, speaker: minister, text: We agree., saidAt: 2025-02-03}
  - {key: later, source: wire, form: DIRECT_QUOTE, speaker: minister, text: They agree., saidAt: 2025-03-02}
  - {key: forall, source: wire, form: DIRECT_QUOTE, speaker: speaker, text: All agree., saidAt: 2025-02-04}
negotiations:
  - key: talks
    title: Talks
    participations:
      - {stakeholder: alba, role: PRIMARY_PARTY, vetoPlayer: true}
      - {stakeholder: brig, role: PRIMARY_PARTY, vetoPlayer: true}
    issues:
      - key: border
        title: The border
        scenarios:
          - {key: a, title: A, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [
              {holder: alba, stance: SUPPORTS, validFrom: 2025-02-01, evidence: [joint]}, {holder: brig, stance: SUPPORTS, validFrom: 2025-02-01, evidence: [joint]}]}
          - {key: b, title: B, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [{holder: alba, stance: SUPPORTS, validFrom: 2025-02-02, evidence: [told]}]}
          - {key: c, title: C, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [{holder: alba, stance: SUPPORTS, validFrom: 2025-02-03, evidence: [told, said]}]}
          - {key: d, title: D, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [{holder: alba, stance: SUPPORTS, validFrom: 2025-03-02, evidence: [later]}]}
          - {key: e, title: E, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [{holder: alba, stance: SUPPORTS, validFrom: 2025-02-02}]}
          - {key: f, title: F, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [{holder: minister, stance: SUPPORTS, validFrom: 2025-02-01, evidence: [joint]}]}
          - {key: g, title: G, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [{holder: league, stance: SUPPORTS, validFrom: 2025-02-04, evidence: [forall]}]}
`)
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	check := func(asOf string, hearsay map[string]string) {
		t.Helper()
		got := a.Must(`{ issue(id: "talks/border"` + asOf + `) { matrix { rows { stakeholder { key } cells { scenario { key } secondHand position { secondHand holder { key } } } } }
			landingZone { scenario { key } onHearsay { key } } } }`)
		seen := make(map[string]string)
		for i := range got.Count("issue.matrix.rows") {
			for j := range got.Count(fmt.Sprintf("issue.matrix.rows.%d.cells", i)) {
				cell := fmt.Sprintf("issue.matrix.rows.%d.cells.%d.", i, j)
				if got.At(cell+"position") != nil {
					seen[got.Text(fmt.Sprintf("issue.matrix.rows.%d.stakeholder.key", i))+" "+got.Text(cell+"scenario.key")] =
						fmt.Sprint(got.At(cell+"secondHand"), got.At(cell+"position.secondHand"))
				}
			}
		}
		zone := ""
		for i := range got.Count("issue.landingZone") {
			zone += got.Names(fmt.Sprintf("issue.landingZone.%d.onHearsay", i)) + ";"
		}
		seen["zone"] = zone
		for at, want := range hearsay {
			if seen[at] != want {
				t.Errorf("%s: %s, want %s (%v)", at, seen[at], want, seen)
			}
		}
	}
	want := map[string]string{
		"alba a": "false false", "brig a": "false false", // a joint text
		"alba b": "true true", "alba c": "false false",
		"alba d": "true true",   // the minister had left
		"alba e": "false false", // unsourced, which is another thing
		"alba f": "false true",  // Alba signed it, the minister did not
		"brig g": "true true",   // nobody spoke for the league
		"zone":   ";alba;;alba;;;brig;",
	}
	check("", want)
	a.Must(`{ unsourced: positions(filter: {unsourced: true}) { totalCount } heard: positions(filter: {secondHand: true}) { totalCount } own: positions(filter: {secondHand: false}) { totalCount }
		statements(filter: {speakers: ["brig"]}) { totalCount } }`).
		Want("unsourced.totalCount", 1, "heard.totalCount", 4, "own.totalCount", 4, "statements.totalCount", 2)
	// Offices that come on record later are read through the lens, and nothing is written anew.
	a.Must(`mutation { affiliate(input: {person: "speaker", organization: "league", speaksFor: true}) { userErrors { code message field } }
		endAffiliation(input: {affiliation: "` + a.Must(`{ stakeholder(id: "minister", asOf: {validAt: "2025-02-01T00:00:00Z"}) { affiliations { id } } }`).
		Text("stakeholder.affiliations.0.id") + `", validTo: "2025-04-01T00:00:00Z"}) { userErrors { code message field } } }`)
	check(fmt.Sprintf(", asOf: {knownAt: %q}", before), want)
	want["alba d"], want["brig g"], want["zone"] = "false false", "false false", ";alba;;;;;;"
	check("", want)
	a.Must(`{ statements(filter: {speakers: ["alba"]}) { nodes { speaker { key } speakers { key } } } }`).
		Want("statements.nodes.0.speaker.key", "alba", "statements.nodes.0.speakers", "[map[key:alba] map[key:brig]]")
}

// The speakers are given in one of two fields, and corrected in one of them.
func TestSpeakers(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	record := func(speakers string) string {
		return `mutation { recordStatement(input: {statement: {source: "gazette", form: PARAPHRASE, text: "So.", ` + speakers + `}}) {
			statement { id speaker { key } speakers { key } } userErrors { code message field } } }`
	}
	recorded := a.Must(record(`speakers: ["south", "north", "south"]`))
	recorded.Want("recordStatement.statement.speakers", "[map[key:south] map[key:north]]")
	id := recorded.Text("recordStatement.statement.id")
	a.Ask(record(`speaker: "south", speakers: ["north"]`)).Refused("INVALID statement.speaker", "speakers")
	a.Ask(record(`speakers: ["nobody"]`)).Refused("NOT_FOUND statement.speakers.0", "nobody")
	a.Ask(record(`speaker: "nobody"`)).Refused("NOT_FOUND statement.speaker", "nobody")
	a.Ask(record(`speakers: []`)).Refused("INVALID statement.terms")
	a.Ask(record(`speakers: ["north"], speakerDescription: "an official"`)).Refused("INVALID statement.speakerDescription")
	correct := func(more string) string {
		return fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, note: "n", %s}) { statement { speakers { key } } cursor userErrors { code message field } } }`, id, more)
	}
	a.Must(correct(`speakers: ["north", "envoy"]`)).Want("correctStatement.statement.speakers", "[map[key:north] map[key:envoy]]")
	a.Must(correct(`speaker: "south"`)).Want("correctStatement.statement.speakers", "[map[key:south]]")
	a.Must(correct(`speakers: ["south"]`)).Want("correctStatement.cursor", nil)
	a.Ask(correct(`speaker: "south", speakers: ["south"]`)).Refused("INVALID speaker")
	a.Ask(correct(`clear: ["speaker"]`)).Refused("INVALID terms")
}
