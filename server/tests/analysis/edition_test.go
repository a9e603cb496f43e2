package analysis_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.org/parley/server/apitest"
)

const leaked = `
dataset: leaked
stakeholders:
  - {key: alba, name: Alba, kind: STATE}
  - {key: brod, name: Brod, kind: STATE}
sources:
  - {key: wire, title: The wire}
  - {key: cable, title: A secret cable, marking: TLP_RED}
  - {key: club, title: A club paper, marking: TLP_GREEN}
statements:
  - {key: said, source: wire, speaker: alba, form: PARAPHRASE, text: We refuse., saidAt: 2025-02-01}
  - {key: told, source: cable, speaker: alba, form: PARAPHRASE, text: We would sign., saidAt: 2025-02-10}
  - {key: heard, source: club, speaker: brod, form: PARAPHRASE, text: We are for it., saidAt: 2025-02-01}
negotiations:
  - key: talks
    title: Talks
    participations: [{stakeholder: alba, role: PRIMARY_PARTY, vetoPlayer: true}, {stakeholder: brod, role: PRIMARY_PARTY}]
    events:
      - {key: dinner, kind: MEETING, title: A secret dinner, state: PLANNED, startedAt: 2025-04-01, evidence: [told]}
      - {key: summit, kind: MEETING, title: A summit, state: PLANNED, startedAt: 2025-05-01, evidence: [said, told]}
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses:
              - {to: PROPOSED, effectiveAt: 2025-01-01}
              - {to: STALLED, effectiveAt: 2025-02-15, reason: A secret quarrel., evidence: [told]}
            positions:
              - {holder: alba, stance: OPPOSES, validFrom: 2025-02-01, evidence: [said]}
              - {holder: alba, stance: SUPPORTS, validFrom: 2025-02-10, evidence: [told], rationale: A secret promise.}
              - {holder: brod, stance: SUPPORTS, validFrom: 2025-02-01, evidence: [heard]}
          - key: secret
            title: A secret plan
            statuses: [{to: FLOATED, effectiveAt: 2025-02-01, reason: It was whispered., evidence: [told]}]
            positions: [{holder: brod, stance: OPPOSES, validFrom: 2025-02-01}]
`

// An edition says only what rests on sources up to a marking, as if the rest had never been recorded.
func TestEditionsUpToAMarking(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("leaked.yaml", leaked)
	const asOf = "talks?validAt=2025-03-01T00:00:00Z&since=2025-01-15T00:00:00Z"
	_, whole := a.briefing(asOf)
	for _, want := range []string{"**TLP:RED**, the strictest", "secret cable", "secret quarrel", "secret dinner", "A secret plan", "Blocked by"} {
		if strings.Contains(whole, want) == (want == "Blocked by") {
			t.Errorf("%q is in the whole briefing or is not, wrongly:\n%s", want, whole)
		}
	}
	_, green := a.briefing(asOf + "&upTo=TLP_GREEN")
	for _, want := range []string{
		"**TLP:GREEN**, an edition: it says only what rests on sources up to this marking, or on none.", "**A line**: proposed since 1 January 2025",
		"Blocked by Alba", "| Alba\\* | opposes [1] |", "| Brod | supports [2] |", "A summit", "unless the marking of a source changes", "upTo=TLP_GREEN",
	} {
		if !strings.Contains(green, want) {
			t.Errorf("the edition does not say %q:\n%s", want, green)
		}
	}
	if strings.Contains(green, "secret") || strings.Contains(green, "RED") {
		t.Errorf("the edition says\n%s", green)
	}
	if _, clear := a.briefing(asOf + "&upTo=TLP:CLEAR"); strings.Contains(clear, "club") || strings.Contains(clear, "| Brod |") {
		t.Errorf("the clear edition says\n%s", clear)
	}
	if _, red := a.briefing(asOf + "&upTo=TLP_RED"); body(red) != body(whole) {
		t.Errorf("the edition that leaves out nothing says\n%s\nwant\n%s", red, whole)
	}
	statements := func() int64 {
		before := a.Store.Statements()
		a.briefing(asOf + "&upTo=TLP_GREEN")
		return a.Store.Statements() - before
	}
	few := statements()
	for i := range 12 {
		a.Must(fmt.Sprintf(`mutation { recordPosition(input: {holder: "alba", scenario: "talks/line", stance: %s, validFrom: "2025-01-%02dT00:00:00Z", newEvidence: [
			{source: "cable", form: REPORTED, text: "A secret."}]}) { userErrors { code message field } } }`, []string{"SUPPORTS", "OPPOSES"}[i%2], i+1))
	}
	if many := statements(); many != few {
		t.Errorf("the edition takes %d statements, with twelve more positions left out %d", few, many)
	}
	if _, again := a.briefing(asOf + "&upTo=TLP_GREEN"); body(again) != body(green) {
		t.Errorf("with more left out, the edition says\n%s\nwant\n%s", again, green)
	}
	a.Must(`mutation { editSource(input: {source: "club", marking: TLP_AMBER}) { userErrors { code message field } } }`)
	if _, later := a.briefing(asOf + "&upTo=TLP_GREEN"); strings.Contains(later, "club") {
		t.Errorf("the marking was raised, but the edition says\n%s", later)
	}
	if status, said := a.briefing("talks?upTo=SECRET"); status != 400 || said != "upTo: \"SECRET\" is no marking; give one of TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED.\n" {
		t.Errorf("it answers %d %q", status, said)
	}
}

