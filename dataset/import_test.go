package dataset_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"example.org/parley"
	"example.org/parley/dataset"
	"example.org/parley/examples"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/storage"
)

func TestMain(m *testing.M) {
	pgtest.Main(m, func(ctx context.Context, dsn string) error {
		return storage.Migrate(ctx, storage.Options{DSN: dsn})
	})
}

// talks is a data set with facts of every kind.
const talks = `dataset: talks
stakeholders:
  - {key: north, name: North, kind: STATE, aliases: [the Northerners], countryCode: "NO"}
  - {key: south, name: South, kind: STATE}
  - {key: envoy, name: The envoy, kind: PERSON}
  - {key: league, name: The league, kind: GROUP}
affiliations:
  - {person: envoy, organization: north, office: envoy, speaksFor: true, validFrom: 2020-01-01}
memberships:
  - {member: north, group: league, speaksForMembers: true, validFrom: 2019-01-01}
sources:
  - key: gazette
    title: The Gazette
    publisher: A publisher
    reliability: B
    publishedAt: 2025-01-04
    body: |
      The envoy said: “We will – perhaps – sign   the pact, if asked.”
      Nobody else spoke.
negotiations:
  - key: talks
    title: Talks of North and South
    summary: They talk.
    stage: PRE_NEGOTIATION
    issues:
      - key: border
        title: The border
        kind: TERRITORY
        scenarios:
          - key: line
            title: A line
            statuses:
              - {to: FLOATED, effectiveAt: 2025-01-01, evidence: [s2]}
              - {to: PROPOSED, effectiveAt: 2025-01-05, reason: in writing, by: [north], evidence: [s1]}
            positions:
              - {key: north-line, holder: north, stance: SUPPORTS, validFrom: 2025-01-02,
                 rationale: It is theirs., evidence: [s1]}
              - {key: south-line, holder: south, stance: OPPOSES, validFrom: 2025-01-03,
                 salience: 70, conditions: [a vote], redLine: true}
              - {key: south-line-too, holder: south, stance: AMBIGUOUS, validFrom: 2025-01-03,
                 contests: south-line, evidence: [s2]}
          - key: strip
            title: A strip
            statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]
            assessments:
              - {probability: 30, confidence: LOW, rationale: Nobody asks for it., assessedAt: 2025-01-06}
            outcome: DID_NOT_OCCUR
            resolvedAt: 2025-02-01
            resolutionNote: The line was drawn.
    events:
      - {key: meeting, title: A meeting, kind: MEETING, state: HELD, startedAt: "2025-01-02T09:30:00+02:00",
         participants: [north, south], evidence: [s1]}
    participations:
      - {stakeholder: north, role: PRIMARY_PARTY, vetoPlayer: true, vetoIssues: [border]}
    relations:
      - {kind: MUTUALLY_EXCLUSIVE, from: line, to: strip, claimedBy: north, comment: so they say, evidence: [s1]}
statements:
  - key: s1
    source: gazette
    speaker: envoy
    form: DIRECT_QUOTE
    text: We will - perhaps - sign the pact [...] if asked.
    credibility: C2
    saidAt: 2025-01-02T10:00:00Z
    about: [talks/line]
  - {key: s2, source: gazette, form: REPORTED, text: South is against it, credibility: C4,
     saidAt: 2025-01-03, about: [south]}
`

