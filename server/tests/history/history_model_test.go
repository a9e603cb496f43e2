package history_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"example.org/parley"
)

// The model of a whole record: what was put on record, and nothing else. What reads how through a lens is worked out
// anew for each question, the obvious way. (How positions cut each other is modelled in position_model_test.go.)
type world struct {
	Title       string
	Scenarios   []*modelScenario
	Holders     []*modelHolder
	Roles       []*modelRole
	Offices     []*modelOffice
	Memberships []*modelMembership
	Events      []*modelEvent
	Notes       []*modelNote     // statements
	Relations   []*modelRelation // in the order of record
	changes     int
}

type modelScenario struct {
	Key, Title string
	Summary    *string
	Statuses   []modelStatus // by day and ordinal
	Positions  map[string]record
}

type modelStatus struct {
	ID, To, Reason string
	Day, Ordinal   int
	Note           *string
}

type modelHolder struct{ Key, Name string }

type modelRole struct {
	ID, Holder string
	Veto       bool
	From, To   int // days; to 0: open
}

type modelOffice struct {
	ID, Organization, Office string
	From, To                 int
}

type modelMembership struct {
	ID, Group string
	From, To  int
}

type modelEvent struct {
	ID, Title string
	Day       int
}

type modelNote struct{ ID, Text, Scenario string }

type modelRelation struct{ ID, Kind, From, To, Note string }

// copied are the same values anew.
func copied[T any](list []*T) (anew []*T) {
	for _, v := range list {
		own := *v
		anew = append(anew, &own)
	}
	return anew
}

// without are those that the id is not of.
func without[T any](list []*T, id func(*T) string, gone string) []*T {
	return slices.DeleteFunc(slices.Clone(list), func(v *T) bool { return id(v) == gone })
}

func roleID(r *modelRole) string             { return r.ID }
func officeID(o *modelOffice) string         { return o.ID }
func membershipID(m *modelMembership) string { return m.ID }
func eventID(e *modelEvent) string           { return e.ID }
func noteID(n *modelNote) string             { return n.ID }
func relationID(r *modelRelation) string     { return r.ID }

// forget takes a record back that is no status and no position.
func (w *world) forget(id string) {
	w.Roles, w.Offices = without(w.Roles, roleID, id), without(w.Offices, officeID, id)
	w.Memberships = without(w.Memberships, membershipID, id)
	w.Events, w.Notes = without(w.Events, eventID, id), without(w.Notes, noteID, id)
	w.Relations = without(w.Relations, relationID, id)
}

// records are the ids of what can be forgotten.
func (w *world) records() (ids []string) {
	for _, r := range w.Roles {
		ids = append(ids, r.ID)
	}
	for _, o := range w.Offices {
		ids = append(ids, o.ID)
	}
	for _, m := range w.Memberships {
		ids = append(ids, m.ID)
	}
	for _, e := range w.Events {
		ids = append(ids, e.ID)
	}
	for _, n := range w.Notes {
		ids = append(ids, n.ID)
	}
	for _, r := range w.Relations {
		ids = append(ids, r.ID)
	}
	return ids
}

func (w *world) copy() *world {
	c := *w
	c.Scenarios, c.Holders, c.Roles, c.Offices = nil, copied(w.Holders), copied(w.Roles), copied(w.Offices)
	c.Memberships, c.Events = copied(w.Memberships), copied(w.Events)
	c.Notes, c.Relations = copied(w.Notes), copied(w.Relations)
	for _, s := range w.Scenarios {
		own := *s
		own.Statuses, own.Positions = slices.Clone(s.Statuses), make(map[string]record)
		for holder, line := range s.Positions {
			own.Positions[holder] = slices.Clone(line)
		}
		c.Scenarios = append(c.Scenarios, &own)
	}
	return &c
}

func (w *world) scenario(key string) *modelScenario {
	for _, s := range w.Scenarios {
		if s.Key == key {
			return s
		}
	}
	return nil
}

func (w *world) name(holder string) string {
	for _, h := range w.Holders {
		if h.Key == holder {
			return h.Name
		}
	}
	return ""
}

