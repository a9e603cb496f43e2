package history_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"example.org/parley/internal/longtest"
	"example.org/parley/server/apitest"

	"example.org/parley"
	"example.org/parley/storage"
)

const (
	linkedScenarios = 30
	linkedHolders   = 8
	laterChanges    = 2000
)

// writeAtRandom writes something or other about scenario-N and holder-N. What is refused is no matter.
func writeAtRandom(ctx context.Context, m *storage.Store, random *rand.Rand, written *string) error {
	scenario, holder := fmt.Sprint("talks/scenario-", random.IntN(linkedScenarios)),
		fmt.Sprint("holder-", random.IntN(linkedHolders))
	at := time.Date(2025, 1, 1+random.IntN(600), random.IntN(24), random.IntN(60), random.IntN(60), 0, time.UTC)
	text := fmt.Sprint("text ", random.IntN(1000))
	stance := parley.Stances[random.IntN(len(parley.Stances))]
	var did storage.Written
	var err error
	switch random.IntN(8) {
	case 0:
		did, err = m.EditScenario(ctx, parley.EditScenario{Scenario: scenario, Title: parley.To(text)})
	case 1:
		did, err = m.EditStakeholder(ctx, parley.EditStakeholder{Stakeholder: holder, Name: parley.To(text)})
	case 2, 3:
		to := []parley.ScenarioStatus{"PROPOSED", "STALLED", "UNDER_NEGOTIATION", "AGREED"}[random.IntN(4)]
		did, err = m.ChangeScenarioStatus(ctx,
			parley.ChangeScenarioStatusInput{Scenario: scenario, To: to, Reason: text, EffectiveAt: &at,
				EffectiveAtPrecision: parley.PrecisionDay})
	case 4:
		if *written != "" {
			did, err = m.CorrectPosition(ctx,
				parley.CorrectPosition{Position: *written, Stance: parley.To(stance), Note: text})
		}
	case 5:
		if *written != "" && random.IntN(2) == 0 {
			did, err = m.Retract(ctx, parley.RetractInput{ID: *written, Note: text})
		}
	default:
		did, err = m.RecordPosition(ctx, parley.RecordPositionInput{
			Holder: holder, Scenario: scenario, Stance: stance, ValidFrom: &at, ValidFromPrecision: parley.PrecisionDay,
			Confidence: "LOW", Rationale: &text,
		})
		if err == nil {
			*written = did.ID.String()
		}
	}
	var refusal parley.Refusal
	if errors.As(err, &refusal) {
		return nil
	}
	return err
}

// writers write at random, so many at once, until they are told to stop.
func (a *api) writers(n int) (stop func()) {
	ctx, cancel := context.WithCancel(a.Ctx)
	var writing sync.WaitGroup
	for w := range n {
		writing.Go(func() {
			random, written := rand.New(rand.NewPCG(uint64(a.Changes()), uint64(w))), ""
			for ctx.Err() == nil {
				if err := writeAtRandom(ctx, a.Store, random, &written); err != nil && ctx.Err() == nil {
					a.T.Error(err)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		writing.Wait()
	}
}

// An answer through a lens with both instants pinned stays as it is, byte for byte, whatever is recorded later; that it
// was taken while others wrote makes no difference.
func TestPermalinks(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for i := range linkedScenarios {
		a.Must(fmt.Sprintf(`mutation { addScenario(input: {issue: "talks/border", key: "scenario-%[1]d", title: "Scenario %[1]d", effectiveAt: "2025-01-01T00:00:00Z"}) { userErrors { code message field } } }`, i))
	}
	for i := range linkedHolders {
		a.Must(fmt.Sprintf(`mutation { registerStakeholder(input: {key: "holder-%[1]d", name: "Holder %[1]d", kind: GROUP}) { userErrors { code message field } } }`, i))
	}
	stop := a.writers(8)
	type link struct{ document, answer string }
	var links []link
	random := rand.New(rand.NewPCG(2, 3))
	for len(links) < longtest.Times(60) {
		// Known now, to the microsecond: later than anything that is committed, and perhaps than something that is not.
		now := time.Now().UTC().Truncate(time.Microsecond)
		valid := time.Date(2025, 1, random.IntN(700), 0, 0, 0, 0, time.UTC)
		asOf := fmt.Sprintf("asOf: {validAt: %q, knownAt: %q}", parley.FormatInstant(valid), parley.FormatInstant(now))
		document := fmt.Sprintf(`{ lens(%[1]s) { validAt knownAt cursor nextChangeAt }
			negotiation(id: "talks", %[1]s) { title changedAt scenarios(first: 100) { totalCount nodes { id title status statusSince changedAt
				statusHistory(includeSuperseded: true, first: 500) { totalCount nodes { version from to skipped effectiveAt recordedAt supersededAt correctionNote } }
				positions { totalCount nodes { version stance validFrom validTo contested supersededAt holder { name } } } } }
				diff(from: {validAt: "2025-02-01T00:00:00Z", knownAt: "2026-01-01T00:00:00Z"}, to: {validAt: %[2]q, knownAt: %[3]q}) { positions { totalCount nodes { before { stance } after { stance } cause } } } }
			stakeholder(id: "holder-%[4]d", %[1]s) { name positionHistory(includeSuperseded: true, first: 500) { totalCount nodes { version stance validTo recordedAt supersededAt correctionNote scenario { title } } } }
			positions(%[1]s, orderBy: RECORDED_DESC, first: 200, filter: {holders: ["holder-%[4]d"]}) { totalCount nodes { version rationale } }
			scenarios(%[1]s, filter: {everReached: [AGREED], notReached: [STALLED]}) { totalCount nodes { key } }
			search(text: "text %[4]d", first: 100, %[1]s) { rank snippet node { id label } } common: search(text: "text", first: 500, %[1]s) { rank snippet node { id } } }`,
			asOf, parley.FormatInstant(valid), parley.FormatInstant(now), random.IntN(linkedHolders))
		l := link{document, a.Raw(document)}
		if again := a.Raw(document); again != l.answer {
			t.Fatalf("asked again at once, %s\nwas answered with\n%s\nand then with\n%s", document, l.answer, again)
		}
		links = append(links, l)
	}
	stop()
	t.Logf("%d changes when the last link was taken", a.Changes())
	before := a.Changes()
	stop = a.writers(8)
	for hundreds := range longtest.Times(laterChanges) / 100 { // patience is for getting on, not for the whole
		apitest.Wait(t, "a hundred more changes", func() bool { return a.Changes()-before >= 100*(hundreds+1) })
	}
	stop()
	for _, l := range links {
		if now := a.Raw(l.document); now != l.answer {
			t.Fatalf("%s\nwas answered with\n%s\nand now is with\n%s", l.document, l.answer, now)
		}
	}
}