// body is what a briefing says, without what it says of itself.
func body(briefing string) string {
	lines := strings.Split(briefing, "\n")
	kept := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, "*Situation") && !strings.HasPrefix(line, "**TLP") && !strings.HasPrefix(line, "Permalink") {
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(regexp.MustCompile(`\n{2,}`).ReplaceAllString(strings.Join(kept, "\n"), "\n\n"))
}

// editions tells one history twice: whole, and without what rests on secret sources alone.
type editions struct {
	*api
	rt    *rapid.T
	n     int
	facts int
	known []editionFact // positions and statuses that are on record in both, or secret
}

type editionFact struct {
	whole, open string // ids; open "": secret
	holder      string
	scenario    string
	contested   bool
}

func (e *editions) instant() string {
	e.facts++
	return apitest.DayAt(rapid.IntRange(1, apitest.Days).Draw(e.rt, "day")).Add(time.Duration(e.facts) * time.Second).Format(time.RFC3339)
}

// tell asks for something in one world, and returns the id of what it made; "": it was refused.
func (e *editions) tell(world, document string) string {
	e.T.Helper()
	got := e.Ask(strings.ReplaceAll(document, "{x}", fmt.Sprintf("%d-%s", e.n, world)))
	if len(got.Errs) > 0 {
		e.rt.Fatalf("%s\n%v", document, got.Errs)
	}
	if len(apitest.Refusals(got.Data)) > 0 {
		return ""
	}
	for _, payload := range got.Data.(map[string]any) {
		for _, of := range []string{"position", "statusChange", "node"} {
			if record, ok := payload.(map[string]any)[of].(map[string]any); ok {
				return record["id"].(string)
			}
		}
	}
	return "done"
}

// make records a fact in both worlds, or, if it is secret, in the whole one.
func (e *editions) make(f editionFact, whole, open string) {
	if f.whole = e.tell("whole", whole); f.whole == "" {
		return
	}
	if open != "" {
		f.open = e.mustTell("open", open)
	}
	e.known = append(e.known, f)
}

// mustTell gives up on a history that a secret alone allows.
func (e *editions) mustTell(world, document string) string {
	id := e.tell(world, document)
	if id == "" {
		e.rt.Skip("it is refused without the secrets")
	}
	return id
}