type object = map[string]any

// through is what the document of historyDocument has to be answered with on a day.
func (w *world) through(day int) object {
	scenarios, reached := []any{}, 0
	for _, s := range w.Scenarios {
		var history []any
		var inForce *modelStatus
		var from any
		agreed := false
		for i := range s.Statuses {
			status := &s.Statuses[i]
			history = append(history,
				object{"from": from, "to": status.To, "reason": status.Reason, "effectiveAt": written(status.Day),
					"ordinal": status.Ordinal, "correctionNote": status.Note})
			if from = status.To; status.Day <= day {
				inForce = status
				agreed = agreed || status.To == "AGREED"
			}
		}
		if inForce == nil {
			continue
		}
		if agreed {
			reached++
		}
		scenarios = append(scenarios, object{
			"key": s.Key, "title": s.Title, "summary": s.Summary, "statements": w.notes(s.Key),
			"relations": w.relations(s.Key), "status": inForce.To, "statusSince": written(inForce.Day),
			"statusHistory": object{"nodes": history}, "positions": w.positions(s, day),
			"positionHistory": s.history(),
		})
	}
	roles := []any{}
	for _, r := range w.Roles {
		if day >= r.From && (r.To == 0 || day < r.To) {
			roles = append(roles, object{"vetoPlayer": r.Veto, "stakeholder": object{"name": w.name(r.Holder)}})
		}
	}
	events := []any{}
	for _, e := range slices.SortedFunc(slices.Values(w.Events),
		func(a, b *modelEvent) int { return cmp.Or(a.Day-b.Day, strings.Compare(a.ID, b.ID)) }) {
		events = append(events, object{"title": e.Title, "startedAt": written(e.Day)})
	}
	return object{"title": w.Title, "events": object{"nodes": events},
		"scenarios": object{"totalCount": len(scenarios), "nodes": scenarios}, "reached": object{"totalCount": reached},
		"participants": object{"nodes": roles}}
}

// notes are the statements about a scenario; none tells when it was said.
func (w *world) notes(scenario string) object {
	nodes := []any{}
	for _, n := range slices.SortedFunc(slices.Values(w.Notes),
		func(a, b *modelNote) int { return -strings.Compare(a.ID, b.ID) }) {
		if n.Scenario == scenario {
			nodes = append(nodes, object{"text": n.Text})
		}
	}
	return object{"totalCount": len(nodes), "nodes": nodes}
}

func (w *world) relations(scenario string) []any {
	list := []any{}
	for _, r := range w.Relations {
		if r.From == scenario || r.To == scenario {
			list = append(list,
				object{"kind": r.Kind, "note": r.Note, "from": object{"key": r.From}, "to": object{"key": r.To}})
		}
	}
	return list
}

// person is what the envoy of all holders is answered with.
func (w *world) person(day int) object {
	offices := []any{}
	for _, o := range slices.SortedFunc(slices.Values(w.Offices),
		func(a, b *modelOffice) int { return cmp.Or(a.From-b.From, strings.Compare(a.ID, b.ID)) }) {
		if day >= o.From && (o.To == 0 || day < o.To) {
			offices = append(offices,
				object{"office": o.Office, "organization": object{"name": w.name(o.Organization)}})
		}
	}
	groups := []any{}
	for _, m := range slices.SortedFunc(slices.Values(w.Memberships),
		func(a, b *modelMembership) int { return cmp.Or(a.From-b.From, strings.Compare(a.ID, b.ID)) }) {
		if day >= m.From && (m.To == 0 || day < m.To) {
			groups = append(groups, object{"group": object{"name": w.name(m.Group)}})
		}
	}
	return object{"affiliations": offices, "memberships": groups}
}

