package recording_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.org/parley"
	"example.org/parley/dataset"
)

// An import waits for the writers that are under way, and they for it: nobody is refused, and the feed has no hole.
func TestImportAmongWriters(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	done := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		key := fmt.Sprint("writer-", w)
		a.Must(`mutation($key: String!) { registerStakeholder(input: {key: $key, name: $key, kind: GROUP}) { userErrors { code message field } } }`, map[string]any{"key": key})
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
					a.Must(`mutation($holder: ID!, $scenario: ID!, $stance: Stance!) { recordPosition(input: {holder: $holder, scenario: $scenario, stance: $stance}) { userErrors { code message field } } }`,
						map[string]any{"holder": key, "scenario": []string{"talks/line", "talks/strip"}[i%2],
							"stance": []string{"SUPPORTS", "OPPOSES", "NEUTRAL"}[i%3]})
				}
			}
		})
	}
	for round := range 5 {
		var positions strings.Builder
		for day := range 20 {
			fmt.Fprintf(&positions, "{holder: south, stance: %s, validFrom: 20%02d-01-%02d}, ",
				[]string{"SUPPORTS", "OPPOSES"}[day%2], 10+round, day+1)
		}
		text := fmt.Sprintf(`
dataset: talks
negotiations:
  - key: talks
    issues:
      - key: border
        scenarios:
          - {key: strip, title: Round %d, positions: [%s]}
          - {key: line, positions: [%s]}
`, round, positions.String(), positions.String())
		if changes := a.Load("round.yaml", text); changes != 41 {
			t.Errorf("round %d made %d changes, want 41", round, changes)
		}
	}
	close(done)
	writers.Wait()
	a.Must(`{ changes(first: 1) { totalCount } }`).Want("changes.totalCount", a.Changes())
}

// A history with knowledge dates of its own is read as if it had been recorded then; it can't be slipped in among what
// is on record already.
func TestHistoryWithItsOwnDates(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.Must(`{ stakeholder(id: "north", asOf: {validAt: "1950-01-01T00:00:00Z", knownAt: "1950-01-01T00:00:00Z"}) { key } }`)
	told := func(recordedAt, title string) string {
		return fmt.Sprintf("dataset: told\nrecordedAt: %s\nstakeholders:\n  - {key: north, name: %s, kind: STATE}\n",
			recordedAt, title)
	}
	early, err := dataset.Read("early.yaml", []byte(told("1949-01-01", "North before its time")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dataset.Import(a.Ctx, a.Store, early, nil); err == nil ||
		!strings.Contains(err.Error(), "1950-01-01") {
		t.Errorf("before what was asked about: %v", err)
	}
	if n := a.Load("first.yaml", told("2001-02-03T04:05:06Z", "North")); n != 1 {
		t.Errorf("%d changes", n)
	}
	a.Load("second.yaml", told("2011-01-01", "The North"))
	a.Must(`{ lens { knownAt } changes { nodes { recordedAt } } then: stakeholder(id: "north", asOf: {knownAt: "2010-12-31T23:59:59.999999Z"}) { name } now: stakeholder(id: "north") { name }
		before: stakeholder(id: "north", asOf: {knownAt: "2001-02-03T04:05:05.999999Z"}) { name } }`).
		Want("changes.nodes.0.recordedAt", "2001-02-03T04:05:06.000000Z", "changes.nodes.1.recordedAt",
			"2011-01-01T00:00:00.000000Z",
			"lens.knownAt", "2011-01-01T00:00:00.000000Z", "then.name", "North", "now.name", "The North", "before", nil)
	if n := a.Load("second.yaml", told("2011-01-01", "The North")); n != 0 {
		t.Errorf("imported again it made %d changes", n)
	}
	for _, tt := range []struct{ recordedAt, says string }{
		{"2011-01-01", "not later than what is on record"}, {"2005-01-01", "2005-01-01T00:00:00.000000Z"},
		{"2999-01-01", "future"},
	} {
		set, err := dataset.Read("third.yaml", []byte(told(tt.recordedAt, "North again")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dataset.Import(a.Ctx, a.Store, set, nil); err == nil || !strings.Contains(err.Error(), tt.says) ||
			!strings.HasPrefix(err.Error(), "third.yaml:") {
			t.Errorf("recordedAt %s: %v", tt.recordedAt, err)
		}
	}
	// Whoever asked what was known at an instant was told for good.
	a.Must(`{ lens(asOf: {knownAt: "2020-01-01T00:00:00Z"}) { knownAt } }`)
	set, err := dataset.Read("fourth.yaml", []byte(told("2019-01-01", "Too late")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dataset.Import(a.Ctx, a.Store, set, nil); err == nil || !strings.Contains(err.Error(), "2020-01-01") {
		t.Errorf("after the question: %v", err)
	}
	other := startOn(t, a.DSN)
	analyst, _ := parley.CallerOf(other.Ctx)
	analyst.Role = parley.RoleAnalyst
	if set, err = dataset.Read("fifth.yaml", []byte(told("2021-01-01", "By whom"))); err != nil {
		t.Fatal(err)
	}
	if _, err := dataset.Import(parley.WithCaller(other.Ctx, analyst), other.Store, set, nil); err == nil ||
		!strings.Contains(err.Error(), "administrator") {
		t.Errorf("by an analyst: %v", err)
	}
}
