package reading_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
)

// found are the labels of what a search finds, in order; asOf is what stands for it in a document, or nothing.
func (a *api) found(text, asOf string) []string {
	a.T.Helper()
	if asOf != "" {
		asOf = ", asOf: {" + asOf + "}"
	}
	got := a.Must(`query($text: String!) { search(text: $text`+asOf+`) { rank node { label } } }`,
		map[string]any{"text": text})
	labels := make([]string, got.Count("search"))
	for i := range labels {
		labels[i] = got.Text(fmt.Sprintf("search.%d.node.label", i))
	}
	return labels
}

func (a *api) finds(text, asOf string, want ...string) {
	a.T.Helper()
	if got := a.found(text, asOf); !slices.Equal(got, want) {
		a.T.Errorf("%q (%s) finds %q, want %q", text, asOf, got, want)
	}
}

// everyPlace holds a text in every place that is searched.
const everyPlace = `
dataset: every-place
stakeholders:
  - {key: zelensky, name: Volodymyr Zelensky, kind: PERSON, aliases: [Зеленський, Zelenskyy]}
  - {key: erdogan, name: Recep Tayyip Erdoğan, kind: PERSON}
  - {key: obrien, name: O'Brien & Straße, kind: GROUP}
sources:
  - {key: herald, title: The Herald, publisher: Quaestor House, author: Ann Scribe, reliability: B, body: "Rain fell. The delegates walked out and/or left for Diyarbakır, says the ﬁrst report."}
statements:
  - {key: s3, source: herald, form: REPORTED, text: "A walnut was given to the “walnut-eater”."}
negotiations:
  - key: talks
    title: Talks of North and South
    summary: An orchard of quarrels
    issues:
      - key: border
        title: The border
        question: Whither the hedgerow?
        scenarios:
          - key: hedge
            title: A hedge
            summary: Grown from hawthorn
            criteria: Two metres of blackthorn
            statuses: [{to: FLOATED, reason: An elderly botanist said so, effectiveAt: 2025-02-01}]
            assessments: [{probability: 40, rationale: Gardeners are patient, assessedAt: 2025-02-03}]
            positions: [{holder: north, stance: SUPPORTS, validFrom: 2025-02-02, rationale: Thorns are cheap, conditions: ["a gate\nfor badgers", "no barbs"]}]
    relations: [{from: line, to: hedge, kind: COMPATIBLE, comment: Both could be mown}]
    events:
      - {key: picnic, kind: MEETING, title: A picnic, location: Upper Meadow, startedAt: 2025-02-03}
`

func withEveryPlace(t testing.TB) *api {
	a := withTalks(t)
	a.Load("every-place.yaml", everyPlace)
	return a
}