func (e *editions) step() {
	const refusals = ` userErrors { code message field } } }`
	f := editionFact{
		scenario: rapid.SampledFrom([]string{"line", "strip"}).Draw(e.rt, "scenario"),
		holder:   rapid.SampledFrom([]string{"alba", "brod"}).Draw(e.rt, "holder"),
	}
	evidence := rapid.SampledFrom([]string{"", "open", "secret", "secret", "open secret"}).Draw(e.rt, "evidence")
	cited := func(open bool) string {
		var list []string
		for _, s := range strings.Fields(evidence) {
			if s == "secret" && open {
				continue
			}
			list = append(list, fmt.Sprintf(`{source: "%s-{x}", form: REPORTED, text: "So it is said, no. %d."}`, s, e.facts))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	secret := evidence == "secret"
	step := rapid.IntRange(0, 9).Draw(e.rt, "step")
	switch {
	case step < 5:
		var rival *editionFact
		for i, known := range e.known {
			if known.holder == f.holder && known.scenario == f.scenario && !known.contested && rapid.IntRange(0, 3).Draw(e.rt, "contests") == 0 {
				rival = &e.known[i]
			}
		}
		if rival != nil && rival.open == "" {
			rival.contested = true // a second one that contests it would contest the first, without it
		}
		until := ""
		at := e.instant()
		if rapid.IntRange(0, 3).Draw(e.rt, "ends") == 0 {
			until = fmt.Sprintf(`, validTo: %q`, apitest.DayAt(apitest.Days+1).Add(time.Duration(e.facts)*time.Second).Format(time.RFC3339))
		}
		document := func(open bool) string {
			contests := ""
			switch {
			case rival != nil && !open:
				contests = fmt.Sprintf(`, contests: %q`, rival.whole)
			case rival != nil && rival.open != "":
				contests = fmt.Sprintf(`, contests: %q`, rival.open)
			}
			return fmt.Sprintf(`mutation { recordPosition(input: {holder: "%s-{x}", scenario: "talks-{x}/%s", stance: %s, conditions: ["no. %d"], validFrom: %q%s%s,
				newEvidence: %s}) { position { id }`,
				f.holder, f.scenario, []string{"SUPPORTS", "OPPOSES", "NEUTRAL"}[e.facts%3], e.facts, at, until, contests, cited(open)) + refusals
		}
		if secret {
			e.make(f, document(false), "")
		} else {
			e.make(f, document(false), document(true))
		}
	case step < 8:
		at, to := e.instant(), rapid.SampledFrom([]string{"PROPOSED", "UNDER_NEGOTIATION", "STALLED", "AGREED_IN_PRINCIPLE", "FLOATED"}).Draw(e.rt, "to")
		document := func(open bool) string {
			return fmt.Sprintf(`mutation { changeScenarioStatus(input: {scenario: "talks-{x}/%s", to: %s, reason: "no. %d", effectiveAt: %q,
				newEvidence: %s}) { statusChange { id }`,
				f.scenario, to, e.facts, at, cited(open)) + refusals
		}
		f.holder = ""
		if secret {
			e.make(f, document(false), "")
		} else {
			e.make(f, document(false), document(true))
		}
	case step == 8 && len(e.known) > 0:
		i := rapid.IntRange(0, len(e.known)-1).Draw(e.rt, "retracted")
		document := `mutation { retract(input: {id: %q, note: "n"}) { node { id }` + refusals
		if e.tell("whole", fmt.Sprintf(document, e.known[i].whole)) == "" {
			return
		}
		if e.known[i].open != "" {
			e.mustTell("open", fmt.Sprintf(document, e.known[i].open))
		}
		e.known = append(e.known[:i:i], e.known[i+1:]...)
	case step == 9 && len(e.known) > 0:
		known := e.known[rapid.IntRange(0, len(e.known)-1).Draw(e.rt, "corrected")]
		if known.holder == "" {
			return
		}
		at := e.instant()
		document := `mutation { correctPosition(input: {position: %q, validFrom: %q, note: "n"}) { position { id }` + refusals
		if e.tell("whole", fmt.Sprintf(document, known.whole, at)) != "" && known.open != "" {
			e.mustTell("open", fmt.Sprintf(document, known.open, at))
		}
	}
}

func TestEditionsAgainstARecordWithoutSecrets(t *testing.T) {
	t.Parallel()
	a := start(t)
	histories := 0
	clock := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		clock = clock.Add(time.Hour)
		a.SetClock(clock.Format(time.RFC3339))
		e := &editions{api: a, rt: rt, n: histories}
		for _, world := range []string{"whole", "open"} {
			a.Load("world.yaml", strings.ReplaceAll(`
dataset: world-{x}
stakeholders: [{key: alba-{x}, name: Alba {x}, kind: STATE}, {key: brod-{x}, name: Brod {x}, kind: STATE}]
sources: [{key: open-{x}, title: Open {x}}, {key: secret-{x}, title: Secret {x}, marking: TLP_AMBER}]
negotiations:
  - key: talks-{x}
    title: Talks {x}
    participations: [{stakeholder: alba-{x}, role: PRIMARY_PARTY, vetoPlayer: true}, {stakeholder: brod-{x}, role: PRIMARY_PARTY}]
    issues:
      - key: border
        title: The border
        scenarios:
          - {key: line, title: A line, statuses: [{to: FLOATED, effectiveAt: 2025-02-01}]}
          - {key: strip, title: A strip, statuses: [{to: FLOATED, effectiveAt: 2025-02-01}]}
`, "{x}", fmt.Sprintf("%d-%s", e.n, world)))
		}
		since := ""
		for i := range rapid.IntRange(1, 14).Draw(rt, "steps") {
			if i == 5 { // what comes now is learned since
				clock = clock.Add(time.Hour)
				a.SetClock(clock.Format(time.RFC3339))
				since = clock.Format(time.RFC3339)
				clock = clock.Add(time.Hour)
				a.SetClock(clock.Format(time.RFC3339))
			}
			e.step()
		}
		for _, asked := range []string{
			"?validAt=" + apitest.DayAt(4).Format(time.RFC3339) + "&since=" + apitest.DayAt(2).Format(time.RFC3339),
			"?validAt=" + apitest.DayAt(apitest.Days+1).Format(time.RFC3339), "?since=" + since,
		} {
			if strings.HasSuffix(asked, "=") {
				continue
			}
			whole, open := fmt.Sprintf("%d-whole", e.n), fmt.Sprintf("%d-open", e.n)
			status, got := a.briefing("talks-" + whole + asked + "&upTo=TLP_GREEN")
			_, want := a.briefing("talks-" + open + asked)
			got, want = strings.ReplaceAll(body(got), whole, "{x}"), strings.ReplaceAll(body(want), open, "{x}")
			if got != want || status != 200 {
				rt.Fatalf("%s: the edition says %d\n%s\nwithout secrets the briefing says\n%s", asked, status, got, want)
			}
		}
	})
}
