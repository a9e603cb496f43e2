package history_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"example.org/parley"
	"example.org/parley/storage"
)

// The model of a holder's positions on a scenario: what was said, and nothing else. What holds when is worked out anew
// for each question, by trying everything.
type saying struct {
	id       string
	from, to int // days; to 0: open
	ordinal  int
	daily    bool // known to the day only
	stance   string
	contests string
	evidence []int // into grades
	order    int   // of the change that wrote this content
}

type record []saying

// places are how many facts one day has room for.
const places = 4

// begins is a number that rises with the day and, within it, with the ordinal; lastOf is the last one of a day.
func (s saying) begins() int { return s.from*places + s.ordinal }
func lastOf(day int) int     { return day*places + places - 1 }

// among says whether it has its own place among the others of its day.
func (s saying) among(o saying) bool { return s.daily && o.daily && s.ordinal != o.ordinal }

// grades are those of the statements that positions may rest on: credibility and reliability, unknown in the middle.
var grades = [][2]int{{1, 4}, {4, 1}, {3, 3}, {3, 2}}

func (r record) find(id string) *saying {
	for i := range r {
		if r[i].id == id {
			return &r[i]
		}
	}
	return nil
}

// beside is the saying that one stands beside; nil for a plain one.
func (r record) beside(s saying) *saying {
	if s.contests == "" {
		return nil
	}
	if target := r.find(s.contests); target != nil {
		return target
	}
	heir := s
	for _, o := range r {
		if o.contests == s.contests &&
			(o.begins() < heir.begins() || (o.begins() == heir.begins() && o.id < heir.id)) {
			heir = o
		}
	}
	if heir.id != s.id {
		if above := r.beside(heir); above != nil {
			return above
		}
		return r.find(heir.id)
	}
	var rival *saying
	for _, o := range r {
		earlier := o.begins() < s.begins() || (o.begins() == s.begins() && o.id < s.id)
		if o.from == s.from && !o.among(s) && o.id != s.id &&
			(o.contests == "" ||
				(r.find(o.contests) == nil && o.contests != s.contests && earlier && r.beside(o) == nil)) &&
			(rival == nil || o.ordinal > rival.ordinal) {
			rival = r.find(o.id)
		}
	}
	return rival
}

// holds says whether it holds at a place of a day.
func (r record) holds(s saying, at int) bool {
	if at < s.begins() || (s.to != 0 && at/places >= s.to) {
		return false
	}
	latest := s.begins()
	for above := r.beside(s); above != nil; above = r.beside(*above) {
		latest = max(latest, above.begins())
	}
	for _, o := range r {
		if r.beside(o) == nil && o.begins() > latest && o.begins() <= at {
			return false
		}
	}
	return true
}

// until is the first day at the end of which it does not hold; 0: it holds on every day.
func (r record) until(s saying) int {
	for day := s.from; day < apitest.Days+10; day++ {
		if !r.holds(s, lastOf(day)) {
			return day
		}
	}
	return 0
}

// standing are the sayings that hold at the end of a day, the prevailing one first.
func (r record) standing(day int) []saying {
	var list []saying
	for _, s := range r {
		if r.holds(s, lastOf(day)) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b saying) int {
		return cmp.Or(slices.Compare(a.grade(), b.grade()), -cmp.Compare(a.order, b.order))
	})
	return list
}

// grade is that of the best piece of evidence. Nothing at all is worse than any.
func (s saying) grade() []int {
	best := []int{6}
	for _, e := range s.evidence {
		if slices.Compare(grades[e][:], best) < 0 {
			best = grades[e][:]
		}
	}
	return best
}

// positionMachine records, contests, confirms, corrects, detaches evidence, retracts and restores at random, in Parley and in the model.
type positionMachine struct {
	*api
	rt         *rapid.T
	statements []string
	holder     string
	now, gone  record
	then       []record    // the model after each change
	known      []time.Time // and when that change was recorded
}

func (m *positionMachine) pick(name string) *saying {
	return &m.now[rapid.IntRange(0, len(m.now)-1).Draw(m.rt, name)]
}

