package reading_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"pgregory.net/rapid"

	"example.org/parley"
	"example.org/parley/storage"
)

// vocabulary is what the texts of the model are made of: no word is like another.
var vocabulary = []string{"amber", "bridge", "cedar", "dynamo", "ember", "falcon", "granite", "hollow"}

// versionRow is a row of a table of facts: what is naively filtered.
type versionRow struct {
	ID         uuid.UUID
	Text       string
	About      string // names of who said it, and of what it is about
	Recorded   int64
	Superseded int64
	From       int64 // it holds
	To         int64
	Scenarios  string // that have to be on the table
}

// micros are those of an instant, or of one that never comes.
func micros(column string) string {
	return `CASE WHEN isfinite(` + column + `) THEN (extract(epoch FROM ` + column +
		`) * 1000000)::bigint ELSE 9000000000000000000 END`
}

// everyRow is what is on record in the places that are searched, row by row.
func everyRow(t *testing.T, db *sqlx.DB) (rows []versionRow) {
	t.Helper()
	var selects []string
	// named are the names of the records that columns name, as they were when the version was recorded.
	named := func(ids, recorded string) string {
		return `(SELECT string_agg(concat_ws(' ', n.name, array_to_string(n.aliases, ' ')), ' ') FROM (
			SELECT id, name, aliases, recorded_at, superseded_at FROM stakeholders UNION ALL
			SELECT id, title, '{}', recorded_at, superseded_at FROM scenarios UNION ALL
			SELECT id, title, '{}', recorded_at, superseded_at FROM issues UNION ALL
			SELECT id, title, '{}', recorded_at, superseded_at FROM events) n
			WHERE n.id = ANY (` + ids + `) AND n.recorded_at <= ` + recorded + ` AND n.superseded_at > ` + recorded + `)`
	}
	for table, c := range map[string][4]string{ // texts, what they are about, since when it holds, scenarios
		"negotiations": {`concat_ws(' ', title, summary, key)`, `''`, ``, `''`},
		"issues":       {`concat_ws(' ', title, question, key)`, `''`, ``, `''`},
		"scenarios":    {`concat_ws(' ', title, summary, criteria, key)`, named(`ARRAY[issue_id]`, `x.recorded_at`), ``, `id::text`},
		"stakeholders": {`concat_ws(' ', name, array_to_string(aliases, ' '), key)`, `''`, ``, `''`},
		"sources":      {`concat_ws(' ', title, publisher, author, key)`, `''`, ``, `''`},
		"events":       {`concat_ws(' ', title, location, key)`, named(`participants`, `x.recorded_at`), ``, `''`},
		"statements":   {`text`, named(`speakers || about`, `x.recorded_at`), ``, `''`},
		"positions": {`concat_ws(' ', rationale, array_to_string(conditions, ' '))`, named(`ARRAY[holder_id, scenario_id]`, `x.content_at`), `valid_from`,
			`scenario_id::text`},
		"assessments":    {`rationale`, named(`ARRAY[scenario_id]`, `x.recorded_at`), `assessed_at`, `scenario_id::text`},
		"status_changes": {`coalesce(reason, '')`, named(`scenario_id || moved_by`, `x.content_at`), ``, `scenario_id::text`},
		"relations":      {`coalesce(note, '')`, named(`ARRAY[from_id, to_id, claimed_by]`, `x.recorded_at`), ``, `from_id || ' ' || to_id`},
	} {
		from, to := `0`, `9000000000000000000`
		if c[2] != "" {
			from = micros(c[2])
		}
		if table == "positions" {
			to = micros("valid_to")
		}
		selects = append(selects,
			`SELECT id, `+c[0]+` AS text, coalesce(`+c[1]+`, '') AS about, `+micros("recorded_at")+` AS recorded, `+
				micros("superseded_at")+` AS superseded, `+from+` AS "from", `+to+` AS "to", `+c[3]+` AS scenarios FROM `+table+` x`)
	}
	selects = append(selects,
		`SELECT id, body, '', `+micros("recorded_at")+`, `+micros("superseded_at")+`, 0, 9000000000000000000, '' FROM sources JOIN source_bodies ON source_id = id`)
	if err := db.Select(&rows, strings.Join(selects, " UNION ALL ")); err != nil {
		t.Fatal(err)
	}
	return rows
}

