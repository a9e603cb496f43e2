package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// An import waits for the writers that are under way, and they for it: nobody is refused, and the feed has no hole.
func TestImportAmongWriters(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	done := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		key := fmt.Sprint("writer-", w)
		a.must(`mutation($key: String!) { registerStakeholder(input: {key: $key, name: $key, kind: GROUP}) { userErrors { code message field } } }`, map[string]any{"key": key})
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
					a.must(`mutation($holder: ID!, $scenario: ID!, $stance: Stance!) { recordPosition(input: {holder: $holder, scenario: $scenario, stance: $stance}) { userErrors { code message field } } }`,
						map[string]any{"holder": key, "scenario": []string{"talks/line", "talks/strip"}[i%2], "stance": []string{"SUPPORTS", "OPPOSES", "NEUTRAL"}[i%3]})
				}
			}
		})
	}
	for round := range 5 {
		var positions strings.Builder
		for day := range 20 {
			fmt.Fprintf(&positions, "{holder: south, stance: %s, validFrom: 20%02d-01-%02d}, ", []string{"SUPPORTS", "OPPOSES"}[day%2], 10+round, day+1)
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
		if changes := a.load("round.yaml", text); changes != 41 {
			t.Errorf("round %d made %d changes, want 41", round, changes)
		}
	}
	close(done)
	writers.Wait()
	a.must(`{ changes(first: 1) { totalCount } }`).want("changes.totalCount", a.changes())
}