func (m *positionMachine) content() (s saying, input map[string]any) {
	from, to := rapid.IntRange(1, apitest.Days-1).Draw(m.rt, "from"), 0
	if rapid.IntRange(0, 3).Draw(m.rt, "ends") == 0 {
		to = from + rapid.IntRange(1, 4).Draw(m.rt, "days")
	}
	s = saying{from: from, to: to,
		stance:   rapid.SampledFrom([]string{"SUPPORTS", "OPPOSES", "NEUTRAL"}).Draw(m.rt, "stance"),
		evidence: rapid.SliceOfNDistinct(rapid.IntRange(0, len(grades)-1), 0, 2, rapid.ID).Draw(m.rt, "evidence")}
	precision := "INSTANT"
	if s.daily = rapid.IntRange(0, 3).Draw(m.rt, "daily") < 3; s.daily {
		precision, s.ordinal = "DAY", rapid.IntRange(0, places-1).Draw(m.rt, "ordinal")
	}
	input = map[string]any{"stance": s.stance, "validFrom": apitest.DayAt(from), "validFromPrecision": precision,
		"ordinal": s.ordinal, "validTo": nil}
	if to != 0 {
		input["validTo"] = apitest.DayAt(to)
	}
	return s, input
}

func (m *positionMachine) record(contests string) {
	fresh, input := m.content()
	input["holder"], input["scenario"] = m.holder, "talks/line"
	if contests != "" {
		input["contests"] = contests
	}
	var refs []string
	for _, e := range fresh.evidence {
		refs = append(refs, m.statements[e])
	}
	input["evidence"] = refs
	got := m.Ask(`mutation($input: RecordPositionInput!) { recordPosition(input: $input) { position { id recordedAt } cursor userErrors { code message field } } }`,
		map[string]any{"input": input})

	if contests != "" {
		target, holds := m.now.find(contests), false
		for at := fresh.begins(); at < lastOf(apitest.Days+10); at++ {
			holds = holds || m.now.holds(*target, at)
		}
		if !holds || target.stance == fresh.stance {
			m.want(got, "INVALID contests")
			return
		}
	}
	if contests == "" {
		for i := range m.now {
			s := &m.now[i]
			if m.now.beside(*s) == nil && m.now.holds(*s, fresh.begins()) && s.stance == fresh.stance {
				m.confirmed(got, s, fresh.evidence)
				return
			}
		}
		for _, s := range m.now {
			if s.from == fresh.from && !s.among(fresh) {
				m.want(got, "CONFLICT validFrom")
				return
			}
		}
	}
	m.want(got, "")
	fresh.id, fresh.contests = got.Text("recordPosition.position.id"), contests
	m.now = append(m.now, fresh)
	m.changed(got, "recordPosition", &m.now[len(m.now)-1])
}

func (m *positionMachine) confirmed(got apitest.Answer, s *saying, evidence []int) {
	m.want(got, "")
	if got.Text("recordPosition.position.id") != s.id {
		m.rt.Fatalf("what says the same as %s became %s", s.id, got.Text("recordPosition.position.id"))
	}
	more := slices.Clone(s.evidence)
	for _, e := range evidence {
		if !slices.Contains(more, e) {
			more = append(more, e)
		}
	}
	if len(more) == len(s.evidence) {
		if got.At("recordPosition.cursor") != nil {
			m.rt.Fatal("a confirmation without new evidence made a change")
		}
		return
	}
	s.evidence = more
	m.changed(got, "recordPosition", s)
}

func (m *positionMachine) correct() {
	s := m.pick("corrected")
	mended, input := m.content()
	mended.id, mended.contests, mended.evidence, mended.order = s.id, s.contests, s.evidence, s.order
	input["position"], input["note"] = s.id, "misheard"
	if mended.to == 0 {
		input["clear"] = []string{"validTo"} // a null keeps it
	}
	got := m.Ask(`mutation($input: CorrectPositionInput!) { correctPosition(input: $input) { position { id recordedAt } cursor userErrors { code message field } } }`,
		map[string]any{"input": input})
	if m.conflicts(mended) {
		m.want(got, "CONFLICT validFrom")
		return
	}
	m.want(got, "")
	if reflect.DeepEqual(*s, mended) {
		if got.At("correctPosition.cursor") != nil {
			m.rt.Fatal("a correction of nothing made a change")
		}
		return
	}
	*s = mended
	m.changed(got, "correctPosition", s)
}

