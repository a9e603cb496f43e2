package feed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const toldOfParties = `cursor kind summary shifts { party { key } scenario { key } cause before { stance divided } after { stance divided position { confidence } } }
	... on PositionChanged { position { stance holder { key } } }`

// toldOf writes where a change moved South.
func toldOf(change map[string]any) string {
	var lines []string
	for _, one := range change["shifts"].([]any) {
		shift := one.(map[string]any)
		if shift["party"].(map[string]any)["key"] != "south" {
			continue
		}
		at := func(side, field string) any { return shift[side].(map[string]any)[field] }
		lines = append(lines, fmt.Sprint(at("party", "key"), " on ", at("scenario", "key"), ": ", at("before", "stance"), " ", at("before", "divided"),
			" to ", at("after", "stance"), " ", at("after", "divided"), " ", shift["cause"]))
	}
	return strings.Join(lines, "; ")
}

// pagesOf reads a list of changes two by two, whose total has to be right on every page.
func (a *api) pagesOf(list, arguments string, total int) (cursors []string) {
	a.T.Helper()
	path, after := strings.Replace(list, `(id: "talks") { `, ".", 1), "null"
	for range 100 {
		got := a.Must(fmt.Sprintf(`{ %s(%s, first: 2, after: %s) { totalCount nodes { cursor } pageInfo { hasNextPage endCursor } }%s }`,
			list, arguments, after, strings.Repeat(" }", strings.Count(list, "{"))))
		got.Want(path+".totalCount", float64(total))
		for i := range got.Count(path + ".nodes") {
			cursors = append(cursors, got.Text(fmt.Sprintf("%s.nodes.%d.cursor", path, i)))
		}
		if got.At(path+".pageInfo.hasNextPage") != true {
			return cursors
		}
		after = fmt.Sprintf("%q", got.Text(path+".pageInfo.endCursor"))
	}
	a.T.Fatalf("%s has no end", list)
	return nil
}

