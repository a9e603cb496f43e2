package history_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"example.org/parley"
	"example.org/parley/archive"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/storage"
)

// export is an archive of a negotiation, as known at an instant; "": now.
func (a *api) export(negotiation, knownAt string) string {
	a.T.Helper()
	var asOf parley.AsOf
	if knownAt != "" {
		at, err := parley.ParseInstant(knownAt)
		if err != nil {
			a.T.Fatal(err)
		}
		asOf.KnownAt = &at
	}
	subject, err := archive.Find(a.T.Context(), a.Store, negotiation, &asOf)
	if err != nil {
		a.T.Fatal(err)
	}
	var text bytes.Buffer
	if err := subject.JSON(a.T.Context(), &text, nil); err != nil {
		a.T.Fatal(err)
	}
	return text.String()
}

// restored starts a server on an empty database, and imports an archive into it.
func restored(t testing.TB, text string) *api {
	t.Helper()
	a := start(t)
	if _, err := archive.Import(a.Ctx, a.Store, "archive.json", strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
	return a
}

// archivedWhole asks for all there is about a negotiation. Statements that name other negotiations aside, a copy
// answers it as the original does.
const archivedWhole = `
fragment Who on Stakeholder { id key name kind aliases countryCode }
fragment By on Analyst { id name role }
fragment Words on Statement {
	id text form terms credibility grade verified locators { start end } saidAt saidAtPrecision speakerDescription speaker { ...Who }
	source { id key title publisher author url publishedAt reliability marking contentHash body bodyErasure { erasedAt note erasedBy { ...By } } }
	about { __typename ... on Node { id label } }
}
fragment Held on Position {
	id version label stance conditions redLine salience rationale confidence lastAffirmedAt secondHand contested validFrom validFromPrecision ordinal validTo
	recordedAt supersededAt recordedBy { ...By } correctionNote holder { ...Who } scenario { id title } evidence { ...Words }
}
fragment Moved on StatusChange {
	id version from to skipped by { ...Who } reason successors { id } effectiveAt ordinal effectiveAtPrecision recordedAt supersededAt recordedBy { ...By } correctionNote
	evidence { ...Words } scenario { id title }
}
fragment Judged on Assessment {
	id label probability likelihood confidence rationale assessedAt recordedAt brierScore analyst { ...By record { n brier timeWeightedBrier } } scenario { id }
}
fragment Told on Change {
	__typename kind summary note recordedAt recordedBy { ...By } negotiation { id title }
	... on ScenarioStatusChanged { cause scenario { id title status } statusChange { ...Moved } previous { ...Moved } }
	... on PositionChanged { cause position { ...Held } previous { ...Held } }
	... on AssessmentChanged { assessment { ...Judged } previousAssessment { ...Judged } }
	... on RecordChanged { action fields node { __typename id label } }
}
fragment Whole on Negotiation {
	id key title summary stage startedAt endedAt changedAt
	issues { id key title question kind exhaustive scenarios(first: 20) { totalCount nodes { id } }
		matrix { rows { stakeholder { ...Who } participations { id } cells { stance ageDays contested position { id } } } }
		landingZone { verdict blockers { id } undeclared { id } conditional { id } onHearsay { id } support supportLow supportHigh parties { weight } }
		likelihoods { total coherent entries { probability analysts } } }
	scenarios(first: 20) { totalCount nodes {
		id key title summary criteria deadline targetStage status statusSince currentStatusChange { id } changedAt allowedTransitions
		statusHistory(includeSuperseded: true) { totalCount nodes { ...Moved } }
		positions { totalCount nodes { ...Held dissenting { ...Held } } }
		positionHistory(includeSuperseded: true) { totalCount nodes { ...Held } }
		statements { totalCount nodes { ...Words } }
		assessments { totalCount nodes { ...Judged } } resolution { outcome note resolvedAt recordedBy { ...By } }
		relations { id kind note recordedAt supersededAt from { id } to { id } claimedBy { ...Who } evidence { ...Words } }
	} }
	participants { totalCount nodes { id role vetoPlayer vetoIssues { id } capability validFrom validTo stakeholder { ...Who } } }
	events { totalCount nodes { id key kind state title location startedAt startedAtPrecision endedAt participants { ...Who } evidence { ...Words } } }
	changes(first: 200) { totalCount nodes { ...Told } }
}`

// sameThrough compares what two servers answer through some lenses, and the differences between each two of these.
func sameThrough(t testing.TB, origin, restored *api, negotiation string, lenses []string) {
	t.Helper()
	ask := func(document string) {
		t.Helper()
		if want, got := origin.Raw(document), restored.Raw(document); got != want {
			t.Errorf("%s\nis answered with\n%s\nwant\n%s", document[:min(len(document), 300)], got, want)
		}
	}
	for i, lens := range lenses {
		ask(fmt.Sprintf(`{ negotiation(id: %q, asOf: %s) { ...Whole } } %s`, negotiation, lens, archivedWhole))
		if i > 0 {
			ask(fmt.Sprintf(`{ negotiation(id: %q, asOf: %s) { diff(from: %s, to: %s) {
				statusChanges(first: 500) { totalCount nodes { scenario { id } before after cause } }
				positions(first: 500) { totalCount nodes { scenario { id } party { key } before { version } after { version } cause } }
				scenariosAdded(first: 500) { nodes { id } } participantsJoined(first: 500) { nodes { id } } participantsLeft(first: 500) { nodes { id } } } } }`,
				negotiation, lens, lenses[i-1], lens))
		}
	}
}

func asOf(validAt, knownAt string) string {
	return fmt.Sprintf("{validAt: %q, knownAt: %q}", validAt, knownAt)
}

// lensesUpTo are some up to an instant of knowledge: at the changes that were made, and a moment before.
func (a *api) lensesUpTo(knownAt string, most int, valid ...string) (lenses []string) {
	a.T.Helper()
	db := a.DB()
	defer db.Close()
	var known []time.Time
	if err := db.SelectContext(a.T.Context(), &known,
		`SELECT recorded_at FROM changes WHERE recorded_at <= $1 ORDER BY seq DESC`, knownAt); err != nil {
		a.T.Fatal(err)
	}
	step := max(1, len(known)/most)
	for i := 0; i < len(known); i += step {
		for n, at := range []time.Time{known[i], known[i].Add(-time.Microsecond)} {
			lenses = append(lenses, asOf(valid[(i/step+n)%len(valid)], parley.FormatInstant(at)))
		}
	}
	return append(lenses, asOf(valid[0], knownAt))
}

// What is exported and imported elsewhere answers there as it does here, through every lens up to the one it was
// exported through, and reads the same when it is exported again.
func TestArchives(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	const strip = `ukraine-2025/us-contributes`
	a.Load("made-up.yaml", `
dataset: made-up
sources: [{key: leak, title: A leak, body: "“We never will,” she said."}, {key: other, title: Another}]
statements: [{key: never, source: leak, speaker: putin, form: DIRECT_QUOTE, text: We never will, about: [ukraine-2025/us-contributes]}]
negotiations:
  - key: ukraine-2025
    issues:
      - key: guarantees
        scenarios:
          - {key: us-contributes, positions: [{key: p, holder: russia, stance: OPPOSES, validFrom: 2025-08-18T15:00:00Z, evidence: [never], conditions: ["=a vote", "b\nc"]}]}
`)
	a.Must(`mutation { x: assessScenario(input: {scenario: "ukraine-2025/ceasefire-first", probability: 30, confidence: LOW, rationale: "so", assessedAt: "2025-08-16T00:00:00Z"}) { userErrors { code message field } }
		y: resolveScenario(input: {scenario: "ukraine-2025/ceasefire-first", outcome: DID_NOT_OCCUR, note: "Over.", resolvedAt: "2025-08-19T00:00:00Z"}) { userErrors { code message field } }
		z: unresolveScenario(input: {scenario: "ukraine-2025/ceasefire-first", note: "Not over."}) { userErrors { code message field } } }`)
	position := a.Must(`{ positions(filter: {holders: ["russia"], scenarios: ["` + strip +
		`"]}, asOf: {validAt: "2025-08-18T16:00:00Z"}) { nodes { id } } }`).Text("positions.nodes.0.id")
	beforeRetraction := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Must(fmt.Sprintf(`mutation {
		c: correctPosition(input: {position: %[1]q, rationale: "She said so.", note: "It had none."}) { userErrors { code message field } }
		r: retract(input: {id: %[1]q, note: "A forgery."}) { userErrors { code message field } }
		e: editStakeholder(input: {stakeholder: "russia", aliases: ["RF"]}) { userErrors { code message field } } }`, position))
	if _, err := a.Store.EraseBody(a.Ctx, "leak", "The law demands it."); err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{"", beforeRetraction, "2025-08-18T18:00:00.000000Z", "2025-08-16T09:00:00.000004Z"} {
		text := a.export("ukraine-2025", known)
		if again := a.export("ukraine-2025", known); again != text {
			t.Errorf("known %q: exported twice, it is not the same", known)
		}
		if known == "" {
			known = a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
		}
		b := restored(t, text)
		b.Must(`{ lens { knownAt } }`).Want("lens.knownAt", known)
		if again := b.export("ukraine-2025", known); again != text {
			t.Errorf("known %q: exported again, it is\n%s\nwant\n%s", known, again, text)
		}
		if missing := b.Number(`SELECT count(*) FROM generate_series(1, (SELECT seq FROM feed_head)) n(seq) LEFT JOIN changes c USING (seq) WHERE c.seq IS NULL`); missing > 0 {
			t.Errorf("known %q: %d numbers of the feed are missing", known, missing)
		}
		sameThrough(t, a, b, "ukraine-2025",
			a.lensesUpTo(known, 6, "2025-08-18T16:00:00Z", "2025-08-15T12:00:00Z", "2025-08-25T00:00:00Z",
				"2024-01-01T00:00:00Z"))
		// The record goes on there.
		b.Must(`mutation { editNegotiation(input: {negotiation: "ukraine-2025", title: "Copied talks"}) { userErrors { code message field } } }`)
		if again := b.export("ukraine-2025", known); again != text {
			t.Errorf("known %q: after a change, what was known before is not the same", known)
		}
	}
}

// The tables hold what the API lists, in its order.
func TestTablesAgreeWithTheAPI(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	for _, lens := range []parley.Lens{
		{ValidAt: time.Date(2025, 8, 18, 12, 0, 0, 0, time.UTC),
			KnownAt: time.Date(2025, 8, 20, 9, 0, 0, 10_000, time.UTC)},
		{ValidAt: time.Date(2025, 8, 16, 12, 0, 0, 0, time.UTC), KnownAt: time.Date(2025, 8, 19, 0, 0, 0, 0, time.UTC)},
		{ValidAt: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), KnownAt: time.Date(2025, 8, 16, 12, 0, 0, 0, time.UTC)},
	} {
		subject, err := archive.Find(t.Context(), a.Store, "ukraine-2025",
			&parley.AsOf{ValidAt: &lens.ValidAt, KnownAt: &lens.KnownAt})
		if err != nil {
			t.Fatal(err)
		}
		column := func(name string, write func(context.Context, io.Writer, func(int)) error) (values []string) {
			t.Helper()
			var text bytes.Buffer
			if err := write(t.Context(), &text, nil); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&text).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows[1:] {
				values = append(values, row[slices.Index(rows[0], name)])
			}
			return values
		}
		listed := func(document string) (versions []string) {
			for _, m := range regexp.MustCompile(`"version":"([^"]*)"`).FindAllStringSubmatch(a.Raw(document), -1) {
				versions = append(versions, m[1])
			}
			return versions
		}
		in := asOf(parley.FormatInstant(lens.ValidAt), parley.FormatInstant(lens.KnownAt))
		positions := listed(`{ positions(first: 500, filter: {negotiations: ["ukraine-2025"]}, asOf: ` + in +
			`) { nodes { version dissenting { version } } } }`)
		if d := gocmp.Diff(positions, column("version", subject.PositionsCSV)); d != "" {
			t.Errorf("%v: positions of the API (-) and of the table (+):\n%s", lens, d)
		}
		known := parley.FormatInstant(lens.KnownAt)
		changes := listed(`{ statusChanges(first: 500, filter: {negotiations: ["ukraine-2025"]}, asOf: ` +
			asOf(known, known) + `) { nodes { version } } }`)
		slices.Reverse(changes)
		if d := gocmp.Diff(changes, column("version", subject.StatusChangesCSV)); d != "" {
			t.Errorf("%v: status changes of the API (-) and of the table (+):\n%s", lens, d)
		}
		var stances []string
		got := a.Must(`{ scenarios(first: 500, filter: {negotiations: ["ukraine-2025"]}, orderBy: KEY_ASC, asOf: ` + in + `) { nodes { key
			stances { party { key } position { recordId } } } } }`)
		for i := range got.Count("scenarios.nodes") {
			for j := range got.Count(fmt.Sprintf("scenarios.nodes.%d.stances", i)) {
				cell := fmt.Sprintf("scenarios.nodes.%d.stances.%d.", i, j)
				stances = append(stances, got.Text(fmt.Sprintf("scenarios.nodes.%d.key", i))+" "+got.Text(cell+"party.key")+" "+got.Text(cell+"position.recordId"))
			}
		}
		of, party, position := column("scenario", subject.StancesCSV), column("party", subject.StancesCSV), column("position", subject.StancesCSV)
		for i := range of {
			of[i] += " " + party[i] + " " + position[i]
		}
		if d := gocmp.Diff(stances, of); d != "" || len(stances) == 0 && lens.ValidAt.Year() == 2025 {
			t.Errorf("%v: stances of the API (-) and of the table (+):\n%s", lens, d)
		}
	}
}