// history are all positions on a scenario, oldest first.
func (s *modelScenario) history() object {
	var all []saying
	ends := make(map[string]any)
	for _, line := range s.Positions {
		for _, said := range line {
			all = append(all, said)
			if day := line.until(said); day != 0 {
				ends[said.id] = written(day)
			}
		}
	}
	slices.SortFunc(all, func(a, b saying) int {
		return cmp.Or(a.begins()-b.begins(), strings.Compare(a.id, b.id))
	})
	nodes := []any{}
	for _, said := range all {
		nodes = append(nodes, object{"stance": said.stance, "validFrom": written(said.from), "ordinal": said.ordinal,
			"validTo": ends[said.id]})
	}
	return object{"totalCount": len(all), "nodes": nodes}
}

// positions are those that prevail on a scenario, newest first.
func (w *world) positions(s *modelScenario, day int) object {
	type held struct {
		saying
		holder string
		others []any
	}
	var list []held
	for holder, line := range s.Positions {
		if standing := line.standing(day); len(standing) > 0 {
			others := []any{}
			for _, o := range standing[1:] {
				others = append(others, object{"stance": o.stance})
			}
			list = append(list, held{standing[0], holder, others})
		}
	}
	slices.SortFunc(list, func(a, b held) int {
		return cmp.Or(b.begins()-a.begins(), strings.Compare(b.id, a.id))
	})
	nodes := []any{}
	for _, h := range list {
		var until any
		if day := s.Positions[h.holder].until(h.saying); day != 0 {
			until = written(day)
		}
		nodes = append(nodes, object{
			"stance": h.stance, "validFrom": written(h.from), "validTo": until, "contested": len(h.others) > 0,
			"ordinal":    h.ordinal,
			"dissenting": h.others,
			"holder":     object{"key": h.holder, "name": w.name(h.holder)},
		})
	}
	return object{"totalCount": len(nodes), "nodes": nodes}
}

// held is how many positions prevail on what is on the table.
func (w *world) held(day int) (n int) {
	for _, s := range w.Scenarios {
		if s.Statuses[0].Day <= day {
			n += w.positions(s, day)["totalCount"].(int)
		}
	}
	return n
}

func written(day int) string { return parley.FormatInstant(apitest.DayAt(day)) }

const historyDocument = `fragment Everything on Negotiation {
	title
	scenarios { totalCount nodes {
		key title summary status statusSince
		statements { totalCount nodes { text } }
		relations { kind note from { key } to { key } }
		statusHistory { nodes { from to reason effectiveAt ordinal correctionNote } }
		positions { totalCount nodes { stance validFrom ordinal validTo contested dissenting { stance } holder { key name } } }
		positionHistory { totalCount nodes { stance validFrom ordinal validTo } }
	} }
	reached: scenarios(filter: {everReached: [AGREED]}) { totalCount }
	participants { nodes { vetoPlayer stakeholder { name } } }
	events { nodes { title startedAt } }
}`

// historian does things at random, and keeps what the record then looks like.
type historian struct {
	*api
	rt     *rapid.T
	key    string
	now    *world
	states []*world
	known  []time.Time
	turn   int
	done   map[string]int // how many deeds of each sort were accepted, over all histories
}

// deed is a mutation, and what it does to the model once it is accepted.
type deed struct {
	mutation, input string
	variables       object
	payload         string // the field of the payload with the record
	apply           func(w *world, id string)
}

func (h *historian) draw(label string, low, high int) int {
	return rapid.IntRange(low, high).Draw(h.rt, label)
}

func (h *historian) deed() deed {
	h.turn += 11 // since small numbers are drawn more often, each deed is drawn from where the one before it was not
	return h.deedOf((h.draw("deed", 0, 27) + h.turn) % 28)
}

