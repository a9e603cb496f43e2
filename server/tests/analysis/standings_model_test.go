package analysis_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.org/parley/server/apitest"

	"pgregory.net/rapid"

	"example.org/parley"
)

// naive is what can be read one by one of an issue, and from which its matrix and landing zone are worked out by
// looking at everything for each cell.
type naive struct {
	scenarios []string
	parts     []part
	held      []heldPosition
	judged    []heldPosition
	speaksFor map[string][]string
}

type part struct {
	stakeholder string
	veto        bool
	capability  int // -1: not judged
}

type heldPosition struct {
	holder, scenario, stance, from, recorded, id string
	ordinal, conditions                          int
	secondHand, contested                        bool
	salience                                     int
}

// later says which of two positions was taken later.
func (p heldPosition) later(o heldPosition) bool {
	return cmp.Or(strings.Compare(p.from, o.from), p.ordinal-o.ordinal,
		strings.Compare(p.recorded+p.id, o.recorded+o.id)) > 0
}

func (a *api) readNaive(talks, asOf string) naive {
	a.T.Helper()
	got := a.Must(fmt.Sprintf(`{ issue(id: "%[2]s/border", asOf: %[1]s) { scenarios(first: 100) { nodes { key
			positions(first: 100) { nodes { id stance validFrom ordinal recordedAt conditions secondHand contested holder { ...who } } }
			positionHistory(first: 500) { nodes { id salience validFrom ordinal recordedAt holder { ...who } } } } }
		negotiation { participants(first: 100) { nodes { vetoPlayer vetoIssues { key } capability stakeholder { ...who } } } } }
		lens(asOf: %[1]s) { validAt } }
		fragment who on Stakeholder { key affiliations { speaksFor organization { key } } }`, asOf, talks))
	n := naive{speaksFor: make(map[string][]string)}
	who := func(path string) string {
		key := got.Text(path + ".key")
		n.speaksFor[key] = nil
		for i := range got.Count(path + ".affiliations") {
			office := fmt.Sprintf("%s.affiliations.%d.", path, i)
			if got.At(office+"speaksFor") == true {
				n.speaksFor[key] = append(n.speaksFor[key], got.Text(office+"organization.key"))
			}
		}
		return key
	}
	integer := func(path string) int {
		if f, ok := got.At(path).(float64); ok {
			return int(f)
		}
		return -1
	}
	for i := range got.Count("issue.scenarios.nodes") {
		at := fmt.Sprintf("issue.scenarios.nodes.%d.", i)
		key := got.Text(at + "key")
		n.scenarios = append(n.scenarios, key)
		for list, into := range map[string]*[]heldPosition{"positions": &n.held, "positionHistory": &n.judged} {
			for j := range got.Count(at + list + ".nodes") {
				p := fmt.Sprintf("%s%s.nodes.%d.", at, list, j)
				one := heldPosition{holder: who(p + "holder"), scenario: key, stance: got.Text(p + "stance"),
					from: got.Text(p + "validFrom"), recorded: got.Text(p + "recordedAt"), id: got.Text(p + "id"),
					ordinal: integer(p + "ordinal"), salience: integer(p + "salience")}
				if list == "positions" {
					one.conditions, one.secondHand, one.contested = got.Count(p+"conditions"),
						got.At(p+"secondHand") == true, got.At(p+"contested") == true
				} else if one.salience < 0 || one.from > got.Text("lens.validAt") {
					continue
				}
				*into = append(*into, one)
			}
		}
	}
	for i := range got.Count("issue.negotiation.participants.nodes") {
		p := fmt.Sprintf("issue.negotiation.participants.nodes.%d.", i)
		issues := got.Text(p + "vetoIssues")
		n.parts = append(n.parts, part{
			stakeholder: who(p + "stakeholder"), capability: integer(p + "capability"),
			veto: got.At(p+"vetoPlayer") == true && (issues == "[]" || strings.Contains(issues, "border")),
		})
	}
	return n
}

// counts says whether what a stakeholder holds or is counts for a party: 0 its own, 1 that of one who speaks for it, -1
// not.
func (n naive) counts(stakeholder, party string) int {
	switch parties := n.speaksFor[stakeholder]; {
	case len(parties) == 0 && stakeholder == party:
		return 0
	case slices.Contains(parties, party):
		return 1
	}
	return -1
}

