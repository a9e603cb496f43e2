package analysis_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// record is everything that a model was told of an issue, and from which where its parties stand is worked out by
// looking at everything for each cell. It says the rules of docs/analysis.md once more, without any haste.
type record struct {
	offices     []office
	memberships []membership
	sayings     []*saying
	parts       []part
	statuses    []statusOf
}

// known is from which step on something was on record, and before which one.
type known struct{ since, gone int }

func (k known) at(step int) bool { return k.since <= step && (k.gone == 0 || step < k.gone) }

// span is a half-open interval; a zero end is open.
type span struct{ from, to time.Time }

func (s span) has(t time.Time) bool {
	return (s.from.IsZero() || !t.Before(s.from)) && (s.to.IsZero() || t.Before(s.to))
}

// hasAny says whether any instant of a time known to the day, or the instant itself, lies in the span.
func (s span) hasAny(t time.Time, day bool) bool {
	if !day {
		return s.has(t)
	}
	begins := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (s.from.IsZero() || s.from.Before(begins.AddDate(0, 0, 1))) && (s.to.IsZero() || s.to.After(begins))
}

type office struct {
	known
	span
	id, person, organization string
}

type membership struct {
	known
	span
	member, group string
}

type part struct {
	known
	span
	stakeholder string
	veto        bool
	capability  int // -1: not judged
}

type statusOf struct {
	known
	scenario, to string
	at           time.Time
	by           []string
}

type saying struct {
	known
	id, holder, scenario, stance string
	at                           time.Time
	day                          bool
	ordinal                      int
	end                          time.Time
	contests                     string
	private                      bool
	saidFor                      []string // nil: for all
	conditions, salience         int      // salience -1: not judged
	recorded                     int      // the step
}

// after compares where sayings begin.
func (s *saying) after(o *saying) bool {
	return cmp.Or(s.at.Compare(o.at), cmp.Compare(s.ordinal, o.ordinal)) > 0
}

func (s *saying) holdsNoLonger(t time.Time) bool { return !s.end.IsZero() && !t.Before(s.end) }

// view is the record as known at a step, for the world at an instant.
type view struct {
	*record
	step int
	at   time.Time
}

// String lists what is known of who says what for whom.
func (v view) String() string {
	var b strings.Builder
	for _, o := range v.offices {
		fmt.Fprintf(&b, "%+v\n", o)
	}
	for _, m := range v.memberships {
		fmt.Fprintf(&b, "%+v\n", m)
	}
	for _, s := range v.sayings {
		fmt.Fprintf(&b, "%+v\n", *s)
	}
	return b.String()
}

func (v view) speaksFor(person string, t time.Time, day bool) (parties []string) {
	for _, o := range v.offices {
		if o.known.at(v.step) && o.person == person && o.hasAny(t, day) && !slices.Contains(parties, o.organization) {
			parties = append(parties, o.organization)
		}
	}
	return parties
}

// stands are the parties for which a stakeholder stands at an instant.
func (v view) stands(stakeholder string, t time.Time, day bool) []string {
	if parties := v.speaksFor(stakeholder, t, day); len(parties) > 0 {
		return parties
	}
	return []string{stakeholder}
}

// members are those for whom a group speaks, however far below it.
func (v view) members(group string, t time.Time, day bool) (all []string) {
	for level := []string{group}; len(level) > 0; {
		var next []string
		for _, m := range v.memberships {
			if m.known.at(v.step) && slices.Contains(level, m.group) && m.hasAny(t, day) && !slices.Contains(all, m.member) {
				all, next = append(all, m.member), append(next, m.member)
			}
		}
		level = next
	}
	return all
}

// distance is how many groups lie between one and a stakeholder for whom it speaks; -1: it does not.
func (v view) distance(group, stakeholder string, s *saying) int {
	level := []string{group}
	for far := 0; len(level) > 0 && far < 10; far++ {
		if slices.Contains(level, stakeholder) {
			return far
		}
		var next []string
		for _, m := range v.memberships {
			if m.known.at(v.step) && slices.Contains(level, m.group) && m.hasAny(s.at, s.day) {
				next = append(next, m.member)
			}
		}
		level = next
	}
	return -1
}