// What a client or a file sends again changes nothing in a copy either.
func TestArchivesKeepIDs(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const again = `dataset: again
negotiations:
  - key: talks
    issues:
      - key: border
        scenarios:
          - key: bridge
            title: A bridge
            statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}, {to: STALLED, effectiveAt: 2025-02-01, reason: a quarrel}]
            positions:
              - {key: a, holder: north, stance: SUPPORTS, validFrom: 2025-01-02}
              - {key: b, holder: north, stance: SUPPORTS, validFrom: 2025-01-09}
`
	a.Load("again.yaml", again)
	chosen := uuid.NewString()
	position := `mutation { recordPosition(input: {id: "` + chosen +
		`", holder: "south", scenario: "talks/bridge", stance: OPPOSES, validFrom: "2025-01-05T00:00:00Z"}) { cursor position { id } userErrors { code message field } } }`
	a.Must(position)
	b := restored(t, a.export("talks", ""))
	if n := b.Load("again.yaml", again); n != 0 {
		t.Errorf("the data set made %d changes", n)
	}
	b.Must(position).Want("recordPosition.cursor", nil, "recordPosition.position.id", chosen)
	// Ids that came later are not in an archive of before.
	text := a.export("talks", a.Must(`{ lens { knownAt } }`).Text("lens.knownAt"))
	known := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	a.Load("named.yaml",
		strings.Replace(strings.Replace(again, "dataset: again", "dataset: another", 1), "statuses:", "# statuses:", 1))
	if later := a.export("talks", known); later != text {
		t.Error("an id that was given later is in an archive of before")
	}
}