// detach takes pieces of evidence away, also some that are none of the position's.
func (m *positionMachine) detach() {
	s := m.pick("detached from")
	gone := rapid.SliceOfNDistinct(rapid.IntRange(0, len(grades)-1), 1, 2, rapid.ID).Draw(m.rt, "gone")
	var refs []string
	var rest []int
	for _, e := range gone {
		refs = append(refs, m.statements[e])
	}
	for _, e := range s.evidence {
		if !slices.Contains(gone, e) {
			rest = append(rest, e)
		}
	}
	got := m.Ask(`mutation($input: RemoveEvidenceInput!) { removeEvidence(input: $input) { node { id } cursor userErrors { code message field } } }`,
		map[string]any{"input": map[string]any{"from": s.id, "evidence": refs, "note": "it proved wrong"}})
	if slices.ContainsFunc(gone, func(e int) bool { return !m.everRested(s.id, e) }) {
		m.want(got, "INVALID evidence")
		return
	}
	m.want(got, "")
	if len(rest) == len(s.evidence) {
		if got.At("removeEvidence.cursor") != nil {
			m.rt.Fatal("what is no evidence was detached")
		}
		return
	}
	s.evidence = rest
	m.changed(got, "removeEvidence", s)
}

// everRested reports whether a position was ever on record with a piece of evidence.
func (m *positionMachine) everRested(id string, e int) bool {
	return slices.ContainsFunc(m.then, func(r record) bool {
		s := r.find(id)
		return s != nil && slices.Contains(s.evidence, e)
	})
}

func (m *positionMachine) retract() {
	i := rapid.IntRange(0, len(m.now)-1).Draw(m.rt, "retracted")
	got := m.Ask(`mutation($id: ID!) { retract(input: {id: $id, note: "never said"}) { cursor userErrors { code message field } } }`, map[string]any{"id": m.now[i].id})
	m.want(got, "")
	m.gone = append(m.gone, m.now[i])
	m.now = slices.Delete(slices.Clone(m.now), i, i+1)
	m.changed(got, "retract", nil)
}

func (m *positionMachine) restore() {
	i := rapid.IntRange(0, len(m.gone)-1).Draw(m.rt, "restored")
	s := m.gone[i]
	got := m.Ask(`mutation($id: ID!) { restore(input: {id: $id, note: "it was said"}) { node { id } cursor
		userErrors { code message field } } }`, map[string]any{"id": s.id})
	before := slices.Clone(m.now)
	m.now = append(m.now, s)
	if m.conflicts(s) {
		m.now = before
		m.want(got, "CONFLICT id")
		return
	}
	m.want(got, "")
	m.gone = slices.Delete(slices.Clone(m.gone), i, i+1)
	m.changed(got, "restore", &m.now[len(m.now)-1])
}

// conflicts says whether a plain saying begins where another one does that neither contests it nor is ordered with it.
func (m *positionMachine) conflicts(s saying) bool {
	if s.contests != "" {
		return false
	}
	for _, o := range m.now {
		root := &o
		for target := m.now.find(root.contests); target != nil; target = m.now.find(root.contests) {
			root = target
		}
		if o.from == s.from && root.id != s.id && !o.among(s) {
			return true
		}
	}
	return false
}

func (m *positionMachine) want(got apitest.Answer, refusal string) {
	list := apitest.Refusals(got.Data)
	if len(got.Errs) > 0 || (refusal == "") != (len(list) == 0) ||
		(refusal != "" && !strings.HasPrefix(list[0], refusal)) {
		m.rt.Fatalf("got %v %v, want refusal %q\nmodel: %+v", got.Errs, list, refusal, m.now)
	}
}

