package analysis_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.org/parley"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// history makes random records, in an issue of its own each time, and tells a model the same.
type history struct {
	*api
	rt        *rapid.T
	record    record
	name      string
	everybody []string // stakeholders' keys, sorted
	states    []string
	groups    []string
	persons   []string
	scenarios []string            // their paths
	order     map[string]string   // ids by key
	keys      map[string]string   // keys by id
	lenses    []string            // knownAt of each step
	moved     map[string][]string // the cursors of the changes that moved each party
	met       map[string]int      // how many cells and scenarios were of which sort
}

func (a *api) newHistory(rt *rapid.T, n int) *history {
	h := &history{api: a, rt: rt, name: fmt.Sprint("talks-", n), order: make(map[string]string), keys: make(map[string]string),
		moved: make(map[string][]string)}
	stakeholders, scenarios := "", ""
	add := func(list *[]string, kind string, keys ...string) {
		for _, key := range keys {
			key = fmt.Sprintf("%s-%d", key, n)
			*list, h.everybody = append(*list, key), append(h.everybody, key)
			stakeholders += fmt.Sprintf("  - {key: %s, name: %s, kind: %s}\n", key, key, kind)
		}
	}
	add(&h.persons, "PERSON", "minister", "envoy", "poet")
	add(&h.states, "STATE", "alba", "brig", "coast")
	add(&h.groups, "GROUP", "bloc", "union")
	for _, key := range []string{"line", "strip"} {
		scenarios += fmt.Sprintf("          - {key: %s, title: %s, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}]}\n", key, key)
		h.scenarios = append(h.scenarios, h.name+"/"+key)
		h.record.statuses = append(h.record.statuses, statusOf{scenario: h.name + "/" + key, to: "PROPOSED",
			at: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)})
	}
	slices.Sort(h.everybody)
	a.Load("random.yaml", fmt.Sprintf("dataset: random-%d\nstakeholders:\n%snegotiations:\n  - key: %s\n    title: Talks\n    issues:\n"+
		"      - key: border\n        title: The border\n        scenarios:\n%s", n, stakeholders, h.name, scenarios))
	for _, key := range h.everybody {
		id := a.Must(fmt.Sprintf(`{ stakeholder(id: %q) { id } }`, key)).Text("stakeholder.id")
		h.order[key], h.keys[id] = id, key
	}
	return h
}

func pick[T any](h *history, label string, list []T) T {
	return rapid.SampledFrom(list).Draw(h.rt, label)
}

func (h *history) often(label string, outOf int) bool {
	return rapid.IntRange(1, outOf).Draw(h.rt, label) == 1
}

func (h *history) instant(label string) time.Time {
	at := apitest.DayAt(rapid.IntRange(1, apitest.Days).Draw(h.rt, label))
	return at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 9, 15}).Draw(h.rt, label+" hour")) * time.Hour)
}