func (n naive) parties() []string {
	var all []string
	for stakeholder, parties := range n.speaksFor {
		counts := slices.ContainsFunc(n.parts, func(p part) bool { return p.stakeholder == stakeholder }) ||
			slices.ContainsFunc(n.held, func(p heldPosition) bool { return p.holder == stakeholder })
		if counts && len(parties) == 0 {
			parties = []string{stakeholder}
		}
		if counts {
			all = append(all, parties...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// best is the position that counts for a party, and those that it counts before.
func (n naive) best(party string, among []heldPosition) (best *heldPosition, others []heldPosition) {
	rank := 2
	for _, p := range among {
		r := n.counts(p.holder, party)
		if r < 0 {
			continue
		}
		others = append(others, p)
		if best == nil || r < rank || r == rank && p.later(*best) {
			best, rank = &p, r
		}
	}
	return best, others
}

func (n naive) on(scenario string) (held []heldPosition) {
	for _, p := range n.held {
		if p.scenario == scenario {
			held = append(held, p)
		}
	}
	return held
}

var graded = map[string]int{"STRONGLY_OPPOSES": -2, "OPPOSES": -1, "NEUTRAL": 0, "SUPPORTS": 1, "STRONGLY_SUPPORTS": 2}

type zoneOf struct {
	verdict                          string
	blockers, undeclared, cond, rumr string
	sums                             [3]float64 // weighted stances: as said, with silence at the lowest, and at the highest
	weights                          [3]float64
}

// zone works out a landing zone's entry; supposed are stances by party.
func (n naive) zone(scenario string, supposed map[string]string) zoneOf {
	var z zoneOf
	for _, party := range n.parties() {
		stance, conditions, hearsay := "", 0, false
		if p, _ := n.best(party, n.on(scenario)); p != nil {
			stance, conditions, hearsay = p.stance, p.conditions, p.secondHand
		}
		if s, is := supposed[party]; is {
			stance, conditions, hearsay = s, 0, false
		}
		veto, capability, salience := false, -1, -1
		for _, p := range n.parts {
			if n.counts(p.stakeholder, party) >= 0 {
				veto = veto || p.veto
				capability = max(capability, p.capability)
			}
		}
		if p, _ := n.best(party, n.judged); p != nil {
			salience = p.salience
		}
		grade, said := graded[stance]
		if veto {
			switch {
			case !said:
				z.undeclared += party + " "
			case grade < 0:
				z.blockers += party + " "
			case grade > 0 && conditions > 0:
				z.cond += party + " "
			}
			if hearsay {
				z.rumr += party + " "
			}
		}
		if capability >= 0 && salience >= 0 && (said || veto) {
			weight := float64(capability * salience)
			for i, silence := range []float64{math.NaN(), -2, 2} {
				value := silence
				if said {
					value = float64(grade)
				}
				if !math.IsNaN(value) {
					z.sums[i] += weight * value
					z.weights[i] += weight
				}
			}
		}
	}
	switch {
	case z.blockers != "":
		z.verdict = "BLOCKED"
	case z.undeclared != "":
		z.verdict = "UNDECIDED"
	default:
		z.verdict = "ACCEPTABLE"
	}
	return z
}

func TestMatrixAndLandingZoneAreThoseWorkedOutNaively(t *testing.T) {
	t.Parallel()
	a := start(t)
	bargains := 0
	rapid.Check(t, func(rt *rapid.T) {
		bargains++ // each has its own
		ctx, talks := a.Ctx, fmt.Sprint("talks-", bargains)
		holders := []string{"alba", "brig", "coast", "dune", "minister", "envoy", "poet"}
		scenarios := []string{talks + "/line", talks + "/strip", talks + "/wall"}
		var keys []string
		for i, holder := range holders {
			keys = append(keys, holder)
			holders[i] = fmt.Sprintf("%s-%d", holder, bargains)
		}
		text := strings.NewReplacer("dataset: bargain", fmt.Sprint("dataset: bargain-", bargains), "key: talks",
			"key: "+talks)
		bargain := text.Replace(bargain)
		for i, key := range keys {
			bargain = regexp.MustCompile(`\b`+key+`\b`).ReplaceAllString(bargain, holders[i])
		}
		a.Load("bargain.yaml", bargain)
		at := func(label string) *parley.Instant {
			t := apitest.DayAt(rapid.IntRange(1, apitest.Days).Draw(rt, label))
			return &t
		}
		span := func(label string) (from, to *parley.Instant) {
			if rapid.Bool().Draw(rt, label+" begins") {
				from = at(label + " from")
			}
			if from == nil || rapid.Bool().Draw(rt, label+" ends") {
				end := apitest.DayAt(rapid.IntRange(apitest.Days/2, apitest.Days+2).Draw(rt, label+" to"))
				if from == nil || from.Before(end) {
					to = &end
				}
			}
			return from, to
		}
		percent := func(label string) *int {
			if rapid.IntRange(0, 2).Draw(rt, label+" is judged") == 0 {
				return nil
			}
			n := rapid.IntRange(0, 100).Draw(rt, label)
			return &n
		}
		statement := a.Must(fmt.Sprintf(`{ statements(filter: {speakers: [%q]}) { nodes { id } } }`,
			holders[4])).Text("statements.nodes.0.id")
		var instants []string
		for range rapid.IntRange(5, 30).Draw(rt, "steps") {
			var err error
			holder, scenario := rapid.SampledFrom(holders).Draw(rt, "holder"),
				rapid.SampledFrom(scenarios).Draw(rt, "scenario")
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				from, to := span("office")
				_, err = a.Store.Affiliate(ctx, parley.AffiliateInput{
					Person:       rapid.SampledFrom(holders[4:]).Draw(rt, "person"),
					Organization: rapid.SampledFrom(holders[:4]).Draw(rt, "organization"),
					SpeaksFor:    rapid.Bool().Draw(rt, "speaks"), ValidFrom: from, ValidTo: to,
				})
			case 1, 2:
				from, to := span("part")
				var issues []string
				if rapid.Bool().Draw(rt, "limited") {
					issues = []string{rapid.SampledFrom([]string{talks + "/border", talks + "/tolls"}).Draw(rt,
						"issue")}
				}
				_, err = a.Store.JoinNegotiation(ctx, parley.JoinNegotiationInput{
					Negotiation: talks, Stakeholder: holder,
					Role:       rapid.SampledFrom(parley.ParticipationRoles).Draw(rt, "role"),
					VetoPlayer: rapid.Bool().Draw(rt, "veto"), VetoIssues: issues, Capability: percent("capability"),
					ValidFrom: from, ValidTo: to,
				})
			default:
				in := parley.RecordPositionInput{
					Holder: holder, Scenario: scenario, Stance: rapid.SampledFrom(parley.Stances).Draw(rt, "stance"),
					Confidence: "LOW",
					Salience:   percent("salience"), ValidFrom: at("since"), ValidFromPrecision: "DAY",
					Ordinal: rapid.IntRange(0, 2).Draw(rt, "ordinal"),
				}
				if rapid.Bool().Draw(rt, "conditional") {
					in.Conditions = []string{"a vote"}
				}
				if rapid.Bool().Draw(rt, "said so") {
					in.Evidence = []string{statement}
				}
				if rapid.IntRange(0, 3).Draw(rt, "ends") == 0 {
					end := in.ValidFrom.AddDate(0, 0, 3)
					in.ValidTo = &end
				}
				if rapid.IntRange(0, 3).Draw(rt, "contests") == 0 {
					line := a.Must(fmt.Sprintf(`{ positions(filter: {holders: [%q], scenarios: [%q]}, asOf: {validAt: %q}) { nodes { id } } }`, holder, scenario, parley.FormatInstant(*in.ValidFrom)))
					if line.Count("positions.nodes") > 0 {
						id := line.Text("positions.nodes.0.id")
						in.Contests = &id
					}
				}
				_, err = a.Store.RecordPosition(ctx, in)
			}
			if err != nil && !errors.As(err, new(parley.Refusal)) {
				rt.Fatal(err)
			}
			instants = append(instants, a.Must(`{ lens { knownAt } }`).Text("lens.knownAt"))
		}
		for range 5 {
			asOf := fmt.Sprintf(`{validAt: %q, knownAt: %q}`,
				parley.FormatInstant(apitest.DayAt(rapid.IntRange(-60, apitest.Days+2).Draw(rt, "valid"))),
				rapid.SampledFrom(instants).Draw(rt, "known"))
			n := a.readNaive(talks, asOf)
			parties := n.parties()
			whatIf, supposed := "", make(map[string]map[string]string)
			if len(n.scenarios) > 0 && len(parties) > 0 && rapid.Bool().Draw(rt, "supposing") {
				scenario, party, stance := rapid.SampledFrom(n.scenarios).Draw(rt, "supposed on"),
					rapid.SampledFrom(parties).Draw(rt, "supposed of"),
					rapid.SampledFrom(parley.Stances).Draw(rt, "supposed")
				whatIf = fmt.Sprintf(`(whatIf: [{stakeholder: %q, scenario: "%s/%s", stance: %s}])`, party, talks,
					scenario, stance)
				supposed[scenario] = map[string]string{party: string(stance)}
			}
			got := a.Must(fmt.Sprintf(`{ issue(id: "%s/border", asOf: %s) {
				matrix { scenarios { key } rows { stakeholder { key } participations { role } cells { stance contested position { id } } } }
				landingZone%s { scenario { key } verdict blockers { key } undeclared { key } conditional { key } onHearsay { key } support supportLow supportHigh } } }`, talks, asOf, whatIf))
			if got.Count("issue.matrix.rows") != len(parties) ||
				got.Count("issue.matrix.scenarios") != len(n.scenarios) ||
				got.Count("issue.landingZone") != len(n.scenarios) {
				rt.Fatalf("through %s the matrix is\n%v\nwant the rows %v and the columns %v", asOf,
					got.At("issue.matrix"), parties, n.scenarios)
			}
			for r, party := range parties {
				row := fmt.Sprintf("issue.matrix.rows.%d.", r)
				has := 0
				for _, p := range n.parts {
					if n.counts(p.stakeholder, party) >= 0 {
						has++
					}
				}
				got.Want(row+"stakeholder.key", party)
				if got.Count(row+"participations") != has {
					rt.Errorf("%s has %d participations through %s, want %d", party, got.Count(row+"participations"),
						asOf, has)
				}
				for c, scenario := range n.scenarios {
					cell := fmt.Sprintf("%scells.%d.", row, c)
					p, others := n.best(party, n.on(scenario))
					if p == nil {
						got.Want(cell+"stance", nil, cell+"position", nil, cell+"contested", false)
						continue
					}
					divided := p.holder != party &&
						slices.ContainsFunc(others, func(o heldPosition) bool { return o.stance != p.stance })
					got.Want(cell+"stance", p.stance, cell+"position.id", p.id, cell+"contested", p.contested ||
						divided)
				}
			}
			for i, scenario := range n.scenarios {
				entry := fmt.Sprintf("issue.landingZone.%d.", i)
				z := n.zone(scenario, supposed[scenario])
				got.Want(entry+"scenario.key", scenario, entry+"verdict", z.verdict)
				for list, want := range map[string]string{"blockers": z.blockers, "undeclared": z.undeclared,
					"conditional": z.cond, "onHearsay": z.rumr} {
					if keys := got.Names(entry + list); keys != strings.TrimSpace(want) {
						rt.Errorf("%s of %s through %s with %s are %q, want %q", list, scenario, asOf, whatIf, keys,
							want)
					}
				}
				var means [3]float64
				for m, field := range []string{"support", "supportLow", "supportHigh"} {
					value, known := got.At(entry + field).(float64)
					means[m] = value
					if known != (z.weights[m] > 0) || known && math.Abs(value-z.sums[m]/z.weights[m]) > 1e-12 {
						rt.Errorf("%s of %s through %s with %s is %v, want %v / %v", field, scenario, asOf, whatIf,
							got.At(entry+field), z.sums[m], z.weights[m])
					}
				}
				if z.weights[0] > 0 && (means[1] > means[0] || means[0] > means[2]) {
					rt.Errorf("the support of %s is not in order: %v", scenario, means)
				}
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}
