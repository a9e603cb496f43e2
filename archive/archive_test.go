package archive_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/parley"
	"example.org/parley/archive"
	"example.org/parley/dataset"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/storage"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, func(ctx context.Context, dsn string) error {
		return storage.Migrate(ctx, storage.Options{DSN: dsn})
	})
}

// as returns a context of an analyst.
func as(t testing.TB, store *storage.Store) context.Context {
	t.Helper()
	analyst, err := store.Introduce(t.Context(), "Test analyst")
	if err != nil {
		t.Fatal(err)
	}
	return parley.WithCaller(t.Context(), analyst)
}

func open(t testing.TB) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(),
		storage.Options{DSN: pgtest.Database(t), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func load(t testing.TB, store *storage.Store, text string) {
	t.Helper()
	set, err := dataset.Read("set.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dataset.Import(as(t, store), store, set, nil); err != nil {
		t.Fatal(err)
	}
}

func find(t testing.TB, store *storage.Store, validAt, knownAt string) *archive.Subject {
	t.Helper()
	var asOf parley.AsOf
	for text, into := range map[string]**parley.Instant{validAt: &asOf.ValidAt, knownAt: &asOf.KnownAt} {
		if text == "" {
			continue
		}
		at, err := parley.ParseInstant(text)
		if err != nil {
			t.Fatal(err)
		}
		*into = &at
	}
	subject, err := archive.Find(t.Context(), store, "talks", &asOf)
	if err != nil {
		t.Fatal(err)
	}
	return subject
}

func export(t testing.TB, store *storage.Store) string {
	t.Helper()
	var text bytes.Buffer
	if err := find(t, store, "", "").JSON(t.Context(), &text, nil); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

const talks = `dataset: talks
recordedAt: 2025-03-01
stakeholders:
  - {key: north, name: North, kind: STATE}
  - {key: south, name: South, kind: STATE}
sources:
  - {key: gazette, title: The Gazette, body: "North said: “We will sign.”"}
  - {key: rumour, title: A rumour}
statements:
  - {key: s1, source: gazette, speaker: north, form: DIRECT_QUOTE, text: We will sign., about: [talks/line]}
  - {key: s2, source: rumour, form: REPORTED, text: They will not}
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses:
              - {to: PROPOSED, effectiveAt: 2025-01-01}
              - {to: STALLED, effectiveAt: 2025-02-01, reason: a quarrel}
            positions:
              - {key: p1, holder: north, stance: SUPPORTS, validFrom: 2025-01-02, evidence: [s1]}
              - {key: p2, holder: north, stance: OPPOSES, validFrom: 2025-01-09, salience: 40, evidence: [s2]}
      - {key: other, title: Another}
    participations: [{stakeholder: south, role: OBSERVER}]
`

// A foreign or damaged archive is refused with a message that names the line, and nothing is imported.
func TestRefusals(t *testing.T) {
	t.Parallel()
	origin, copied := open(t), open(t)
	load(t, origin, talks)
	load(t, origin, "dataset: talks\nrecordedAt: 2025-03-02\nnegotiations: [{key: talks, title: The talks}]\n")
	text := export(t, origin)
	first := func(pattern string) string {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("the archive has no %s", pattern)
		}
		return found[len(found)-1]
	}
	// in replaces text in the first line of a section that matches.
	in := func(section, line, old, replacement string) string {
		t.Helper()
		at := strings.Index(text, "\""+section+"\": [\n")
		begins := regexp.MustCompile(line).FindStringIndex(text[max(at, 0):])
		if at < 0 || begins == nil {
			t.Fatalf("the archive has no %s in %s", line, section)
		}
		from := at + strings.LastIndex(text[at:at+begins[1]], "\n{")
		to := from + 1 + strings.Index(text[from+1:], "\n")
		changed := regexp.MustCompile(old).ReplaceAllString(text[from:to], replacement)
		if changed == text[from:to] {
			t.Fatalf("%s is not in %s", old, changed)
		}
		return text[:from] + changed + text[to:]
	}
	south, strange := first(
		`"id":"([^"]*)","kind":"STAKEHOLDER","path":"south"`), "01a2137a-0000-7000-8000-000000000000"
	for _, tt := range []struct{ name, text, says string }{
		{
			"another format",
			strings.Replace(text, `{"parleyArchive": 1`, `{"parleyArchive": 2`, 1),
			":1: The archive has format 2",
		},
		{
			"an unknown format",
			strings.Replace(text, `{"parleyArchive": 1`, `{"parleyArchive": "x"`, 1),
			`:1: The archive has format "x"`,
		},
		{
			"a key of another type",
			strings.Replace(text, `"negotiation": "talks"`, `"negotiation": 1`, 1),
			":1: negotiation has a value of another type",
		},
		{"no instant", strings.Replace(text, `"knownAt": "2025`, `"knownAt": "25`, 1), ":1: knownAt: "},
		{
			"the future",
			strings.Replace(text, `"knownAt": "2025`, `"knownAt": "9025`, 1),
			"knownAt 9025-03-02T00:00:00.000000Z lies in the future",
		},
		{
			"no negotiation",
			strings.Replace(text, `"negotiation"`, `"talks"`, 1),
			":1: This is talks, but an archive has negotiation here",
		},
		{"cut off", text[:len(text)/2], "The archive is incomplete"},
		{"without its end", strings.TrimSuffix(text, "}\n"), "The archive is incomplete"},
		{"more after the end", text + "{}", "goes on after the end"},
		{"no JSON", strings.Replace(text, `{"id"`, `{id`, 1), ":3: This is not JSON"},
		{
			"a row that is none",
			strings.Replace(text, "\"records\": [\n", "\"records\": [\n7,\n", 1),
			":3: A row is written as fields and values",
		},
		{
			"an unknown section",
			strings.Replace(text, `"records"`, `"recordings"`, 1),
			`:3: An archive has no section "recordings"`,
		},
		{
			"sections out of order",
			strings.TrimSuffix(text, "}\n") + ",\"records\": [{}]}",
			"The section records stands behind changes",
		},
		{"an empty row", strings.Replace(text, "\"records\": [\n", "\"records\": [\n{},\n", 1), ":3: The row lacks id"},
		{
			"an unknown field",
			in("records", `"path":"south"`, `"path"`, `"trail"`),
			`A row of records has no field "trail"`,
		},
		{"a missing field", in("positions", `"stance":"SUPPORTS"`, `"stance":"SUPPORTS",`, ``), "The row lacks stance"},
		{
			"a word that is none",
			in("positions", `"stance":"SUPPORTS"`, `"SUPPORTS"`, `"LIKES"`),
			`stance: "LIKES" is not one of STRONGLY_OPPOSES`,
		},
		{
			"an id that is none",
			in("positions", `"stance":"SUPPORTS"`, `"holderId":"[^"]*"`, `"holderId":"north"`),
			`holderId: "north" is not an id`,
		},
		{
			"a flag that is none",
			in("positions", `"stance":"SUPPORTS"`, `"redLine":false`, `"redLine":"false"`),
			`redLine: "false" is not true or false`,
		},
		{
			"a number that is none",
			in("positions", `"salience"`, `"salience":40`, `"salience":"40"`),
			`salience: "40" is not a whole number`,
		},
		{
			"a number too large",
			in("positions", `"salience"`, `"salience":40`, `"salience":99999999999999999999`),
			`salience: 99999999999999999999 is not a whole number of at most 16 bits`,
		},
		{
			"a number out of bounds",
			in("positions", `"salience"`, `"salience":40`, `"salience":400`),
			`salience_is_a_percentage`,
		},
		{
			"a text that is none",
			in("negotiations", `"Talks"`, `"title":"Talks"`, `"title":["Talks"]`),
			`title: ["Talks"] is not a text`,
		},
		{
			"a text with NUL",
			in("negotiations", `"Talks"`, `"title":"Talks"`, `"title":"Talks\u0000"`),
			`is not a text without NUL`,
		},
		{
			"a list that is none",
			in("positions", `"stance":"SUPPORTS"`, `"conditions":\[\]`, `"conditions":"none"`),
			`conditions: "none" is not a list`,
		},
		{
			"an instant that is none",
			in("positions", `"stance":"SUPPORTS"`, `"validFrom":"2025-01-02T00:00:00.000000Z"`,
				`"validFrom":"infinity"`),
			`validFrom: "infinity" is not an instant`,
		},
		{
			"a hash that is none",
			in("clientIds", `"contentHash"`, `"contentHash":"[^"]*"`, `"contentHash":"xyz"`),
			`contentHash: "xyz" is not in hexadecimal`,
		},
		{
			"known before it was recorded",
			in("records", `"path":"south"`, `"recordedAt":"2025`, `"recordedAt":"2026`),
			"is later than the archive's knownAt",
		},
		{
			"two of an id",
			in("records", `"path":"south"`, `^\n`,
				"\n{\"id\":\""+south+"\",\"kind\":\"SOURCE\",\"recordedAt\":\"2025-03-01T00:00:00.000000Z\"},\n"),
			"The id \"" + south + "\" is on record already",
		},
		{
			"two of a key",
			in("records", `"path":"south"`, `"path":"south"`, `"path":"north"`),
			`The key "north" is in use already`,
		},
		{
			"a key that is none",
			strings.ReplaceAll(strings.ReplaceAll(text, `"talks/other"`, `"talks/Other"`), `"key":"other"`,
				`"key":"Other"`),
			"Its path is not that of a key",
		},
		{
			"a key elsewhere",
			strings.ReplaceAll(text, `"talks/other"`, `"other/other"`),
			"Its path is not that of a key",
		},
		{
			"a key that differs",
			in("issues", `"key":"other"`, `"key":"other"`, `"key":"others"`),
			"Its path or key is not that of the record",
		},
		{
			"a second negotiation",
			in("records", `"path":"south"`, `"kind":"STAKEHOLDER"`, `"kind":"NEGOTIATION"`),
			"negotiation",
		},
		{
			"nowhere",
			in("positions", `"stance":"SUPPORTS"`, `"holderId":"[^"]*"`, `"holderId":"`+strange+`"`),
			"It refers to \"" + strange + "\", which is not in the archive",
		},
		{
			"nowhere in a list",
			in("positions", `"stance":"SUPPORTS"`, `"evidence":\["[^"]*"\]`, `"evidence":["`+strange+`"]`),
			"evidence names what is not in the archive",
		},
		{
			"of another kind",
			in("positions", `"stance":"SUPPORTS"`, `"holderId":"[^"]*"`,
				`"holderId":"`+first(`"id":"([^"]*)","kind":"SOURCE"`)+`"`),
			"holderId names what is not in the archive, came later, or is of another kind",
		},
		{
			"an issue of another",
			in("positions", `"stance":"SUPPORTS"`, `"issueId":"[^"]*"`,
				`"issueId":"`+first(`"id":"([^"]*)","kind":"ISSUE","path":"talks/other"`)+`"`),
			"Its scenario belongs to another issue",
		},
		{
			"two open",
			in("negotiations", `"title":"Talks"`, `,"supersededAt":"[^"]*","closedBy":"EDITED"`, ``),
			"Another version of the same record is open",
		},
		{
			"overlapping versions",
			in("negotiations", `"title":"Talks"`, `"supersededAt":"2025-03-02T00:00:00.000000Z"`,
				`"supersededAt":"2025-03-01T12:00:00.000000Z"`),
			"Its versions do not follow one another",
		},
		{
			"closed by nothing",
			in("negotiations", `"title":"Talks"`, `,"closedBy":"EDITED"`, ``),
			"closedBy contradicts supersededAt",
		},
		{
			"retracted and open",
			in("records", `"path":"south"`, `}`, `,"retractedAt":"2025-03-02T00:00:00.000000Z"}`),
			"Its versions do not follow one another",
		},
		{
			"ends before it begins",
			in("positions", `"stance":"SUPPORTS".*"validTo"`, `"validTo":"2025`, `"validTo":"2024`),
			"position_ends_after_it_begins",
		},
		{
			"overlapping positions",
			in("positions", `"stance":"SUPPORTS".*"validTo"`, `"validTo":"2025-01-09`, `"validTo":"2025-01-10`),
			"Another position of the holder on the scenario holds at some of that time",
		},
		{
			"overlapping statuses",
			in("statusChanges", `"validTo"`, `"validTo":"2025-02-01`, `"validTo":"2025-02-02`),
			"Another status of the scenario holds at some of that time",
		},
		{
			"a gap between statuses",
			in("statusChanges", `"validTo"`, `"validTo":"2025-02-01`, `"validTo":"2025-01-31`),
			"No other status of the scenario begins where it ends",
		},
		{
			"another body",
			in("sourceBodies", `"body"`, `We will sign`, `We will not sign`),
			"a body that the contentHash is not of",
		},
		{
			"a body of nothing",
			in("sourceBodies", `"body"`, `"sourceId":"[^"]*"`, `"sourceId":"`+strange+`"`),
			": It refers to \"" + strange + "\", which is not in the archive",
		},
		{
			"a body of something else",
			in("sourceBodies", `"body"`, `"sourceId":"[^"]*"`, `"sourceId":"`+south+`"`),
			"It ",
		},
		{
			"too long a text",
			in("negotiations", `"Talks"`, `"title":"Talks"`, `"title":"`+strings.Repeat("x", 40_000)+`"`),
			"title: it has 40000 characters; at most 30600 are kept",
		},
		{
			"no body",
			in("sources", `"key":"rumour"`, `"marking"`, `"contentHash":"00","marking"`),
			"It has a contentHash and no body",
		},
		{
			"a quote that is none",
			in("statements", `"text"`, `We will sign`, `We will not sign`),
			"does not stand in the source's body",
		},
		{
			"a quote elsewhere",
			in("statements", `"text"`, `"locators":\[13`, `"locators":[12`),
			"Its locators are not where the quote stands",
		},
		{
			"changes out of order",
			in("changes", `"path"|Registered the stakeholder “South”`, `"recordedAt":"2025-03-01T00:00:00.000001Z"`,
				`"recordedAt":"2025-03-01T00:00:00.000000Z"`),
			"is not later than that of the change before",
		},
		{
			"a change of no version",
			in("changes", `“South”`, `"version":"[^"]*"`, `"version":"`+strange+`"`),
			"A change tells of a version of it that is not there",
		},
		{
			"a change of another kind",
			in("changes", `“South”`, `"subjectKind":"STAKEHOLDER"`, `"subjectKind":"SOURCE"`),
			"A change",
		},
		{
			"touches nothing",
			in("changes", `“South”`, `"touches":\["[^"]*"`, `"touches":["`+strange+`"`),
			"It refers to \"" + strange + "\", which is not in the archive",
		},
		{"no changes", text[:strings.Index(text, ",\n\"changes\"")] + "}", "The archive holds no changes"},
		{
			"too long a row",
			in("negotiations", `"Talks"`, `"title":"Talks"`, `"title":"`+strings.Repeat("x", 17<<20)+`"`),
			"A row has more than 16777216 bytes",
		},
		{
			"too long a key",
			in("records", `"path":"south"`, `"path":"south"`, `"path":"s`+longWord()+`"`),
			"The database refuses it",
		},
		{"too long a name", strings.ReplaceAll(text, `"Test analyst"`, `"`+longWord()+`"`), "recordedBy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(tt.text), nil)
			if err == nil || !strings.HasPrefix(err.Error(), "archive.json:") ||
				!strings.Contains(err.Error(), tt.says) ||
				strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v, want %q", err, tt.says)
			}
		})
	}
	if head, err := copied.Head(t.Context()); err != nil || head != 0 {
		t.Errorf("the head of the feed moved to %d (%v)", head, err)
	}
	if _, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(text), nil); err != nil {
		t.Errorf("after all that, the archive itself: %v", err)
	}
}