// What is on record about other negotiations stays behind.
func TestArchivesLeakNothing(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Load("secret.yaml", `
dataset: secret
stakeholders:
  - {key: secret-party, name: Secret party, kind: GROUP}
  - {key: secret-organization, name: Secret organization, kind: ORGANIZATION}
  - {key: secret-member, name: Secret member, kind: STATE}
affiliations: [{person: envoy, organization: secret-organization, office: secret office}]
memberships:
  - {member: south, group: secret-party, speaksForMembers: true}
  - {member: secret-member, group: south}
statements:
  - {key: both, source: gazette, speaker: envoy, form: PARAPHRASE, text: Of both, about: [talks/line, secret-talks/secret-line]}
  - {key: theirs, source: gazette, speaker: envoy, form: PARAPHRASE, text: secret words, about: [secret-talks/secret-line, south]}
  - {key: evidence, source: gazette, speaker: envoy, form: PARAPHRASE, text: Used in both, about: [secret-talks/secret-line]}
negotiations:
  - key: secret-talks
    title: Secret talks
    issues:
      - key: secret-issue
        title: Secret issue
        scenarios:
          - {key: secret-line, title: Secret line, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01, by: [south]}], positions: [{holder: south, stance: SUPPORTS, validFrom: 2025-01-01, rationale: secret, evidence: [evidence]}]}
    participations: [{stakeholder: south, role: PRIMARY_PARTY}, {stakeholder: secret-party, role: OBSERVER}]
  - key: talks
    issues:
      - key: border
        scenarios:
          - {key: line, positions: [{holder: south, stance: OPPOSES, validFrom: 2025-01-01, evidence: [evidence, both]}]}
`)
	text := a.export("talks", "")
	if at := strings.Index(strings.ToLower(text), "secret"); at >= 0 {
		t.Errorf("the archive tells of it: %s", text[max(0, at-300):min(len(text), at+100)])
	}
	db := a.DB()
	defer db.Close()
	var ids []string
	if err := db.Select(&ids,
		`SELECT id FROM records WHERE path LIKE 'secret%' OR negotiation_id = (SELECT id FROM records WHERE path = 'secret-talks')`); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if strings.Contains(text, id) {
			t.Errorf("the archive names %s", id)
		}
	}
	for _, words := range []string{"Of both", "Used in both", "The envoy"} {
		if !strings.Contains(text, words) {
			t.Errorf("the archive does not have %q", words)
		}
	}
	b := restored(t, text)
	if again := b.export("talks", ""); again != text {
		t.Error("exported again, it is not the same")
	}
	b.Must(`{ stakeholder(id: "south") { positions { totalCount } } statements { totalCount nodes { about { ... on Node { label } } } } source(id: "gazette") { statements { totalCount } } }`).
		Want("stakeholder.positions.totalCount", 1, "source.statements.totalCount", 3)
}