// changed notes what the record looks like from this change on.
func (m *positionMachine) changed(got apitest.Answer, mutation string, written *saying) {
	if got.At(mutation+".cursor") == nil {
		m.rt.Fatalf("%s made no change", mutation)
	}
	if written != nil {
		written.order = len(m.then)
	}
	var at time.Time
	db := m.DB()
	defer db.Close()
	if err := db.Get(&at, `SELECT recorded_at FROM feed_head`); err != nil {
		m.rt.Fatal(err)
	}
	m.then, m.known = append(m.then, slices.Clone(m.now)), append(m.known, at.UTC())
}

// check compares Parley with the model on every day, as known now and as known after each change.
func (m *positionMachine) check() {
	snapshot := m.Store.Snapshot()
	holders, err := snapshot.Stakeholders(m.T.Context(), []storage.Key{storage.KeyOf(m.holder)}, nil)
	if err != nil {
		m.rt.Fatal(err)
	}
	var keys []storage.Key
	var models []record
	for k, known := range m.known {
		for day := range apitest.Days + 3 {
			keys = append(keys,
				storage.Key{ID: holders[0].ID, Lens: parley.Lens{ValidAt: apitest.DayAt(day), KnownAt: known}})
			models = append(models, m.then[k])
		}
	}
	found, err := snapshot.PositionsOfStakeholders(m.T.Context(), keys, nil, parley.Page{}, nil)
	if err != nil {
		m.rt.Fatal(err)
	}
	for i, got := range found {
		m.compare(models[i], keys[i].Lens, got)
	}
}

func (m *positionMachine) compare(model record, lens parley.Lens, got *parley.PositionConnection) {
	want := "nothing"
	standing := model.standing(lens.ValidAt.YearDay() - apitest.DayAt(0).YearDay())
	if len(standing) > 0 {
		want = fmt.Sprint(standing[0].id, " ", standing[0].stance, " contested ", len(standing) > 1)
	}
	is := "nothing"
	if len(got.Nodes) > 0 {
		is = fmt.Sprint(got.Nodes[0].ID, " ", got.Nodes[0].Stance, " contested ", got.Nodes[0].Contested)
	}
	if is != want || len(got.Nodes) > 1 || got.TotalCount != len(got.Nodes) {
		m.rt.Fatalf("on %s, known at %s, %s prevails (%d in all, total %d), want %s\nmodel: %+v",
			parley.Day(lens.ValidAt), lens.KnownAt, is, len(got.Nodes), got.TotalCount, want, model)
	}
}

func TestPositionsAgainstModel(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	var statements []string
	for i, grade := range []string{"C1 D", "C4 A", "C6 F", "C3 B"} {
		credibility, reliability, _ := strings.Cut(grade, " ")
		got := a.Must(`mutation($key: String!, $source: ID!, $reliability: SourceReliability!, $credibility: InformationCredibility!, $id: ID) {
			registerSource(input: {key: $key, title: $key, reliability: $reliability}) { userErrors { code message field } }
			recordStatement(input: {statement: {id: $id, source: $source, text: $key, form: REPORTED, credibility: $credibility}}) { statement { id } userErrors { code message field } }
		}`, map[string]any{"key": fmt.Sprint("source-", i), "source": fmt.Sprint("source-", i), "reliability": reliability, "credibility": credibility, "id": uuid.NewString()})
		statements = append(statements, got.Text("recordStatement.statement.id"))
	}
	holders := 0
	rapid.Check(t, func(rt *rapid.T) {
		holders++
		m := &positionMachine{api: a, rt: rt, statements: statements, holder: fmt.Sprint("holder-", holders)}
		a.Must(`mutation($key: String!) { registerStakeholder(input: {key: $key, name: $key, kind: STATE}) { userErrors { code message field } } }`, map[string]any{"key": m.holder})
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			step := rapid.IntRange(0, 11).Draw(rt, "step")
			switch {
			case len(m.now) == 0 || step < 4:
				m.record("")
			case step > 9:
				m.detach()
			case step < 7:
				m.record(m.pick("contested").id)
			case step < 8:
				m.correct()
			case step < 9 && len(m.gone) > 0:
				m.restore()
			default:
				m.retract()
			}
		}
		m.check()
	})
}
