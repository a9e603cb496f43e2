package recording_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// refusedInputs are inputs that can't be accepted, with how the refusal begins and what it says. None leaves a trace.
func TestRefusals(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	long := strings.Repeat("x", 301)
	for _, tt := range []struct {
		mutation, input, code string
		says                  []string
	}{
		{"openNegotiation", `{key: "talks", title: "Again"}`, "TAKEN key", []string{`"talks"`}},
		{"openNegotiation", `{key: "north", title: "Shares the stakeholders' namespace"}`, "TAKEN key", nil},
		{"openNegotiation", `{key: "Upper Case", title: "T"}`, "INVALID key", []string{"lower-case"}},
		{"openNegotiation", `{key: "t", title: " "}`, "INVALID title", []string{"empty"}},
		{"openNegotiation", `{key: "t", title: "` + long + `"}`, "INVALID title", []string{"301", "300"}},
		{"openNegotiation",
			`{key: "t", title: "T", startedAt: "2025-01-02T00:00:00Z", endedAt: "2025-01-01T00:00:00Z"}`,
			"INVALID endedAt", []string{"2025-01-01", "2025-01-02"}},
		{"editNegotiation", `{negotiation: "talks", clear: ["title"]}`, "INVALID title", []string{"can't be cleared"}},
		{"editNegotiation", `{negotiation: "none", title: "T"}`, "NOT_FOUND negotiation", []string{`"none"`}},
		{"addIssue", `{negotiation: "talks", key: "line", title: "T"}`, "TAKEN key", []string{"talks/line"}},
		{"registerStakeholder", `{key: "east", name: "East", kind: STATE, countryCode: "East"}`, "INVALID countryCode",
			[]string{"ISO 3166-1"}},
		{"registerStakeholder", `{key: "east", name: "East", kind: STATE, aliases: [""]}`, "INVALID aliases.0", nil},
		{"affiliate", `{person: "north", organization: "south"}`, "INVALID person", []string{"STATE", "PERSON"}},
		{"affiliate", `{person: "envoy", organization: "envoy"}`, "INVALID organization", nil},
		{"affiliate", `{person: "envoy", organization: "north", office: "envoy", validFrom: "2024-01-01T00:00:00Z"}`,
			"CONFLICT validFrom", []string{"already"}},
		{"joinNegotiation", `{negotiation: "talks", stakeholder: "north", role: PRIMARY_PARTY}`, "CONFLICT role", nil},
		{"joinNegotiation",
			`{negotiation: "talks", stakeholder: "south", role: OBSERVER, vetoIssues: ["talks/border"]}`,
			"INVALID vetoIssues", []string{"vetoPlayer"}},
		{"joinNegotiation", `{negotiation: "talks", stakeholder: "south", role: OBSERVER, capability: 101}`,
			"INVALID capability", []string{"101", "0 to 100"}},
		{"registerSource", `{key: "web", title: "Web", url: "javascript:alert(1)"}`, "INVALID url",
			[]string{"https://"}},
		{"registerSource", `{key: "web", title: "Web", language: "?"}`, "INVALID language", []string{"BCP 47"}},
		{"relateScenarios", `{from: "talks/line", to: "talks/line", kind: VARIANT_OF}`, "INVALID to",
			[]string{"itself"}},
		{"recordEvent",
			`{negotiation: "talks", key: "e", kind: CALL, title: "E", startedAt: "2025-01-02T00:00:00Z", endedAt: "2025-01-02T00:00:00Z"}`, "INVALID endedAt", nil},
		{"recordStatement", `{statement: {source: "gazette", text: "They said", form: PARAPHRASE}}`,
			"INVALID statement.terms", []string{"ON_RECORD", "PARAPHRASE"}},
		{"recordStatement",
			`{statement: {source: "gazette", text: "They said", form: REPORTED, speakerDescription: "people familiar"}}`, "INVALID statement.terms", nil},
		{"recordStatement",
			`{statement: {source: "gazette", speaker: "envoy", speakerDescription: "an envoy", text: "x", form: PARAPHRASE}}`, "INVALID statement.speakerDescription", nil},
		{"recordStatement",
			`{statement: {source: "gazette", speaker: "envoy", text: "We will never sign", form: DIRECT_QUOTE}}`,
			"QUOTE_NOT_FOUND statement.text", []string{"We will never sign", "[...]"}},
		{"recordStatement",
			`{statement: {source: "gazette", speaker: "envoy", text: "Nobody else spoke. [...] We will", form: DIRECT_QUOTE}}`, "QUOTE_NOT_FOUND statement.text", []string{"We will"}},
		{"recordStatement",
			`{statement: {source: "gazette", speaker: "envoy", text: "x", form: PARAPHRASE, about: ["talks"]}}`,
			"NOT_FOUND statement.about.0", []string{"a negotiation", "a scenario"}},
		{"recordStatement",
			`{statement: {source: "gazette", speaker: "envoy", text: "x", form: PARAPHRASE, saidAt: "2999-01-01T00:00:00Z"}}`, "INVALID statement.saidAt", []string{"future"}},
		{"recordPosition", `{holder: "north", scenario: "talks/line", stance: SUPPORTS, salience: -1}`,
			"INVALID salience", nil},
		{"recordPosition",
			`{holder: "north", scenario: "talks/line", stance: SUPPORTS, validTo: "2020-01-01T00:00:00Z"}`,
			"INVALID validTo", nil},
		{"recordPosition", `{holder: "north", scenario: "talks/line", stance: SUPPORTS, evidence: ["gazette"]}`,
			"NOT_FOUND evidence.0", []string{"a source", "a statement"}},
		// two refusals at once, checked below
		{"recordPosition", `{holder: "talks/line", scenario: "north", stance: SUPPORTS}`, "", nil},
		{"recordPosition",
			`{holder: "north", scenario: "talks/line", stance: SUPPORTS, newEvidence: [{source: "gazette", speaker: "envoy", text: "Never", form: DIRECT_QUOTE}]}`, "QUOTE_NOT_FOUND newEvidence.0.text", nil},
		{"addEvidence", `{to: "talks/line"}`, "INVALID evidence", nil},
		{"addEvidence", `{to: "talks/line", newEvidence: [{source: "gazette", text: "x", form: REPORTED}]}`,
			"NOT_FOUND to", []string{"a scenario", "a position"}},
		{"retract", `{id: "talks/none", note: "x"}`, "NOT_FOUND id", nil},
		{"retract", `{id: "talks", note: ""}`, "INVALID note", nil},
		{"retract", `{id: "talks", note: "x"}`, "IN_USE id", []string{"an issue", "a participation"}},
		{"retract", `{id: "talks/border", note: "x"}`, "IN_USE id", []string{"a scenario", "a veto"}},
		{"retract", `{id: "talks/line", note: "x"}`, "IN_USE id", []string{"a statement about it"}},
		{"retract", `{id: "gazette", note: "x"}`, "IN_USE id", []string{"a statement"}},
		{"retract", `{id: "envoy", note: "x"}`, "IN_USE id", []string{"a statement by it", "an affiliation"}},
	} {
		before := a.Changes()
		got := a.Ask(fmt.Sprintf(`mutation { %s(input: %s) { cursor userErrors { code message field } } }`, tt.mutation,
			tt.input))
		if tt.code != "" {
			got.Refused(tt.code, tt.says...)
		} else if list := apitest.Refusals(got.Data); len(list) != 2 {
			t.Errorf("%s %s: %v, want two refusals", tt.mutation, tt.input, list)
		}
		got.Want(tt.mutation+".cursor", nil)
		if a.Changes() != before {
			t.Errorf("%s %s left a change behind", tt.mutation, tt.input)
		}
	}
}

func TestEditsKeepWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	edit := func(fields string) apitest.Answer {
		return a.Must(`mutation { editScenario(input: {scenario: "talks/line", ` + fields +
			`}) { scenario { title summary criteria deadline targetStage } cursor userErrors { code message field } } }`)
	}
	first := edit(`summary: "Along the river", deadline: "2025-12-31T00:00:00+05:45", targetStage: CEASEFIRE`)
	first.Want("editScenario.scenario",
		"map[criteria:<nil> deadline:2025-12-30T18:15:00.000000Z summary:Along the river targetStage:CEASEFIRE "+
			"title:A line]")
	edit(`title: "The line", clear: ["summary"]`).Want("editScenario.scenario",
		"map[criteria:<nil> deadline:2025-12-30T18:15:00.000000Z summary:<nil> targetStage:CEASEFIRE title:The line]")
	edit(`title: "The line", clear: ["summary"]`).Want("editScenario.cursor", nil)

	got := a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { summary ... on RecordChanged { action fields node { label } } } } }`)
	got.Want("changes.nodes.0.action", "UPDATED", "changes.nodes.0.fields", "[title summary]",
		"changes.nodes.0.node.label", "The line")

	stale := fmt.Sprintf(`mutation { editScenario(input: {scenario: "talks/line", title: "Mine", ifUnchangedSince: %q}) { userErrors { code message field } } }`, first.Text("editScenario.cursor"))
	a.Ask(stale).Refused("CONFLICT ifUnchangedSince", "changed since")
	fresh := a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { pageInfo { endCursor } } }`).Text("changes.pageInfo.endCursor")
	a.Must(fmt.Sprintf(`mutation { editScenario(input: {scenario: "talks/line", title: "Mine", ifUnchangedSince: %q}) { userErrors { code message field } } }`, fresh))
	a.Ask(`mutation { editScenario(input: {scenario: "talks/line", title: "X", ifUnchangedSince: "nonsense"}) { userErrors { code } } }`).Fails("BAD_CURSOR", "nonsense")
}

