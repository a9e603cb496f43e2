package history_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"example.org/parley"
)

const objectFields = `
	fragment negotiation on Negotiation { ...node title issues { ...node title scenarios { nodes { ...scenario } } } }
	fragment scenario on Scenario { ...node title status statusSince currentStatusChange { ...statusChange }
		statusHistory(includeSuperseded: true) { nodes { ...statusChange } }
		positionHistory(includeSuperseded: true) { nodes { ...position } } positions { nodes { ...position } }
		relations { ...relation } stances { party { ...stakeholder } position { ...position } } }
	fragment position on Position { ...node stance version validFrom validTo supersededAt recordedAt contested holder { ...stakeholder }
		evidence { ...statement } }
	fragment statusChange on StatusChange { ...node to from version effectiveAt supersededAt recordedAt evidence { ...statement } }
	fragment relation on ScenarioRelation { ...node kind supersededAt }
	fragment stakeholder on Stakeholder { ...node name }
	fragment statement on Statement { ...node text verified source { ...node title } }
	fragment node on Node { id recordId recordType label }`

// objects collects what an answer says of each object, by id: its fields that are no objects themselves.
type objects map[string]map[string]any

func (o objects) add(t *testing.T, value any) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			o.add(t, v)
		}
	case map[string]any:
		for _, v := range value {
			o.add(t, v)
		}
		id, ok := value["id"].(string)
		if !ok {
			return
		}
		own := make(map[string]any)
		for name, v := range value {
			switch v.(type) {
			case []any, map[string]any:
			default:
				own[name] = v
			}
		}
		if known, ok := o[id]; ok {
			for name, v := range own {
				if was, both := known[name]; both && was != v {
					t.Errorf("%s of %s is %v and %v", name, id, was, v)
				}
			}
			maps.Copy(own, known)
		}
		o[id] = own
	}
}

// An id names an object wherever it is in an answer, and node answers with that very object.
func TestTheSameIDIsTheSameObject(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	a.SetClock("2100-01-01T00:00:00Z") // so that now stands still
	head := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	var document strings.Builder
	document.WriteString(`{ open: negotiation(id: "ukraine-2025") { ...negotiation
		diff(from: {validAt: "2025-08-16T00:00:00Z"}, to: {}) { positions(first: 500) { nodes { before { ...position } after { ...position } } } }
		back: diff(from: {}, to: {knownAt: "2025-08-18T00:00:00Z"}) { positions(first: 500) { nodes { before { ...position } after { ...position } } } } }
		changes(first: 500) { nodes { recordId recordType
			... on PositionChanged { position { ...position } previous { ...position } }
			... on ScenarioStatusChanged { scenario { ...node title status } statusChange { ...statusChange } previous { ...statusChange } }
			shifts { before { position { ...position } } after { position { ...position } } } } } `)
	lenses := []string{`{validAt: "2025-08-16T00:00:00Z"}`, `{knownAt: "2025-08-18T12:00:00Z"}`, fmt.Sprintf(`{knownAt: %q}`, head),
		`{validAt: "2100-01-01T00:00:00Z"}`, fmt.Sprintf(`{validAt: "2025-08-19T00:00:00Z", knownAt: %q}`, head)}
	for i, asOf := range lenses {
		fmt.Fprintf(&document, ` l%d: negotiation(id: "ukraine-2025", asOf: %s) { ...negotiation }`, i, asOf)
	}
	got := a.Must(document.String() + ` }` + objectFields)
	all := make(objects)
	all.add(t, got.Data)
	marks := make(map[string]int)
	for id, o := range all {
		read, ok := parley.ReadObjectID(id)
		if !ok || read.Record.String() != o["recordId"] {
			t.Errorf("%s is not the id of an object of %v", id, o["recordId"])
		}
		if o["supersededAt"] != nil && strings.Contains(id, "~r") != (o["supersededAt"] != nil) {
			t.Errorf("%s is the id of a version that was superseded at %v", id, o["supersededAt"])
		}
		for _, mark := range []string{"~r", "~v", "~k"} {
			if strings.Contains(id, mark) {
				marks[mark]++
			}
		}
	}
	if marks["~r"] < 10 || marks["~v"] < 100 || marks["~k"] < 100 {
		t.Errorf("of %d ids, so many name a version or an instant: %v", len(all), marks)
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(all)), 100) {
		answer := a.Must(`query($ids: [ID!]!) { nodes(ids: $ids) { ...node ...negotiation ...scenario ...position ...statusChange
			...relation ...stakeholder ...statement } }`+objectFields, map[string]any{"ids": ids})
		again := make(objects)
		again.add(t, answer.Data)
		for i, id := range ids {
			if at := answer.Text(fmt.Sprintf("nodes.%d.id", i)); at != id {
				t.Errorf("nodes answers %s with %s", id, at)
				continue
			}
			for name, v := range all[id] {
				if is, both := again[id][name]; both && is != v {
					t.Errorf("nodes answers that %s of %s is %v, not %v", name, id, is, v)
				}
			}
		}
	}
}