// longWord returns a text that compresses badly.
func longWord() string {
	var b strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&b, "%x", i*i*7919)
	}
	return b.String()
}

func TestIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"parleyArchive": 1, "knownAt"`: true, "\n {\n\t\"parleyArchive\" : 2": true,
		`{"dataset": "parleyArchive"}`: false,
		`["parleyArchive"]`:            false,
		`parleyArchive: 1`:             false,
		``:                             false,
		`{`:                            false,
	} {
		if got := archive.Is([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// read writes and reads a table. Rows map column names to values.
func read(
	t testing.TB, write func(*archive.Subject) error, subject *archive.Subject, text *bytes.Buffer,
) []map[string]string {
	t.Helper()
	if err := write(subject); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	list := make([]map[string]string, len(rows)-1)
	for i, row := range rows[1:] {
		list[i] = make(map[string]string)
		for c, name := range rows[0] {
			list[i][name] = row[c]
		}
	}
	return list
}

const awkward = `dataset: talks
recordedAt: 2025-03-01
stakeholders:
  - {key: north, name: "=cmd|' /C calc'!A0", kind: STATE}
  - {key: south, name: 'South, "the" other', kind: STATE}
sources: [{key: a, title: A, reliability: A}, {key: b, title: B, reliability: E}]
statements:
  - {key: s1, source: a, form: REPORTED, text: One, credibility: C1}
  - {key: s2, source: b, form: REPORTED, text: Two, credibility: C5}
  - {key: s3, source: a, form: REPORTED, text: Three, credibility: C5}
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: "@SUM(1+1)"
            statuses:
              - {to: PROPOSED, effectiveAt: 2025-01-01, by: [north, south], evidence: [s1, s3]}
              - {to: AGREED, effectiveAt: 2025-02-01, effectiveAtPrecision: MONTH, reason: "-1 for all\nof them"}
            positions:
              - {key: p1, holder: north, stance: OPPOSES, validFrom: 2025-01-02, validTo: 2025-01-20, salience: 4,
                 redLine: true, rationale: "+49\t“quoted”; a, b", conditions: ["=a", "b, c"], evidence: [s2]}
              - {key: p2, holder: north, stance: SUPPORTS, validFrom: 2025-01-03, contests: p1, evidence: [s1, s3]}
              - {key: p3, holder: south, stance: NEUTRAL, validFrom: 2025-01-04, confidence: LOW}
          - {key: strip, title: Žluťoučký 條約, statuses: [{to: FLOATED, effectiveAt: 2025-02-15}],
             positions: [{holder: south, stance: SUPPORTS, validFrom: 2025-01-01}]}
  - key: elsewhere
    title: Elsewhere
    issues: [{key: i, title: I, scenarios: [{key: s, title: S, statuses: [{to: FLOATED, effectiveAt: 2025-01-01}],
      positions: [{holder: south, stance: SUPPORTS, validFrom: 2025-01-01}]}]}]
`

func TestTables(t *testing.T) {
	t.Parallel()
	store := open(t)
	load(t, store, awkward)
	load(t, store,
		"dataset: talks\nrecordedAt: 2025-03-02\nnegotiations: [{key: talks, issues: [{key: border, scenarios: "+
			"[{key: line, positions: [{key: p3, holder: south, stance: OPPOSES, validFrom: 2025-01-04, note: '=A "+
			"slip'}]}]}]}]\n")
	var text bytes.Buffer
	positions := func(s *archive.Subject) error { return s.PositionsCSV(t.Context(), &text, nil) }
	statuses := func(s *archive.Subject) error { return s.StatusChangesCSV(t.Context(), &text, nil) }
	only := func(rows []map[string]string, columns ...string) (list []string) {
		for _, row := range rows {
			var values []string
			for _, c := range columns {
				value, ok := row[c]
				if !ok {
					t.Fatalf("there is no column %s", c)
				}
				values = append(values, value)
			}
			list = append(list, strings.Join(values, " | "))
		}
		return list
	}
	same := func(want, got []string) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("want (-) and got (+):\n%s", d)
		}
	}

	rows := read(t, positions, find(t, store, "2025-01-10T00:00:00Z", ""), &text)
	same([]string{
		"border | line | '@SUM(1+1) | south | South, \"the\" other | OPPOSES |  | false |  | LOW | " +
			"2025-01-04T00:00:00.000000Z | INSTANT | 0 |  | true | false | false | 0 |  |  | " +
			"2025-03-02T00:00:00.000000Z | " +
			"Test analyst | '=A slip",
		"border | line | '@SUM(1+1) | north | '=cmd|' /C calc'!A0 | SUPPORTS |  | false |  | MODERATE | " +
			"2025-01-03T00:00:00.000000Z | INSTANT | 0 |  | true | true | true | 2 | a |  | " +
			"2025-03-01T00:00:00.000017Z | " +
			"Test analyst | ",
		"border | line | '@SUM(1+1) | north | '=cmd|' /C calc'!A0 | OPPOSES | • =a\n• " +
			"b, c | true | 4 | MODERATE | 2025-01-02T00:00:00.000000Z | INSTANT | 0 | 2025-01-20T00:00:00.000000Z | " +
			"false | " +
			"true | true | 1 | b | '+49\t“quoted”; a, b | 2025-03-01T00:00:00.000016Z | Test analyst | ",
	}, only(rows, "issue", "scenario", "scenarioTitle", "holder", "holderName", "stance", "conditions", "redLine",
		"salience", "confidence", "validFrom", "validFromPrecision", "ordinal", "validTo", "prevails", "contested",
		"secondHand", "evidence", "sources", "rationale", "recordedAt", "recordedBy", "correctionNote"))
	if rows[1]["contests"] != rows[2]["id"] {
		t.Errorf("the one that contests names %q, want %q", rows[1]["contests"], rows[2]["id"])
	}
	// Before the correction; and while a scenario is on the table that was not at the earlier time.
	same([]string{"NEUTRAL", "SUPPORTS", "OPPOSES"},
		only(read(t, positions, find(t, store, "2025-01-10T00:00:00Z", "2025-03-01T12:00:00Z"), &text), "stance"))
	same([]string{"line", "line", "strip"},
		only(read(t, positions, find(t, store, "2025-02-20T00:00:00Z", ""), &text), "scenario"))

	same([]string{
		"line | '@SUM(1+1) |  | PROPOSED |  | north\n" +
			"south |  |  | 2025-01-01T00:00:00.000000Z | INSTANT | 0 | 2025-02-01T00:00:00.000000Z | 2 | a",
		"line | '@SUM(1+1) | PROPOSED | AGREED | UNDER_NEGOTIATION\nAGREED_IN_PRINCIPLE |  | '-1 for all\n" +
			"of them |  | 2025-02-01T00:00:00.000000Z | MONTH | 0 |  | 0 | ",
		"strip | Žluťoučký 條約 |  | FLOATED |  |  |  |  | 2025-02-15T00:00:00.000000Z | INSTANT | 0 |  | 0 | ",
	}, only(read(t, statuses, find(t, store, "", ""), &text), "scenario", "scenarioTitle", "from", "to", "skipped",
		"by", "reason", "successors", "effectiveAt", "effectiveAtPrecision", "ordinal", "validTo", "evidence",
		"sources"))

	if err := positions(find(t, store, "2025-01-10T00:00:00Z", "")); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text.String(), "id,version,issue,") || !strings.Contains(text.String(), ",correctionNote\r\n") ||
		!strings.HasSuffix(text.String(), "\r\n") {
		t.Errorf("its lines do not end as RFC 4180 requires: %q", text.String())
	}
}

// Lists that are longer than a page are written completely, each entry once.
func TestLongTables(t *testing.T) {
	t.Parallel()
	store := open(t)
	var set strings.Builder
	set.WriteString(
		"dataset: talks\nstakeholders: [{key: north, name: North, kind: STATE}]\n" +
			"negotiations: [{key: talks, title: Talks, issues: [{key: i, title: I, scenarios: [")
	const scenarios = parley.MaxPage + 5
	for i := range scenarios {
		fmt.Fprintf(&set,
			"{key: s%d, title: S, statuses: [{to: FLOATED, effectiveAt: 2025-01-01}], positions: [{holder: north, "+
				"stance: SUPPORTS, validFrom: 2025-01-01}]}, ",
			i)
	}
	set.WriteString("]}]}]\n")
	load(t, store, set.String())
	var text bytes.Buffer
	for _, write := range []func(*archive.Subject) error{
		func(s *archive.Subject) error { return s.PositionsCSV(t.Context(), &text, nil) },
		func(s *archive.Subject) error { return s.StatusChangesCSV(t.Context(), &text, nil) },
	} {
		seen := make(map[string]bool)
		for _, row := range read(t, write, find(t, store, "", ""), &text) {
			seen[row["scenario"]] = true
		}
		if len(seen) != scenarios {
			t.Errorf("%d scenarios are in the table, want %d", len(seen), scenarios)
		}
	}
	// So are archives, which are imported in chunks of rows.
	copied, archived, reports := open(t), export(t, store), 0
	outcome, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(archived),
		func(int) { reports++ })
	if err != nil || outcome.Negotiation != "talks" || outcome.Rows != strings.Count(archived, "\n{") || reports == 0 {
		t.Errorf("%+v, progress %d times: %v", outcome, reports, err)
	}
	if again := export(t, copied); again != archived {
		t.Error("the second export differs from the first")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	store := open(t)
	load(t, store, talks)
	if s := find(t, store, "", ""); s.Title != "Talks" {
		t.Errorf("found %q", s.Title)
	}
	future, past := parley.LatestInstant, parley.EarliestInstant
	for _, tt := range []struct {
		ref, says string
		asOf      parley.AsOf
	}{
		{"tolks", `no negotiation is known as "tolks"`, parley.AsOf{}},
		{"talks/line", `no negotiation is known as "talks/line"`, parley.AsOf{}},
		{"north", `no negotiation is known as "north"`, parley.AsOf{}},
		{"talks", `no negotiation is known as "talks" at 0001-01-01`, parley.AsOf{KnownAt: &past}},
		{"talks", "lies in the future, and nobody knows yet", parley.AsOf{KnownAt: &future}},
	} {
		if _, err := archive.Find(t.Context(), store, tt.ref, &tt.asOf); err == nil ||
			!strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.ref, err, tt.says)
		}
	}
}

// An archive holds the order within a day, and one whose days are out of order is refused.
func TestDaysInArchives(t *testing.T) {
	t.Parallel()
	origin, copied := open(t), open(t)
	load(t, origin, `
dataset: days
recordedAt: 2025-03-01
stakeholders: [{key: north, name: North, kind: STATE}]
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses:
              - {to: FLOATED, effectiveAt: 2025-02-01, effectiveAtPrecision: DAY, ordinal: 4}
              - {to: PROPOSED, effectiveAt: 2025-02-01, effectiveAtPrecision: DAY, ordinal: 5, reason: R}
            positions:
              - {holder: north, stance: SUPPORTS, validFrom: 2025-02-01, validFromPrecision: DAY, ordinal: 1}
              - {holder: north, stance: OPPOSES, validFrom: 2025-02-01, validFromPrecision: DAY, ordinal: 2}
`)
	text := export(t, origin)
	for _, tt := range []struct{ name, old, replacement, says string }{
		{"statuses at one ordinal", `"ordinal":5`, `"ordinal":4`, "has the same ordinal at the same instant"},
		{"statuses out of order", `"ordinal":5`, `"ordinal":3`, "No other status of the scenario begins where it ends"},
		{"positions at one ordinal", `"ordinal":2`, `"ordinal":1`, "has the same ordinal at the same instant"},
		{"positions out of order", `"ordinal":2`, `"ordinal":0`, "no other position of the holder on the scenario"},
		{"out of range", `"ordinal":2`, `"ordinal":100`, "An ordinal from 1 to 99 needs the precision DAY"},
		{
			"an hour", `"ordinal":5`, `"ordinal":5,"effectiveAtPrecision":"HOUR"`,
			"An ordinal from 1 to 99 needs the precision DAY",
		},
	} {
		wrong := strings.Replace(text, tt.old, tt.replacement, 1)
		_, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(wrong), nil)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
	if _, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
	if again := export(t, copied); again != text {
		t.Errorf("the copy has another archive:\n%s\nwant\n%s", again, text)
	}
}

// An archive and a table hold all successors of a scenario that split. Archives from before there could be several name
// the one, and are read as before.
func TestSuccessorsInArchives(t *testing.T) {
	t.Parallel()
	split := func(successors string) *storage.Store {
		store := open(t)
		load(t, store, `
dataset: split
recordedAt: 2025-03-01
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: The border
        scenarios:
          - key: line
            title: A line
            statuses:
              - {to: FLOATED, effectiveAt: 2025-02-01}
              - {to: SUPERSEDED, effectiveAt: 2025-02-02, reason: R, successors: `+successors+`}
          - {key: strip, title: A strip, statuses: [{to: FLOATED, effectiveAt: 2025-02-01}]}
          - {key: zone, title: A zone, statuses: [{to: FLOATED, effectiveAt: 2025-02-01}]}
`)
		return store
	}
	both, one := split("[zone, strip]"), split("[strip]")
	var table bytes.Buffer
	if err := find(t, both, "", "").StatusChangesCSV(t.Context(), &table, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), ",\"zone\nstrip\",2025-02-02") {
		t.Errorf("the table is\n%s", table.String())
	}
	copied := open(t)
	restore := func(text string) error {
		_, err := archive.Import(as(t, copied), copied, "archive.json", strings.NewReader(text), nil)
		return err
	}
	text := export(t, one)
	list := regexp.MustCompile(`"successors":\["([^"]*)"\]`)
	if n := len(list.FindAllString(text, -1)); n != 1 {
		t.Fatalf("the archive has %d lists of successors, want 1:\n%s", n, text)
	}
	for replacement, says := range map[string]string{
		`"successors":[]`:                                       "superseded_has_a_successor",
		`"successorId":"$1","successors":["$1"]`:                `has no field "successorId"`,
		`"successors":["01a2137a-0000-7000-8000-000000000000"]`: "successors names what is not in the archive",
		`"successorId":"01a2137a-0000-7000-8000-000000000000"`:  "successors names what is not in the archive",
		`"successorId":"strip"`:                                 `successors: "strip" is not an id`,
	} {
		if err := restore(list.ReplaceAllString(text, replacement)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", replacement, err, says)
		}
	}
	if err := restore(list.ReplaceAllString(text, `"successorId":"$1"`)); err != nil {
		t.Fatal(err)
	}
	if again := export(t, copied); again != text {
		t.Errorf("the copy has another archive:\n%s\nwant\n%s", again, text)
	}
	copied = open(t)
	text = export(t, both)
	if err := restore(text); err != nil {
		t.Fatal(err)
	}
	if again := export(t, copied); again != text {
		t.Errorf("the copy has another archive:\n%s\nwant\n%s", again, text)
	}
}