// Random histories, several in one database, come out of it and into another as they were.
func TestArchivesOfRandomHistories(t *testing.T) {
	t.Parallel()
	a := start(t)
	histories, failed := 0, false
	rapid.Check(t, func(rt *rapid.T) {
		if histories++; histories > 8 && !failed {
			return // a database for each takes its time
		}
		same := false
		defer func() { failed = failed || !same }()
		h := newHistorian(rt, a, make(map[string]int))
		for range rapid.IntRange(15, 40).Draw(rt, "steps") {
			h.do(h.deed())
		}
		known := parley.FormatInstant(h.known[h.draw("known", 0, len(h.known)-1)])
		text := a.export(h.key, known)
		b := start(t)
		if _, err := archive.Import(b.Ctx, b.Store, "archive.json", strings.NewReader(text), nil); err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		if again := b.export(h.key, known); again != text {
			rt.Fatalf("exported again, it is\n%s\nwant\n%s", again, text)
		}
		var lenses []string
		for i, at := range h.known {
			if at := parley.FormatInstant(at); at <= known {
				lenses = append(lenses, asOf(written(i%apitest.Days), at))
			}
		}
		sameThrough(t, a, b, h.key, lenses)
		if t.Failed() {
			rt.FailNow()
		}
		same = true
	})
}