// A payload has everything that can be queried, as it stands after its own mutation and before the next one.
func TestPayloadsAnswerQueries(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const payload = `cursor userErrors { code message field } query { __typename lens { cursor } scenario(id: "talks/line") { title }
		then: scenario(id: "talks/line", asOf: {knownAt: "2025-06-01T00:00:00Z"}) { title }
		scenarios { totalCount } __type(name: "Scenario") { name } changes(last: 1) { nodes { cursor } } }`
	got := a.Ask(`mutation {
		a: editScenario(input: {scenario: "talks/line", title: "First"}) { ` + payload + ` }
		b: addScenario(input: {issue: "talks/border", key: "third", title: "Third", reason: "asked for"}) { ` + payload + ` }
		c: editScenario(input: {scenario: "talks/none", title: "Refused"}) { ` + payload + ` }
		d: editScenario(input: {scenario: "talks/line", title: "Second"}) { ` + payload + ` } }`)
	got.Want("a.query.__typename", "Query", "a.query.scenario.title", "First", "a.query.scenarios.totalCount", 2,
		"a.query.__type.name", "Scenario", "a.query.lens.cursor", got.Text("a.cursor"), "a.query.changes.nodes.0.cursor", got.Text("a.cursor"),
		"b.query.scenario.title", "First", "b.query.scenarios.totalCount", 3, "b.query.lens.cursor", got.Text("b.cursor"),
		"c.cursor", nil, "c.query.scenarios.totalCount", 3, "c.query.lens.cursor", got.Text("b.cursor"),
		"d.query.scenario.title", "Second", "d.query.lens.cursor", got.Text("d.cursor"), "d.query.then", nil)
}