func TestSearch(t *testing.T) {
	t.Parallel()
	a := withEveryPlace(t)
	const (
		zelensky, erdogan, obrien = "Volodymyr Zelensky", "Recep Tayyip Erdoğan", "O'Brien & Straße"
		talk, border, hedge       = "Talks of North and South", "The border", "A hedge"
		statement                 = "A walnut was given to the “walnut-eater”."
	)
	position, relation := a.Must(`{ positions { nodes { label } } }`).Text("positions.nodes.0.label"),
		"A line: compatible: A hedge"
	for text, want := range map[string][]string{
		"orchard": {talk}, "quarrel": {talk}, "whither": {border}, "border": {border}, "hawthorn": {hedge},
		"blackthorn metres": {hedge},
		"picnic":            {"A picnic"}, "meadow": {"A picnic"}, "quaestor": {"The Herald"}, "scribe": {"The Herald"},
		"walnut":   {statement},
		"botanist": {"A hedge: floated"}, "thorns": {position}, "badgers": {position}, "barbs": {position},
		"mown": {relation},
		"rain": {"The Herald"}, "delegates herald": nil, // not in one text
		"hedge grown": {hedge}, "hedge blackthorn hawthorn": {hedge}, "hedge badgers": {"North supports: A hedge"}, "hedge haw": {hedge},
		"haw hedge":    nil,
		`"grown from"`: {hedge}, `"from grown"`: nil, `"hedge"`: {hedge}, `"hedg"`: {hedge}, `"grown from haw`: {hedge},
		"walnut-eater": {statement}, "walnut eater": {statement},
		// Folded forms find each other.
		"Erdogan": {erdogan}, "ERDOĞAN": {erdogan}, "erdog\u0306an": {erdogan}, "ｅｒｄｏｇａｎ": {erdogan},
		"ЗЕЛЕНСЬКИЙ": {zelensky}, "зел": {zelensky},
		"diyarbakir": {"The Herald"}, "DİYARBAKIR": {"The Herald"}, "first": {"The Herald"}, "ﬁrst": {"The Herald"},
		"strasse": {obrien}, "STRAẞE": {obrien}, "o'brien": {obrien},
		"and or left": {"The Herald"}, "and/or": {"The Herald"},
		// Names that are spelt alike come after those that hold the words.
		"Zelensky": {zelensky}, "Zelenskyy": {zelensky}, "Zelinsky": {zelensky}, "Zelesky": {zelensky},
		"Volodimir Zelenski": {zelensky}, "Recep Erdohan": {erdogan}, "pick": {"A picnic"}, "picnick": {"A picnic"},
		"nowhere": nil, "नहीं": nil,
	} {
		if got := a.found(text, ""); !slices.Equal(got, want) {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"erdogan":       "Recep Tayyip «Erdoğan»",
		"зеленский":     "Volodymyr Zelensky · «Зеленський» · Zelenskyy",
		"zelinsky":      "Volodymyr «Zelensky» · Зеленський · «Zelenskyy»",
		"diyarb":        "Rain fell. The delegates walked out and/or left for «Diyarbakır», says the ﬁrst report.",
		"first":         "Rain fell. The delegates walked out and/or left for Diyarbakır, says the «ﬁrst» report.",
		"strasse":       "O'Brien & «Straße»",
		"walnut-eat":    "A «walnut» was given to the “«walnut»-«eater»”.",
		"grown thorn":   "",
		"hedge two":     "A «hedge» · Grown from hawthorn · «Two» metres of blackthorn",
		"badgers barbs": "Thorns are cheap · a gate for «badgers» · no «barbs»",
	} {
		got := a.Must(`query($text: String!) { search(text: $text, first: 1) { snippet } }`,
			map[string]any{"text": text})
		if got.Count("search") > 0 || want != "" {
			got.Want("search.0.snippet", want)
		}
	}

	got := a.Must(`{ search(text: "hedge") { rank node { __typename id label ... on Scenario { status issue { title } } } } talks: search(text: "talks") { rank } alike: search(text: "picnick") { rank } }`)
	got.Want("search.0.node.__typename", "Scenario", "search.0.node.issue.title", "The border", "search.0.node.status",
		"FLOATED")
	if exact, similar := got.At("talks.0.rank").(float64), got.At("alike.0.rank").(float64); exact <= 0.5 ||
		exact > 1 || similar <= 0 || similar > 0.5 {
		t.Errorf("ranks are %v for words that stand there and %v for a name that is spelt alike", exact, similar)
	}
}

// A search finds what somebody said about something, by the names of both; but no fact by what it is about alone. A key
// finds its record, and letters and numbers are found however they are written.
func TestSearchByWhomAndAboutWhat(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Load("said.yaml", `
dataset: said
stakeholders:
  - {key: zarif, name: Mohammad Javad Zarif, aliases: [محمدجواد ظریف], kind: PERSON}
sources: [{key: wire, title: The wire, body: "Some 5,060 centrifuges, no more than 300 kilograms."}]
statements:
  - {key: a, source: wire, form: PARAPHRASE, speaker: zarif, text: "Enrichment goes on with 5,060 centrifuges.", about: [talks/line]}
  - {key: b, source: wire, form: PARAPHRASE, speaker: north, text: Enrichment has to stop.}
  - {key: c, source: wire, form: PARAPHRASE, speaker: zarif, text: حق غنی سازی اورانیوم}
`)
	zarifs, norths, title, words := "Enrichment goes on with 5,060 centrifuges.", "Enrichment has to stop.", "Mohammad Javad Zarif", "حق غنی سازی اورانیوم"
	for text, want := range map[string][]string{
		"enrichment":        {norths, zarifs},
		"enrichment zarif":  {zarifs},
		"zarif enrich":      {zarifs},
		"enrichment north":  {norths},
		"zarif":             {title},
		"enrichment line":   {zarifs},
		"5060":              {zarifs, "The wire"},
		"5,060 centrifuges": {zarifs, "The wire"},
		"506":               {zarifs, "The wire"}, // the beginning of a number
		"060":               nil,
		"٥٠٦٠":              {zarifs, "The wire"},
		"ظريف":              {title}, // with an Arabic yeh
		"غني":               {words},
	} {
		a.finds(text, "", want...)
	}
	a.finds("strip", "", "A strip")
	a.Must(`mutation { editScenario(input: {scenario: "talks/strip", title: "A belt"}) { userErrors { code message field } } }`)
	a.finds("strip", "", "A belt") // by its key
}

func TestSearchesRefused(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for _, text := range []string{"", "  ", "?!", `""`, "\x00"} {
		a.Ask(`query($text: String!) { search(text: $text) { rank } }`,
			map[string]any{"text": text}).Fails("BAD_REQUEST", "text: ", fmt.Sprintf("%q", text), "letter")
	}
	a.Ask(`query($text: String!) { search(text: $text) { rank } }`,
		map[string]any{"text": strings.Repeat("a", 201)}).Fails("BAD_REQUEST", "201", "200")
	a.Ask(`{ search(text: "a", first: 0) { rank } }`).Fails("BAD_REQUEST", "first", "500")
	a.Ask(`{ search(text: "a", first: 501) { rank } }`).Fails("BAD_REQUEST", "501")
	a.Ask(`{ search(text: "a", asOf: {knownAt: "2999-01-01T00:00:00Z"}) { rank } }`).Fails("BAD_LENS")
	// Whatever else it holds, a text is nothing but words.
	for _, r := range "\x00\x01\x02&|!:*'\\()<>-\"%_$?{}[]«»\u0301\u200d￾\U0001F600" {
		for _, text := range []string{string(r) + "line", "line" + string(r), "li" + string(r) + "ne", string(r) +
			"a line" + string(r) + string(r), "a " + string(r) + " line"} {
			a.Must(`query($text: String!) { search(text: $text) { rank snippet } }`, map[string]any{"text": text})
		}
	}
	for _, text := range []string{strings.Repeat("ﷺ", 200), strings.Repeat("a ", 100), strings.Repeat("½x", 100),
		"'a':*", "a <-> b", "a:A"} {
		a.Must(`query($text: String!) { search(text: $text) { rank snippet } }`, map[string]any{"text": text})
	}
}

// A search goes through the lens like everything else.
func TestSearchThroughALens(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const refused = `userErrors { code message field }`
	a.On("2030-01-02T00:00:00Z",
		`addScenario(input: {issue: "talks/border", key: "wall", title: "A wall of bricks", effectiveAt: "2029-06-01T00:00:00Z", reason: "Mortar is dear"}) { `+refused+` }`)
	a.On("2030-01-03T00:00:00Z",
		`recordPosition(input: {holder: "north", scenario: "talks/wall", stance: SUPPORTS, validFrom: "2029-07-01T00:00:00Z", validTo: "2029-08-01T00:00:00Z", rationale: "Plaster is cheap"}) { `+refused+` }`)
	a.On("2030-01-04T00:00:00Z",
		`relateScenarios(input: {from: "talks/wall", to: "talks/line", kind: COMPATIBLE, note: "One could paint it"}) { `+refused+` }`)
	a.On("2030-01-05T00:00:00Z",
		`editScenario(input: {scenario: "talks/wall", title: "A wall of stone"}) { `+refused+` }`)
	a.On("2030-01-06T00:00:00Z",
		`recordStatement(input: {statement: {source: "rumour", form: REPORTED, text: "Cement was seen", about: ["talks/wall"]}}) { `+refused+` }`)
	said := a.Must(`{ statements(filter: {about: ["talks/wall"]}) { nodes { id } } }`).Text("statements.nodes.0.id")
	a.On("2030-01-07T00:00:00Z",
		fmt.Sprintf(`correctStatement(input: {statement: %q, text: "Gravel was seen", note: "Misread"}) { %s }`, said,
			refused))
	a.On("2030-01-08T00:00:00Z", fmt.Sprintf(`retract(input: {id: %q, note: "Made up"}) { %s }`, said, refused))
	a.On("2030-01-09T00:00:00Z", `editStakeholder(input: {stakeholder: "south", name: "The South"}) { `+refused+` }`)

	known := func(day int) string { return fmt.Sprintf(`knownAt: "2030-01-%02dT12:00:00Z"`, day) }
	valid := func(month int) string { return fmt.Sprintf(`, validAt: "2029-%02d-10T00:00:00Z"`, month) }
	a.finds("bricks", known(1))
	a.finds("bricks", known(2), "A wall of bricks")
	a.finds("bricks", known(4), "A wall of bricks")
	a.finds("bricks", known(5))
	a.finds("stone", known(4))
	a.finds("stone", "", "A wall of stone")
	a.finds("stone", known(5)+valid(6), "A wall of stone")
	a.finds("stone", known(5)+valid(5)) // not yet on the table
	a.finds("bricls", known(4), "A wall of bricks")
	a.finds("bricls", known(5))
	a.finds("mortar", known(5)+valid(6), "A wall of stone: floated")
	a.finds("mortar", known(5)+valid(5))
	a.finds("paint", known(5)+valid(6), "A wall of stone: compatible: A line")
	a.finds("paint", known(5)+valid(5))
	a.finds("paint", known(3)+valid(6))
	a.finds("plaster", known(8)+valid(7), "North supports: A wall of stone")
	a.finds("plaster", known(8)+valid(8)) // it had ended
	a.finds("plaster", known(8)+valid(6))
	a.finds("plaster", known(2)+valid(7))
	a.finds("cement", known(6)+valid(1), "Cement was seen") // a statement has no valid time
	a.finds("cement", known(7))
	a.finds("gravel", known(7), "Gravel was seen")
	a.finds("gravel", known(8))
	a.finds("gravel", "")
	a.finds("the south", known(8)) // the name alone had no article
	a.finds("the south", "", "The South")
}

// Positions and statuses are cut anew by their neighbours; what they say is found once, with whichever cut is in sight.
func TestSearchOfWhatIsCutAnew(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const reported = `{ recordPosition(input: {holder: "south", scenario: "talks/line", stance: %s, validFrom: "2025-%02d-01T00:00:00Z", rationale: %q}) { userErrors { code message field } } }`
	a.Must(fmt.Sprintf(`mutation `+reported, "OPPOSES", 2, "Marshes flood"))
	a.Must(fmt.Sprintf(`mutation `+reported, "SUPPORTS", 4, "Dykes were built"))
	a.Must(fmt.Sprintf(`mutation `+reported, "NEUTRAL", 3, "Surveyors are at work"))
	for month, want := range map[int]string{2: "marshes", 3: "surveyors", 4: "dykes"} {
		for _, word := range []string{"marshes", "surveyors", "dykes"} {
			holds := len(a.found(word, fmt.Sprintf(`validAt: "2025-%02d-15T00:00:00Z"`, month))) == 1
			if holds != (word == want) {
				t.Errorf("in month %d, %s is found: %v", month, word, holds)
			}
		}
	}
	if n := a.Number(`SELECT count(*) - count(DISTINCT version) FROM search_texts`); n != 0 {
		t.Errorf("%d versions are kept twice", n)
	}
}

// The newest that are in sight are ranked, be their words common or rare, and nothing that comes later takes their
// places.
func TestSearchOfCommonWords(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	// Many statements, recorded a second apart, each with a word and its own number.
	many := func(word string, from, to int) {
		a.SQL(`INSERT INTO records (id, kind, recorded_at)
			SELECT lpad(to_hex(n), 32, '0')::uuid, 'STATEMENT', timestamptz '2030-01-01Z' + n * interval '1 s' FROM generate_series($1::int, $2::int) n`, from, to)
		a.SQL(`INSERT INTO statements (id, version, source_id, about, text, form, terms, credibility, locators, said_at_precision, recorded_by, recorded_at, content_at)
			SELECT r.id, gen_random_uuid(), (SELECT id FROM sources LIMIT 1), '{}', $1 || right(r.id::text, 4), 'REPORTED', 'ON_RECORD', 'C3', '{}', 'INSTANT', (SELECT id FROM analysts), recorded_at, recorded_at
			FROM records r WHERE kind = 'STATEMENT' AND recorded_at BETWEEN timestamptz '2030-01-01Z' + $2::int * interval '1 s' AND timestamptz '2030-01-01Z' + $3::int * interval '1 s'`, word+" ", from, to)
		a.SetClock("2030-01-02T00:00:00Z")
	}
	const document = `{ search(text: "barley", first: 500%s) { rank snippet node { recordId } } }`
	pinned := fmt.Sprintf(document, `, asOf: {knownAt: "2030-01-01T00:10:10Z", validAt: "2029-01-01T00:00:00Z"}`)
	many("barley", 1, 610)
	common := a.Raw(fmt.Sprintf(document, ""))
	if n := strings.Count(common, `"recordId"`); n != 500 || !strings.Contains(common, "«barley» 0262") ||
		strings.Contains(common, "«barley» 006e") {
		t.Errorf("%d are found, with 610: %v, with 110: %v", n, strings.Contains(common, "«barley» 0262"),
			strings.Contains(common, "«barley» 006e"))
	}
	if got := a.Raw(pinned); got != common {
		t.Error("pinned to that instant it reads differently")
	}
	many("rye", 611, 1000) // so that barley is rare among the newest
	if got := a.Raw(fmt.Sprintf(document, "")); got != common {
		t.Error("found as a rare word it is ranked differently")
	}
	many("barley", 1001, 1700)
	if got := a.Raw(pinned); got != common {
		t.Error("what was recorded later changed the answer through an older lens")
	}
	if got := a.Raw(fmt.Sprintf(document, "")); got == common {
		t.Error("what was recorded later is not found")
	}
}

// A long text is searched to its end, and what can't be kept as a word does no harm.
func TestSearchOfLongTexts(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	var b strings.Builder
	for n := 0; b.Len() < 1_900_000; n++ {
		fmt.Fprintf(&b, "w%d ", n) // more different words than a tsvector can hold
	}
	text := []rune(b.String())
	for at := 19_500; at < len(text)-100; at += 19_000 / 2 { // at the seams of passages as well
		copy(text[at:], []rune(fmt.Sprintf(" seam%d lies «here» ", at)))
	}
	body := strings.Repeat("q", 30_000) + " alpha " + string(text) + " omega"
	register := func(key, body string) {
		a.Must(`mutation($key: String!, $body: String) { registerSource(input: {key: $key, title: $key, body: $body}) { userErrors { code message field } } }`, map[string]any{"key": key, "body": body})
	}
	register("thick", body)
	register("blank", " \n.")
	for _, words := range []string{"alpha", "omega", "seam19500 here", `"seam29000 lies"`, "seam1444500 lies here",
		"w1 w2 w3"} {
		a.finds(words, "", "thick")
	}
	a.finds("alpha omega", "") // far apart
	a.Must(`{ search(text: "omega") { snippet } seam: search(text: "seam1444500") { snippet } }`).Want(
		"search.0.snippet",
		"…"+strings.TrimSuffix(strings.SplitAfterN(string(text[len(text)-154:]), " ", 2)[1], " ")+" «omega»")
	if got := a.found("alpha", ""); len(got) != 1 {
		t.Error(got)
	}

	a.finds("gazette perhaps nobody", "") // one word in the title, the other in the text
	a.finds("sign the pact", "", "We will - perhaps - sign the pact [...] if asked.", "The Gazette")
	known := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	for _, source := range []string{"gazette", "thick"} {
		if _, err := a.Store.EraseBody(a.Ctx, source, "a court's order"); err != nil {
			t.Fatal(err)
		}
	}
	a.finds("alpha", "")
	a.finds("alpha", fmt.Sprintf("knownAt: %q", known))
	a.finds("sign the pact", "", "We will - perhaps - sign the pact [...] if asked.")
	if n := a.Number(`SELECT count(*) FROM source_passages WHERE words <> ''`); n != 0 {
		t.Errorf("%d passages of erased texts are left", n)
	}
}

// The words of much that is said at once are kept before other writers have to wait.
func TestSearchOfMuchSaidAtOnce(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	record := func(validFrom string, texts ...string) {
		var evidence []any
		for _, text := range texts {
			evidence = append(evidence, map[string]any{"source": "rumour", "form": "REPORTED", "text": text})
		}
		a.Must(`mutation($validFrom: Time, $evidence: [NewStatementInput!]) { recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: $validFrom, newEvidence: $evidence}) {
			cursor userErrors { code message field } } }`, map[string]any{"validFrom": validFrom, "evidence": evidence})
	}
	record("2025-02-01T00:00:00Z", "One lighthouse", "Two lighthouses")
	before := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	long := strings.Repeat("waves and ", 1_900)
	record("2025-02-02T00:00:00Z", long+"a lighthouse", long+"<lighthouses>")
	for asOf, want := range map[string]int{fmt.Sprintf("knownAt: %q", before): 2, "": 4} {
		if got := a.found("lighthouse", asOf); len(got) != want {
			t.Errorf("(%s) finds %d, want %d", asOf, len(got), want)
		}
	}
	if n := a.Number(`SELECT count(*) FROM search_texts t JOIN statements s ON s.version = t.version AND s.id = t.record_id WHERE t.at < s.recorded_at AND length(s.text) > 19000`); n != 2 {
		t.Errorf("the words of %d long statements were kept before the head was taken, want 2", n)
	}
	if n := a.Number(`SELECT count(*) FROM search_texts t WHERE kind = 'STATEMENT' AND NOT EXISTS (SELECT FROM statements s WHERE s.version = t.version)`); n != 0 {
		t.Errorf("%d versions are kept of no statement", n)
	}
}

// Of very long texts, which take time while others wait, the beginning is kept.
func TestSearchOfVeryLongPositions(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	conditions := make([]string, 100)
	for i := range conditions {
		conditions[i] = strings.Repeat("㌀ ", 900) + fmt.Sprint("word", i)
	}
	a.Must(`mutation($c: [String!]!) { recordPosition(input: {holder: "south", scenario: "talks/line", stance: SUPPORTS, rationale: "Sesame.", conditions: $c}) { userErrors { code message field } } }`, map[string]any{"c": conditions})
	position := a.Must(`{ positions { nodes { label } } }`).Text("positions.nodes.0.label")
	a.finds("sesame word2", "", position)
	a.finds("word99", "")
}

func TestSearchTakesTheSameStatements(t *testing.T) {
	t.Parallel()
	small, large := withTalks(t), withTalks(t)
	small.bigger(2, 2)
	large.bigger(20, 5)
	for document, want := range map[string]int64{
		`{ search(text: "said so", first: 500) { rank snippet } }`: 1,
		// the kinds of the nodes, and the one kind
		`{ search(text: "said so", first: 500) { node { id label ... on Statement { source { title } } } } }`:                              3,
		`{ search(text: "plan", first: 500) { node { label ... on Scenario { title positions { nodes { stance holder { name } } } } } } }`: 4,
		`{ search(text: "nothing such") { node { label } } }`:                                                                              1,
	} {
		if few, many := small.Statements(document), large.Statements(document); few != want || many != want {
			t.Errorf("%s takes %d statements for a few rows and %d for many, want %d", document, few, many, want)
		}
	}
}

// What was on record before search came is found like what is recorded now.
func TestSearchOfOlderRecords(t *testing.T) {
	t.Parallel()
	a := withEveryPlace(t)
	kept := func() (rows []string) {
		db := a.DB()
		defer db.Close()
		if err := db.Select(&rows,
			`SELECT to_jsonb(t)::text AS row FROM search_texts t UNION ALL SELECT to_jsonb(t)::text FROM source_passages t ORDER BY row`); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	before := kept()
	a.SQL(`DROP TABLE search_texts, source_passages CASCADE`)
	a.SQL(`DROP FUNCTION words, search_vector, columns_of, context_of, keep_search_text, search_in, names_alike, passages, keep_passages CASCADE`)
	a.SQL(`DELETE FROM goose_db_version WHERE version_id IN (9, 10, 18)`)
	db := a.DB()
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db.DB, os.DirFS("../../../storage/migrations"),
		goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, kept()); diff != "" || len(before) < 20 {
		t.Errorf("of %d rows (-recorded +migrated):\n%s", len(before), diff)
	}
}