type firstStatus struct {
	Scenario                        string
	Recorded, Superseded, Effective int64
}

// A search finds, at random instants of random histories, what a look at every row finds.
func TestSearchAgainstModel(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	db := a.DB()
	defer db.Close()
	var ids []string
	scenarios := []string{"talks/line", "talks/strip"}
	rapid.Check(t, func(rt *rapid.T) { // each goes on with the history
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		text := func() string {
			words := make([]string, 1+random.IntN(3))
			for i := range words {
				words[i] = vocabulary[random.IntN(len(vocabulary))]
			}
			return strings.Join(words, []string{" ", "-", "/", ". "}[random.IntN(4)])
		}
		day := func() *parley.Instant {
			at := time.Date(2025, 1, 1+random.IntN(60), 0, 0, 0, 0, time.UTC)
			return &at
		}
		for range rapid.IntRange(1, 30).Draw(rt, "changes") {
			n := a.Changes()
			one := func(list []string) string { return list[random.IntN(len(list))] }
			ctx, said := a.Ctx, text()
			var did storage.Written
			var err error
			switch random.IntN(14) {
			case 0:
				key := fmt.Sprint("s-", n)
				did, err = a.Store.AddScenario(ctx,
					parley.AddScenarioInput{Issue: "talks/border", Key: key, Title: said, InitialStatus: "FLOATED",
						EffectiveAt: day(), EffectiveAtPrecision: "DAY", Criteria: &said})
				if err == nil {
					scenarios = append(scenarios, "talks/"+key)
				}
			case 1:
				did, err = a.Store.EditScenario(ctx,
					parley.EditScenario{Scenario: one(scenarios), Summary: parley.To(said)})
			case 2:
				did, err = a.Store.ChangeScenarioStatus(ctx,
					parley.ChangeScenarioStatusInput{Scenario: one(scenarios), To: "PROPOSED", Reason: said,
						EffectiveAt: day(), EffectiveAtPrecision: "DAY"})
			case 3:
				did, err = a.Store.RelateScenarios(ctx,
					parley.RelateScenariosInput{From: one(scenarios), To: one(scenarios), Kind: "COMPATIBLE",
						Note: &said})
			case 4:
				did, err = a.Store.EditStakeholder(ctx,
					parley.EditStakeholder{Stakeholder: one([]string{"north", "south"}), Name: parley.To(said)})
			case 5:
				did, err = a.Store.RegisterSource(ctx,
					parley.RegisterSourceInput{Key: fmt.Sprint("o-", n), Title: "A report", Publisher: &said,
						Reliability: "A", Marking: "TLP_CLEAR", Body: parley.To(text()).Value})
			case 6:
				did, err = a.Store.RecordStatement(ctx,
					parley.RecordStatementInput{Statement: parley.NewStatementInput{Source: "rumour", Form: "REPORTED",
						Terms: "ON_RECORD", Credibility: "C3", Text: said, SaidAtPrecision: "DAY"}})
			case 7:
				did, err = a.Store.EditNegotiation(ctx,
					parley.EditNegotiation{Negotiation: "talks", Summary: parley.To(said)})
			case 8:
				did, err = a.Store.RecordEvent(ctx,
					parley.RecordEventInput{Negotiation: "talks", Key: fmt.Sprint("e-", n), Kind: "MEETING",
						State: "HELD", Title: said, StartedAt: *day(), StartedAtPrecision: "DAY"})
			case 9:
				if len(ids) > 0 {
					did, err = a.Store.Retract(ctx, parley.RetractInput{ID: one(ids), Note: said})
				}
			case 10:
				did, err = a.Store.AssessScenario(ctx,
					parley.AssessScenarioInput{Scenario: one(scenarios), Probability: 50, Confidence: "LOW",
						Rationale: said, AssessedAt: day()})
			default:
				did, err = a.Store.RecordPosition(ctx,
					parley.RecordPositionInput{Holder: one([]string{"north", "south", "envoy"}),
						Scenario: one(scenarios), Stance: parley.Stances[random.IntN(len(parley.Stances))],
						ValidFrom: day(), ValidFromPrecision: "DAY", Confidence: "LOW", Rationale: &said,
						Conditions: []string{text()}})
			}
			if err != nil && !errors.As(err, new(parley.Refusal)) {
				rt.Fatal(err)
			}
			if err == nil && did.ID != uuid.Nil {
				ids = append(ids, did.ID.String())
			}
		}

		rows := everyRow(t, db)
		var statuses []firstStatus
		if err := db.Select(&statuses,
			`SELECT scenario_id AS scenario, `+micros("recorded_at")+` AS recorded, `+micros("superseded_at")+` AS superseded, `+micros("effective_at")+` AS effective FROM status_changes`); err != nil {
			rt.Fatal(err)
		}
		var known []time.Time
		if err := db.Select(&known, `SELECT recorded_at FROM changes`); err != nil {
			rt.Fatal(err)
		}
		snapshot := a.Store.Snapshot()
		for range 40 {
			lens := parley.Lens{ValidAt: day().Add(time.Hour), KnownAt: known[random.IntN(len(known))].UTC()}
			asked := vocabulary[random.IntN(len(vocabulary))]
			if random.IntN(2) == 0 {
				asked += " " + vocabulary[random.IntN(len(vocabulary))][:2+random.IntN(3)]
			}
			want := make(map[uuid.UUID]bool)
			for _, r := range rows {
				if r.inSight(lens, statuses) && r.holds(asked) {
					want[r.ID] = true
				}
			}
			results, err := snapshot.Search(t.Context(), asked, 500,
				&parley.AsOf{ValidAt: &lens.ValidAt, KnownAt: &lens.KnownAt})
			if err != nil {
				rt.Fatal(err)
			}
			got := make(map[uuid.UUID]bool)
			for i, r := range results {
				if r.Rank > 0.5 { // not only spelt alike
					got[r.NodeID] = true
				}
				if i > 0 && (results[i-1].Rank < r.Rank || results[i-1].Rank == r.Rank &&
					results[i-1].NodeID.String() <= r.NodeID.String()) {
					rt.Fatalf("%q: %v comes before %v", asked, results[i-1], r)
				}
			}
			if !sameIDs(got, want) {
				rt.Fatalf("%q through %v finds %v, want %v", asked, lens, got, want)
			}
		}
	})
}

