package recording_test

import (
	"fmt"
	"strings"
	"testing"
)

const sanctions = `
dataset: sanctions
stakeholders:
  - {key: iran, name: Iran, kind: STATE}
  - {key: france, name: France, kind: STATE}
  - {key: e3, name: The E3, kind: GROUP}
  - {key: zarif, name: Mohammad Javad Zarif, aliases: [Javad Zarif], kind: PERSON}
affiliations:
  - {person: zarif, organization: iran, speaksFor: true, validFrom: 2013-08-15, validTo: 2021-08-25}
memberships:
  - {member: france, group: e3, speaksForMembers: true, validFrom: 2003-01-01}
sources:
  - {key: wire, title: A wire report, publisher: A wire service, reliability: B}
statements:
  - {key: said, source: wire, text: We say so., form: REPORTED, credibility: C2, saidAt: 2015-06-10}
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: sanctions
        title: Sanctions
        scenarios:
          - {key: snapback, title: Sanctions snap back, statuses: [{to: PROPOSED, effectiveAt: 2015-01-01}]}
`

func withSanctions(t *testing.T) *api {
	a := start(t)
	a.Load("sanctions.yaml", sanctions)
	return a
}

// warned runs a mutation, which has to be accepted, and writes its warnings: code, field and message of each.
func (a *api) warned(mutation string) string {
	a.T.Helper()
	got := a.Must(`mutation { m: ` + mutation + ` { cursor warnings { code field message } userErrors { code message } } }`)
	if got.At("m.cursor") == nil {
		a.T.Fatalf("%s was refused: %v", mutation, got.At("m.userErrors"))
	}
	var list []string
	for i := range got.Count("m.warnings") {
		at := fmt.Sprintf("m.warnings.%d.", i)
		list = append(list, fmt.Sprintf("%s %v %s", got.Text(at+"code"), got.At(at+"field"), got.Text(at+"message")))
	}
	return strings.Join(list, "\n")
}

// Evidence keeps the warnings about its absence away.
const position = `recordPosition(input: {scenario: "talks/snapback", evidence: ["%s"], %s})`

func (a *api) says(more string) string {
	a.T.Helper()
	return a.warned(fmt.Sprintf(position, a.evidence(), more))
}

func (a *api) moves(more string) string {
	a.T.Helper()
	return a.warned(fmt.Sprintf(`changeScenarioStatus(input: {scenario: "talks/snapback", reason: "r", evidence: ["%s"], %s})`,
		a.evidence(), more))
}

func (a *api) evidence() string {
	a.T.Helper()
	return a.Must(`{ source(id: "wire") { statements { nodes { id } } } }`).Text("source.statements.nodes.0.id")
}