// Whoever follows a party hears of everything on record that changes where it stands, whatever record changed: its
// speakers' words, the grades of evidence and sources, offices and memberships. Nothing else is pushed.
func TestFollowersOfAPartyHearOfWhateverMovesIt(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Load("following.yaml", `
dataset: following
stakeholders:
  - {key: minister, name: The minister, kind: PERSON}
  - {key: league, name: The league, kind: GROUP}
sources:
  - {key: good, title: Good, reliability: A}
  - {key: bad, title: Bad, reliability: E}
statements:
  - {key: g, source: good, form: REPORTED, text: South is for it., credibility: C2}
  - {key: b, source: bad, form: REPORTED, text: South is against it., credibility: C3}
  - {key: c, source: good, form: REPORTED, text: South was for it already., credibility: C1, saidAt: 2025-01-02}
negotiations:
  - key: talks
    issues:
      - key: border
        scenarios:
          - key: strip
            positions:
              - {key: p, holder: south, stance: SUPPORTS, validFrom: 2025-02-01, evidence: [g]}
              - {key: q, holder: south, stance: OPPOSES, validFrom: 2025-02-01, contests: p, evidence: [b]}
`)
	const refused = `cursor userErrors { code message field }`
	ids := a.Must(`{ positions(filter: {holders: ["south"], scenarios: ["talks/strip"]}) { nodes { id evidence { id } dissenting { id } } }
		search(text: "already") { node { id } } }`)
	position, evidence, more := ids.Text("positions.nodes.0.id"), ids.Text("positions.nodes.0.evidence.0.id"), ids.Text("search.0.node.id")
	do := func(mutation string) func() string {
		return func() string { return a.write(`mutation { ` + mutation + refused + ` } }`) }
	}
	seen := 0
	say := func() string { // for the subscription to begin
		seen++
		return do(fmt.Sprintf(`recordPosition(input: {holder: "south", scenario: "talks/line", stance: %s}) {`, []string{"SUPPORTS", "OPPOSES"}[seen%2]))()
	}
	s := a.subscribe(`subscription { positionChanged(parties: ["south"]) { `+toldOfParties+` } }`, say)
	office := ""
	for _, step := range []struct {
		name string
		do   func() string
		want string // "-": nothing is pushed
	}{
		{"another party's word", do(`recordPosition(input: {holder: "north", scenario: "talks/strip", stance: NEUTRAL}) {`), "-"},
		{"a title", a.retitle, "-"},
		{"a statement is worth less than was thought", do(fmt.Sprintf(`correctStatement(input: {statement: %q, credibility: C5, note: "n"}) {`, evidence)),
			"south on strip: SUPPORTS false to OPPOSES false RECORD_CORRECTED"},
		{"evidence is added", do(fmt.Sprintf(`addEvidence(input: {to: %q, evidence: [%q]}) {`, position, more)),
			"south on strip: OPPOSES false to SUPPORTS false LATE_REPORT"},
		{"a source is worth more than was thought", do(`editSource(input: {source: "bad", reliability: A}) {`), "-"}, // C3 still
		{"somebody who does not speak for it", do(`recordPosition(input: {holder: "minister", scenario: "talks/strip", stance: STRONGLY_OPPOSES}) {`), "-"},
		{"that somebody did speak for it", func() string {
			got := a.Must(`mutation { affiliate(input: {person: "minister", organization: "south", speaksFor: true}) { affiliation { id } ` + refused + ` } }`)
			office = got.Text("affiliate.affiliation.id")
			return got.Change()["cursor"].(string)
		}, "south on strip: SUPPORTS false to STRONGLY_OPPOSES false LATE_REPORT"},
		{"a speaker's word", do(`recordPosition(input: {holder: "minister", scenario: "talks/strip", stance: NEUTRAL}) {`),
			"south on strip: STRONGLY_OPPOSES false to NEUTRAL false WORLD_CHANGED"},
		{"the office was a mistake", func() string {
			return do(fmt.Sprintf(`correctAffiliation(input: {affiliation: %q, speaksFor: false, note: "n"}) {`, office))()
		}, "south on strip: NEUTRAL false to SUPPORTS false RECORD_CORRECTED"},
		{"a group's word", do(`recordPosition(input: {holder: "league", scenario: "talks/strip", stance: OPPOSES, validFrom: "2025-03-01T00:00:00Z"}) {`), "-"},
		{"that it belonged to the group", do(`addMembership(input: {member: "south", group: "league", speaksForMembers: true}) {`),
			"south on strip: SUPPORTS false to OPPOSES true LATE_REPORT"},
		{"a word that changes nothing", do(`recordPosition(input: {holder: "south", scenario: "talks/strip", stance: AMBIGUOUS, validFrom: "2025-01-05T00:00:00Z"}) {`), ""},
	} {
		cursor := step.do()
		if step.want == "-" {
			continue
		}
		change := s.event().Change()
		if got := toldOf(change); change["cursor"] != cursor || got != step.want {
			t.Fatalf("%s: heard %v %q, want %q", step.name, change["summary"], got, step.want)
		}
	}
	// The same is toldOfParties later, from the log, and to whoever names a person that speaks for the party.
	var live, replayed []string
	log := a.Must(`{ changes(first: 500) { nodes { ` + toldOfParties + ` } } }`)
	for i := range log.Count("changes.nodes") {
		change := log.At(fmt.Sprintf("changes.nodes.%d", i)).(map[string]any)
		if kind := change["kind"]; strings.Contains(toldOf(change), "south on ") || kind == "POSITION" && strings.HasPrefix(change["summary"].(string), "South ") {
			live = append(live, change["cursor"].(string))
		}
	}
	first := a.Must(`{ changes(first: 1) { nodes { cursor } } }`).Text("changes.nodes.0.cursor")
	again := a.connect()
	again.ask("1", `subscription($after: Cursor) { positionChanged(parties: ["south"], scenarios: ["talks/line", "talks/strip"], after: $after) { cursor } }`,
		map[string]any{"after": first})
	for range live {
		replayed = append(replayed, again.event().Change()["cursor"].(string))
	}
	if !slices.Equal(live, replayed) {
		t.Errorf("replayed are\n%v, want\n%v", replayed, live)
	}
	// A list has them too, from either end, page by page, and in a negotiation.
	for _, list := range []string{`changes`, `negotiation(id: "talks") { changes`} {
		for _, order := range []string{"OLDEST_FIRST", "NEWEST_FIRST"} {
			want := slices.Clone(live)
			if order == "NEWEST_FIRST" {
				slices.Reverse(want)
			}
			if got := a.pagesOf(list, `filter: {parties: ["south"], scenarios: ["talks/line", "talks/strip"]}, order: `+order, len(live)); !slices.Equal(got, want) {
				t.Errorf("%s %s lists\n%v, want\n%v", list, order, got, want)
			}
		}
	}

	for filter, want := range map[string]int{
		`{parties: ["south"], issues: ["talks/border"]}`:                          len(live),
		`{parties: ["south"], negotiations: ["talks"], kinds: [RECORD]}`:          4,
		`{parties: ["north"], scenarios: ["talks/strip"]}`:                        1,
		`{parties: ["south"], scenarios: ["talks/line"]}`:                         seen,
		`{parties: ["south"], stakeholders: ["north"]}`:                           0,
		`{parties: ["south", "north"], scenarios: ["talks/strip", "talks/line"]}`: len(live) + 1,
	} {
		a.Must(`{ changes(filter: `+filter+`) { totalCount nodes { cursor } } }`).Want("changes.totalCount", float64(want))
	}
	a.Ask(`{ changes(filter: {parties: ["nobody"]}) { totalCount } }`).Fails("BAD_REQUEST", "parties", "nobody")

	for _, field := range []string{`positionChanged(parties: ["nobody"])`, `positionChanged(parties: ["south"], holders: ["south"])`} {
		r := a.connect()
		r.ask("1", `subscription { `+field+` { cursor } }`)
		r.refusal("BAD_REQUEST", "parties")
	}
}

