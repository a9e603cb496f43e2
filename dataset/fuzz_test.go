package dataset

import (
	"strings"
	"testing"
)

// Whatever a file says, it is read, or refused with the place.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"dataset: d\n", `{"dataset": "d", "stakeholders": [{"key": "a", "name": "A\ud83d", "kind": "STATE"}]}`,
		"dataset: d\nnegotiations: [{key: t, title: T, issues: [{key: i, title: I, scenarios: [{key: s, title: S, statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]}]}]}]\n",
		"dataset: d\nstakeholders: [{key: a, name: !!binary aGVsbG8=, aliases: [null], kind: STATE}]\n", "a: &a [*a]\n", "---\n---\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := Read("set.yaml", text); err != nil && !strings.HasPrefix(err.Error(), "set.yaml:") {
			t.Errorf("%q is refused with %v", text, err)
		}
	})
}