func (h *history) span(label string) (s span) {
	if h.often(label+" begins", 2) {
		s.from = h.instant(label + " from")
	}
	if h.often(label+" ends", 3) {
		if to := h.instant(label + " to"); to.After(s.from) {
			s.to = to
		}
	}
	return s
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// step records something, and tells the model if it was accepted.
func (h *history) step() {
	h.T.Helper()
	n := len(h.lenses)
	now := known{since: n}
	var err error
	var written storage.Written
	var then func()
	switch rapid.IntRange(0, 18).Draw(h.rt, "step") {
	case 0, 1:
		o := office{known: now, span: h.span("office"), person: pick(h, "person", h.persons),
			organization: pick(h, "organization", slices.Concat(h.states[:1], h.states[:2], h.groups))}
		written, err = h.Store.Affiliate(h.Ctx, parley.AffiliateInput{
			Person: o.person, Organization: o.organization, SpeaksFor: true, ValidFrom: optional(o.from), ValidTo: optional(o.to),
		})
		then = func() {
			o.id = written.ID.String()
			h.record.offices = append(h.record.offices, o)
		}
	case 2:
		if len(h.record.offices) == 0 {
			return
		}
		i := rapid.IntRange(0, len(h.record.offices)-1).Draw(h.rt, "office that ends")
		o, end := h.record.offices[i], h.instant("office's end")
		if o.known.gone != 0 {
			return
		}
		written, err = h.Store.EndAffiliation(h.Ctx, parley.EndAffiliationInput{Affiliation: o.id, ValidTo: &end})
		then = func() {
			h.record.offices[i].known.gone = n
			o.known, o.span.to = now, end
			h.record.offices = append(h.record.offices, o)
		}
	case 3, 4:
		m := membership{known: now, span: h.span("membership"), member: pick(h, "member", h.everybody), group: pick(h, "group", h.groups)}
		_, err = h.Store.AddMembership(h.Ctx, parley.AddMembershipInput{
			Member: m.member, Group: m.group, SpeaksForMembers: true, ValidFrom: optional(m.from), ValidTo: optional(m.to),
		})
		then = func() { h.record.memberships = append(h.record.memberships, m) }
	case 5:
		p := part{known: now, span: h.span("part"), stakeholder: pick(h, "stakeholder", h.everybody), veto: h.often("veto", 2), capability: -1}
		in := parley.JoinNegotiationInput{
			Negotiation: h.name, Stakeholder: p.stakeholder, Role: pick(h, "role", parley.ParticipationRoles),
			VetoPlayer: p.veto, ValidFrom: optional(p.from), ValidTo: optional(p.to),
		}
		if !h.often("not judged", 3) {
			p.capability = rapid.IntRange(0, 100).Draw(h.rt, "capability")
			in.Capability = &p.capability
		}
		_, err = h.Store.JoinNegotiation(h.Ctx, in)
		then = func() { h.record.parts = append(h.record.parts, p) }
	case 6:
		s := statusOf{known: now, scenario: pick(h, "moving", h.scenarios), to: string(pick(h, "to", parley.ScenarioStatuses)), at: h.instant("since")}
		if s.to == "SUPERSEDED" {
			return
		}
		for range rapid.IntRange(0, 3).Draw(h.rt, "signatories") {
			s.by = append(s.by, pick(h, "by", h.everybody))
		}
		_, err = h.Store.ChangeScenarioStatus(h.Ctx, parley.ChangeScenarioStatusInput{
			Scenario: s.scenario, To: parley.ScenarioStatus(s.to), Reason: "so", By: s.by, EffectiveAt: &s.at, EffectiveAtPrecision: "DAY",
		})
		then = func() { h.record.statuses = append(h.record.statuses, s) }
	case 7:
		open := slices.DeleteFunc(slices.Clone(h.record.sayings), func(s *saying) bool {
			return s.known.gone != 0 || slices.ContainsFunc(h.record.sayings, func(o *saying) bool { return o.contests == s.id })
		})
		if len(open) == 0 {
			return
		}
		s := pick(h, "retracted", open)
		_, err = h.Store.Retract(h.Ctx, parley.RetractInput{ID: s.id, Note: "wrong"})
		then = func() { s.known.gone = n }
	default:
		written, then, err = h.say(n)
	}
	if err != nil {
		if !errors.As(err, new(parley.Refusal)) {
			h.rt.Fatal(err)
		}
		return
	}
	then()
	h.lenses = append(h.lenses, h.Must(`{ lens { knownAt } }`).Text("lens.knownAt"))
	if h.lenses[n] != h.lenses[n-1] { // not what was on record already
		h.sameShifts(n)
	}
}

// sameShifts compares which cells the last change says that it moved with where the parties stood before and after it.
func (h *history) sameShifts(step int) {
	h.T.Helper()
	got := h.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { cursor recordedAt shifts { party { key } scenario { title }
		before { stance divided contested position { id: recordId } } after { stance divided contested position { id: recordId } } } } } }`)
	at, err := time.Parse(time.RFC3339, got.Text("changes.nodes.0.recordedAt"))
	if err != nil {
		h.rt.Fatal(err)
	}
	is := make(map[string]string)
	for i := range got.Count("changes.nodes.0.shifts") {
		shift := fmt.Sprintf("changes.nodes.0.shifts.%d.", i)
		cell := func(side string) string {
			return fmt.Sprint(got.At(shift+side+".position.id"), " ", got.At(shift+side+".divided"), " ", got.At(shift+side+".contested"))
		}
		is[got.Text(shift+"party.key")+" on "+got.Text(shift+"scenario.title")] = cell("before") + ", then " + cell("after")
	}
	want := make(map[string]string)
	for _, scenario := range h.scenarios {
		for _, party := range h.everybody {
			before := view{&h.record, step - 1, at}.stand(party, scenario, h.order)
			after := view{&h.record, step, at}.stand(party, scenario, h.order)
			says := func(s stand) string {
				if s.word == nil {
					return ""
				}
				return fmt.Sprint(s.stance, s.word.conditions, s.others != nil, s.contested)
			}
			cell := func(s stand) string {
				return fmt.Sprint(cmp.Or(s.position, "<nil>"), " ", s.others != nil, " ", s.contested)
			}
			if says(before) != says(after) {
				want[party+" on "+scenario[strings.LastIndex(scenario, "/")+1:]] = cell(before) + ", then " + cell(after)
				h.moved[party] = append(h.moved[party], got.Text("changes.nodes.0.cursor"))
			}
		}
	}
	h.met["shifts"] += len(want)
	if !maps.Equal(is, want) {
		h.rt.Fatalf("the change %d at %v moved\n%v, want\n%v, of\n%v", step, at, is, want, view{&h.record, step, at})
	}
}

// sameFollowed compares the changes that are listed for each party with those that moved it. Others are about words of
// its that moved nothing.
func (h *history) sameFollowed() {
	h.T.Helper()
	for _, party := range slices.Concat(h.states, h.groups) { // a person would stand for those whom it speaks for
		got := h.Must(fmt.Sprintf(`{ changes(filter: {parties: [%q], negotiations: [%q]}, first: 500) { totalCount nodes { cursor kind } } }`, party, h.name))
		want := slices.Compact(h.moved[party])
		got.Want("changes.totalCount", float64(got.Count("changes.nodes")))
		for i := range got.Count("changes.nodes") {
			node := fmt.Sprintf("changes.nodes.%d.", i)
			switch cursor := got.Text(node + "cursor"); {
			case len(want) > 0 && cursor == want[0]:
				want = want[1:]
			case got.Text(node+"kind") != "POSITION":
				h.rt.Fatalf("%s is said to be moved by %s", party, cursor)
			}
		}
		if len(want) > 0 {
			h.rt.Fatalf("the changes of %s lack %v", party, want)
		}
	}
}

// say records a position.
func (h *history) say(n int) (written storage.Written, then func(), err error) {
	s := &saying{known: known{since: n}, recorded: n, holder: pick(h, "holder", slices.Concat(h.everybody, h.persons)), scenario: pick(h, "scenario", h.scenarios),
		stance: string(pick(h, "stance", parley.Stances)), at: h.instant("said"), day: h.often("to the day", 2), salience: -1}
	in := parley.RecordPositionInput{
		Holder: s.holder, Scenario: s.scenario, Stance: parley.Stance(s.stance), Confidence: "LOW", ValidFrom: &s.at, ValidFromPrecision: "INSTANT",
	}
	if s.day {
		in.ValidFromPrecision = "DAY"
	}
	if h.often("conditional", 3) {
		in.Conditions, s.conditions = []string{"a vote"}, 1
	}
	if h.often("judged", 3) {
		s.salience = rapid.IntRange(0, 100).Draw(h.rt, "salience")
		in.Salience = &s.salience
	}
	if h.often("ends", 4) {
		s.end = s.at.AddDate(0, 0, 3)
		in.ValidTo = &s.end
	}
	switch rapid.IntRange(0, 5).Draw(h.rt, "said for") {
	case 0:
		s.private, in.SaidFor = true, []string{}
	case 1:
		s.saidFor = []string{pick(h, "party", slices.Concat(h.states, h.groups))}
		in.SaidFor = s.saidFor
	}
	if slices.Contains(h.states, s.holder) {
		line := h.Must(fmt.Sprintf(`{ positions(filter: {holders: [%q], scenarios: [%q]}, asOf: {validAt: %q}) { nodes { id: recordId } } }`,
			s.holder, s.scenario, parley.FormatInstant(s.at)))
		if line.Count("positions.nodes") > 0 {
			s.contests = line.Text("positions.nodes.0.id")
			in.Contests = &s.contests
		}
	}
	if s.day {
		s.ordinal = rapid.IntRange(0, 2).Draw(h.rt, "ordinal")
		in.Ordinal = s.ordinal
	}
	written, err = h.Store.RecordPosition(h.Ctx, in)
	return written, func() {
		s.id = written.ID.String()
		said := slices.IndexFunc(h.record.sayings, func(o *saying) bool { return o.id == s.id && o.known.gone == 0 })
		switch {
		case said < 0:
			h.record.sayings = append(h.record.sayings, s)
		case s.salience >= 0 && s.salience != h.record.sayings[said].salience: // affirmed, and judged anew
			affirmed := *h.record.sayings[said]
			affirmed.known, affirmed.recorded, affirmed.salience = s.known, n, s.salience
			h.record.sayings[said].known.gone = n
			h.record.sayings = append(h.record.sayings, &affirmed)
		}
	}, err
}

// Where parties stand is what the model of random histories says, through random lenses: in the matrix, in the matrix
// of named stakeholders, and in the landing zone with and without suppositions.
func TestPartiesStandWhereTheModelSays(t *testing.T) {
	t.Parallel()
	a := start(t)
	n, met := 0, make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		n++
		h := a.newHistory(rt, n)
		h.met = met
		h.lenses = append(h.lenses, a.Must(`{ lens { knownAt } }`).Text("lens.knownAt"))
		for range rapid.IntRange(30, 60).Draw(rt, "steps") {
			h.step()
		}
		h.sameFollowed()
		for range 4 {
			step := len(h.lenses) - 1 - rapid.IntRange(0, len(h.lenses)-1).Draw(rt, "steps back")
			v := view{&h.record, step, h.instant("valid").AddDate(0, 0, 3)}
			asOf := fmt.Sprintf(`{validAt: %q, knownAt: %q}`, parley.FormatInstant(v.at), h.lenses[step])
			h.compare(v, asOf)
			other := view{&h.record, rapid.IntRange(0, len(h.lenses)-1).Draw(rt, "known before"), h.instant("valid before")}
			h.sameDiff(other, v, fmt.Sprintf(`{validAt: %q, knownAt: %q}`, parley.FormatInstant(other.at), h.lenses[other.step]), asOf)
		}
	})
	for _, sort := range []string{"stands", "contested", "divided", "former", "through", "BLOCKED", "steps", "shifts"} {
		if met[sort] == 0 {
			t.Errorf("nothing was %s: %v", sort, met)
		}
	}
	t.Log(met)
}

const cells = `stakeholder { key } cells { stance position { id: recordId } through { key } others { id: recordId } contested divided formerSpeaker }`

func (h *history) compare(v view, asOf string) {
	h.T.Helper()
	rows := v.rows(h.everybody, h.scenarios, h.order)
	var what *supposition
	whatIf := ""
	supposable := slices.DeleteFunc(slices.Clone(rows), func(party string) bool { return !slices.Equal(v.stands(party, v.at, false), []string{party}) })
	if len(supposable) > 0 {
		what = &supposition{pick(h, "party", supposable), pick(h, "on", h.scenarios), string(pick(h, "stance", parley.Stances))}
		whatIf = fmt.Sprintf(`(whatIf: [{stakeholder: %q, scenario: %q, stance: %s}])`, what.party, what.scenario, what.stance)
	}
	const entry = `{ verdict blockers { key } undeclared { key } conditional { key } onHearsay { key } contradicting { key } support supportLow supportHigh }`
	got := h.Must(fmt.Sprintf(`{ issue(id: "%s/border", asOf: %s) { matrix { rows { %s } } named: matrix(stakeholders: ["%s"]) { rows { %s } }
		landingZone %s } }`, h.name, asOf, cells, strings.Join(h.everybody, `", "`), cells, entry))
	var named []string
	for _, s := range h.everybody {
		named = append(named, v.stands(s, v.at, false)...)
	}
	slices.Sort(named)
	h.sameLists(v, asOf)
	h.sameRows(got, "issue.matrix", v, rows, asOf)
	h.sameRows(got, "issue.named", v, slices.Compact(named), asOf)
	supposed := h.Must(fmt.Sprintf(`{ issue(id: "%s/border", asOf: %s) { landingZone%s %s } }`, h.name, asOf, whatIf, entry))
	for i, scenario := range h.scenarios {
		zone := fmt.Sprintf("issue.landingZone.%d.", i)
		h.sameZone(got, zone, v.zone(scenario, h.everybody, h.scenarios, h.order, nil), asOf)
		h.sameZone(supposed, zone, v.zone(scenario, h.everybody, h.scenarios, h.order, what), asOf+" with "+whatIf)
	}
}

// sameDiff compares the ends of a diff with where the parties stand there, and looks whether its steps lead from one to
// the other.
func (h *history) sameDiff(from, to view, asOfFrom, asOfTo string) {
	h.T.Helper()
	got := h.Must(fmt.Sprintf(`{ negotiation(id: %q) { diff(from: %s, to: %s) { positions(first: 500) { nodes {
		party { key } scenario { title } before { ...said } after { ...said } cause steps { at before { ...said } after { ...said } cause } } } } } }
		fragment said on Position { id: recordId stance conditions redLine }`, h.name, asOfFrom, asOfTo))
	moved := make(map[string]string) // positions before and after, by party and scenario
	for i := range got.Count("negotiation.diff.positions.nodes") {
		shift := fmt.Sprintf("negotiation.diff.positions.nodes.%d.", i)
		steps := got.Count(shift + "steps")
		step := func(n int) string { return fmt.Sprintf("%ssteps.%d.", shift, n) }
		says := func(position string) string {
			return fmt.Sprint(got.At(position+".stance"), got.At(position+".conditions"), got.At(position+".redLine"))
		}
		moved[got.Text(shift+"party.key")+" "+got.Text(shift+"scenario.title")] = fmt.Sprint(got.At(shift+"before.id"), " ", got.At(shift+"after.id"))
		if says(step(0)+"before") != says(shift+"before") || says(step(steps-1)+"after") != says(shift+"after") ||
			got.At(step(steps-1)+"cause") != got.At(shift+"cause") {
			h.rt.Fatalf("from %s to %s: the steps do not lead from before to after: %v", asOfFrom, asOfTo, got.At(shift[:len(shift)-1]))
		}
		for n := range steps {
			if n > 0 && says(step(n)+"before") != says(step(n-1)+"after") || says(step(n)+"before") == says(step(n)+"after") {
				h.rt.Fatalf("from %s to %s: the steps do not follow each other: %v", asOfFrom, asOfTo, got.At(shift[:len(shift)-1]))
			}
		}
		h.met["steps"] += steps
	}
	for _, scenario := range h.scenarios {
		title := scenario[strings.LastIndex(scenario, "/")+1:]
		for _, party := range slices.Concat(from.rows(h.everybody, []string{scenario}, h.order), to.rows(h.everybody, []string{scenario}, h.order)) {
			before, after := from.stand(party, scenario, h.order), to.stand(party, scenario, h.order)
			same := (before.word == nil) == (after.word == nil) &&
				(before.word == nil || before.stance == after.stance && before.word.conditions == after.word.conditions)
			ends, listed := moved[party+" "+title]
			id := func(s stand) string { return cmp.Or(s.position, "<nil>") }
			if want := id(before) + " " + id(after); !same && !listed || listed && ends != want {
				h.rt.Fatalf("from %s to %s %s on %s goes %q, want %q, of\n%v", asOfFrom, asOfTo, party, scenario, ends, want, to)
			}
		}
	}
}

// sameLists compares what filters and the fields of stakeholders and scenarios say of the same.
func (h *history) sameLists(v view, asOf string) {
	h.T.Helper()
	asked := pick(h, "asked", h.everybody)
	parties := v.stands(asked, v.at, false)
	got := h.Must(fmt.Sprintf(`{
		positions(filter: {parties: [%[1]q], negotiations: [%[2]q]}, asOf: %[3]s) { totalCount nodes { id: recordId } }
		divided: positions(filter: {parties: [%[1]q], divided: true}, asOf: %[3]s) { nodes { id: recordId } }
		contested: positions(filter: {parties: [%[1]q], contested: true}, asOf: %[3]s) { nodes { id: recordId } }
		anyone: positions(filter: {divided: true, negotiations: [%[2]q]}, asOf: %[3]s) { nodes { id: recordId } }
		supported: scenarios(filter: {supportedBy: [%[1]q]}, asOf: %[3]s) { nodes { title } }
		opposed: scenarios(filter: {opposedBy: [%[1]q]}, asOf: %[3]s) { nodes { title } }
		stakeholder(id: %[1]q, asOf: %[3]s) { stances { scenario { title } position { id: recordId } } }
		negotiation(id: %[2]q, asOf: %[3]s) { scenarios { nodes { key stances { party { key } position { id: recordId } } positions(filter: {parties: [%[1]q]}) { nodes { id: recordId } } } } }
	}`, asked, h.name, asOf))
	list := func(path, field string) (found []string) {
		for i := range got.Count(path) {
			found = append(found, got.Text(fmt.Sprintf("%s.%d.%s", path, i, field)))
		}
		slices.Sort(found)
		return found
	}
	want := make(map[string][]string)
	add := func(list, text string) {
		if !slices.Contains(want[list], text) {
			want[list] = append(want[list], text)
		}
	}
	for i, scenario := range h.scenarios {
		title := scenario[strings.LastIndex(scenario, "/")+1:]
		for _, party := range h.everybody {
			s := v.stand(party, scenario, h.order)
			if s.position == "" {
				continue
			}
			if s.others != nil {
				add("anyone", s.position)
			}
			if slices.Contains(v.rows(h.everybody, []string{scenario}, h.order), party) {
				add(fmt.Sprint("on ", i), party)
			}
			if party == asked {
				add("stances", title)
			}
			if !slices.Contains(parties, party) {
				continue
			}
			add("positions", s.position)
			add(fmt.Sprint("positions on ", i), s.position)
			if s.others != nil {
				add("divided", s.position)
			}
			if s.contested {
				add("contested", s.position)
			}
			switch grade := graded[s.stance]; {
			case grade > 0:
				add("supported", title)
			case grade < 0:
				add("opposed", title)
			}
		}
	}
	is := map[string][]string{
		"positions": list("positions.nodes", "id"), "divided": list("divided.nodes", "id"), "contested": list("contested.nodes", "id"),
		"anyone": list("anyone.nodes", "id"), "supported": list("supported.nodes", "title"), "opposed": list("opposed.nodes", "title"),
		"stances": list("stakeholder.stances", "scenario.title"),
	}
	for i := range h.scenarios {
		at := fmt.Sprintf("negotiation.scenarios.nodes.%d.", i)
		is[fmt.Sprint("on ", i)] = list(at+"stances", "party.key")
		is[fmt.Sprint("positions on ", i)] = list(at+"positions.nodes", "id")
	}
	for name, found := range is {
		slices.Sort(want[name])
		if !slices.Equal(found, want[name]) {
			h.rt.Fatalf("%s of %s through %s are %v, want %v", name, asked, asOf, found, want[name])
		}
	}
}

func (h *history) sameRows(got apitest.Answer, matrix string, v view, rows []string, asOf string) {
	h.T.Helper()
	var keys []string
	for i := range got.Count(matrix + ".rows") {
		keys = append(keys, got.Text(fmt.Sprintf("%s.rows.%d.stakeholder.key", matrix, i)))
	}
	if !slices.Equal(keys, rows) {
		h.rt.Fatalf("the rows of %s through %s are %v, want %v", matrix, asOf, keys, rows)
	}
	for r, party := range rows {
		for c, scenario := range h.scenarios {
			cell := fmt.Sprintf("%s.rows.%d.cells.%d.", matrix, r, c)
			want := v.stand(party, scenario, h.order)
			is := stand{contested: got.At(cell+"contested") == true, former: got.At(cell+"formerSpeaker") == true, word: want.word}
			for sort, is := range map[string]bool{
				"stands": want.stance != "", "contested": want.contested, "divided": want.others != nil, "former": want.former,
				"through": want.through != "",
			} {
				if is {
					h.met[sort]++
				}
			}
			if got.At(cell+"position") != nil {
				is.stance, is.position = got.Text(cell+"stance"), got.Text(cell+"position.id")
			}
			if got.At(cell+"through") != nil {
				is.through = got.Text(cell + "through.key")
			}
			for i := range got.Count(cell + "others") {
				is.others = append(is.others, got.Text(fmt.Sprintf("%sothers.%d.id", cell, i)))
			}
			if fmt.Sprintf("%+v", is) != fmt.Sprintf("%+v", want) || got.At(cell+"divided") != (len(want.others) > 0) {
				h.rt.Fatalf("%s on %s through %s stands in %s\n%+v, want\n%+v, of\n%s", party, scenario, asOf, matrix, is, want, v)
			}
		}
	}
}

func (h *history) sameZone(got apitest.Answer, entry string, want zoneOf, asOf string) {
	h.T.Helper()
	h.met[want.verdict]++
	if want.lists["contradicting"] != "" {
		h.met["contradicting"]++
	}
	if got.Text(entry+"verdict") != want.verdict {
		h.rt.Fatalf("the verdict %s through %s is %s, want %s", entry, asOf, got.Text(entry+"verdict"), want.verdict)
	}
	for _, list := range []string{"blockers", "undeclared", "conditional", "onHearsay", "contradicting"} {
		if keys := got.Names(entry + list); keys != want.lists[list] {
			h.rt.Fatalf("%s%s through %s are %q, want %q", entry, list, asOf, keys, want.lists[list])
		}
	}
	is := make(map[string]float64)
	for _, field := range []string{"support", "supportLow", "supportHigh"} {
		if value, known := got.At(entry + field).(float64); known {
			is[field] = value
		}
	}
	if !maps.EqualFunc(is, want.support, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
		h.rt.Fatalf("%s through %s has %v, want %v", entry, asOf, is, want.support)
	}
}