// A merge moves the party whose words the other's become, and whoever followed the other follows that party since.
func TestFollowersOfAMergedStakeholder(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const refused = `cursor userErrors { code message field } } }`
	do := func(mutation string) string { return a.write(`mutation { ` + mutation + `) { ` + refused) }
	a.Must(`mutation { registerStakeholder(input: {key: "southland", name: "Southland", kind: STATE}) { userErrors { code message field } } }`)
	do(`recordPosition(input: {holder: "south", scenario: "talks/strip", stance: SUPPORTS, validFrom: "2025-02-01T00:00:00Z"}`)
	do(`recordPosition(input: {holder: "southland", scenario: "talks/strip", stance: OPPOSES, validFrom: "2025-02-02T00:00:00Z"}`)
	stances, seen := []string{"SUPPORTS", "OPPOSES"}, 0
	say := func(holder string) func() string {
		return func() string {
			seen++
			return do(fmt.Sprintf(`recordPosition(input: {holder: %q, scenario: "talks/line", stance: %s}`, holder, stances[seen%2]))
		}
	}
	south := a.subscribe(`subscription { positionChanged(parties: ["south"]) { `+toldOfParties+` } }`, say("south"))
	var others []*socket
	for _, filter := range []string{`parties: ["southland"]`, `holders: ["southland"]`} {
		others = append(others, a.subscribe(`subscription { positionChanged(`+filter+`) { `+toldOfParties+` } }`, say("southland")))
	}
	merged := do(`mergeStakeholders(input: {from: "southland", into: "south", note: "They are one."}`)
	change := south.event().Change()
	if got, want := toldOf(change), "SUPPORTS false to OPPOSES false RECORD_CORRECTED"; change["cursor"] != merged || !strings.Contains(got, "south on strip: "+want) {
		t.Errorf("the merge is told as %q, want %s", got, want)
	}
	said := say("south")()
	for _, follower := range append(others, south) {
		for follower.event().Change()["cursor"] != said { // what the other one waited for to begin, and the merge
		}
	}
}
