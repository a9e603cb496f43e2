package analysis_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/parley/examples"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server"
	"example.org/parley/storage"
)

// briefing fetches a briefing, or whatever is said instead.
func (a *api) briefing(path string) (status int, text string) {
	a.T.Helper()
	response, err := http.Get(a.URL + "/briefing/" + path)
	if err != nil {
		a.T.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		a.T.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// The example in the documents is what is written of the one news report alone; UPDATE=1 writes it anew.
func TestExampleBriefing(t *testing.T) {
	t.Parallel()
	const example = "../../../docs/briefing-example.md"
	report := examples.Demo()[1]
	a := startWith(t, storage.Options{DSN: pgtest.Database(t)}, time.Second,
		func(o *server.Options) { o.PublicURL = "http://127.0.0.1:8080" })
	a.Load(report.Name, string(report.Text))
	_, got := a.briefing("ukraine-2025?since=2025-08-14T00:00:00Z&validAt=2025-08-18T18:00:00Z&knownAt=2025-08-18T18:00:00Z")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(example, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant what %s has", got, example)
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, excerpt, _ := strings.Cut(string(readme), "<!-- from docs/briefing-example.md -->\n")
	excerpt, _, found := strings.Cut(excerpt, "<!-- to here -->")
	if !found {
		t.Fatal("README.md has no part of the example")
	}
	for line := range strings.Lines(excerpt) {
		line = strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
		if !strings.Contains(got, line) {
			t.Errorf("README.md has the line %q, which is not in the briefing", line)
		}
	}
}

func TestPermalinkOfABriefing(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	a.Must(`mutation { assessScenario(input: {scenario: "ukraine-2025/ceasefire-first", probability: 30, confidence: LOW, rationale: "so"}) { userErrors { code message field } }
		resolveScenario(input: {scenario: "ukraine-2025/new-penalties", outcome: ANNULLED, note: "No *longer* asked."}) { userErrors { code message field } } }`)
	status, first := a.briefing("ukraine-2025?since=2025-08-19T00:00:00Z")
	for _, words := range []string{"One analyst's judgement: unlikely (30 percent).", "Resolved on",
		`annulled. No \*longer\* asked.`, "The record was corrected", "Reported later",
		"Competing claim about Russia"} {
		if !strings.Contains(first, words) {
			t.Errorf("the briefing does not say %q", words)
		}
	}
	_, link, _ := strings.Cut(first, "</briefing/")
	link, _, found := strings.Cut(link, ">")
	if status != http.StatusOK || !found {
		t.Fatalf("%d without a permalink:\n%s", status, first)
	}
	_, pinned := a.briefing(link)
	if pinned != first {
		t.Errorf("the permalink says\n%s\nwhere the briefing said\n%s", pinned, first)
	}
	a.Must(`mutation { unresolveScenario(input: {scenario: "ukraine-2025/new-penalties", note: "no"}) { userErrors { code message field } }
		editNegotiation(input: {negotiation: "ukraine-2025", title: "Other talks"}) { userErrors { code message field } }
		recordPosition(input: {holder: "russia", scenario: "ukraine-2025/ceasefire-first", stance: OPPOSES, validFrom: "2025-08-17T00:00:00Z"}) { userErrors { code message field } } }`)
	if _, later := a.briefing(link); later != first {
		t.Errorf("later the permalink says\n%s\nwhere the briefing said\n%s", later, first)
	}
}

func TestBriefingsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	for path, want := range map[string]string{
		"nowhere":                                   `404 Nothing is known as "nowhere"`,
		"ukraine-2025%2Fending":                     `404 Nothing is known as "ukraine-2025/ending"`,
		"ukraine-2025?sinc=2025-08-14T00:00:00Z":    `400 "sinc" is not a parameter`,
		"ukraine-2025?since=":                       `400 since: "" is not an instant`,
		"ukraine-2025?validAt=soon":                 `400 validAt: "soon" is not an instant`,
		"ukraine-2025?knownAt=2999-01-01T00:00:00Z": "400 knownAt: 2999",
		"ukraine-2025?since=2025-08-19T00:00:00Z&validAt=2025-08-18T00:00:00Z":   "400 since: 2025-08-19",
		"ukraine-2025?validAt=2025-08-18T00:00:00Z&knownAt=2025-01-01T00:00:00Z": `404 Nothing is known as "ukraine-2025"`,
	} {
		status, text := a.briefing(path)
		if got := fmt.Sprint(status, " ", text); !strings.HasPrefix(got, want) {
			t.Errorf("%s is answered with %q, want %q", path, got, want)
		}
	}
	response, err := http.Post(a.URL+"/briefing/ukraine-2025", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered with %d", response.StatusCode)
	}
}

// What others wrote is text in a briefing, never Markdown or HTML.
func TestBriefingIsPlain(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	nasty := "- &lt; <script>alert(1)</script> | [x](javascript:alert(2)) `y`\\n# z\\n- w *v* _u_ \\\\"
	oneLine := strings.ReplaceAll(nasty, `\n`, " ")
	a.Must(fmt.Sprintf(`mutation { editNegotiation(input: {negotiation: "talks", title: "%[2]s", summary: "%[1]s"}) { userErrors { code message field } }
		editScenario(input: {scenario: "talks/line", title: "%[2]s"}) { userErrors { code message field } }
		editStakeholder(input: {stakeholder: "north", name: "%[2]s"}) { userErrors { code message field } }
		recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, conditions: ["%[1]s"], rationale: "%[1]s",
			newEvidence: [{source: "gazette", form: REPORTED, text: "%[1]s"}]}) { userErrors { code message field } } }`, nasty, oneLine))
	_, text := a.briefing("talks?since=2025-01-01T00:00:00Z")
	plain := `\- \&lt; \<script\>alert(1)\</script\> \| \[x\](javascript:alert(2)) ` + "\\`y\\`" +
		` \# z - w \*v\* \_u\_ \\`
	if n := strings.Count(text, plain); n < 8 {
		t.Errorf("the text stands %d times in\n%s", n, text)
	}
	if strings.Contains(strings.ReplaceAll(text, `\<`, ""), "<script") || strings.Contains(text, "\n# z") {
		t.Errorf("Markdown or HTML came through:\n%s", text)
	}
}

// What moved, what was learned since of the time before, and what may be older are told apart.
func TestWhatABriefingSaysOfMoves(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation {
		a: recordPosition(input: {holder: "north", scenario: "talks/line", stance: OPPOSES, validFrom: "2025-02-01T00:00:00Z"}) { userErrors { code message field } }
		b: recordPosition(input: {holder: "south", scenario: "talks/line", stance: SUPPORTS, validFrom: "2025-02-01T00:00:00Z"}) { userErrors { code message field } } }`)
	since := a.Must(`{ lens { validAt } }`).Text("lens.validAt")
	a.SetClock(since)
	a.Must(`mutation {
		late: changeScenarioStatus(input: {scenario: "talks/line", to: STALLED, reason: "Nobody came", effectiveAt: "2025-03-01T00:00:00Z"}) { userErrors { code message field } }
		first: changeScenarioStatus(input: {scenario: "talks/line", to: PROPOSED, reason: "Somebody came"}) { userErrors { code message field } }
		second: changeScenarioStatus(input: {scenario: "talks/line", to: AGREED, reason: "All came"}) { userErrors { code message field } }
		lateToo: recordPosition(input: {holder: "north", scenario: "talks/line", stance: NEUTRAL, validFrom: "2025-03-01T00:00:00Z"}) { userErrors { code message field } }
		now: recordPosition(input: {holder: "north", scenario: "talks/line", stance: STRONGLY_SUPPORTS, newEvidence: [
			{source: "gazette", speaker: "envoy", form: DIRECT_QUOTE, terms: DEEP_BACKGROUND, text: "We will – perhaps – sign   the pact"}]}) { userErrors { code message field } }
		perhaps: recordPosition(input: {holder: "envoy", scenario: "talks/strip", stance: SUPPORTS, validFromPrecision: NO_LATER_THAN}) { userErrors { code message field } }
		marked: editSource(input: {source: "gazette", marking: TLP_AMBER_STRICT}) { userErrors { code message field } } }`)
	_, text := a.briefing("talks?since=" + since)
	day := time.Now().UTC().Format("2 January 2006")
	for _, words := range []string{
		"**TLP:AMBER+STRICT**, the strictest marking of the cited sources.",
		"**A line** went from stalled to proposed. Somebody came.",
		"**A line** went from proposed to agreed. All came.",
		"North on **A line**: strongly supports; on " + day, ": neutral, *unsourced*. [1]",
		"First reported since then, but possibly older:\n\n- North on **A strip**: supports, *unsourced* (The envoy, envoy).",
		"## New information about " + day,
		"**A line** was stalled then, not proposed. Nobody came. (Reported later.)",
		"North on **A line**: neutral, *unsourced* then; the record had said: opposes, *unsourced*. (Reported later.)",
		"| South | supports, *unsourced* | – |",
	} {
		if !strings.Contains(text, words) {
			t.Errorf("the briefing does not say %q", words)
		}
	}
	for _, words := range []string{"envoy:", "perhaps – sign", "supports to"} {
		if strings.Contains(text, words) {
			t.Errorf("the briefing says %q", words)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// What a briefing tells of the time before counts for its marking, as what is planned does; and each is told as it is.
func TestWhatABriefingSaysOfTheTimeBefore(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Must(`mutation {
		s: registerSource(input: {key: "leak", title: "A leak", marking: TLP_RED}) { userErrors { code message field } }
		p: recordPosition(input: {holder: "south", scenario: "talks/line", stance: SUPPORTS, conditions: ["a secret payment"], validFrom: "2025-02-01T00:00:00Z",
			newEvidence: [{source: "leak", form: REPORTED, text: "They asked for money."}]}) { userErrors { code message field } }
		q: recordPosition(input: {holder: "south", scenario: "talks/line", stance: OPPOSES, validFrom: "2025-03-01T00:00:00Z"}) { userErrors { code message field } }
		r: recordPosition(input: {holder: "south", scenario: "talks/strip", stance: SUPPORTS, validFrom: "2025-02-01T00:00:00Z"}) { userErrors { code message field } } }`)
	_, text := a.briefing("talks?since=2025-02-15T00:00:00Z")
	for _, words := range []string{"**TLP:RED**",
		"1 March 2025: South on **A line**: opposes, *unsourced*; on 15 February 2025: supports (on condition: a " +
			"secret payment), *second-hand*. [1]", "1. A leak, reliability can't be judged, TLP:RED."} {
		if !strings.Contains(text, words) {
			t.Errorf("the briefing does not say %q:\n%s", words, text)
		}
	}
	supports := a.Must(`{ positions(filter: {holders: ["south"], scenarios: ["talks/strip"]}) { nodes { id } } }`).Text("positions.nodes.0.id")
	a.Must(fmt.Sprintf(`mutation { recordPosition(input: {holder: "south", scenario: "talks/strip", stance: OPPOSES, contests: %q, validFrom: "2025-03-01T00:00:00Z", validTo: "2025-04-01T00:00:00Z",
		newEvidence: [{source: "gazette", form: REPORTED, text: "No.", credibility: C1}]}) { userErrors { code message field } } }`, supports))
	_, text = a.briefing("talks?since=2025-03-15T00:00:00Z")
	if words := "1 April 2025: South on **A strip**: supports, *unsourced*; on 15 March 2025: opposes"; !strings.Contains(text, words) {
		t.Errorf("the briefing does not say %q:\n%s", words, text)
	}
	since := a.Must(`{ lens { validAt } }`).Text("lens.validAt")
	a.SetClock(since)
	a.Must(fmt.Sprintf(`mutation { retract(input: {id: %q, note: "A slip."}) { userErrors { code message field } } }`,
		a.Must(`{ positions(filter: {holders: ["south"], scenarios: ["talks/line"]}) { nodes { id } } }`).Text("positions.nodes.0.id")))
	_, text = a.briefing("talks?since=" + since)
	if words := "South on **A line**: supports (on condition: a secret payment), *second-hand* then; the record had " +
		"said: opposes, *unsourced*. (The record was corrected.)"; !strings.Contains(text, words) {
		t.Errorf("the briefing does not say %q:\n%s", words, text)
	}
}

func TestBriefingOfLittle(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Must(`mutation { openNegotiation(input: {key: "talks", title: "Talks"}) { userErrors { code message field } } }`)
	if _, text := a.briefing("talks?since=2025-01-01T00:00:00Z"); strings.Contains(text, "Who stands where") ||
		!strings.Contains(text, "No issue is on record.") || !strings.Contains(text, "No source is cited.") {
		t.Error(text)
	}
	a.Must(`mutation { addIssue(input: {negotiation: "talks", key: "border", title: "The border"}) { userErrors { code message field } } }`)
	if _, text := a.briefing("talks"); !strings.Contains(text, "No scenario is on the table.") ||
		strings.Contains(text, "What moved") {
		t.Error(text)
	}
}

// A briefing begins with what a reader has to know, and tells of all that moved: statuses, stances, events and
// likelihoods.
func TestKeyJudgements(t *testing.T) {
	t.Parallel()
	a := startWith(t, storage.Options{DSN: pgtest.Database(t)}, time.Second)
	for _, set := range examples.Iran() {
		a.Load(set.Name, string(set.Text))
	}
	a.Must(`mutation { recordEvent(input: {negotiation: "iran-2013", key: "later", kind: MEETING, state: POSTPONED, title: "A round in Geneva",
		startedAt: "2015-09-01T00:00:00Z", startedAtPrecision: DAY}) { userErrors { code message field } } }`)
	_, got := a.briefing("iran-2013?validAt=2015-07-20T00:00:00Z&since=2015-03-01T00:00:00Z")
	head, rest, _ := strings.Cut(got, "## Where each scenario stands")
	for _, want := range []string{
		"- Since 1 March 2015: **All sanctions end on the day of the agreement** is withdrawn (14 July 2015); ",
		"- Settled: **A first step: limits for some months, for some relief** (in implementation); ",
		"- Open: **The United States leaves the deal** (floated, blocked by United States).",
		"(withdrawn, though Iran is on record for it).",
		"- Divided: Iran on **A full deal: inspected limits, for an end of sanctions**; ",
		"- The likeliest of what is open, in the analysts' judgement: **The United States leaves the deal** (unlikely, 30 percent).",
		"- Due: the deadline of **The United States leaves the deal**, 20 January 2021.",
	} {
		if !strings.Contains(head, want) {
			t.Errorf("the key judgements have no\n%s\nbut\n%s", want, head)
		}
	}
	for _, want := range []string{
		"- 2 April 2015: Talks in Lausanne end with agreed main terms.",
		"- 14 July 2015: China, E3/EU+3, European Union, France, Germany, Russia and United Kingdom on **Iran enriches within agreed limits, under inspection**: supports;",
		"the analysts' judgement of **The United States leaves the deal** moved from none to unlikely (30 percent).",
		"- Postponed, at last to 1 September 2015: A round in Geneva.",
	} {
		if !strings.Contains(rest, want) {
			t.Errorf("the briefing has no\n%s\nbut\n%s", want, rest)
		}
	}
	if moved, _, _ := strings.Cut(rest, "## New information"); strings.Count(moved, "\n- 14 July 2015") > 12 {
		t.Errorf("much is told more than once:\n%s", moved)
	}
	if _, quiet := a.briefing("iran-2013?validAt=2015-07-20T00:00:00Z&since=2015-07-19T00:00:00Z"); !strings.Contains(quiet, "- Since 19 July 2015: no status and no stance moved.") {
		t.Errorf("no status moved, but\n%s", quiet)
	}
}

// Whoever spoke on background is not named by the position that rests on these words.
func TestABriefingProtectsSpeakers(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Load("background.yaml", `
dataset: background
stakeholders:
  - {key: alba, name: Alba, kind: STATE}
  - {key: deputy, name: Deputy Minister Doe, kind: PERSON}
  - {key: minister, name: Minister Roe, kind: PERSON}
affiliations:
  - {person: deputy, organization: alba, speaksFor: true}
  - {person: minister, organization: alba, speaksFor: true}
sources: [{key: wire, title: The wire}]
statements:
  - {key: hidden, source: wire, speaker: deputy, terms: ON_BACKGROUND, form: PARAPHRASE, text: We would sign.}
  - {key: open, source: wire, speaker: minister, form: DIRECT_QUOTE, text: We refuse.}
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - {key: line, title: A line, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [
              {holder: deputy, stance: SUPPORTS, validFrom: 2025-02-02, evidence: [hidden]}, {holder: minister, stance: OPPOSES, validFrom: 2025-02-01, evidence: [open]}]}
`)
	_, got := a.briefing("talks?since=2025-01-15T00:00:00Z")
	if strings.Contains(got, "Doe") || strings.Count(got, "somebody who may not be named") != 2 || !strings.Contains(got, "Minister Roe") {
		t.Errorf("the briefing says\n%s", got)
	}
}

// A browser gets a briefing as a page without a script, in which nothing on record is markup; others get the text.
func TestABriefingAsAPage(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	a.Must(`mutation { editNegotiation(input: {negotiation: "ukraine-2025", title: "Talks <script>alert(1)</script> & more", summary: "<b>Bold</b> [link](javascript:alert(1))"}) { userErrors { code message field } } }`)
	get := func(accept string) (*http.Response, string) {
		t.Helper()
		return a.Send(http.MethodGet, "/briefing/ukraine-2025?since=2025-08-14T00:00:00Z", http.Header{"Accept": {accept}}, nil)
	}
	response, page := get("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	if kind := response.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" || !slices.Contains(response.Header.Values("Vary"), "Accept") ||
		!strings.HasPrefix(response.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		t.Errorf("the page comes with %v", response.Header)
	}
	for _, want := range []string{"<title>Talks &lt;script&gt;alert(1)&lt;/script&gt; &amp; more</title>", "<h2>Key judgements</h2>", "<table>", "<li>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, unwanted := range []string{"<script", "<b>", "href=\"javascript", "<!-- raw HTML omitted -->"} {
		if strings.Contains(page, unwanted) {
			t.Errorf("the page has %s", unwanted)
		}
	}
	for _, accept := range []string{"*/*", "text/markdown", ""} {
		if response, text := get(accept); response.Header.Get("Content-Type") != "text/markdown; charset=utf-8" || !strings.HasPrefix(text, "# Talks") {
			t.Errorf("who accepts %q gets %q", accept, response.Header.Get("Content-Type"))
		}
	}
	if response, _ := a.Send(http.MethodGet, "/briefing/nothing", http.Header{"Accept": {"text/html"}}, nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("of nothing: %d", response.StatusCode)
	}
}