func TestDatedRoles(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	office := a.Must(`{ stakeholder(id: "envoy") { affiliations { id label organization { key } } } }`)
	office.Want("stakeholder.affiliations.0.label", "The envoy, envoy, North")
	end := fmt.Sprintf(`mutation($at: Time) { endAffiliation(input: {affiliation: %q, validTo: $at}) { affiliation { validTo } cursor userErrors { code message field } } }`, office.Text("stakeholder.affiliations.0.id"))
	a.Ask(end, map[string]any{"at": "2019-01-01T00:00:00Z"}).Refused("INVALID validTo")
	a.Must(end)
	a.Must(end).Want("endAffiliation.cursor", nil)
	a.Must(`{ stakeholder(id: "envoy") { affiliations { id } } }`).Want("stakeholder.affiliations", "[]")

	role := a.Must(`{ negotiation(id: "talks") { participants(role: PRIMARY_PARTY) { nodes { id } } } }`).Text("negotiation.participants.nodes.0.id")
	a.Must(fmt.Sprintf(`mutation { editParticipation(input: {participation: %q, capability: 60, clear: ["vetoIssues"]}) { participation { capability vetoIssues { key } vetoPlayer } userErrors { code message field } } }`, role)).
		Want("editParticipation.participation", "map[capability:60 vetoIssues:[] vetoPlayer:true]")
	a.Must(fmt.Sprintf(`mutation { leaveNegotiation(input: {participation: %q}) { participation { label } userErrors { code message field } } }`, role))
	a.Must(`{ negotiation(id: "talks") { participants { totalCount } } stakeholder(id: "north") { participations { id } } }`).
		Want("negotiation.participants.totalCount", 0, "stakeholder.participations", "[]")
}

func TestStatementsAndEvidence(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	got := a.Must(`mutation {
		recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2025-01-02T00:00:00Z", newEvidence: [
			{source: "rumour", speaker: "south", text: "The North is for it", form: SECOND_HAND, saidAt: "2025-01-02T08:00:00Z"}
		]}) { position { id version secondHand lastAffirmedAt evidence { id text grade source { key } } } cursor userErrors { code message field } }
	}`)
	got.Want("recordPosition.position.secondHand", true, "recordPosition.position.lastAffirmedAt",
		"2025-01-02T08:00:00.000000Z", "recordPosition.position.evidence.0.grade", "D6")
	position, version := got.Text("recordPosition.position.id"), got.Text("recordPosition.position.version")

	quote := a.Must(`{ statements(filter: {forms: [DIRECT_QUOTE]}) { nodes { id verified locators { start end } } } }`)
	quote.Want("statements.nodes.0.verified", true, "statements.nodes.0.locators.1", "map[end:63 start:54]")
	statement := quote.Text("statements.nodes.0.id")
	add := fmt.Sprintf(`mutation { addEvidence(input: {to: %q, evidence: [%q]}) { node { ... on Position { id version secondHand lastAffirmedAt evidence { id } } } cursor userErrors { code message field } } }`, position, statement)
	added := a.Must(add)
	added.Want("addEvidence.node.id", position, "addEvidence.node.secondHand", false, "addEvidence.node.lastAffirmedAt",
		"2025-01-02T10:00:00.000000Z")
	if added.Text("addEvidence.node.version") == version || added.Count("addEvidence.node.evidence") != 2 {
		t.Error("evidence makes a new version that rests on both")
	}
	a.Must(add).Want("addEvidence.cursor", nil)
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { kind ... on RecordChanged { fields action } } } }`).
		Want("changes.nodes.0.fields", "[evidence]", "changes.nodes.0.kind", "RECORD")

	a.Ask(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "x"}) { userErrors { code message field } } }`,
		statement)).Refused("IN_USE id", "a position")
	mend := func(fields string) apitest.Answer {
		return a.Ask(fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, note: "misheard", %s}) { statement { text form verified speaker { key } speakerDescription terms } cursor userErrors { code message field } } }`, statement, fields))
	}
	mend(`text: "They will sign"`).Refused("QUOTE_NOT_FOUND text")
	mend(`clear: ["speaker"]`).Refused("INVALID terms")
	mend(`form: PARAPHRASE, text: "The envoy may sign"`).Want("correctStatement.statement.verified", false,
		"correctStatement.statement.text", "The envoy may sign")
	mend(`clear: ["speaker"], speakerDescription: "a person at the talks", terms: ON_BACKGROUND`).Want("correctStatement.statement.speaker", nil)

	scenario := a.Must(`{ scenario(id: "talks/line") { statements { totalCount nodes { text } } } source(id: "rumour") { statements { totalCount } contentHash body } stakeholder(id: "south") { statements { totalCount } } }`)
	scenario.Want("scenario.statements.totalCount", 2, "source.statements.totalCount", 2, "source.contentHash", nil,
		"stakeholder.statements.totalCount", 2)
}

func TestRetractedRecordsAreGone(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation {
		e: recordEvent(input: {negotiation: "talks", key: "call", kind: CALL, title: "A call", startedAt: "2025-01-05T00:00:00Z", participants: ["north", "envoy"]}) { userErrors { code message field } }
		r: relateScenarios(input: {from: "talks/line", to: "talks/strip", kind: MUTUALLY_EXCLUSIVE, claimedBy: "south"}) { relation { id } userErrors { code message field } }
	}`)
	a.Ask(`mutation { relateScenarios(input: {from: "talks/strip", to: "talks/line", kind: MUTUALLY_EXCLUSIVE, claimedBy: "south"}) { userErrors { code message field } } }`).Refused("CONFLICT kind", "already")
	a.Must(`{ events(filter: {participants: ["envoy"]}) { totalCount } negotiation(id: "talks") { events { nodes { key state participants { key } } } } }`).
		Want("events.totalCount", 1, "negotiation.events.nodes.0",
			"map[key:call participants:[map[key:north] map[key:envoy]] state:HELD]")
	relation := a.Must(`{ scenario(id: "talks/strip") { relations { id label claimedBy { key } } } }`)
	relation.Want("scenario.relations.0.label", "A line: mutually exclusive: A strip")
	for _, id := range []string{"talks/call", relation.Text("scenario.relations.0.id")} {
		a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "a mix-up"}) { node { id } cursor userErrors { code message field } } }`, id))
	}
	a.Must(`{ node(id: "talks/call") { id } events { totalCount } scenario(id: "talks/strip") { relations { id } } }`).
		Want("node", nil, "events.totalCount", 0, "scenario.relations", "[]")
	a.Must(`mutation { retract(input: {id: "talks/strip", note: "never on the table"}) { node { id } userErrors { code message field } } }`)
	a.Must(`{ scenario(id: "talks/strip") { id } scenarios { totalCount } statusChanges { totalCount } }`).
		Want("scenario", nil, "scenarios.totalCount", 1, "statusChanges.totalCount", 1)
	got := a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { note summary ... on RecordChanged { action node { id } } } } }`)
	got.Want("changes.nodes.0.action", "RETRACTED", "changes.nodes.0.note", "never on the table",
		"changes.nodes.0.node", nil)
	a.Must(`mutation { addScenario(input: {issue: "talks/border", key: "strip", title: "Again"}) { scenario { title } userErrors { code message field } } }`).
		Want("addScenario.scenario.title", "Again")
}