func sameIDs(a, b map[uuid.UUID]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for id := range a {
		if !b[id] {
			return false
		}
	}
	return true
}

// inSight says whether the row is known, holds, and is about nothing that is not on the table yet.
func (r versionRow) inSight(lens parley.Lens, statuses []firstStatus) bool {
	known, valid := lens.KnownAt.UnixMicro(), lens.ValidAt.UnixMicro()
	for scenario := range strings.FieldsSeq(r.Scenarios) {
		if !slices.ContainsFunc(statuses, func(s firstStatus) bool {
			return s.Scenario == scenario && s.Recorded <= known && s.Superseded > known && s.Effective <= valid
		}) {
			return false
		}
	}
	return r.Recorded <= known && r.Superseded > known && r.From <= valid && r.To > valid
}

// holds says whether each word asked for stands in the row or is of what it is about, the last of them as a beginning,
// and one at least in the row itself.
func (r versionRow) holds(asked string) bool {
	split := func(text string) []string {
		return strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	}
	text, about := split(r.Text), split(r.About)
	terms, own := strings.Fields(asked), false
	for i, term := range terms {
		is := func(w string) bool { return w == term || i == len(terms)-1 && strings.HasPrefix(w, term) }
		inText := slices.ContainsFunc(text, is)
		if !inText && !slices.ContainsFunc(about, is) {
			return false
		}
		own = own || inText
	}
	return own
}