// node answers with an object of exactly the id, or with null.
func TestObjectsByID(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const refused = `userErrors { code message field }`
	id := a.On("2030-01-10T12:00:00Z", `recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2030-01-09T00:00:00Z"}) { position { id } `+refused+` }`).
		Text("recordPosition.position.id")
	corrected := a.On("2030-01-12T12:00:00Z", fmt.Sprintf(`correctPosition(input: {position: %q, stance: OPPOSES, note: "Misheard"}) {
		position { id } previous { id stance } %s }`, id, refused))
	corrected.Want("correctPosition.position.id", id, "correctPosition.previous.stance", "SUPPORTS")
	was := corrected.Text("correctPosition.previous.id")
	if !strings.HasPrefix(was, id+"~r") {
		t.Errorf("the version before has the id %s", was)
	}
	ask := func(id string) string {
		got := a.Must(`query($id: ID!) { node(id: $id) { id recordId ... on Position { stance } } }`, map[string]any{"id": id})
		if got.Text("node") == "<nil>" {
			return ""
		}
		if at := got.Text("node.id"); at != id {
			t.Errorf("node answers %s with %s", id, at)
		}
		return got.Text("node.stance")
	}
	at := func(asOf string) string {
		return a.Must(fmt.Sprintf(`{ record(id: %q, asOf: %s) { id } }`, id, asOf)).Text("record.id")
	}
	before, after := at(`{knownAt: "2030-01-11T00:00:00Z"}`), at(`{knownAt: "2030-01-12T12:00:00.000001Z", validAt: "2020-01-01T00:00:00Z"}`)
	version := was[len(id):]
	for ref, want := range map[string]string{
		id: "OPPOSES", was: "SUPPORTS", before: "SUPPORTS", after: "OPPOSES", id + version + after[len(id):]: "SUPPORTS",
		// The lens shows this very version, so that its id does not name it.
		id + version + before[len(id):]: "",
		strings.ToUpper(id):             "", id + "~": "", id + "~v": "", before + "0": "",
		// This version is of another record.
		a.Must(`{ stakeholder(id: "north") { id } }`).Text("stakeholder.id") + version: "",
	} {
		if got := ask(ref); got != want {
			t.Errorf("%s shows %q, want %q", ref, got, want)
		}
	}
	a.Must(fmt.Sprintf(`{ p: record(id: %q) { id ... on Position { stance } } now: record(id: %[1]q, asOf: {}) { id ... on Position { stance } } }`, before)).
		Want("p.id", before, "p.stance", "SUPPORTS", "now.id", id, "now.stance", "OPPOSES")
	// Elsewhere an id names the record only.
	a.Must(fmt.Sprintf(`{ positions(filter: {holders: [%q]}) { totalCount } }`,
		a.Must(`{ stakeholder(id: "north", asOf: {knownAt: "2030-01-11T00:00:00Z"}) { id } }`).Text("stakeholder.id"))).
		Want("positions.totalCount", 1)
	gone := a.On("2030-01-14T12:00:00Z", fmt.Sprintf(`retract(input: {id: %q, note: "Said by somebody else"}) { node { id } recordId recordType %s }`, was, refused))
	gone.Want("retract.node", nil, "retract.recordId", id, "retract.recordType", "Position")
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { recordId recordType } } }`).
		Want("changes.nodes.0.recordId", id, "changes.nodes.0.recordType", "Position")
	for ref, want := range map[string]string{id: "", was: "SUPPORTS", before: "SUPPORTS", after: "OPPOSES"} {
		if got := ask(ref); got != want {
			t.Errorf("once retracted, %s shows %q, want %q", ref, got, want)
		}
	}
	a.Ask(`mutation { retract(input: {id: "talks/nothing", note: "n"}) { recordId recordType userErrors { code } } }`).
		Want("retract.recordId", nil, "retract.recordType", nil, "retract.userErrors.0.code", "NOT_FOUND")
	analyst := a.Must(`{ viewer { id recordId recordType } }`)
	analyst.Want("viewer.recordType", "Analyst", "viewer.recordId", analyst.Text("viewer.id"))
	future := parley.ObjectID{Record: parley.NewID(), Lens: parley.Pinned(parley.EarliestInstant, parley.LatestInstant)}
	a.Ask(`query($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": future.String()}).Fails("BAD_LENS", "knownAt", "9999")
	got := a.Must(`query($ids: [ID!]!) { nodes(ids: $ids) { recordType label } }`, map[string]any{
		"ids": []string{"talks/line", "no-such-key", before, analyst.Text("viewer.id"), analyst.Text("viewer.id") + after[len(id):], "talks/line"},
	})
	var types []string
	for i := range 6 {
		types = append(types, got.Text(fmt.Sprintf("nodes.%d.recordType", i)))
	}
	if want := []string{"Scenario", "<nil>", "Position", "Analyst", "<nil>", "Scenario"}; gocmp.Diff(types, want) != "" {
		t.Errorf("nodes are %v, want %v", types, want)
	}
	a.Ask(`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": slices.Repeat([]string{"talks"}, 101)}).
		Fails("LIMIT", "101", "at most 100")
}