func TestNodesOfEveryKind(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation {
		recordEvent(input: {negotiation: "talks", key: "call", kind: CALL, title: "A call", startedAt: "2025-01-05T00:00:00Z"}) { userErrors { code message field } }
		relateScenarios(input: {from: "talks/line", to: "talks/strip", kind: FALLBACK_FOR}) { userErrors { code message field } }
		recordPosition(input: {holder: "south", scenario: "talks/line", stance: UNDECLARED}) { userErrors { code message field } }
		addMembership(input: {member: "envoy", group: "south"}) { userErrors { code message field } }
	}`)
	got := a.Must(`{
		viewer { id }
		negotiation(id: "talks") { id issues { id } participants { nodes { id } } events { nodes { id } } scenarios { nodes { id currentStatusChange { id } relations { id } } } }
		stakeholder(id: "envoy") { id affiliations { id } memberships { id } }
		source(id: "gazette") { id statements { nodes { id } } }
		positions { nodes { id } }
	}`)
	for path, want := range map[string]string{
		"viewer.id":                                            "Analyst",
		"negotiation.id":                                       "Negotiation",
		"negotiation.issues.0.id":                              "Issue",
		"negotiation.participants.nodes.0.id":                  "Participation",
		"negotiation.events.nodes.0.id":                        "Event",
		"negotiation.scenarios.nodes.0.id":                     "Scenario",
		"negotiation.scenarios.nodes.0.currentStatusChange.id": "StatusChange",
		"negotiation.scenarios.nodes.0.relations.0.id":         "ScenarioRelation",
		"stakeholder.id":                                       "Stakeholder",
		"stakeholder.affiliations.0.id":                        "Affiliation",
		"stakeholder.memberships.0.id":                         "Membership",
		"source.id":                                            "Source",
		"source.statements.nodes.0.id":                         "Statement",
		"positions.nodes.0.id":                                 "Position",
	} {
		node := a.Must(`query($id: ID!) { node(id: $id) { __typename id label } }`,
			map[string]any{"id": got.Text(path)})
		node.Want("node.__typename", want, "node.id", got.Text(path))
		if node.Text("node.label") == "" {
			t.Errorf("the %s has no label", want)
		}
	}
	a.Must(`{ byKey: node(id: "talks/call") { label } none: node(id: "talks/nowhere") { id } nobody: node(id: "0198c7a4-7a5c-7bbb-8a7c-6a1a2b3c4d5e") { id } }`).
		Want("byKey.label", "A call", "none", nil, "nobody", nil)
}

// A text that was erased is gone, and its place says by whom and why; what rests on it stays, and so does what was told
// of it.
func TestErasedText(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const document = `{ source(id: "gazette") { title contentHash body bodyErasure { erasedAt erasedBy { name } note } statements { nodes { text verified locators { start } } } } }`
	before := a.Must(document)
	before.Want("source.bodyErasure", nil)
	if _, err := a.Store.EraseBody(a.Ctx, "gazette", " "); err == nil ||
		!strings.Contains(err.Error(), "Note is empty") {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := a.Store.EraseBody(a.Ctx, "rumour", "a court's order"); err == nil ||
		!strings.Contains(err.Error(), "No text is kept") {
		t.Errorf("of a source without a text: %v", err)
	}
	// What keeps the bytes on the disk is said: a transaction that may read them, and tables of another owner.
	tx := a.DB().MustBeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	tx.MustExec(`SELECT FROM sources`)
	if written, err := a.Store.EraseBody(a.Ctx, "gazette", "a court's order"); err == nil || written.Cursor == nil ||
		!strings.Contains(err.Error(), "still on the disk: open transactions may still read it (1)") {
		t.Errorf("beside an open transaction: %v", err)
	}
	tx.Rollback()
	role := "writer_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	a.SQL(fmt.Sprintf(`CREATE ROLE %[1]s LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %[1]s`, role))
	defer func() { a.SQL(fmt.Sprintf(`DROP OWNED BY %[1]s; DROP ROLE %[1]s`, role)) }()
	other, err := storage.Open(t.Context(), storage.Options{DSN: regexp.MustCompile(`user=\S+`).ReplaceAllString(a.DSN, "user="+role), Log: a.Logs.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.EraseBody(a.Ctx, "gazette", "a court's order"); err == nil || !strings.Contains(err.Error(), "have their owner run VACUUM FULL") {
		t.Errorf("by another than the owner: %v", err)
	}
	if again, err := a.Store.EraseBody(a.Ctx, "gazette", "once more"); err != nil || again.Cursor != nil {
		t.Errorf("erased again: %v %v", again, err)
	}
	after := a.Must(document)
	after.Want("source.body", nil, "source.contentHash", before.At("source.contentHash"),
		"source.bodyErasure.erasedBy.name", "Test analyst", "source.bodyErasure.note", "a court's order",
		"source.statements.nodes.0.text", before.At("source.statements.nodes.0.text"),
		"source.statements.nodes.0.verified", true,
		"source.statements.nodes.0.locators.0.start", before.At("source.statements.nodes.0.locators.0.start"))
	a.Must(`{ changes(order: NEWEST_FIRST, first: 1) { nodes { summary note ... on RecordChanged { fields } } } }`).
		Want("changes.nodes.0.summary", "Erased the text kept of “The Gazette”.", "changes.nodes.0.note",
			"a court's order", "changes.nodes.0.fields.0", "body")
	for _, statement := range []string{`UPDATE source_bodies SET body = 'forged'`, `DELETE FROM source_bodies`,
		`TRUNCATE source_bodies`} {
		db := a.DB()
		if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "kept") {
			t.Errorf("%s: %v", statement, err)
		}
		db.Close()
	}
}
