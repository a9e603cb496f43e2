package resolvers

import (
	"context"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
	"github.com/google/uuid"
)

func (r *mutationResolver) RecordStatement(ctx context.Context, input parley.RecordStatementInput) (*graph.StatementPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Statements)(r.store.RecordStatement(ctx, input))
	return &graph.StatementPayload{Statement: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *mutationResolver) CorrectStatement(ctx context.Context, input graph.CorrectStatementInput) (*graph.StatementPayload, error) {
	p, err := settle(ctx, r.Resolver, (*storage.Snapshot).Statements)(
		edited(ctx, input, r.store.CorrectStatement))
	return &graph.StatementPayload{Statement: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}, err
}

func (r *queryResolver) Statements(ctx context.Context, filter *parley.StatementFilter, first *int, after *parley.Cursor, last *int, before *parley.Cursor, asOf *parley.AsOf) (*parley.Connection[parley.Statement], error) {
	return r.snapshot(ctx).ListStatements(ctx, asOf, filter, page(first, after, last, before), r.fields(ctx))
}

func (r *statementResolver) Source(ctx context.Context, objs []*parley.Statement) ([]*parley.Source, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Sources,
		keys(objs, func(s *parley.Statement) storage.Key { return at(s.Lens, &s.SourceID) }))
}

func (r *statementResolver) Speaker(ctx context.Context, objs []*parley.Statement) ([]*parley.Stakeholder, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).Stakeholders,
		keys(objs, func(s *parley.Statement) storage.Key {
			if len(s.SpeakerIDs) == 0 {
				return storage.Key{Lens: s.Lens}
			}
			return at(s.Lens, &s.SpeakerIDs[0])
		}))
}

func (r *statementResolver) Speakers(ctx context.Context, objs []*parley.Statement) ([][]*parley.Stakeholder, error) {
	return loadEach(ctx, r.Resolver, (*storage.Snapshot).Stakeholders, objs,
		func(s *parley.Statement) (parley.Lens, []uuid.UUID) { return s.Lens, s.SpeakerIDs })
}

func (r *statementResolver) About(ctx context.Context, objs []*parley.Statement) ([][]parley.Node, error) {
	return r.nodesOf(ctx, objs)
}

func (r *statementResolver) Grade(ctx context.Context, objs []*parley.Statement) ([]string, error) {
	sources, err := r.Source(ctx, objs)
	if err != nil {
		return nil, err
	}
	grades := make([]string, len(objs))
	for i, s := range objs {
		grades[i] = s.Grade(sources[i].Reliability)
	}
	return grades, nil
}

func (r *statementResolver) Context(ctx context.Context, objs []*parley.Statement) ([]*string, error) {
	return r.snapshot(ctx).Contexts(ctx, objs)
}

func (r *statementResolver) RestingOnIt(ctx context.Context, objs []*parley.Statement) ([][]parley.Node, error) {
	return load(ctx, r.Resolver, (*storage.Snapshot).RestingOn,
		keys(objs, func(s *parley.Statement) storage.Key { return at(s.Lens, &s.ID) }))
}

func (r *Resolver) Statement() graph.StatementResolver { return &statementResolver{r} }

type statementResolver struct{ *Resolver }