// Every table, and every column of one, is in an archive, or known not to belong in it: a copy of a database that holds
// one negotiation, with all that it refers to, differs in nothing.
func TestArchivesForgetNothing(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Load("more.yaml", `
dataset: talks
stakeholders: [{key: north, countryCode: "NO"}, {key: league, name: League, kind: GROUP}]
sources: [{key: full, title: Full, publisher: P, author: A, url: "https://example.org", publishedAt: 2025-01-01, retrievedAt: 2025-01-02, language: en, reliability: B, marking: TLP_RED, body: A text.}]
affiliations: [{person: envoy, organization: south, validFrom: 2019-01-01, validTo: 2019-06-01}]
memberships:
  - {member: north, group: league, validFrom: 2019-01-01, validTo: 2020-01-01}
statements:
  - {key: m1, source: full, speakerDescription: somebody, terms: ON_BACKGROUND, form: PARAPHRASE, text: Words, translation: Mots, translatedBy: T, about: [talks/line, talks/meeting]}
negotiations:
  - key: talks
    summary: S
    stage: CEASEFIRE
    startedAt: 2024-01-01
    endedAt: 2026-01-01
    issues:
      - key: border
        question: Q
        scenarios:
          - key: line
            summary: S
            criteria: C
            deadline: 2026-01-01
            targetStage: CEASEFIRE
            statuses:
              - {to: STALLED, effectiveAt: 2025-03-01, reason: R, evidence: [m1]}
              - {to: SUPERSEDED, effectiveAt: 2025-06-01, successors: [strip], by: [north], reason: R, evidence: [m1]}
            positions:
              - {key: p1, holder: south, saidFor: [], stance: SUPPORTS, validFrom: 2025-01-03, validTo: 2025-05-01, salience: 4, rationale: R, conditions: [C], redLine: true, evidence: [m1]}
              - {key: p2, holder: south, stance: OPPOSES, validFrom: 2025-01-03, contests: p1, evidence: [s2]}
              - {key: p3, holder: north, stance: OPPOSES, validFrom: 2025-01-03}
          - key: strip
            positions: [{holder: north, stance: NEUTRAL, validFrom: 2025-01-01, evidence: [s2]}]
            assessments: [{probability: 30, rationale: R, assessedAt: 2025-01-02}]
            outcome: OCCURRED
            resolvedAt: 2025-07-01
            resolutionNote: N
    events: [{key: meeting, title: A meeting, kind: MEETING, location: L, startedAt: 2025-01-02, endedAt: 2025-01-03, participants: [north, league], evidence: [m1]}]
    participations: [{stakeholder: south, role: PRIMARY_PARTY, capability: 3, validFrom: 2024-01-01, validTo: 2025-01-01}]
    relations: [{kind: FALLBACK_FOR, from: line, to: strip, claimedBy: north, comment: N, evidence: [m1]}]
`)
	a.Load("corrected.yaml",
		"dataset: talks\nnegotiations: [{key: talks, issues: [{key: border, scenarios: [{key: line, positions: "+
			"[{key: p3, holder: north, stance: SUPPORTS, validFrom: 2025-01-04, note: A slip.}]}]}]}]\n")
	a.Must(`mutation {
		register: registerStakeholder(input: {key: "the-north", name: "The North", kind: STATE}) { userErrors { code message field } }
		join: joinNegotiation(input: {negotiation: "talks", stakeholder: "the-north", role: OBSERVER}) { userErrors { code message field } }
		take: recordPosition(input: {holder: "the-north", scenario: "talks/strip", stance: SUPPORTS, validFrom: "2025-02-01T00:00:00Z"}) { userErrors { code message field } }
		merge: mergeStakeholders(input: {from: "the-north", into: "north", note: "They are one."}) { userErrors { code message field } }
		add: addScenario(input: {issue: "talks/border", key: "idea", title: "An idea"}) { userErrors { code message field } }
		retract(input: {id: "talks/idea", note: "A mix-up."}) { userErrors { code message field } }
		restore(input: {id: "talks/idea", note: "It was meant."}) { userErrors { code message field } } }`)
	if _, err := a.Store.EraseBody(a.Ctx, "full", "The law demands it."); err != nil {
		t.Fatal(err)
	}
	b := restored(t, a.export("talks", ""))
	apart := map[string]string{ // what is a database's own
		"goose_db_version": "", "access": "", "audit_log": "", "tokens": "", "identities": "", "feed_head": "feed", "analysts": "recorded_at",
	}
	db, copied := a.DB(), b.DB()
	defer db.Close()
	defer copied.Close()
	var tables []string
	if err := db.Select(&tables,
		`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		column, special := apart[table]
		if special && column == "" {
			continue
		}
		var want, got []string
		statement := fmt.Sprintf(`SELECT (to_jsonb(x) - '%s')::text AS row FROM %s x ORDER BY 1`, column, table)
		if err := db.Select(&want, statement); err != nil {
			t.Fatal(err)
		}
		if err := copied.Select(&got, statement); err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("%s in the copy differs (-want +got):\n%s", table, d)
		}
		if len(want) == 0 {
			t.Errorf("the test has no row of %s", table)
		}
		var empty []string // a column that is null throughout says nothing of whether it comes along
		if err := db.Select(&empty, fmt.Sprintf(`
			SELECT a.attname FROM pg_attribute a
			WHERE a.attrelid = '%[1]s'::regclass AND a.attnum > 0 AND NOT a.attisdropped
				AND NOT EXISTS (SELECT FROM %[1]s x WHERE to_jsonb(x) -> a.attname <> 'null')`, table)); err != nil {
			t.Fatal(err)
		}
		for _, name := range empty {
			if name != "correction_note" && name != "closed_by" {
				t.Errorf("the test has no value of %s.%s", table, name)
			}
		}
	}
}

// With a group come those for whom it speaks, and those who belong to these, and so on; nobody in it belongs to itself.
func TestArchivesOfMemberships(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.Load("league.yaml", `
dataset: league
stakeholders:
  - {key: league, name: The league, kind: GROUP}
  - {key: e3, name: The E3, kind: GROUP}
  - {key: west, name: West, kind: STATE}
  - {key: voice, name: The voice, kind: PERSON}
  - {key: guest, name: A guest, kind: STATE}
affiliations: [{person: voice, organization: league, office: Speaker, speaksFor: true}]
memberships:
  - {member: e3, group: league, speaksForMembers: true, validFrom: 2020-01-01}
  - {member: west, group: e3, speaksForMembers: true, validFrom: 2020-01-01, validTo: 2022-01-01}
  - {member: guest, group: league}
negotiations:
  - key: talks
    issues: [{key: border, scenarios: [{key: line, positions: [{holder: voice, stance: SUPPORTS, validFrom: 2021-01-01}]}]}]
`)
	a.Load("corrected.yaml", `
dataset: league
memberships: [{member: west, group: e3, validTo: 2023-01-01, note: A slip.}]
`)
	text := a.export("talks", "")
	b := restored(t, text)
	if again := b.export("talks", ""); again != text {
		t.Error("exported again, it is not the same")
	}
	const document = `{ league: stakeholder(id: "league"%[1]s) { members { id validFrom member { key members { id validTo member { key memberships { id } } } } } }
		guest: stakeholder(id: "guest"%[1]s) { key } }`
	a.Must(fmt.Sprintf(document, "")).Want("guest.key", "guest", "league.members.1.member.key", "e3")
	b.Must(fmt.Sprintf(document, "")).Want("guest", nil, "league.members.0.member.members", "[]")
	for _, day := range []string{"2021-06-01", "2022-06-01"} {
		asOf := fmt.Sprintf(`, asOf: {validAt: "%sT00:00:00Z"}`, day)
		b.Must(fmt.Sprintf(document, asOf)).Want("league.members.0.member.key", "e3",
			"league.members.0.member.members.0.member.key", "west",
			"league.members.0.member.members.0.id",
			a.Must(fmt.Sprintf(document, asOf)).Text("league.members.1.member.members.0.id"))
	}

	idOf := func(key string) string {
		return a.Must(fmt.Sprintf(`{ stakeholder(id: %q) { id } }`, key)).Text("stakeholder.id")
	}
	for _, forged := range []struct{ old, new, says string }{
		// It was so once, as known then: the row was corrected since.
		{`"memberId":"` + idOf("west"), `"memberId":"` + idOf("league"),
			"By this membership in “The E3”, “The league” would belong to itself at some instant."},
		{`"groupId":"` + idOf("e3"), `"groupId":"` + idOf("voice"), "The group is a person."},
	} {
		if !strings.Contains(text, forged.old) {
			t.Fatalf("%s is not in the archive", forged.old)
		}
		c := start(t)
		_, err := archive.Import(c.Ctx, c.Store, "archive.json",
			strings.NewReader(strings.Replace(text, forged.old, forged.new, 1)), nil)
		if err == nil || !strings.Contains(err.Error(), forged.says) {
			t.Errorf("%s: %v, want %q", forged.new, err, forged.says)
		}
	}
}

// An archive is put behind what is on record, or not at all.
func TestArchivesIntoARecord(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	text := a.export("talks", "")
	refused := func(b *api, text, says string) {
		t.Helper()
		before := b.Number(`SELECT count(*) + (SELECT count(*) FROM changes) + (SELECT seq FROM feed_head) FROM records`)
		_, err := archive.Import(b.Ctx, b.Store, "archive.json", strings.NewReader(text), nil)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "archive.json:") {
			t.Errorf("%v, want %q", err, says)
		}
		if after := b.Number(`SELECT count(*) + (SELECT count(*) FROM changes) + (SELECT seq FROM feed_head) FROM records`); after != before {
			t.Errorf("it left %d rows", after-before)
		}
	}
	refused(a, text, "is not later than what is on record here")
	refused(restored(t, text), text, "is not later than what is on record here")

	asked := start(t)
	asked.Must(`{ lens(asOf: {knownAt: "` + a.Must(`{ lens { knownAt } }`).Text("lens.knownAt") + `"}) { knownAt } }`)
	refused(asked, text, "was asked about")

	// A record that is older takes it.
	older := start(t)
	older.Load("older.yaml",
		"dataset: older\nrecordedAt: 2001-01-01\nstakeholders: [{key: west, name: West, kind: STATE}]\n")
	if _, err := archive.Import(older.Ctx, older.Store, "archive.json", strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
	if again := older.export("talks", ""); again != text {
		t.Error("behind others, it is not the same")
	}
	older.Must(`{ changes(first: 500) { totalCount } stakeholder(id: "west") { name } }`).Want("changes.totalCount",
		strings.Count(text, `"subjectKind"`)+1, "stakeholder.name", "West")

	// What is on record there already, it leaves alone.
	others := start(t)
	others.Load("older.yaml",
		"dataset: older\nrecordedAt: 2001-01-01\nstakeholders: [{key: west, name: West, kind: STATE}]\n")
	west := others.Must(`{ stakeholder(id: "west") { id } }`).Text("stakeholder.id")
	for _, list := range []string{`"touches":[`, `"lines":[`} {
		at := strings.LastIndex(text, list) + len(list)
		separator := ","
		if text[at] == ']' {
			separator = ""
		}
		refused(others, text[:at]+fmt.Sprintf("%q%s", west, separator)+text[at:],
			"names a record that is not in the archive")
	}
	refused(others, regexp.MustCompile(`("clientIds": \[\n\{.*"recordId":")[^"]*`).ReplaceAllString(text, "${1}"+west),
		"which is not in the archive")

	taken := start(t)
	taken.Load("older.yaml",
		"dataset: older\nrecordedAt: 2001-01-01\nstakeholders: [{key: north, name: Another north, kind: STATE}]\n")
	refused(taken, text, `The key "north" is in use already`)

	reader := start(t)
	ctx, _ := reader.As("Test analyst")
	if analyst, ok := parley.CallerOf(ctx); ok {
		analyst.Role = parley.RoleAnalyst
		ctx = parley.WithCaller(ctx, analyst)
	}
	if _, err := archive.Import(ctx, reader.Store, "archive.json", strings.NewReader(text), nil); err == nil ||
		!strings.Contains(err.Error(), "Only an administrator") {
		t.Errorf("by an analyst: %v", err)
	}

	// Who recorded what is told by name; nobody gets rights by an archive. (The viewer is whoever has the database.)
	dsn := pgtest.Database(t)
	importer, err := storage.Open(t.Context(), storage.Options{DSN: dsn, Log: a.Logs.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	defer importer.Close()
	analyst, err := importer.Introduce(t.Context(), "Importer")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Import(parley.WithCaller(t.Context(), analyst), importer, "archive.json",
		strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
	c := startOn(t, dsn)
	c.Must(`{ viewer { name role } changes(first: 1) { nodes { recordedBy { name role } } } }`).Want("viewer.name", "Test analyst",
		"viewer.role", "ADMIN", "changes.nodes.0.recordedBy.name", "Test analyst", "changes.nodes.0.recordedBy.role", "READER")
}