// from is whose word a saying is, where it is one of the party: the party's own, or that of a group; empty: of neither.
// order sorts groups that are as near.
func (v view) from(s *saying, party string, order map[string]string) string {
	whose := []string{s.holder}
	if parties := v.speaksFor(s.holder, s.at, s.day); len(parties) > 0 && !s.private {
		meant := slices.DeleteFunc(slices.Clone(parties), func(p string) bool {
			return s.saidFor != nil && !slices.Contains(s.saidFor, p)
		})
		if len(meant) > 0 {
			whose = meant
		}
	}
	best, nearest := "", 100
	slices.SortFunc(whose, func(a, b string) int { return strings.Compare(order[a], order[b]) })
	for _, w := range whose {
		if far := v.distance(w, party, s); far >= 0 && far < nearest {
			best, nearest = w, far
		}
	}
	return best
}

// word is a saying as a word of a party.
type word struct {
	*saying
	from string
}

// words are all of a party on a scenario.
func (v view) words(party, scenario string, order map[string]string) (words []word) {
	for _, s := range v.sayings {
		if s.known.at(v.step) && s.scenario == scenario && !s.at.After(v.at) {
			if from := v.from(s, party, order); from != "" {
				words = append(words, word{s, from})
			}
		}
	}
	return words
}

// ends says whether a word is cut by t by a later one of the same holder for the same party; what a person says for
// itself, by anything the person says.
func (v view) cut(w word, party string, words []word, t time.Time) bool {
	later := w.saying
	for _, o := range words {
		if w.contests == o.id && o.from == w.from && o.after(later) {
			later = o.saying
		}
	}
	line := make([]*saying, 0, len(words))
	for _, o := range words {
		if o.holder == w.holder && o.from == w.from {
			line = append(line, o.saying)
		}
	}
	if w.holder == party {
		line = nil
		for _, s := range v.sayings {
			if s.known.at(v.step) && s.holder == w.holder && s.scenario == w.scenario {
				line = append(line, s)
			}
		}
	}
	for _, o := range line {
		plain := o.contests == "" || !slices.ContainsFunc(line, func(s *saying) bool { return s.id == o.contests })
		if plain && o.after(later) && !o.at.After(t) {
			return true
		}
	}
	return false
}

// line are the words of one holder that hold at t, the prevailing one first.
func (v view) line(w word, party string, words []word, t time.Time) (holding []word) {
	for _, o := range words {
		if o.holder == w.holder && o.from == w.from && !o.at.After(t) && !o.holdsNoLonger(t) &&
			!v.cut(o, party, words, t) {
			holding = append(holding, o)
		}
	}
	slices.SortFunc(holding, func(a, b word) int { return cmp.Compare(b.recorded, a.recorded) })
	return holding
}

func (v view) silent(w word, party string) bool { return w.stance == "UNDECLARED" && w.holder != party }

// ended says whether a newer word of somebody else ended this one.
func (v view) ended(w word, party string, words []word) bool {
	return slices.ContainsFunc(words, func(n word) bool {
		switch {
		case n.holder == w.holder && n.from == w.from, !n.after(w.saying), v.silent(n, party), !v.spoke(n, party, words):
			return false
		case n.from == party && n.holder == party:
			return true
		case n.from == party:
			return w.holder == party || w.holder == n.holder
		}
		return n.from == w.from && (n.holder == n.from || w.holder == w.from)
	})
}

// spoke says whether a word prevailed when it was said. A plain one that another of the same instant follows did, and
// held for no time.
func (v view) spoke(w word, party string, words []word) bool {
	if v.cut(w, party, words, w.at) {
		return w.contests == ""
	}
	return v.line(w, party, words, w.at)[0].id == w.id
}

