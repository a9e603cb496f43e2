package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// ResolveScenario records what became of a scenario. Refusals: INVALID for an instant in the future, before the
// scenario's first status or, if it OCCURRED, after its deadline; CONFLICT where it has changed since ifUnchangedSince.
func (m mutations) ResolveScenario(ctx context.Context, in parley.ResolveScenarioInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).resolveScenario)
}

func (w *writer) resolveScenario(ctx context.Context, in parley.ResolveScenarioInput) (Written, error) {
	subject, err := w.subjectOf(ctx, "scenario", in.Scenario, parley.KindScenario)
	if err != nil {
		return Written{}, err
	}
	rivals, err := w.rivalsOf(ctx, subject.ID)
	if err != nil {
		return Written{}, err
	}
	var refs references
	subject = refs.subject("scenario", in.Scenario, parley.KindScenario)
	for _, rival := range rivals { // of which none must occur meanwhile
		refs.subject("scenario", rival.ID.String(), parley.KindScenario)
	}
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	now, err := w.rivalsOf(ctx, subject.ID)
	if err != nil {
		return Written{}, err
	}
	if len(now) != len(rivals) {
		return Written{}, errMoved
	}
	if in.Outcome == parley.Occurred {
		if err := parley.OneOccurs("outcome", subject.Name, now); err != nil {
			return Written{}, err
		}
	}
	of, err := w.datesOf(ctx, subject.ID)
	if err != nil {
		return Written{}, err
	}
	return scenarios.edit(ctx, w, edition[parley.Scenario]{
		subject: subject, touches: rows.IDs{*subject.ParentID}, remark: in.Note,
		sentence: fmt.Sprintf("“%s” is resolved: %s.", subject.Name, parley.Words(in.Outcome)),
		apply:    func(s *parley.Scenario) ([]string, error) { return s.Resolve(in, w.analyst.ID) },
		settle: func(s *parley.Scenario) error {
			if err := s.ResolvedBy(w.at); err != nil {
				return err
			}
			return s.Dates(of.OnTheTable, of.FirstAssessedAt).Check("resolvedAt")
		},
	})
}

// UnresolveScenario takes back a scenario's resolution. Refusals: INVALID without a note; CONFLICT where the scenario
// has changed since ifUnchangedSince.
func (m mutations) UnresolveScenario(ctx context.Context, in parley.UnresolveScenarioInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).unresolveScenario)
}

func (w *writer) unresolveScenario(ctx context.Context, in parley.UnresolveScenarioInput) (Written, error) {
	var refs references
	subject := refs.subject("scenario", in.Scenario, parley.KindScenario)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	return scenarios.edit(ctx, w, edition[parley.Scenario]{
		subject: subject, touches: rows.IDs{*subject.ParentID}, remark: &in.Note,
		sentence: fmt.Sprintf("“%s” is resolved no more.", subject.Name),
		apply:    func(s *parley.Scenario) ([]string, error) { return s.Unresolve(in) },
	})
}

// rivalsOf reads which scenarios the analysts relate to one as mutually exclusive.
func (w *writer) rivalsOf(ctx context.Context, scenario uuid.UUID) ([]parley.Rival, error) {
	var rivals []parley.Rival
	err := w.all(ctx, &rivals, `
		SELECT DISTINCT s.id, s.title, coalesce(s.outcome = 'OCCURRED', false) AS occurred
		FROM {relations r}
		JOIN {scenarios s} ON s.id IN (r.from_id, r.to_id) AND s.id <> $1 AND s.superseded_at = 'infinity'
		WHERE $1 IN (r.from_id, r.to_id) AND r.kind = 'MUTUALLY_EXCLUSIVE' AND r.claimed_by IS NULL
			AND r.superseded_at = 'infinity'
		ORDER BY s.id`, scenario)
	if err != nil {
		return nil, fmt.Errorf("read the rivals of a scenario: %w", err)
	}
	return rivals, nil
}