func (h *historian) deedOf(kind int) deed {
	scenario := h.now.Scenarios[h.draw("scenario", 0, len(h.now.Scenarios)-1)].Key
	ref, holder := h.key+"/"+scenario, h.now.Holders[h.draw("holder", 0, len(h.now.Holders)-1)].Key
	status := rapid.SampledFrom(parley.ScenarioStatuses[:len(parley.ScenarioStatuses)-1]).Draw(h.rt, "status")
	stance := rapid.SampledFrom([]string{"SUPPORTS", "OPPOSES", "NEUTRAL"}).Draw(h.rt, "stance")
	day, text := h.draw("day", 1, apitest.Days-1), fmt.Sprint("text ", h.draw("text", 0, 99))
	precision, ordinal := "INSTANT", 0
	if h.draw("daily", 0, 3) < 3 {
		precision, ordinal = "DAY", h.draw("ordinal", 0, places-1)
	}
	line := h.now.scenario(scenario).Positions[holder]
	if taken := h.now.scenario(scenario).days(line); h.draw("of a day with others", 0, 1) == 0 {
		day = taken[h.draw("which", 0, len(taken)-1)]
	}
	until := 0
	if h.draw("ends", 0, 3) == 0 {
		until = day + h.draw("days", 1, 4)
	}
	var to any
	if until != 0 {
		to = written(until)
	}
	switch {
	case kind == 0:
		return deed{"editNegotiation", "EditNegotiationInput", object{"negotiation": h.key, "title": text},
			"negotiation", func(w *world, _ string) { w.Title = text }}
	case kind == 1:
		return deed{"editScenario", "EditScenarioInput", object{"scenario": ref, "title": text, "summary": text},
			"scenario", func(w *world, _ string) {
				w.scenario(scenario).Title, w.scenario(scenario).Summary = text, &text
			}}
	case kind == 2:
		return deed{"editStakeholder", "EditStakeholderInput", object{"stakeholder": holder, "name": text},
			"stakeholder", func(w *world, _ string) {
				w.Holders[slices.IndexFunc(w.Holders, func(m *modelHolder) bool { return m.Key == holder })].Name = text
			}}
	case kind == 3 && len(h.now.Scenarios) < 3:
		key := fmt.Sprint("s", len(h.now.Scenarios))
		return deed{"addScenario", "AddScenarioInput",
			object{"issue": h.key + "/issue", "key": key, "title": text, "initialStatus": status,
				"effectiveAt": written(day), "effectiveAtPrecision": precision, "ordinal": ordinal, "reason": text},
			"scenario", func(w *world, _ string) {
				w.Scenarios = append(w.Scenarios,
					&modelScenario{Key: key, Title: text,
						Statuses:  []modelStatus{{To: string(status), Day: day, Ordinal: ordinal, Reason: text}},
						Positions: make(map[string]record)})
			}}
	case kind == 4:
		return deed{"joinNegotiation", "JoinNegotiationInput",
			object{"negotiation": h.key, "stakeholder": holder, "role": "OBSERVER", "validFrom": written(day),
				"validTo": to}, "participation",
			func(w *world, id string) {
				w.Roles = append(w.Roles, &modelRole{ID: id, Holder: holder, From: day, To: until})
			}}
	case kind == 5 && len(h.now.Roles) > 0:
		id := h.now.Roles[h.draw("role", 0, len(h.now.Roles)-1)].ID
		return deed{"editParticipation", "EditParticipationInput",
			object{"participation": id, "vetoPlayer": until == 0, "validFrom": written(day), "validTo": to},
			"participation",
			func(w *world, _ string) {
				r := w.Roles[slices.IndexFunc(w.Roles, func(r *modelRole) bool { return r.ID == id })]
				r.Veto, r.From, r.To = until == 0, day, until
			}}
	case kind < 10:
		return deed{"changeScenarioStatus", "ChangeScenarioStatusInput",
			object{"scenario": ref, "to": status, "reason": text, "effectiveAt": written(day),
				"effectiveAtPrecision": precision, "ordinal": ordinal}, "statusChange",
			func(w *world, id string) {
				w.scenario(scenario).moved(modelStatus{ID: id, To: string(status), Reason: text, Day: day,
					Ordinal: ordinal})
			}}
	case kind < 12:
		statuses := h.now.scenario(scenario).Statuses
		was := statuses[h.draw("corrected", 0, len(statuses)-1)]
		return deed{"correctStatusChange", "CorrectStatusChangeInput",
			object{"statusChange": was.ID, "to": status, "reason": text, "effectiveAt": written(day),
				"effectiveAtPrecision": precision, "ordinal": ordinal, "note": "n " + text}, "statusChange",
			func(w *world, id string) {
				note := "n " + text
				w.scenario(scenario).without(id)
				w.scenario(scenario).moved(modelStatus{ID: id, To: string(status), Reason: text, Day: day,
					Ordinal: ordinal, Note: &note})
			}}
	case kind == 12:
		statuses := h.now.scenario(scenario).Statuses
		id := statuses[h.draw("retracted", 0, len(statuses)-1)].ID
		return deed{"retract", "RetractInput", object{"id": id, "note": "n"}, "node",
			func(w *world, _ string) { w.scenario(scenario).without(id) }}
	case kind < 15 && len(line) > 0:
		id := line[h.draw("mended", 0, len(line)-1)].id
		if kind == 13 {
			return deed{"retract", "RetractInput", object{"id": id, "note": "n"}, "node", func(w *world, _ string) {
				positions := w.scenario(scenario).Positions
				positions[holder] = slices.DeleteFunc(slices.Clone(positions[holder]),
					func(s saying) bool { return s.id == id })
			}}
		}
		return deed{"correctPosition", "CorrectPositionInput",
			object{"position": id, "stance": stance, "validFrom": written(day), "validFromPrecision": precision,
				"ordinal": ordinal, "validTo": to, "note": "n"}, "position",
			func(w *world, id string) {
				s := w.scenario(scenario).Positions[holder].find(id)
				s.stance, s.from, s.to, s.order = stance, day, until, w.changes
				s.ordinal, s.daily = ordinal, precision == "DAY"
			}}
	case kind == 20:
		return deed{"affiliate", "AffiliateInput",
			object{"person": h.key + "-p", "organization": holder, "office": text, "validFrom": written(day),
				"validTo": to}, "affiliation",
			func(w *world, id string) {
				w.Offices = append(w.Offices, &modelOffice{id, holder, text, day, until})
			}}
	case kind == 21 && len(h.now.Offices) > 0 && h.draw("ends office", 0, 2) != 1:
		id := h.now.Offices[h.draw("office", 0, len(h.now.Offices)-1)].ID
		return deed{"endAffiliation", "EndAffiliationInput",
			object{"affiliation": id, "validTo": written(day + apitest.Days)}, "affiliation", func(w *world, _ string) {
				w.Offices[slices.IndexFunc(w.Offices, func(o *modelOffice) bool { return o.ID == id })].To = day +
					apitest.Days
			}}
	case kind == 21 && len(h.now.Offices) > 0:
		id := h.now.Offices[h.draw("office", 0, len(h.now.Offices)-1)].ID
		return deed{"correctAffiliation", "CorrectAffiliationInput",
			object{"affiliation": id, "organization": holder, "office": text, "validFrom": written(day), "validTo": to,
				"note": "n"}, "affiliation", func(w *world, _ string) {
				*w.Offices[slices.IndexFunc(w.Offices, func(o *modelOffice) bool { return o.ID == id })] =
					modelOffice{id, holder, text, day, until}
			}}
	case kind == 27 && len(h.now.Memberships) > 0:
		id := h.now.Memberships[h.draw("membership", 0, len(h.now.Memberships)-1)].ID
		return deed{"correctMembership", "CorrectMembershipInput",
			object{"membership": id, "group": holder, "validFrom": written(day), "validTo": to, "note": "n"}, "membership",
			func(w *world, _ string) {
				*w.Memberships[slices.IndexFunc(w.Memberships, func(m *modelMembership) bool { return m.ID == id })] =
					modelMembership{id, holder, day, until}
			}}
	case kind == 27:
		return deed{"addMembership", "AddMembershipInput",
			object{"member": h.key + "-p", "group": holder, "validFrom": written(day), "validTo": to}, "membership",
			func(w *world, id string) {
				w.Memberships = append(w.Memberships, &modelMembership{id, holder, day, until})
			}}
	case kind == 22:
		key := "e" + uuid.NewString()[:8]
		return deed{"recordEvent", "RecordEventInput",
			object{"negotiation": h.key, "key": key, "kind": "CALL", "title": text, "startedAt": written(day)}, "event",
			func(w *world, id string) { w.Events = append(w.Events, &modelEvent{id, text, day}) }}
	case kind == 23 && len(h.now.Events) > 0:
		id := h.now.Events[h.draw("event", 0, len(h.now.Events)-1)].ID
		return deed{"editEvent", "EditEventInput", object{"event": id, "title": text, "startedAt": written(day)},
			"event", func(w *world, _ string) {
				e := w.Events[slices.IndexFunc(w.Events, func(e *modelEvent) bool { return e.ID == id })]
				e.Title, e.Day = text, day
			}}
	case kind == 24:
		if len(h.now.Notes) == 0 || day%3 == 0 {
			return deed{"recordStatement", "RecordStatementInput",
				object{"statement": object{"source": h.key + "-source", "form": "REPORTED", "text": text,
					"about": []string{ref}}}, "statement",
				func(w *world, id string) { w.Notes = append(w.Notes, &modelNote{id, text, scenario}) }}
		}
		id := h.now.Notes[h.draw("statement", 0, len(h.now.Notes)-1)].ID
		return deed{"correctStatement", "CorrectStatementInput",
			object{"statement": id, "text": text, "about": []string{ref}, "note": "n"}, "statement",
			func(w *world, _ string) {
				n := w.Notes[slices.IndexFunc(w.Notes, func(n *modelNote) bool { return n.ID == id })]
				n.Text, n.Scenario = text, scenario
			}}
	case kind == 25 && len(h.now.Scenarios) > 1:
		other := h.now.Scenarios[h.draw("other", 0, len(h.now.Scenarios)-1)].Key
		relation := rapid.SampledFrom([]string{"COMPATIBLE", "VARIANT_OF"}).Draw(h.rt, "relation")
		return deed{"relateScenarios", "RelateScenariosInput",
			object{"from": ref, "to": h.key + "/" + other, "kind": relation, "note": text}, "relation",
			func(w *world, id string) {
				w.Relations = append(w.Relations, &modelRelation{id, relation, scenario, other, text})
			}}
	case kind == 26 && len(h.now.records()) > 0:
		id := rapid.SampledFrom(h.now.records()).Draw(h.rt, "forgotten")
		return deed{"retract", "RetractInput", object{"id": id, "note": "n"}, "node",
			func(w *world, _ string) { w.forget(id) }}
	default:
		input := object{"holder": holder, "scenario": ref, "stance": stance, "validFrom": written(day),
			"validFromPrecision": precision, "ordinal": ordinal, "validTo": to}
		contests := ""
		if kind > 17 && len(line) > 0 {
			contests = line[h.draw("contested", 0, len(line)-1)].id
			input["contests"] = contests
		}
		return deed{"recordPosition", "RecordPositionInput", input, "position", func(w *world, id string) {
			positions := w.scenario(scenario).Positions
			positions[holder] = append(slices.Clone(positions[holder]),
				saying{id: id, from: day, ordinal: ordinal, daily: precision == "DAY", to: until, stance: stance,
					contests: contests, order: w.changes})
		}}
	}
}