// stand is where a party stands.
type stand struct {
	stance, position, through string
	others                    []string
	contested, former         bool
	word                      *word
}

func (v view) stand(party, scenario string, order map[string]string) stand {
	words := v.words(party, scenario, order)
	var alive []word
	for _, w := range words {
		if holding := v.line(w, party, words, v.at); len(holding) > 0 && holding[0].id == w.id && !v.ended(w, party, words) {
			alive = append(alive, w)
		}
	}
	if len(alive) == 0 {
		return stand{}
	}
	place := func(w word) string {
		rank := 0
		switch {
		case w.holder == party:
			rank = 2
		case w.from == party:
			rank = 1
		}
		sounds := 1
		if v.silent(w, party) {
			sounds = 0
		}
		return fmt.Sprintf("%d %s %02d %d %06d", sounds, w.at.UTC().Format("20060102150405"), w.ordinal, rank, w.recorded)
	}
	slices.SortFunc(alive, func(a, b word) int { return strings.Compare(place(b), place(a)) })
	still := func(w word) bool {
		member := w.from == party || slices.Contains(v.members(w.from, v.at, false), party)
		return member && (w.holder == party || w.holder == w.from || slices.Contains(v.speaksFor(w.holder, v.at, false), w.from))
	}
	counts := alive[0]
	s := stand{stance: counts.stance, position: counts.id, former: !still(counts), word: &counts,
		contested: len(v.line(counts, party, words, v.at)) > 1}
	if counts.from != party {
		s.through = counts.from
	}
	for _, w := range alive[1:] {
		if w.stance != counts.stance && !v.silent(w, party) && still(w) {
			s.others = append(s.others, w.id)
		}
	}
	return s
}