// record is the test's own database, opened as the program opens it.
type record struct {
	t     testing.TB
	store *storage.Store
	db    *sql.DB
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

func open(t testing.TB) *record {
	t.Helper()
	dsn := pgtest.Database(t)
	store, err := storage.Open(t.Context(),
		storage.Options{DSN: dsn, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	db, err := sql.Open("postgres", dsn+" timezone=UTC")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &record{t, store, db}
}

func withTalks(t testing.TB) *record {
	t.Helper()
	r := open(t)
	r.load(talks)
	return r
}

func read(t testing.TB, text string) *dataset.Set {
	t.Helper()
	set, err := dataset.Read("set.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// load imports a data set and returns the summaries of its changes. It checks that the feed has as many changes as the
// import reports.
func (r *record) load(text string) []string {
	r.t.Helper()
	before := r.head()
	outcome, err := dataset.Import(as(r.t, r.store), r.store, read(r.t, text), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	changes, err := r.store.ChangesAfter(r.t.Context(), before, nil, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	if got := int(r.head() - before); got != outcome.Changes || got != len(changes) {
		r.t.Errorf("the import reports %d changes, the feed head moved by %d, and the feed has %d new changes",
			outcome.Changes, got, len(changes))
	}
	summaries := make([]string, len(changes))
	for i, c := range changes {
		summaries[i] = c.Summary
	}
	return summaries
}

// loads checks that an import makes changes whose summaries contain these words, in order.
func (r *record) loads(text string, want ...string) {
	r.t.Helper()
	got := r.load(text)
	same := len(got) == len(want)
	for i := 0; same && i < len(got); i++ {
		same = strings.Contains(got[i], want[i])
	}
	if !same {
		r.t.Errorf("the import changed %q, want %q", got, want)
	}
}

// refuses checks that an import is refused with these lines and leaves no trace.
func (r *record) refuses(text string, want ...string) {
	r.t.Helper()
	before := r.traces()
	_, err := dataset.Import(as(r.t, r.store), r.store, read(r.t, text), nil)
	sayLines(r.t, err, want...)
	if after := r.traces(); after != before {
		r.t.Errorf("the refused import left traces: %s before, %s after", before, after)
	}
}

func (r *record) head() int64 {
	r.t.Helper()
	head, err := r.store.Head(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return head
}

// traces counts everything that an import may write.
func (r *record) traces() string {
	r.t.Helper()
	return r.one(
		`SELECT concat_ws(' ', (SELECT seq FROM feed_head), (SELECT count(*) FROM changes),
		(SELECT count(*) FROM records),
		(SELECT count(*) FROM client_ids), (SELECT count(*) FROM positions), (SELECT count(*) FROM status_changes))`,
	)
}

// one returns the text that a query finds; "" for null.
func (r *record) one(query string, args ...any) string {
	r.t.Helper()
	var text sql.NullString
	if err := r.db.QueryRowContext(r.t.Context(), query, args...).Scan(&text); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return text.String
}

// holds compares what a query finds.
func (r *record) holds(want, query string, args ...any) {
	r.t.Helper()
	if got := r.one(query, args...); got != want {
		r.t.Errorf("found %q, want %q, by %s", got, want, query)
	}
}

// position returns the current versions of a holder's positions that begin at an instant, as text.
func (r *record) position(holder, validFrom string) string {
	r.t.Helper()
	return r.one(
		`SELECT string_agg(concat_ws(' ', p.stance, cardinality(p.evidence), p.correction_note), '; ' ORDER BY p.stance)
		FROM positions p JOIN stakeholders h ON h.id = p.holder_id AND h.superseded_at = 'infinity'
		WHERE h.key = $1 AND p.valid_from = $2 AND p.superseded_at = 'infinity'`,
		holder,
		validFrom,
	)
}

// retract retracts the record whose id a query finds.
func (r *record) retract(query string, args ...any) {
	r.t.Helper()
	input := parley.RetractInput{ID: r.one(query, args...), Note: "It never was."}
	if _, err := r.store.Retract(as(r.t, r.store), input); err != nil {
		r.t.Fatal(err)
	}
}

// edited returns talks with some parts replaced. Each part has to occur once.
func edited(t testing.TB, pairs ...string) string {
	t.Helper()
	text := talks
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			t.Fatalf("%q occurs %d times in talks", pairs[i], strings.Count(text, pairs[i]))
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// lineOf returns the number of the line that contains a text.
func lineOf(t testing.TB, text, part string) int {
	t.Helper()
	before, _, found := strings.Cut(text, part)
	if !found {
		t.Fatalf("%q is not in the text", part)
	}
	return 1 + strings.Count(before, "\n")
}

// sayLines checks the lines of an error. Each begins with the first of the parts that " … " separates, and contains the
// others.
func sayLines(t testing.TB, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	got := strings.Split(err.Error(), "\n")
	if len(got) != len(want) {
		t.Fatalf("got\n%s\nwant %d lines: %q", err, len(want), want)
	}
	for i := range want {
		for n, part := range strings.Split(want[i], " … ") {
			if n == 0 && !strings.HasPrefix(got[i], part) || !strings.Contains(got[i], part) {
				t.Errorf("%q does not say %q", got[i], part)
			}
		}
	}
}

func TestImportStatesEverything(t *testing.T) {
	t.Parallel()
	r := open(t)
	set := read(t, talks)
	var progress []int
	outcome, err := dataset.Import(as(t, r.store), r.store, set, func(done int) { progress = append(progress, done) })
	if err != nil {
		t.Fatal(err)
	}
	// Each fact is one change. A scenario's first status is recorded with the scenario. The evidence of a first status
	// or of an event is a change of its own.
	if outcome.Facts != set.Facts() || outcome.Changes != int(r.head()) || outcome.Changes != 24 || len(progress) > 0 {
		t.Errorf("%d facts (%d in the set), %d changes (%d in the feed); progress %v", outcome.Facts, set.Facts(),
			outcome.Changes, r.head(), progress)
	}
	for kind, want := range map[parley.Kind]string{
		parley.KindStakeholder: "4", parley.KindAffiliation: "1", parley.KindMembership: "1", parley.KindSource: "1",
		parley.KindNegotiation: "1", parley.KindIssue: "1",
		parley.KindScenario: "2", parley.KindStatusChange: "3", parley.KindPosition: "3", parley.KindEvent: "1",
		parley.KindParticipation: "1", parley.KindRelation: "1", parley.KindStatement: "2", parley.KindAssessment: "1",
	} {
		r.holds(want, `SELECT count(*) FROM records WHERE kind = $1`, kind)
	}
	r.holds("North|STATE|{\"the Northerners\"}|NO",
		`SELECT concat_ws('|', name, kind, aliases, country_code) FROM stakeholders WHERE key = 'north'`)
	r.holds("envoy|t|2020-01-01 00:00:00+00",
		`SELECT concat_ws('|', office, speaks_for, valid_from, valid_to) FROM affiliations`)
	r.holds("t|2019-01-01 00:00:00+00",
		`SELECT concat_ws('|', speaks_for_members, valid_from, valid_to) FROM memberships`)
	r.holds("The Gazette|A publisher|2025-01-04 00:00:00+00|B|TLP_CLEAR",
		`SELECT concat_ws('|', title, publisher, published_at, reliability, marking) FROM sources`)
	r.holds("The envoy said: “We will – perhaps – sign   the pact, if asked.”\nNobody else spoke.\n",
		`SELECT body FROM source_bodies`)
	r.holds("talks|Talks of North and South|They talk.|PRE_NEGOTIATION",
		`SELECT concat_ws('|', path, title, summary, stage) FROM negotiations`)
	r.holds("talks/border|The border|TERRITORY|f", `SELECT concat_ws('|', path, title, kind, exhaustive) FROM issues`)
	r.holds(
		"FLOATED 1, PROPOSED 1 in writing",
		`SELECT string_agg(concat_ws(' ', to_status, cardinality(evidence), reason), ', ' ORDER BY effective_at)
		FROM status_changes WHERE superseded_at = 'infinity'
		AND scenario_id = (SELECT id FROM scenarios WHERE key = 'line')`,
	)
	r.holds(
		"MEETING HELD 2025-01-02 07:30:00+00 2 1",
		`SELECT concat_ws(' ', kind, state, started_at, cardinality(participants), cardinality(evidence))
		FROM events WHERE superseded_at = 'infinity'`,
	)
	r.holds("PRIMARY_PARTY t 1",
		`SELECT concat_ws(' ', role, veto_player, cardinality(veto_issues)) FROM participations`)
	r.holds("MUTUALLY_EXCLUSIVE|so they say|1|t",
		`SELECT concat_ws('|', kind, note, cardinality(evidence), claimed_by IS NOT NULL) FROM relations`)
	r.holds(
		"DIRECT_QUOTE ON_RECORD C2 2025-01-02 10:00:00+00 4 1",
		`SELECT concat_ws(' ', form, terms, credibility, said_at, cardinality(locators), cardinality(about))
		FROM statements WHERE speakers <> '{}'`,
	)
	r.holds(
		"OPPOSES t 70 {\"a vote\"} MODERATE 2025-01-03 00:00:00+00 INSTANT",
		`SELECT concat_ws(' ', stance, red_line, salience, conditions, confidence, valid_from, valid_from_precision)
		FROM positions WHERE stance = 'OPPOSES' AND superseded_at = 'infinity'`,
	)
	r.holds("30 LOW 2025-01-06 00:00:00+00 Nobody asks for it.",
		`SELECT concat_ws(' ', probability, confidence, assessed_at, rationale) FROM assessments`)
	r.holds(
		"DID_NOT_OCCUR 2025-02-01 00:00:00+00 The line was drawn.",
		`SELECT concat_ws(' ', outcome, resolved_at, resolution_note)
		FROM scenarios WHERE key = 'strip' AND superseded_at = 'infinity'`,
	)
	r.holds("t t",
		`SELECT concat_ws(' ', contests IS NOT NULL, disputed) FROM positions WHERE stance = 'AMBIGUOUS' `+
			`AND superseded_at = 'infinity'`)
}

func TestImportTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	r := withTalks(t)
	before := r.traces()
	r.loads(talks)
	r.loads(talks)
	if after := r.traces(); after != before {
		t.Errorf("another import left traces: %s before, %s after", before, after)
	}
}

func TestImportExamples(t *testing.T) {
	t.Parallel()
	for name, example := range map[string][]examples.DataSet{"demo": examples.Demo(), "Iran": examples.Iran()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			importTwice(t, example)
		})
	}
}

// importTwice imports each file twice; the second time changes nothing.
func importTwice(t *testing.T, files []examples.DataSet) {
	r := open(t)
	for _, example := range files {
		for _, again := range []bool{false, true} {
			set, err := dataset.Read(example.Name, example.Text)
			if err != nil {
				t.Fatal(err)
			}
			outcome, err := dataset.Import(as(t, r.store), r.store, set, nil)
			if err != nil {
				t.Fatal(err)
			}
			if again != (outcome.Changes == 0) {
				t.Errorf("%s (again: %v): %+v", example.Name, again, outcome)
			}
		}
	}
}

func TestImportJSON(t *testing.T) {
	t.Parallel()
	var content any
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(talks, ": 20", ": !!str 20")), &content); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(content, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	r := withTalks(t)
	r.loads(string(text)) // the JSON states the same facts
	// Escapes that JSON has and YAML has not; and keys after the facts that refer to them.
	title := `"title": "Talks of North and South"`
	if strings.Count(string(text), title) != 1 {
		t.Fatalf("%s is not in\n%s", title, text)
	}
	r.loads(strings.Replace(string(text), title, `"title": "North\/South \ud83d\ude00 \u00e9 \\ud83d"`, 1), "title")
	r.holds(`North/South 😀 é \ud83d`, `SELECT title FROM negotiations WHERE superseded_at = 'infinity'`)
}

func TestEditedFile(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]struct {
		pairs   []string // each part and its replacement
		changes []string // their summaries contain these
		finds   string
		query   string
	}{
		"a title": {
			[]string{"title: A line", "title: The line"}, []string{"title"},
			"The line A strip",
			`SELECT string_agg(title, ' ' ORDER BY key) FROM scenarios WHERE superseded_at = 'infinity'`,
		},
		"a stance, with a note": {
			[]string{"stance: OPPOSES", "note: Misheard., stance: NEUTRAL"},
			[]string{"Corrected a position: South is “neutral”"},
			"NEUTRAL 2025-01-03 00:00:00+00 70 Misheard. CORRECTED",
			`SELECT concat_ws(' ', p.stance, p.valid_from, p.salience, p.correction_note, was.closed_by)
				FROM positions p JOIN positions was ON was.id = p.id AND was.superseded_at < 'infinity'
				AND was.stance = 'OPPOSES' AND was.closed_by <> 'RECUT'
				WHERE p.superseded_at = 'infinity'`,
		},
		"a stance, without a note": {
			[]string{"stance: AMBIGUOUS", "stance: SUPPORTS"}, []string{"Corrected a position"},
			"A later version of the data set says otherwise.",
			`SELECT correction_note FROM positions WHERE superseded_at = 'infinity' AND stance = 'SUPPORTS' ` +
				`AND contests IS NOT NULL`,
		},
		"when a position begins": {
			[]string{"validFrom: 2025-01-02,", "validFrom: 2025-01-02T12:00:00Z,"}, []string{"Corrected a position"},
			"2025-01-02 12:00:00+00",
			`SELECT valid_from::text FROM positions WHERE superseded_at = 'infinity' AND stance = 'SUPPORTS'`,
		},
		"a new position": {
			[]string{
				"              - {key: south-line,",
				"              - {holder: south, stance: NEUTRAL, validFrom: 2025-02-01}\n" +
					"              - {key: south-line,",
			},
			[]string{"South is recorded as “neutral”"},
			"NEUTRAL 2025-02-01 00:00:00+00",
			`SELECT concat_ws(' ', stance, valid_from) FROM positions WHERE superseded_at = 'infinity' ` +
				`AND valid_from > '2025-01-31' `,
		},
		"a new position, for one party": {
			[]string{
				"              - {key: south-line,",
				"              - {holder: envoy, saidFor: [north], stance: NEUTRAL, validFrom: 2025-02-01}\n" +
					"              - {key: south-line,",
			},
			[]string{"The envoy is recorded as “neutral”"},
			"North",
			`SELECT string_agg(s.name, ' ') FROM positions p JOIN stakeholders s ON s.id = ANY (p.said_for)
				WHERE p.superseded_at = 'infinity'`,
		},
		"a position that was said in private": {
			[]string{"rationale: It is theirs.,", "rationale: It is theirs., saidFor: [],"},
			[]string{"Corrected a position"},
			"SUPPORTS {}",
			`SELECT concat_ws(' ', stance, said_for) FROM positions WHERE superseded_at = 'infinity' ` +
				`AND said_for IS NOT NULL`,
		},
		"a new status": {
			[]string{
				"            positions:",
				"              - {to: UNDER_NEGOTIATION, effectiveAt: 2025-01-09, reason: they met}\n" +
					"            positions:",
			},
			[]string{"moved from proposed to under negotiation"},
			"FLOATED PROPOSED UNDER_NEGOTIATION",
			`SELECT string_agg(to_status::text, ' ' ORDER BY effective_at) FROM status_changes
				WHERE superseded_at = 'infinity' AND scenario_id = (SELECT id FROM scenarios WHERE key = 'line')`,
		},
		"another first status": {
			[]string{
				"{to: FLOATED, effectiveAt: 2025-01-01, evidence: [s2]}", "{to: WITHDRAWN, effectiveAt: 2025-01-01}",
			},
			[]string{"Corrected a status change"},
			"WITHDRAWN 1 RECUT",
			`SELECT concat_ws(' ', c.to_status, cardinality(c.evidence),
				(SELECT string_agg(closed_by::text, ' ') FROM status_changes
					WHERE to_status = 'PROPOSED' AND closed_by IS NOT NULL))
				FROM status_changes c WHERE superseded_at = 'infinity' AND c.to_status = 'WITHDRAWN'`,
		},
		"why a status was taken": {
			[]string{"reason: in writing", "reason: in a letter"}, []string{"Corrected a status change"},
			"in a letter 1",
			`SELECT concat_ws(' ', reason, cardinality(evidence)) FROM status_changes ` +
				`WHERE superseded_at = 'infinity' AND to_status = 'PROPOSED'`,
		},
		"more evidence": {
			[]string{"rationale: It is theirs., evidence: [s1]", "rationale: It is theirs., evidence: [s1, s2]"},
			[]string{"Added evidence"},
			"2", `SELECT cardinality(evidence) FROM positions WHERE superseded_at = 'infinity' AND stance = 'SUPPORTS'`,
		},
		"less evidence": {
			[]string{"contests: south-line, evidence: [s2]", "contests: south-line"}, nil,
			"1",
			`SELECT cardinality(evidence) FROM positions WHERE superseded_at = 'infinity' AND stance = 'AMBIGUOUS'`,
		},
		"a statement's words": {
			[]string{"text: South is against it", "text: South is not for it"}, []string{"text"},
			"South is not for it", `SELECT text FROM statements WHERE superseded_at = 'infinity' AND form = 'REPORTED'`,
		},
		"an event": {
			[]string{"title: A meeting", "title: The meeting, location: Oslo"}, []string{"title, location"},
			"The meeting Oslo 1",
			`SELECT concat_ws(' ', title, location, cardinality(evidence)) FROM events ` +
				`WHERE superseded_at = 'infinity'`,
		},
		"a later assessment": {
			[]string{
				"            outcome: ",
				"              - {probability: 5, rationale: It is drawn., assessedAt: 2025-01-20}\n" +
					"            outcome: ",
			},
			[]string{"“A strip” is assessed as very unlikely (5 percent)."},
			"30 LOW, 5 MODERATE",
			`SELECT string_agg(concat_ws(' ', probability, confidence), ', ' ORDER BY assessed_at) FROM assessments`,
		},
		"an affiliation that ended": {
			[]string{"validFrom: 2020-01-01}", "validFrom: 2020-01-01, validTo: 2025-03-01}"},
			[]string{"Edited the affiliation of The envoy and North: validTo."},
			"2025-03-01 00:00:00+00", `SELECT valid_to::text FROM affiliations WHERE superseded_at = 'infinity'`,
		},
		"an affiliation that was wrong": {
			[]string{
				"office: envoy, speaksFor: true, validFrom: 2020-01-01}",
				"office: envoy, speaksFor: false, validFrom: 2021-01-01, validTo: 2025-03-01, note: A slip.}",
			},
			[]string{"Corrected the affiliation of The envoy and North: speaksFor, validFrom, validTo."},
			"f 2021-01-01 00:00:00+00 2025-03-01 00:00:00+00 A slip.",
			`SELECT concat_ws(' ', speaks_for, valid_from, valid_to, correction_note) FROM affiliations
				WHERE superseded_at = 'infinity'`,
		},
		"a membership that ended": {
			[]string{"validFrom: 2019-01-01}", "validFrom: 2019-01-01, validTo: 2025-03-01}"},
			[]string{"Edited the membership of North and The league: validTo."},
			"2025-03-01 00:00:00+00", `SELECT valid_to::text FROM memberships WHERE superseded_at = 'infinity'`,
		},
		"a membership that was wrong": {
			[]string{"speaksForMembers: true, validFrom: 2019-01-01}", "speaksForMembers: false}"},
			[]string{"Corrected the membership of North and The league: speaksForMembers."},
			"f 2019-01-01 00:00:00+00 A later version of the data set says otherwise.",
			`SELECT concat_ws(' ', speaks_for_members, valid_from, correction_note) FROM memberships
				WHERE superseded_at = 'infinity'`,
		},
		"a participation": {
			[]string{"vetoPlayer: true, vetoIssues: [border]", "vetoPlayer: false, vetoIssues: []"},
			[]string{"vetoPlayer, vetoIssues"},
			"f {}",
			`SELECT concat_ws(' ', veto_player, veto_issues) FROM participations WHERE superseded_at = 'infinity'`,
		},
		"something left out": {
			[]string{
				"    summary: They talk.\n",
				"",
				"salience: 70, conditions: [a vote], ", "",
				", countryCode: \"NO\"",
				"",
				"    publisher: A publisher\n",
				"",
			},
			nil,
			"They talk. 70 {\"a vote\"} NO A publisher",
			`SELECT concat_ws(' ', n.summary, p.salience, p.conditions, s.country_code, o.publisher)
				FROM negotiations n, positions p, stakeholders s, sources o
				WHERE p.stance = 'OPPOSES' AND p.superseded_at = 'infinity' AND s.key = 'north'`,
		},
		"something cleared": {
			[]string{
				"summary: They talk.", "summary: null",
				"salience: 70", "salience: ~",
				"conditions: [a vote]", "conditions: null",
				"aliases: [the Northerners]", "aliases: []",
				"publisher: A publisher", "publisher:",
			},
			[]string{"aliases", "publisher", "summary", "Corrected a position"},
			"{} {}", `SELECT concat_ws(' ', n.summary, p.salience, p.conditions, s.aliases, o.publisher)
				FROM negotiations n, positions p, stakeholders s, sources o
				WHERE n.superseded_at = 'infinity' AND p.stance = 'OPPOSES' AND p.superseded_at = 'infinity'
				AND s.key = 'north' AND s.superseded_at = 'infinity' AND o.superseded_at = 'infinity'`,
		},
		"items removed": {
			[]string{
				"  - {key: south, name: South, kind: STATE}\n", "",
				"              - {key: north-line, holder: north, stance: SUPPORTS, validFrom: 2025-01-02,\n" +
					"                 rationale: It is theirs., evidence: [s1]}\n",
				"",
				"      - {stakeholder: north, role: PRIMARY_PARTY, vetoPlayer: true, vetoIssues: [border]}\n", "",
			}, nil,
			"4 3 1",
			`SELECT concat_ws(' ', (SELECT count(*) FROM stakeholders), (SELECT count(*) FROM positions ` +
				`WHERE superseded_at = 'infinity'), (SELECT count(*) FROM participations))`,
		},
		"facts in another order": {
			[]string{
				"  - {key: south, name: South, kind: STATE}\n  - {key: envoy, name: The envoy, kind: PERSON}\n",
				"  - {key: envoy, name: The envoy, kind: PERSON}\n  - {key: south, name: South, kind: STATE}\n",
			},
			nil,
			"4", `SELECT count(*) FROM stakeholders`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := withTalks(t)
			text := edited(t, edit.pairs...)
			r.loads(text, edit.changes...)
			r.holds(edit.finds, edit.query)
			r.loads(text) // changes nothing more
		})
	}
}

func TestImportEditsRecordsOfOthers(t *testing.T) {
	t.Parallel()
	r := open(t)
	_, err := r.store.RegisterStakeholder(as(t, r.store),
		parley.RegisterStakeholderInput{Key: "north", Name: "The North", Kind: "STATE"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.load(talks); !strings.Contains(got[0], "Edited") {
		t.Errorf("the first change is %q, want an edit of the stakeholder that is on record", got[0])
	}
	r.holds("North", `SELECT name FROM stakeholders WHERE key = 'north' AND superseded_at = 'infinity'`)
	r.loads(talks)
	// The next import undoes an analyst's edit, since the file still says otherwise. It keeps what another data set
	// added.
	other := "dataset: more\nstakeholders:\n  - {key: north, countryCode: SE}\n"
	r.loads(other, "countryCode")
	r.loads(talks, "countryCode")
}

func TestRetractedStaysRetracted(t *testing.T) {
	t.Parallel()
	r := withTalks(t)
	// A position, and the only statement that supports it.
	r.retract(`SELECT id FROM positions WHERE stance = 'AMBIGUOUS' AND superseded_at = 'infinity'`)
	r.loads(talks)
	// A position that another contests: the other prevails after the retraction, but still names it in the file.
	more := edited(t, "              - {key: south-line-too,",
		"              - {key: more, holder: north, stance: NEUTRAL, validFrom: 2025-01-02, contests: north-line}\n"+
			"              - {key: south-line-too,")
	r.loads(more, "North is also said to be")
	r.retract(`SELECT id FROM positions WHERE stance = 'SUPPORTS' AND superseded_at = 'infinity'`)
	r.loads(more)
	r.holds("NEUTRAL OPPOSES",
		`SELECT string_agg(stance::text, ' ' ORDER BY stance::text) FROM positions WHERE superseded_at = 'infinity'`)
	// A status other than the first.
	r.retract(`SELECT id FROM status_changes WHERE to_status = 'PROPOSED' AND superseded_at = 'infinity'`)
	r.loads(more)
	// The remaining records, one by one.
	for _, query := range []string{
		`SELECT id FROM relations WHERE superseded_at = 'infinity'`,
		`SELECT id FROM events WHERE superseded_at = 'infinity'`,
		`SELECT id FROM statements WHERE form = 'DIRECT_QUOTE' AND superseded_at = 'infinity'`,
		`SELECT id FROM affiliations WHERE superseded_at = 'infinity'`,
		`SELECT id FROM memberships WHERE superseded_at = 'infinity'`,
		`SELECT id FROM participations WHERE superseded_at = 'infinity'`,
		`SELECT id FROM stakeholders WHERE key = 'envoy' AND superseded_at = 'infinity'`,
		`SELECT id FROM assessments WHERE superseded_at = 'infinity'`,
		`SELECT id FROM scenarios WHERE key = 'strip' AND superseded_at = 'infinity'`,
		`SELECT id FROM positions WHERE superseded_at = 'infinity' LIMIT 1`,
		`SELECT id FROM positions WHERE superseded_at = 'infinity' LIMIT 1`,
		`SELECT id FROM scenarios WHERE key = 'line' AND superseded_at = 'infinity'`,
		`SELECT id FROM statements WHERE superseded_at = 'infinity'`,
		`SELECT id FROM sources WHERE superseded_at = 'infinity'`,
		`SELECT id FROM issues WHERE superseded_at = 'infinity'`,
		`SELECT id FROM negotiations WHERE superseded_at = 'infinity'`,
	} {
		r.retract(query)
		r.loads(more)
	}
	// A new fact can't rest on a retracted record.
	text := edited(t, "rationale: It is theirs., evidence: [s1]", "rationale: It is theirs.",
		"statements:\n", "statements:\n  - {key: s3, source: gazette, form: REPORTED, text: More of it}\n")
	r.refuses(text, fmt.Sprintf("set.yaml:%d: \"gazette\" was retracted", lineOf(t, text, "key: s3")))
}

func TestNewFactOnRetractedEvidence(t *testing.T) {
	t.Parallel()
	r := open(t)
	first := edited(t, "effectiveAt: 2025-01-01, evidence: [s2]", "effectiveAt: 2025-01-01")
	r.load(first)
	r.retract(`SELECT id FROM positions WHERE stance = 'AMBIGUOUS' AND superseded_at = 'infinity'`)
	r.retract(`SELECT id FROM statements WHERE form = 'REPORTED' AND superseded_at = 'infinity'`)
	r.loads(first)
	text := strings.Replace(first, "              - {key: south-line-too,",
		"              - {holder: north, stance: NEUTRAL, validFrom: 2025-02-01,\n                 evidence: [s2]}\n"+
			"              - {key: south-line-too,",
		1)
	r.refuses(text, fmt.Sprintf("set.yaml:%d: … \"s2\" was retracted … leave it out",
		lineOf(t, text, "                 evidence: [s2]")))
}

func TestASourceBodyCannotChange(t *testing.T) {
	t.Parallel()
	r := withTalks(t)
	text := edited(t, "Nobody else spoke.", "Somebody else spoke.")
	r.refuses(text,
		fmt.Sprintf("set.yaml:%d: … has another body on record … register the new text as another source",
			lineOf(t, text, "body: |")))
	// A missing body changes nothing.
	r.loads("dataset: talks\nsources:\n  - {key: gazette}\n")
	// A source without a body can get one later.
	r.loads("dataset: talks\nsources:\n  - {key: rumour, title: A rumour}\n", "rumour")
	r.loads("dataset: talks\nsources:\n  - {key: rumour,\n     body: Psst}\n", "rumour")
	r.refuses("dataset: talks\nsources:\n  - {key: rumour,\n     body: Pst}\n", `set.yaml:4: … another body`)
}

func TestRefusedByARule(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]struct {
		pairs []string // replacements; the first one is at fault
		say   string
	}{
		"a move that is not allowed": {
			[]string{"{to: PROPOSED,", "{to: COLLAPSED,"},
			"From FLOATED a scenario can't become COLLAPSED",
		},
		"an unknown key of evidence": {
			[]string{"rationale: It is theirs., evidence: [s1]", "rationale: It is theirs., evidence: [s1, s9]"},
			`Nothing in the data set is called "s9"; give the key of a statement in it.`,
		},
		"a position of another holder": {
			[]string{"contests: south-line,", "contests: north-line,"},
			"name a position of the same holder on the same scenario",
		},
		"an unknown position contested": {
			[]string{"contests: south-line,", "contests: nobodys,"},
			`Nothing in the data set is called "nobodys"; give the key of a position in it.`,
		},
		"an unknown stakeholder": {
			[]string{"north-line, holder: north,", "north-line, holder: nroth,"},
			`Nothing is known as "nroth"; give the id or the key of a stakeholder.`,
		},
		"a source of another kind": {
			[]string{"    source: gazette\n", "    source: north\n"},
			`"north" is a stakeholder; give the id or the key of a source.`,
		},
		"a quote that is not there": {
			[]string{"    text: We will - perhaps - sign", "    text: We will certainly sign"},
			"sign",
		},
		"a key that can't be one": {
			[]string{"key: strip\n", "key: A Strip\n"},
			`The key "A Strip" can't be used`,
		},
		"a scenario without a status": {
			[]string{
				"- key: strip\n            title: A strip\n" +
					"            statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]\n",
				"- key: strip\n            title: A strip\n",
			},
			"at least one status",
		},
		"a statement in the future": {[]string{"saidAt: 2025-01-03", "saidAt: 9000-01-01"}, "lies in the future"},
		"an end before the beginning": {
			[]string{"validFrom: 2020-01-01}", "validFrom: 2020-01-01, validTo: 2019-01-01}"},
			"later than",
		},
		"a salience out of range": {[]string{"salience: 70", "salience: 170"}, "0 to 100"},
		"a certain scenario":      {[]string{"probability: 30", "probability: 100"}, "1 to 99 percent"},
		"a resolution in the future": {
			[]string{"resolvedAt: 2025-02-01", "resolvedAt: 9000-01-01"},
			"lies in the future",
		},
		"a title that is empty":   {[]string{"title: The border", "title: ''"}, "Title is empty"},
		"a title that is cleared": {[]string{"title: A meeting", "title: null"}, "Title is empty"},
		"a person who is no person": {
			[]string{"{person: envoy, organization: north", "{person: south, organization: north"},
			"name a stakeholder of kind PERSON",
		},
		"a group that is a person": {
			[]string{"{member: north, group: league", "{member: north, group: envoy"},
			"A group can't be a person",
		},
		"a member of itself": {
			[]string{"{member: north, group: league", "{member: north, group: north"},
			"By this membership in “North”, “North” would belong to itself at some instant",
		},
		"a relation to itself": {
			[]string{"from: line, to: strip", "from: line, to: line"},
			"two different ones",
		},
		"an unknown scenario in a place": {[]string{"about: [talks/line]", "about: [talks/lime]"}, `"talks/lime"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t)
			text := edited(t, refused.pairs...)
			// The line of the first replaced part, in the new text.
			line := lineOf(t, talks, strings.TrimLeft(refused.pairs[0], " "))
			r.refuses(text, fmt.Sprintf("set.yaml:%d: … %s", line, refused.say))
			r.holds("0", `SELECT count(*) FROM records`)
			r.loads(talks, make([]string, 24)...) // the correct file can still be imported
		})
	}
}

func TestAssessmentsAreNotCorrected(t *testing.T) {
	t.Parallel()
	r := withTalks(t)
	text := edited(t, "probability: 30", "probability: 35")
	r.refuses(text,
		fmt.Sprintf("set.yaml:%d: … on record as 30 percent … another assessedAt", lineOf(t, talks, "probability: 30")))
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	r := withTalks(t)
	outcome := `SELECT concat_ws(' ', outcome, resolved_at, resolution_note) FROM scenarios WHERE key = 'strip' ` +
		`AND superseded_at = 'infinity'`
	other := edited(t, "outcome: DID_NOT_OCCUR", "outcome: AMBIGUOUS", "resolvedAt: 2025-02-01",
		"resolvedAt: 2025-03-01")
	r.loads(other, "is resolved no more", "resolved: ambiguous")
	r.holds("AMBIGUOUS 2025-03-01 00:00:00+00 The line was drawn.", outcome)
	r.loads(talks, "is resolved no more", "resolved: did not occur") // the file's last version counts
	r.loads(edited(t, "            resolvedAt: 2025-02-01\n            resolutionNote: The line was drawn.\n", ""))
	r.holds("DID_NOT_OCCUR 2025-02-01 00:00:00+00 The line was drawn.", outcome)
	r.loads(other, "is resolved no more", "resolved: ambiguous")
	unresolve := parley.UnresolveScenarioInput{Scenario: "talks/strip", Note: "We erred."}
	if _, err := r.store.UnresolveScenario(as(t, r.store), unresolve); err != nil {
		t.Fatal(err)
	}
	r.loads(other)
	r.loads(talks)
	r.holds("", outcome)
	for replaced, by := range map[string]string{"            outcome: " +
		"DID_NOT_OCCUR\n": "", "outcome: DID_NOT_OCCUR": "outcome: null"} {
		_, err := dataset.Read("set.yaml", []byte(edited(t, replaced, by)))
		sayLines(t, err, fmt.Sprintf("set.yaml:%d: … no outcome", lineOf(t, talks, "- key: strip")))
	}
}

func TestSeveralRefusalsOfOneFact(t *testing.T) {
	t.Parallel()
	r := withTalks(t)
	text := "dataset: more\nstatements:\n  - key: x\n    source: gazzette\n    speaker: envoi\n    text: Yes.\n" +
		"    form: PARAPHRASE\n"
	r.refuses(text, `set.yaml:4: Nothing is known as "gazzette"`, `set.yaml:5: Nothing is known as "envoi"`)
}

func TestPositionThatSaysTheSame(t *testing.T) {
	t.Parallel()
	same := edited(t, "              - {key: south-line,",
		"              - {key: again, holder: north, stance: SUPPORTS, validFrom: 2025-01-08, evidence: [s2]}\n"+
			"              - {key: once-more, holder: north, stance: SUPPORTS, validFrom: 2025-01-09}\n"+
			"              - {key: south-line,")
	r := open(t)
	got := r.load(same)
	if len(got) != 25 || !strings.Contains(strings.Join(got, "\n"), "North is confirmed as “supports” on “A line”.") {
		t.Errorf("got %d changes:\n%s", len(got), strings.Join(got, "\n"))
	}
	if got := r.position("north", "2025-01-02"); got != "SUPPORTS 2" {
		t.Errorf("North's position is %q", got)
	}
	before := r.traces()
	r.loads(same)
	if after := r.traces(); after != before {
		t.Errorf("another import left traces: %s before, %s after", before, after)
	}
	// It can be contested under its own key.
	contested := strings.Replace(same, "              - {key: south-line,",
		"              - {key: not-so, holder: north, stance: OPPOSES, validFrom: 2025-01-10, contests: once-more}\n"+
			"              - {key: south-line,",
		1)
	r.loads(contested, "North is also said to be “opposes”")
	r.loads(contested)
	// When it states something else later, it becomes a position of its own.
	moved := strings.Replace(contested, "{key: again, holder: north, stance: SUPPORTS",
		"{key: again, holder: north, stance: NEUTRAL", 1)
	r.loads(moved, "North is recorded as “neutral”", "North is recorded as “supports”")
	r.loads(moved)
	if got := r.position("north", "2025-01-08"); got != "NEUTRAL 1" {
		t.Errorf("North's position is %q", got)
	}
	r.loads(
		strings.Replace(moved, "{key: again, holder: north, stance: NEUTRAL",
			"{key: again, holder: north, stance: AMBIGUOUS", 1),
		"Corrected a position",
	)
}

func TestTwoTermsOfOneOffice(t *testing.T) {
	t.Parallel()
	text := edited(t, "  - {person: envoy, organization: north,",
		"  - {key: first, person: envoy, organization: north, office: envoy, validFrom: 2010-01-01, validTo: "+
			"2012-01-01}\n  - {person: envoy, organization: north,",
		"      - {stakeholder: north, role:",
		"      - {key: first, stakeholder: north, role: PRIMARY_PARTY, validTo: 2019-01-01}\n"+
			"      - {validFrom: 2020-01-01, stakeholder: north, role:")
	r := open(t)
	if got := r.load(text); len(got) != 26 {
		t.Errorf("got %d changes", len(got))
	}
	r.holds("2 2", `SELECT concat_ws(' ', (SELECT count(*) FROM affiliations), (SELECT count(*) FROM participations))`)
	r.loads(text)
}

func TestDatesBeginInUTC(t *testing.T) {
	t.Parallel()
	r := withTalks(t) // its sessions use a time zone east of UTC
	r.holds("2025-01-03 00:00:00+00", `SELECT said_at::text FROM statements WHERE form = 'REPORTED'`)
	r.holds("2020-01-01 00:00:00+00", `SELECT valid_from::text FROM affiliations`)
}

// The duration is logged and not checked, since machines differ.
func TestImportOfManyFacts(t *testing.T) {
	t.Parallel()
	text := many(15, 64)
	r := open(t)
	set := read(t, text)
	var progress []int
	for _, what := range []string{"first import", "the same again"} {
		begun := time.Now()
		report := func(done int) { progress = append(progress, done) }
		outcome, err := dataset.Import(as(t, r.store), r.store, set, report)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(begun)
		t.Logf("%s: %d facts, %d changes in %v: %.0f facts/s", what, outcome.Facts, outcome.Changes,
			took.Round(time.Millisecond), float64(outcome.Facts)/took.Seconds())
		if what != "first import" && (outcome.Facts != set.Facts() || outcome.Changes != 0) {
			t.Errorf("%s: %+v", what, outcome)
		}
	}
	if fmt.Sprint(progress) != "[500 1000 500 1000]" {
		t.Errorf("progress %v", progress)
	}
}

// many returns a data set of scenarios, each with a status and as many positions.
func many(scenarios, positions int) string {
	var b strings.Builder
	b.WriteString("dataset: many\nstakeholders:\n")
	for i := range positions {
		fmt.Fprintf(&b, "  - {key: party-%d, name: Party %d, kind: STATE}\n", i, i)
	}
	b.WriteString(
		"negotiations:\n  - key: many\n    title: Many\n    issues:\n      - key: issue\n        title: Issue\n" +
			"        scenarios:\n")
	for i := range scenarios {
		fmt.Fprintf(&b,
			"          - key: scenario-%d\n            title: Scenario %d\n"+
				"            statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]\n            positions:\n",
			i, i)
		for n := range positions {
			fmt.Fprintf(&b, "              - {holder: party-%d, stance: %s, validFrom: 2025-02-01}\n", n,
				[]string{"SUPPORTS", "OPPOSES"}[(i+n)%2])
		}
	}
	return b.String()
}