// days are those on which statuses and the positions of a line begin.
func (s *modelScenario) days(line record) (days []int) {
	for _, c := range s.Statuses {
		days = append(days, c.Day)
	}
	for _, said := range line {
		days = append(days, said.from)
	}
	return days
}

func (s *modelScenario) moved(status modelStatus) {
	s.Statuses = append(s.Statuses, status)
	slices.SortFunc(s.Statuses, func(a, b modelStatus) int { return cmp.Or(a.Day-b.Day, a.Ordinal-b.Ordinal) })
}

func (s *modelScenario) without(id string) {
	s.Statuses = slices.DeleteFunc(slices.Clone(s.Statuses), func(c modelStatus) bool { return c.ID == id })
}

// clearing names the fields that have no value among those to clear: a null would keep them.
func clearing(input object) object {
	var clear []string
	for name, value := range input {
		if value == nil {
			clear = append(clear, name)
		}
	}
	input = maps.Clone(input)
	for _, name := range clear {
		delete(input, name)
	}
	input["clear"] = clear
	return input
}

// do runs deeds at the same time, and applies those that were accepted in the order of the feed.
func (h *historian) do(deeds ...deed) {
	type done struct {
		deed
		id, cursor string
	}
	results := make([]done, len(deeds))
	var running sync.WaitGroup
	for i, d := range deeds {
		if strings.HasPrefix(d.mutation, "edit") || strings.HasPrefix(d.mutation, "correct") {
			d.variables = clearing(d.variables)
		}
		running.Go(func() {
			got := h.Ask(fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { cursor %s { id } userErrors { code message field } } }`, d.input, d.mutation, d.payload), object{"input": d.variables})
			if len(got.Errs) > 0 {
				h.T.Errorf("%s %v: %+v", d.mutation, d.variables, got.Errs)
			}
			results[i] = done{d, got.Text(d.mutation + "." + d.payload + ".id"), got.Text(d.mutation + ".cursor")}
		})
	}
	running.Wait()
	slices.SortFunc(results, func(a, b done) int { return strings.Compare(a.cursor, b.cursor) })
	recorded := make(map[string]string)
	feed := h.Must(`{ changes(order: NEWEST_FIRST, first: 5) { nodes { cursor recordedAt } } }`)
	for i := range feed.Count("changes.nodes") {
		recorded[feed.Text(fmt.Sprintf("changes.nodes.%d.cursor",
			i))] = feed.Text(fmt.Sprintf("changes.nodes.%d.recordedAt", i))
	}
	for _, r := range results {
		if r.cursor == "<nil>" {
			continue
		}
		at, err := parley.ParseInstant(recorded[r.cursor])
		if err != nil {
			h.rt.Fatal(err)
		}
		h.done[r.mutation]++
		h.now.changes++
		r.apply(h.now, r.id)
		if h.now.crowded() {
			h.done["a second fact of a day"]++
		}
		h.now.learn(h, r.deed)
		h.states, h.known = append(h.states, h.now.copy()), append(h.known, at)
	}
}

// crowded says whether two facts of a line begin on one day.
func (w *world) crowded() bool {
	for _, s := range w.Scenarios {
		days := make(map[int]bool)
		for _, c := range s.Statuses {
			days[c.Day] = true
		}
		if len(days) < len(s.Statuses) {
			return true
		}
		for _, line := range s.Positions {
			plain := make(map[int]bool)
			for _, said := range line {
				if said.contests == "" && plain[said.from] {
					return true
				}
				plain[said.from] = plain[said.from] || said.contests == ""
			}
		}
	}
	return false
}

// learn fills in the id of a scenario's first status, which its mutation does not return.
func (w *world) learn(h *historian, d deed) {
	if d.mutation != "addScenario" {
		return
	}
	s := w.Scenarios[len(w.Scenarios)-1]
	s.Statuses[0].ID = h.Must(fmt.Sprintf(`{ scenario(id: "%s/%s", asOf: {validAt: "2100-01-01T00:00:00Z"}) { statusHistory { nodes { recordId } } } }`, h.key, s.Key)).Text("scenario.statusHistory.nodes.0.recordId")
}

// check compares everything at every pair of instants: on each day and just before it, as known at each change and just
// before it.
func (h *historian) check() (pairs int) {
	valid := []int{0, apitest.Days + 5, 1800}
	for day := 1; day < apitest.Days+5; day += 5 + h.draw("step", 0, 3) {
		valid = append(valid, day)
	}
	for k := 1; k < len(h.states); k++ {
		for _, known := range []struct {
			at    time.Time
			world *world
		}{{h.known[k], h.states[k]}, {h.known[k].Add(-time.Microsecond), h.states[k-1]}} {
			var document strings.Builder
			document.WriteString("query { ")
			want := object{}
			for i, day := range valid {
				at := apitest.DayAt(day)
				if i%3 == 2 { // an interval that ends then still holds the moment before
					at, day = at.Add(-time.Microsecond), day-1
				}
				asOf := fmt.Sprintf("asOf: {validAt: %q, knownAt: %q}", parley.FormatInstant(at),
					parley.FormatInstant(known.at))
				fmt.Fprintf(&document,
					`d%d: negotiation(id: %q, %s) { ...Everything } p%d: positions(filter: {negotiations: [%q]}, %s) { totalCount } h%d: stakeholder(id: "%s-p", %s) { affiliations { office organization { name } } memberships { group { name } } } `,
					i, h.key, asOf, i, h.key, asOf, i, h.key, asOf)
				want[fmt.Sprint("d", i)] = known.world.through(day)
				want[fmt.Sprint("h", i)] = known.world.person(day)
				want[fmt.Sprint("p", i)] = object{"totalCount": known.world.held(day)}
			}
			got := h.Must(document.String() + "} " + historyDocument)
			if d := gocmp.Diff(normal(want), got.Data); d != "" {
				h.rt.Fatalf("as known at %s (change %d), want (-) and is (+):\n%s\nmodel: %s", known.at, k, d,
					normal(known.world))
			}
			pairs += len(valid)
		}
	}
	return pairs
}

// normal is a value as JSON has it.
func normal(v any) (out any) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// newHistorian begins a history with something of each sort, to be edited and taken back.
func newHistorian(rt *rapid.T, a *api, done map[string]int) *historian {
	h := &historian{api: a, rt: rt, key: "n-" + uuid.NewString()[:8], now: &world{Title: "Talks"}, done: done}
	const refused = `userErrors { code message field }`
	var openings strings.Builder
	for i := range 2 {
		key := fmt.Sprintf("%s-h%d", h.key, i)
		h.now.Holders = append(h.now.Holders, &modelHolder{key, key})
		fmt.Fprintf(&openings, `h%d: registerStakeholder(input: {key: %q, name: %q, kind: STATE}) { %s } `, i, key, key,
			refused)
	}
	fmt.Fprintf(&openings,
		`p: registerStakeholder(input: {key: "%s-p", name: "P", kind: PERSON}) { %s } s: registerSource(input: {key: "%s-source", title: "S"}) { %s } `, h.key, refused, h.key, refused)
	a.Must(fmt.Sprintf(`mutation { n: openNegotiation(input: {key: %q, title: "Talks"}) { %s } %s i: addIssue(input: {negotiation: %q, key: "issue", title: "Issue"}) { %s } }`, h.key, refused, &openings, h.key, refused))
	h.do(deed{"addScenario", "AddScenarioInput",
		object{"issue": h.key + "/issue", "key": "s0", "title": "S", "initialStatus": "PROPOSED",
			"effectiveAt": written(3), "effectiveAtPrecision": "DAY", "reason": "r"}, "scenario",
		func(w *world, _ string) {
			w.Scenarios = append(w.Scenarios,
				&modelScenario{Key: "s0", Title: "S", Statuses: []modelStatus{{To: "PROPOSED", Day: 3, Reason: "r"}},
					Positions: make(map[string]record)})
		}})
	for _, kind := range []int{3, 4, 20, 22, 24, 27, 25} {
		h.do(h.deedOf(kind))
	}
	return h
}

func TestHistoriesAgainstModel(t *testing.T) {
	t.Parallel()
	a := start(t)
	histories, pairs, done := 0, 0, make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		h := newHistorian(rt, a, done)
		for range rapid.IntRange(4, 12).Draw(rt, "steps") {
			if h.draw("at once", 0, 3) == 0 {
				h.do(h.deed(), h.deed())
			} else {
				h.do(h.deed())
			}
		}
		pairs += h.check()
	})
	t.Logf("%d histories, %d pairs of instants, accepted: %v", histories, pairs, done)
	for _, mutation := range []string{"editNegotiation", "editScenario", "editStakeholder", "addScenario",
		"joinNegotiation", "editParticipation",
		"changeScenarioStatus", "correctStatusChange", "recordPosition", "retract",
		"affiliate", "endAffiliation", "addMembership", "recordEvent", "editEvent", "recordStatement", "correctStatement",
		"relateScenarios"} {
		if !t.Failed() && done[mutation] == 0 {
			t.Errorf("no %s was accepted", mutation)
		}
	}
}
