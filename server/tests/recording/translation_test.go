package recording_test

import (
	"fmt"
	"strings"
	"testing"
)

// A translation stands beside a quote, says who made it, and does not take the quote's place.
func TestTranslations(t *testing.T) {
	t.Parallel()
	a := start(t)
	const quote = "غنی\u200cسازی ادامه دارد"
	a.Load("translated.yaml", strings.ReplaceAll(`
dataset: translated
stakeholders: [{key: iran, name: Iran, kind: STATE}]
sources: [{key: irna, title: IRNA, language: fa, body: "سخنگو گفت: «{quote}»."}]
statements:
  - {key: enrich, source: irna, speaker: iran, form: DIRECT_QUOTE, text: {quote}, translation: Enrichment continues, translatedBy: the desk}
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: fuel
        title: Fuel
        scenarios:
          - {key: stop, title: A stop, statuses: [{to: PROPOSED, effectiveAt: 2025-01-01}], positions: [{holder: iran, stance: OPPOSES, validFrom: 2025-02-01, evidence: [enrich]}]}
`, "{quote}", quote))
	got := a.Must(`{ search(text: "enrichment continues") { node { ... on Statement { id text translation translatedBy verified } } } }`)
	got.Want("search.0.node.text", quote, "search.0.node.translation", "Enrichment continues", "search.0.node.translatedBy", "the desk",
		"search.0.node.verified", true)
	id := got.Text("search.0.node.id")
	correct := func(fields string) string {
		return fmt.Sprintf(`mutation { correctStatement(input: {statement: %q, %s, note: "n"}) { statement { translation translatedBy verified } cursor
			userErrors { code message field } } }`, id, fields)
	}
	_, briefing := a.Send("GET", "/briefing/talks?since=2025-01-15T00:00:00Z", nil, nil)
	if want := "Iran: “\u2068" + quote + "\u2069” (“Enrichment continues”, translated by the desk) [1]"; !strings.Contains(briefing, want) {
		t.Errorf("the briefing does not say %s:\n%s", want, briefing)
	}
	a.Ask(correct(`clear: ["translatedBy"]`)).Refused("INVALID translatedBy", "who made it")
	a.Ask(correct(`clear: ["translation"]`)).Refused("INVALID translation", "the desk")
	a.Ask(correct(`translation: " "`)).Refused("INVALID translation")
	a.Must(correct(`translation: "Enrichment goes on"`)).Want("correctStatement.statement.translation", "Enrichment goes on",
		"correctStatement.statement.translatedBy", "the desk", "correctStatement.statement.verified", true)
	a.Must(correct(`translation: "Enrichment goes on"`)).Want("correctStatement.cursor", nil)
	a.Must(correct(`clear: ["translation", "translatedBy"]`)).Want("correctStatement.statement.translation", nil, "correctStatement.statement.translatedBy", nil)
	a.Ask(`mutation { recordStatement(input: {statement: {source: "irna", form: REPORTED, text: "So it is.", translatedBy: "the desk"}}) {
		userErrors { code message field } } }`).
		Refused("INVALID statement.translation", "the desk")
}
