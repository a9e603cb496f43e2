package feed_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"example.org/parley/server"
)

// Caches of clients that keep objects by their ids show every moment as it was, and what a mutation changed. (Through the
// other lens it changed too, but that object stays as it was until it is fetched again.) Documents are sent by their
// hashes.
func TestCachesOfClients(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const refused = `userErrors { code message field }`
	a.On("2030-01-09T12:00:00Z", `changeScenarioStatus(input: {scenario: "talks/line", to: STALLED, reason: "r", effectiveAt: "2025-02-01T00:00:00Z"}) { `+refused+` }`)
	id := a.On("2030-01-10T12:00:00Z", `recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS, validFrom: "2025-02-01T00:00:00Z"}) { position { id } `+refused+` }`).
		Text("recordPosition.position.id")
	for day, stance := range []string{"NEUTRAL", "OPPOSES"} {
		a.On(fmt.Sprintf("2030-01-1%dT12:00:00Z", day+1), fmt.Sprintf(`correctPosition(input: {position: %q, stance: %s, note: "n"}) { `+refused+` }`, id, stance))
	}
	out, complaints := node(t, "caches.mjs", a.URL+server.GraphQLPath)
	type told struct {
		Name                                           string
		Sent, Answered, Shown, History, Change, Edited []string
		Refetched                                      string
	}
	var got []told
	for line := range strings.Lines(out) {
		var one told
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got = append(got, one)
	}
	var want []told
	before := "A line"
	for _, name := range []string{"apollo", "urql"} {
		title := "A line by " + name
		want = append(want, told{
			Name: name, Sent: []string{"hash", "hash and document"}, Answered: []string{"STALLED", "PROPOSED"}, Shown: []string{"STALLED", "PROPOSED"},
			History: []string{"SUPPORTS", "NEUTRAL", "OPPOSES"}, Change: []string{"NEUTRAL", "OPPOSES"},
			Edited: []string{title, before}, Refetched: title,
		})
		before = title
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("want (-) and is (+):\n%s\n%s", d, complaints)
	}
}

// The server keeps to GraphQL over HTTP, as the audits of its reference implementation see it.
func TestAudits(t *testing.T) {
	t.Parallel()
	out, _ := node(t, "audits.mjs", start(t).URL+server.GraphQLPath)
	var told struct {
		Count  int
		Failed []string
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil || told.Count < 61 || len(told.Failed) > 0 {
		t.Errorf("%d audits, of which these fail (%v): %s", told.Count, err, strings.Join(told.Failed, "\n"))
	}
}

// node runs one of the scripts in clienttest to its end.
func node(t *testing.T, script string, args ...string) (out, complaints string) {
	t.Helper()
	cmd := exec.Command("../../clienttest/node_modules/.bin/node", append([]string{"../../clienttest/" + script}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, said.String())
	}
	return string(text), said.String()
}
