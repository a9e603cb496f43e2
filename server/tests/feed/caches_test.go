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
	cmd := exec.Command("../../clienttest/node_modules/.bin/node", "../../clienttest/caches.mjs", a.URL+server.GraphQLPath)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	type told struct {
		Name                                           string
		Sent, Answered, Shown, History, Change, Edited []string
		Refetched                                      string
	}
	var got []told
	for line := range strings.Lines(string(out)) {
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
		t.Errorf("want (-) and is (+):\n%s\n%s", d, complaints.String())
	}
}