// rows are the parties of the matrix: of all who take part or have a word of their own.
func (v view) rows(everybody, scenarios []string, order map[string]string) (rows []string) {
	for _, p := range v.parts {
		if p.known.at(v.step) && p.has(v.at) {
			rows = append(rows, v.stands(p.stakeholder, v.at, false)...)
		}
	}
	for _, party := range everybody {
		for _, scenario := range scenarios {
			words := v.words(party, scenario, order)
			if slices.ContainsFunc(words, func(w word) bool {
				holding := v.line(w, party, words, v.at)
				return w.from == party && len(holding) > 0 && holding[0].id == w.id && !v.ended(w, party, words)
			}) {
				rows = append(rows, party)
			}
		}
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}

// zoneOf is what a landing zone says of a scenario.
type zoneOf struct {
	verdict string
	lists   map[string]string  // stakeholders by the name of the list, separated by spaces
	support map[string]float64 // left out where it is null
}

var graded = map[string]int{"STRONGLY_OPPOSES": -2, "OPPOSES": -1, "NEUTRAL": 0, "SUPPORTS": 1, "STRONGLY_SUPPORTS": 2}

// agreement says who agreed to a scenario when, whether that still stands, and who took it off the table.
func (v view) agreement(scenario string) (status string, agreed map[string]time.Time, left []string) {
	agreed = make(map[string]time.Time)
	line := slices.DeleteFunc(slices.Clone(v.statuses), func(s statusOf) bool {
		return !s.known.at(v.step) || s.scenario != scenario || s.at.After(v.at)
	})
	slices.SortFunc(line, func(a, b statusOf) int { return a.at.Compare(b.at) })
	for _, s := range line {
		var by []string
		for _, one := range s.by {
			for _, party := range v.stands(one, s.at, true) {
				by = append(append(by, party), v.members(party, s.at, true)...)
			}
		}
		status, left = s.to, nil
		switch s.to {
		case "AGREED_IN_PRINCIPLE", "AGREED", "IN_IMPLEMENTATION", "IMPLEMENTED":
			for _, party := range by {
				agreed[party] = s.at
			}
		case "STALLED":
		default:
			agreed = make(map[string]time.Time)
			if slices.Contains([]string{"REJECTED", "WITHDRAWN", "COLLAPSED"}, s.to) {
				left = by
			}
		}
	}
	return status, agreed, left
}

// supposition is a stance supposed of a party itself. One of a group reaches the members that have no other word.
type supposition struct{ party, scenario, stance string }

func (v view) zone(scenario string, everybody, scenarios []string, order map[string]string, what *supposition) zoneOf {
	status, agreed, left := v.agreement(scenario)
	decided := ""
	switch status {
	case "AGREED", "IN_IMPLEMENTATION", "IMPLEMENTED":
		decided = "SETTLED"
	case "REJECTED", "WITHDRAWN", "COLLAPSED", "SUPERSEDED":
		decided = "OFF_THE_TABLE"
	}
	z := zoneOf{lists: make(map[string]string), support: make(map[string]float64)}
	sums, weights := make(map[string]float64), make(map[string]float64)
	rows := v.rows(everybody, scenarios, order)
	for _, party := range rows {
		add := func(list string) { z.lists[list] = strings.TrimSpace(z.lists[list] + " " + party) }
		s := v.stand(party, scenario, order)
		if what != nil && what.scenario == scenario && what.stance != s.stance {
			reached := slices.Contains(v.members(what.party, v.at, false), party) && (s.word == nil || s.through == what.party)
			if what.party == party || reached {
				s = stand{stance: what.stance}
			}
		}
		grade, said := graded[s.stance]
		veto, weight, weighs := v.weight(party, scenarios, order)
		for _, member := range v.members(party, v.at, false) {
			if _, _, carries := v.weight(member, scenarios, order); carries && slices.Contains(rows, member) {
				weighs = false
			}
		}
		at, agrees := agreed[party]
		agrees = agrees && status == "AGREED_IN_PRINCIPLE"
		_, everAgreed := agreed[party]
		if slices.Contains(left, party) && grade > 0 ||
			!slices.Contains(left, party) && grade < 0 && (everAgreed || veto && decided == "SETTLED") {
			add("contradicting")
		}
		if veto && decided == "" {
			switch {
			case !said && !agrees:
				add("undeclared")
			case grade < 0 && (!agrees || s.word == nil || s.word.at.After(at)):
				add("blockers")
			case grade > 0 && s.word != nil && s.word.conditions > 0:
				add("conditional")
			}
		}
		if !weighs {
			continue
		}
		for field, silence := range map[string]float64{"support": 0, "supportLow": -2, "supportHigh": 2} {
			if said {
				sums[field] += weight * float64(grade)
				weights[field] += weight
			} else if veto && field != "support" {
				sums[field] += weight * silence
				weights[field] += weight
			}
		}
	}
	for field, weight := range weights {
		if weight > 0 {
			z.support[field] = sums[field] / weight
		}
	}
	switch {
	case decided != "":
		z.verdict = decided
	case z.lists["blockers"] != "":
		z.verdict = "BLOCKED"
	case z.lists["undeclared"] != "":
		z.verdict = "UNDECIDED"
	default:
		z.verdict = "ACCEPTABLE"
	}
	return z
}

// weight is whether a party has a veto, and its capability times its salience, if both are judged.
func (v view) weight(party string, scenarios []string, order map[string]string) (veto bool, weight float64, judged bool) {
	capability := -1
	for _, p := range v.parts {
		if p.known.at(v.step) && p.has(v.at) && slices.Contains(v.stands(p.stakeholder, v.at, false), party) {
			veto, capability = veto || p.veto, max(capability, p.capability)
		}
	}
	newest, salience := "", -1
	for _, scenario := range scenarios {
		for _, w := range v.words(party, scenario, order) {
			own := 0
			if w.holder == party {
				own = 1
			}
			place := fmt.Sprintf("%s %02d %d %06d", w.at.UTC().Format("20060102150405"), w.ordinal, own, w.recorded)
			if w.from == party && w.salience >= 0 && place > newest {
				newest, salience = place, w.salience
			}
		}
	}
	return veto, float64(capability * salience), capability >= 0 && salience >= 0
}