// A party that opposes what it agreed to is warned of, whichever is recorded first, and whoever spoke for it.
func TestContradictionsWarn(t *testing.T) {
	const (
		opposes = `holder: "iran", stance: OPPOSES, validFrom: "2015-05-01T00:00:00Z", validFromPrecision: DAY`
		agrees  = `to: AGREED, by: ["france", "%s"], effectiveAt: "2015-07-14T00:00:00Z"`
		says    = `“opposes” “Sanctions snap back” from 2015-05-01 on, and yet agreed to it on 2015-07-14. If its stance has changed since, record the new one.`
	)
	later := strings.NewReplacer("2015-05-01", "2018-05-08",
		"If its stance has changed since, record the new one.", "If it no longer stands by that, change the scenario's status.").Replace(says)
	tests := map[string]struct {
		first, second func(*api) string
		want          string
	}{
		"a status against a word": {
			func(a *api) string { return a.says(opposes) },
			func(a *api) string { return a.moves(fmt.Sprintf(agrees, "iran")) },
			`CONTRADICTS_STANCE [by 1] Iran ` + says,
		},
		"a word against a status": {
			func(a *api) string { return a.moves(fmt.Sprintf(agrees, "iran")) },
			func(a *api) string { return a.says(opposes) },
			`CONTRADICTS_STANCE [stance] Iran ` + says,
		},
		"by a speaker": {
			func(a *api) string { return a.says(opposes) },
			func(a *api) string { return a.moves(fmt.Sprintf(agrees, "zarif")) },
			`CONTRADICTS_STANCE [by 1] Iran ` + says,
		},
		"the word of a speaker": {
			func(a *api) string { return a.moves(fmt.Sprintf(agrees, "iran")) },
			func(a *api) string { return a.says(strings.Replace(opposes, "iran", "zarif", 1)) },
			`CONTRADICTS_STANCE [stance] Iran, in the words of Mohammad Javad Zarif, ` + says,
		},
		"a member against its group": {
			func(a *api) string {
				return a.moves(`to: AGREED, by: ["e3"], effectiveAt: "2015-07-14T00:00:00Z"`)
			},
			func(a *api) string { return a.says(strings.Replace(opposes, "iran", "france", 1)) },
			`CONTRADICTS_STANCE [stance] France ` + says,
		},
		"a later word": {
			func(a *api) string { return a.moves(fmt.Sprintf(agrees, "iran")) },
			func(a *api) string { return a.says(strings.Replace(opposes, "2015-05-01", "2018-05-08", 1)) },
			`CONTRADICTS_STANCE [stance] Iran ` + later,
		},
		"an older agreement, recorded late": {
			func(a *api) string { return a.says(strings.Replace(opposes, "2015-05-01", "2018-05-08", 1)) },
			func(a *api) string { return a.moves(fmt.Sprintf(agrees, "iran")) },
			`CONTRADICTS_STANCE [by 1] Iran ` + later,
		},
		"support of what one rejected": {
			func(a *api) string {
				return a.moves(`to: REJECTED, by: ["iran"], effectiveAt: "2015-07-14T00:00:00Z"`)
			},
			func(a *api) string { return a.says(strings.Replace(opposes, "OPPOSES", "SUPPORTS", 1)) },
			`CONTRADICTS_STANCE [stance] Iran “supports” “Sanctions snap back” from 2015-05-01 on, and yet took it off the table on 2015-07-14. If its stance has changed since, record the new one.`,
		},
		"nobody agreed": {
			func(a *api) string { return a.moves(`to: AGREED, effectiveAt: "2015-07-14T00:00:00Z"`) },
			func(a *api) string { return a.says(opposes) },
			``,
		},
		"no longer agreed": {
			func(a *api) string {
				a.moves(fmt.Sprintf(agrees, "iran"))
				return a.moves(`to: COLLAPSED, effectiveAt: "2018-05-08T00:00:00Z"`)
			},
			func(a *api) string { return a.says(strings.Replace(opposes, "2015-05-01", "2018-06-01", 1)) },
			``,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := withSanctions(t)
			if got := tt.first(a); got != "" {
				t.Errorf("the first warns %s", got)
			}
			if got := tt.second(a); got != tt.want {
				t.Errorf("it warns\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestPositionsWarn(t *testing.T) {
	tests := map[string]struct {
		first []string
		last  string
		want  string
	}{
		"a short one within a longer one": {
			[]string{`holder: "iran", stance: SUPPORTS, validFrom: "2015-01-01T00:00:00Z"`},
			`holder: "iran", stance: NEUTRAL, validFrom: "2015-07-01T00:00:00Z", validTo: "2015-08-01T00:00:00Z"`,
			`NOTHING_HOLDS_AFTER [validTo] From 2015-08-01 on, nothing is on record of Iran on “Sanctions snap back”: this position ends then, and “supports”, which it ended, does not return by itself. If that holds again, record it from 2015-08-01 on.`,
		},
		"a short one before the next": {
			[]string{
				`holder: "iran", stance: SUPPORTS, validFrom: "2015-01-01T00:00:00Z"`,
				`holder: "iran", stance: OPPOSES, validFrom: "2015-08-01T00:00:00Z"`,
			},
			`holder: "iran", stance: NEUTRAL, validFrom: "2015-07-01T00:00:00Z", validTo: "2015-08-01T00:00:00Z"`, ``,
		},
		"a short one after a short one": {
			[]string{`holder: "iran", stance: SUPPORTS, validFrom: "2015-01-01T00:00:00Z", validTo: "2015-07-15T00:00:00Z"`},
			`holder: "iran", stance: NEUTRAL, validFrom: "2015-07-01T00:00:00Z", validTo: "2015-08-01T00:00:00Z"`, ``,
		},
		"a late one before an affirmation": { // the evidence was said on 10 June
			[]string{`holder: "iran", stance: SUPPORTS, validFrom: "2015-01-01T00:00:00Z"`},
			`holder: "iran", stance: OPPOSES, validFrom: "2015-05-01T00:00:00Z"`,
			`AFFIRMED_LATER [validFrom] This position ends “supports” of Iran on “Sanctions snap back” on 2015-05-01, but that was affirmed on 2015-06-10. If it held again by then, record it from that day on.`,
		},
		"one after the affirmation": {
			[]string{`holder: "iran", stance: SUPPORTS, validFrom: "2015-01-01T00:00:00Z"`},
			`holder: "iran", stance: OPPOSES, validFrom: "2015-06-11T00:00:00Z"`, ``,
		},
		"out of office": {
			nil, `holder: "zarif", stance: OPPOSES, validFrom: "2022-03-01T00:00:00Z"`,
			`NOT_IN_OFFICE [holder] Mohammad Javad Zarif is not on record as speaking for anybody on 2022-03-01, so the position counts as its own word only.`,
		},
		"for somebody else": {
			nil, `holder: "zarif", saidFor: ["iran", "france"], stance: OPPOSES, validFrom: "2015-03-01T00:00:00Z"`,
			`NOT_IN_OFFICE [saidFor 1] Mohammad Javad Zarif is not on record as speaking for France on 2015-03-01, so the position does not count as a word of France.`,
		},
		"in private": {
			nil, `holder: "zarif", saidFor: [], stance: OPPOSES, validFrom: "2015-03-01T00:00:00Z"`, ``,
		},
		"who never had an office": {nil, `holder: "france", stance: OPPOSES, validFrom: "2022-03-01T00:00:00Z"`, ``},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := withSanctions(t)
			for _, first := range tt.first {
				a.says(first)
			}
			if got := a.says(tt.last); got != tt.want {
				t.Errorf("it warns\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestUnsourcedFactsWarn(t *testing.T) {
	t.Parallel()
	a := withSanctions(t)
	for _, tt := range []struct{ mutation, want string }{
		{`recordPosition(input: {scenario: "talks/snapback", holder: "iran", stance: OPPOSES})`,
			`UNSOURCED [evidence] The position of Iran rests on no evidence; add the statement that it was read from.`},
		{`recordPosition(input: {scenario: "talks/snapback", holder: "france", stance: UNDECLARED})`, ``},
		{`changeScenarioStatus(input: {scenario: "talks/snapback", to: REJECTED, reason: "r"})`,
			`UNSOURCED [evidence] That “Sanctions snap back” became rejected rests on no evidence; add the statement that it was read from.`},
		{`addScenario(input: {issue: "talks/sanctions", key: "lifted", title: "Lifted at once"})`,
			`UNSOURCED [evidence] That “Lifted at once” became floated rests on no evidence; add the statement that it was read from.`},
		{`editScenario(input: {scenario: "talks/lifted", title: "Lifted soon"})`, ``},
		{`recordEvent(input: {negotiation: "talks", key: "round", kind: MEETING, title: "A round", startedAt: "2015-03-01T00:00:00Z"})`,
			`UNSOURCED [evidence] The event “A round” rests on no evidence; add the statement that it was read from.`},
		{`relateScenarios(input: {from: "talks/snapback", to: "talks/lifted", kind: MUTUALLY_EXCLUSIVE})`, ``},
		{`relateScenarios(input: {from: "talks/snapback", to: "talks/lifted", kind: COMPATIBLE, claimedBy: "iran"})`,
			`UNSOURCED [evidence] No evidence says that this relation was claimed; add the statement that it was read from.`},
		{`assessScenario(input: {scenario: "talks/lifted", probability: 20, confidence: LOW, rationale: "r"})`, ``},
	} {
		if got := a.warned(tt.mutation); got != tt.want {
			t.Errorf("%s warns\n%s\nwant\n%s", tt.mutation, got, tt.want)
		}
	}
}

func TestSimilarNamesWarn(t *testing.T) {
	t.Parallel()
	a := withSanctions(t)
	a.warned(`registerStakeholder(input: {key: "mfa-iran", name: "Ministry of Foreign Affairs of Iran", kind: ORGANIZATION})`)
	person := func(key, name string) string {
		return fmt.Sprintf(`registerStakeholder(input: {key: %q, name: %q, kind: PERSON, aliases: ["The man himself"]})`, key, name)
	}
	const use = `which is on record; if they are the same, merge this one into it (mergeStakeholders).`
	for _, tt := range []struct{ mutation, want string }{
		{person("zarif-m-j", "Zarif, Javad"), `SIMILAR_NAME [name] “Zarif, Javad” is much like “Javad Zarif” (zarif), ` + use},
		{`registerStakeholder(input: {key: "persia", name: "Persia", aliases: ["Islamic Republic", "IRAN"], kind: STATE})`,
			`SIMILAR_NAME [aliases 1] “IRAN” is much like “Iran” (iran), ` + use},
		{`registerStakeholder(input: {key: "iraq", name: "Iraq", kind: STATE})`, ``},
		{`registerStakeholder(input: {key: "mfa-iraq", name: "Ministry of Foreign Affairs of Iraq", kind: ORGANIZATION})`, ``},
		{`editStakeholder(input: {stakeholder: "iraq", name: "Francé"})`,
			`SIMILAR_NAME [name] “Francé” is much like “France” (france), ` + use},
		{`addIssue(input: {negotiation: "talks", key: "sanction", title: "The sanctions"})`,
			`SIMILAR_NAME [title] “The sanctions” is much like “Sanctions” (talks/sanctions), ` + use},
		{`openNegotiation(input: {key: "more-talks", title: "Negotiations"})`, ``},
		{`openNegotiation(input: {key: "talk", title: "talks"})`, `SIMILAR_NAME [title] “talks” is much like “Talks” (talks), ` + use},
		{`addIssue(input: {negotiation: "talk", key: "sanctions", title: "Sanctions"})`, ``}, // of another negotiation
	} {
		if got := a.warned(tt.mutation); got != tt.want {
			t.Errorf("%s warns\n%s\nwant\n%s", tt.mutation, got, tt.want)
		}
	}
}

// A mutation that is repeated, since its answer was lost, warns again. One that is refused or retracts does not warn.
func TestWarningsOfRepeatedAndRefusedMutations(t *testing.T) {
	t.Parallel()
	a := withSanctions(t)
	const record = `mutation($id: ID) { m: recordPosition(input: {id: $id, scenario: "talks/snapback", holder: "iran", stance: OPPOSES}) {
		position { id } warnings { code } userErrors { code } } }`
	id := map[string]any{"id": "0192d7a4-58f1-7c3a-9d55-0f2f5a3c1b10"}
	first, again := a.Must(record, id), a.Must(record, id)
	for _, got := range []string{first.Text("m.warnings"), again.Text("m.warnings")} {
		if got != "[map[code:UNSOURCED]]" {
			t.Errorf("it warns %s", got)
		}
	}
	a.Ask(`mutation { m: recordPosition(input: {scenario: "talks/none", holder: "iran", stance: OPPOSES}) { warnings { code } userErrors { code } } }`).
		Want("m.warnings", []any{}, "m.userErrors.0.code", "NOT_FOUND")
	a.Must(`mutation($id: ID!) { m: retract(input: {id: $id, note: "n"}) { warnings { code } userErrors { code } } }`,
		map[string]any{"id": first.Text("m.position.id")}).Want("m.warnings", []any{}, "m.userErrors", []any{})
}

// Whoever does not ask for warnings does not pay for them, and they take as many statements whatever is on record.
func TestStatementsForWarnings(t *testing.T) {
	t.Parallel()
	a := withSanctions(t)
	year := 2016
	record := func(fields string) int64 {
		year++
		return a.Statements(fmt.Sprintf(`mutation { recordPosition(input: {scenario: "talks/snapback", holder: "iran", stance: %s,
			validFrom: "%d-01-01T00:00:00Z"}) { cursor %s } }`, []string{"OPPOSES", "SUPPORTS"}[year%2], year, fields))
	}
	record("")
	plain, warned := record(""), record("warnings { code }")
	for range 20 {
		record("")
	}
	if later, laterWarned := record(""), record("warnings { code }"); later != plain || laterWarned != warned || warned-plain > 9 {
		t.Errorf("it takes %d statements, %d with warnings, and later %d and %d", plain, warned, later, laterWarned)
	}
}

// An import names the lines of the file of what is questionable.
func TestWarningsOfAnImport(t *testing.T) {
	t.Parallel()
	a := withSanctions(t)
	got := a.Warned("more.yaml", `
dataset: more
stakeholders:
  - {key: persia, name: Persia, kind: STATE,
     aliases: [Iran]}
  - {key: iraq, name: Iraq, kind: STATE}
negotiations:
  - key: more
    title: The nuclear file
    issues:
      - key: sanctions
        title: Sanctions
        scenarios:
          - key: snapback
            title: Sanctions snap back
            statuses: [{to: PROPOSED, effectiveAt: 2015-01-01}]
            positions:
              - {holder: iran, stance: UNDECLARED, validFrom: 2015-01-01}
              - {holder: iran, stance: UNDECLARED, redLine: true, validFrom: 2015-05-01,
                 validTo: 2015-06-01}
              - {holder: zarif, stance: OPPOSES, validFrom: 2013-08-14}
`)
	want := []string{
		"more.yaml:5: “Iran” is much like “Iran” (iran), which is on record; if they are the same, merge this one into it (mergeStakeholders).",
		"more.yaml:14: That “Sanctions snap back” became proposed rests on no evidence; add the statement that it was read from.",
		"more.yaml:20: From 2015-06-01 on, nothing is on record of Iran on “Sanctions snap back”: this position ends then, and “undeclared”, which it ended, does not return by itself. If that holds again, record it from 2015-06-01 on.",
		"more.yaml:21: The position of Mohammad Javad Zarif rests on no evidence; add the statement that it was read from.",
		"more.yaml:21: Mohammad Javad Zarif is not on record as speaking for anybody on 2013-08-14, so the position counts as its own word only.",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("it warns\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
