package server_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"example.org/parley/examples"
	"example.org/parley/server"
	"example.org/parley/server/playground/browsertest"
)

var screenshots = flag.String("screenshots", "", "write pictures of the playground into this directory")

var operationName = regexp.MustCompile(`(?m)^(query|mutation|subscription) (\w+)`)

// exampleOf is the first example operation of a kind, by name.
func exampleOf(t *testing.T, kind string) string {
	t.Helper()
	for _, o := range examples.Operations() {
		if m := operationName.FindStringSubmatch(o.Text); m != nil && m[1] == kind {
			return m[2]
		}
	}
	t.Fatalf("there is no example of a %s", kind)
	return ""
}

// A reader opens the playground, runs an example, subscribes, and sees what another client records within a second.
func TestPlayground(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	ctx := browsertest.New(t)
	problems := browsertest.Watch(t, ctx, a.URL)
	picture := func(name string) {
		if *screenshots != "" {
			browsertest.Screenshot(t, ctx, filepath.Join(*screenshots, name))
		}
	}
	do := func(step string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		for _, action := range actions {
			if err := chromedp.Do(ctx, action); err != nil {
				t.Fatalf("%s: %v", step, err)
			}
		}
	}
	do("open the page", chromedp.Navigate(a.URL+server.PlaygroundPath))
	do("run a query", browsertest.OpenTab(exampleOf(t, "query")), browsertest.Execute(),
		browsertest.WaitAnswer(`"WITHDRAWN"`))
	picture("playground.png")

	do("subscribe", browsertest.OpenTab(exampleOf(t, "subscription")), browsertest.Execute())
	// When the subscription has begun shows only by what it brings, and it brings nothing from before: so another
	// client records one change after the other until one of them is heard of.
	var recorded atomic.Int64
	heard, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-heard:
				return
			default:
				a.Must(apitest.ChangeStatus, map[string]any{"input": map[string]any{
					"scenario": "ukraine-2025/comprehensive-deal", "to": []string{"STALLED", "PROPOSED"}[i%2],
					"reason": "moved by another client"}})
				recorded.Store(time.Now().UnixMilli())
			}
		}
	}()
	do("hear of a change", browsertest.WaitAnswer(`“`))
	t.Logf("heard of a change %d ms after the last was recorded", time.Now().UnixMilli()-recorded.Load())
	close(heard)
	<-ended
	picture("subscription.png")
	if list := problems(); len(list) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(list, "\n"))
	}
}

// The example operations that the playground opens with, and the README shows, do what they say on the example data.
func TestExamples(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	for _, o := range examples.Operations() {
		switch {
		case strings.Contains(o.Text, "\nsubscription "):
			continue // run in the browser by TestPlayground
		case strings.Contains(o.Name, "refus"):
			for range 2 {
				if list := apitest.Refusals(a.Ask(o.Text).Data); len(list) != 1 {
					t.Errorf("%s: %v, want one refusal", o.Name, list)
				}
			}
		default:
			first := a.Must(o.Text)
			if again := a.Must(o.Text); strings.Contains(o.Text, "\nmutation ") && again.Data == nil {
				t.Errorf("%s can't be run twice: %v then %v", o.Name, first.Data, again.Data)
			}
		}
	}
}

// The README's query has the README's answer.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		_, rest, _ := strings.Cut(string(text), "```"+language+"\n")
		inside, _, found := strings.Cut(rest, "```")
		if !found {
			t.Fatalf("the README has no %s", language)
		}
		return inside
	}
	var want any
	if err := json.Unmarshal([]byte(block("json")), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, withDemo(t).Must(block("graphql")).Data); diff != "" {
		t.Errorf("the answer differs (-README +Parley):\n%s", diff)
	}
}

// The example finds each weak spot that there is, and no other.
func TestWeakSpots(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	var document string
	for _, o := range examples.Operations() {
		if o.Name == "weak spots" {
			document = o.Text
		}
	}
	labels := func(g apitest.Answer, list string) string {
		var all []string
		for i := range g.Count(list + ".nodes") {
			all = append(all, g.Text(fmt.Sprintf("%s.nodes.%d.label", list, i)))
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	spots := a.Must(document)
	if got := labels(spots, "atSecondHand"); !strings.Contains(got, "France strongly supports") ||
		strings.Contains(got, "Ukraine ") {
		t.Errorf("at second hand are\n%s", got)
	}
	if got := labels(spots, "onNoSource"); got != "" {
		t.Errorf("on no source are\n%s", got)
	}
	a.Must(`mutation { recordPosition(input: {holder: "eu", scenario: "ukraine-2025/comprehensive-deal", stance: SUPPORTS}) { userErrors { code message field } }
		decided: recordPosition(input: {holder: "eu", scenario: "ukraine-2025/ceasefire-first", stance: SUPPORTS}) { userErrors { code message field } }
		first: assessScenario(input: {scenario: "ukraine-2025/ceasefire-first", probability: 20, confidence: LOW, rationale: "so"}) { userErrors { code message field } }
		second: assessScenario(input: {scenario: "ukraine-2025/ceasefire-first", probability: 60, confidence: LOW, rationale: "not so"}) { userErrors { code message field } } }`)
	spots = a.Must(document)
	if got := labels(spots, "onNoSource"); got != "European Union supports: A full peace deal at once" {
		t.Errorf("on no source are\n%s", got)
	}
	if got := labels(spots, "notAffirmedForAMonth"); strings.Contains(got,
		"European Union supports: A full peace deal at once") || !strings.Contains(got, "United States strongly supports") {
		t.Errorf("not affirmed for a month are\n%s", got)
	}
	if got := labels(spots, "onDoubtfulSources"); !strings.Contains(got, "United States strongly supports") ||
		strings.Contains(got, "Russia ambiguous") {
		t.Errorf("on doubtful sources are\n%s", got)
	}
	spots.Want("planned.nodes.0.title", "Zelensky visits the White House", "onOneSource.totalCount", 12,
		"notSpoken.issues.0.matrix.rows.1.stakeholder.name", "France",
		"notSpoken.issues.0.matrix.rows.1.cells.0.stance", nil,
		"likelihoodsAndWhatCameBetween.nodes.0.kind", "ASSESSMENT",
		"likelihoodsAndWhatCameBetween.nodes.0.assessment.probability", 60,
		"likelihoodsAndWhatCameBetween.nodes.0.previousAssessment.probability", 20,
		"likelihoodsAndWhatCameBetween.nodes.1.kind", "ASSESSMENT",
		"likelihoodsAndWhatCameBetween.nodes.2.kind", "POSITION")
}
