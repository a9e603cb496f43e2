package storage

import (
	"context"
	"fmt"
	"slices"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// ResolveScenario records what became of a scenario. Refusals: INVALID for an instant in the future, before the
// scenario's first status or, if it OCCURRED, after its deadline; CONFLICT where it has changed since ifUnchangedSince.
func (m mutations) ResolveScenario(ctx context.Context, in parley.ResolveScenarioInput) (Written, error) {
	return perform(ctx, m, in, (*writer).resolveScenario)
}

func (w *writer) resolveScenario(ctx context.Context, in parley.ResolveScenarioInput) (Written, error) {
	subject, err := w.scenarioToResolve(ctx, in.Scenario)
	if err != nil {
		return Written{}, err
	}
	line, err := w.statusesOf(ctx, subject.ID)
	if err != nil {
		return Written{}, err
	}
	first := slices.MinFunc(line, func(a, b *parley.StatusChange) int { return a.EffectiveAt.Compare(b.EffectiveAt) })
	return scenarios.edit(ctx, w, edition[parley.Scenario]{
		subject: subject, touches: rows.IDs{*subject.ParentID}, remark: in.Note,
		sentence: fmt.Sprintf("“%s” is resolved: %s.", subject.Name, parley.Words(in.Outcome)),
		apply:    func(s *parley.Scenario) ([]string, error) { return s.Resolve(in, w.analyst.ID) },
		settle:   func(s *parley.Scenario) error { return s.ResolvedBy(w.at, first.EffectiveAt) },
	})
}

// UnresolveScenario takes back a scenario's resolution. Refusals: INVALID without a note; CONFLICT where the scenario
// has changed since ifUnchangedSince.
func (m mutations) UnresolveScenario(ctx context.Context, in parley.UnresolveScenarioInput) (Written, error) {
	return perform(ctx, m, in, (*writer).unresolveScenario)
}

func (w *writer) unresolveScenario(ctx context.Context, in parley.UnresolveScenarioInput) (Written, error) {
	subject, err := w.scenarioToResolve(ctx, in.Scenario)
	if err != nil {
		return Written{}, err
	}
	return scenarios.edit(ctx, w, edition[parley.Scenario]{
		subject: subject, touches: rows.IDs{*subject.ParentID}, remark: &in.Note,
		sentence: fmt.Sprintf("“%s” is resolved no more.", subject.Name),
		apply:    func(s *parley.Scenario) ([]string, error) { return s.Unresolve(in) },
	})
}

func (w *writer) scenarioToResolve(ctx context.Context, ref string) (*target, error) {
	var refs references
	subject := refs.subject("scenario", ref, parley.KindScenario)
	return subject, w.find(ctx, &refs)
}
