package resolvers

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

// payload has what all mutation payloads share: the record after the mutation, the cursor of the change, the warnings
// and the refusals.
type payload[T any] struct {
	record   *T
	previous *uuid.UUID // the version before; nil: none
	cursor   *parley.Cursor
	warnings []*parley.Warning
	refused  []*parley.UserError
}

// settle turns the result of a mutation into its payload. A Refusal becomes userErrors; any other error is returned.
func settle[T any](
	ctx context.Context, r *Resolver,
	read func(*storage.Snapshot, context.Context, []storage.Key, *storage.Fields) ([]*T, error),
) func(storage.Written, error) (payload[T], error) {
	return func(w storage.Written, err error) (payload[T], error) {
		var refusal parley.Refusal
		if errors.As(err, &refusal) {
			return payload[T]{refused: userErrors(refusal)}, nil
		}
		if err != nil {
			return payload[T]{}, err
		}
		records, err := read(r.snapshot(ctx), ctx, []storage.Key{{ID: w.ID}}, nil)
		if err != nil {
			return payload[T]{}, unread(err)
		}
		p := payload[T]{record: records[0], previous: w.Previous, cursor: w.Cursor, refused: userErrors(nil)}
		if r.fields(ctx).Has("warnings") {
			warnings, err := r.snapshot(ctx).Warnings(ctx, []uuid.UUID{w.ID})
			if err != nil {
				return payload[T]{}, unread(err)
			}
			p.warnings = warnings[0]
		}
		return p, nil
	}
}

// unread is the error of a mutation that is on record, and whose payload could not be read: a caller who only heard that would send
// it again.
func unread(err error) error {
	var fault *parley.Fault
	if !errors.As(err, &fault) {
		return err
	}
	return fmt.Errorf("%w (%w)", parley.NewFault(fault.Code, "This is on record, so do not send it again; but it could not be read for the answer. %s",
		fault.Message), err)
}

func userErrors(refusal parley.Refusal) []*parley.UserError {
	list := make([]*parley.UserError, min(len(refusal), parley.MaxErrors))
	for i := range list {
		list[i] = &refusal[i]
	}
	return list
}

// refusedBy are the sentences of a refusal. Any other error is returned.
func refusedBy(err error) ([]*parley.UserError, error) {
	var refusal parley.Refusal
	if errors.As(err, &refusal) {
		return userErrors(refusal), nil
	}
	return userErrors(nil), err
}

// nodeByKey reads records of any kind, in the form that settle and loadEach take.
func nodeByKey(
	s *storage.Snapshot, ctx context.Context, keys []storage.Key, fields *storage.Fields,
) ([]*parley.Node, error) {
	nodes, err := s.Nodes(ctx, keys, fields)
	if err != nil {
		return nil, err
	}
	list := make([]*parley.Node, len(nodes))
	for i := range nodes {
		if nodes[i] != nil {
			list[i] = &nodes[i]
		}
	}
	return list, nil
}

func (r *Resolver) recordPayload(ctx context.Context) func(storage.Written, error) (*graph.RecordPayload, error) {
	return func(w storage.Written, err error) (*graph.RecordPayload, error) {
		p, err := settle(ctx, r, nodeByKey)(w, err)
		payload := &graph.RecordPayload{Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}
		if err != nil || len(p.refused) > 0 {
			return payload, err
		}
		if p.record != nil {
			payload.Node = *p.record
		}
		id := w.ID.String()
		payload.RecordID = &id
		if r.fields(ctx).Has("recordType") {
			kind, err := r.snapshot(ctx).KindOf(ctx, w.ID)
			if err != nil {
				return nil, unread(err)
			}
			name := kind.Type()
			payload.RecordType = &name
		}
		return payload, nil
	}
}

// statusChangePayload adds the scenario after the mutation.
func (r *Resolver) statusChangePayload(
	ctx context.Context,
) func(storage.Written, error) (*graph.StatusChangePayload, error) {
	return func(w storage.Written, err error) (*graph.StatusChangePayload, error) {
		p, err := settle(ctx, r, (*storage.Snapshot).StatusChanges)(w, err)
		payload := &graph.StatusChangePayload{StatusChange: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}
		if err != nil || p.record == nil {
			return payload, err
		}
		scenarios, err := r.snapshot(ctx).Scenarios(ctx, []storage.Key{at(p.record.Lens, &p.record.ScenarioID)}, nil)
		if err != nil {
			return nil, unread(err)
		}
		payload.Scenario = scenarios[0]
		return payload, nil
	}
}

// positionPayload adds what was there before: the position that ended, the contested one, or the corrected version.
func (r *Resolver) positionPayload(ctx context.Context) func(storage.Written, error) (*graph.PositionPayload, error) {
	return func(w storage.Written, err error) (*graph.PositionPayload, error) {
		p, err := settle(ctx, r, (*storage.Snapshot).Positions)(w, err)
		payload := &graph.PositionPayload{Position: p.record, Cursor: p.cursor, Warnings: p.warnings, UserErrors: p.refused}
		if err != nil || p.record == nil || p.previous == nil {
			return payload, err
		}
		previous, err := r.snapshot(ctx).PositionVersions(ctx, []storage.Key{at(p.record.Lens, p.previous)}, nil)
		if err != nil {
			return nil, unread(err)
		}
		payload.Previous = previous[0]
		return payload, nil
	}
}
