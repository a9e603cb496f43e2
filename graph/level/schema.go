package level

import (
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Schema executes operations with its generated tables.
type Schema struct {
	graphql.ExecutableSchema // gqlgen's schema, for everything except execution
	Query                    *Object[Nothing]
	Mutation                 *Object[Nothing]
	Subscription             map[string]Stream
}

// Exec answers the operation in the context: once, or once for every event of a subscription.
func (s *Schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	switch op.Operation.Operation {
	case ast.Query:
		return once(func(ctx context.Context) *graphql.Response { return s.answer(ctx, op, s.Query) })
	case ast.Mutation:
		return once(func(ctx context.Context) *graphql.Response { return s.answer(ctx, op, s.Mutation) })
	default:
		return s.follow(ctx, op)
	}
}

func once(answer graphql.ResponseHandler) graphql.ResponseHandler {
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		return answer(ctx)
	}
}

func (s *Schema) answer(ctx context.Context, op *graphql.OperationContext, root *Object[Nothing]) *graphql.Response {
	r := newRun(ctx, op)
	return r.respond(func() Column {
		return objects[Nothing]{level: root.resolve(r, r.ctx, op.Operation.SelectionSet, []*Nothing{{}})}
	})
}

// respond resolves and appends the only value of a column. A panic while appending fails the whole answer.
func (r *run) respond(resolve func() Column) (response *graphql.Response) {
	response = &graphql.Response{Data: []byte("null")}
	defer func() {
		if p := recover(); p != nil {
			graphql.AddError(r.ctx, r.Recover(r.here(), p))
		}
	}()
	column := resolve()
	scratch := scratches.Get().(*[]byte)
	b, outcome := column.append((*scratch)[:0], 0)
	if cap(b) > maxScratch { // it is not reused, so that nothing needs to be copied
		if outcome == Value {
			response.Data = b
		}
		return response
	}
	if outcome == Value {
		response.Data = slices.Clone(b)
	}
	*scratch = b
	scratches.Put(scratch)
	return response
}

// scratches are buffers in which answers are appended. Buffers larger than maxScratch are not reused.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

const maxScratch = 1 << 18

// Stream is a field of the subscription object. Each event becomes a column when it arrives.
type Stream struct {
	arguments Arguments
	subscribe func(at *place) (next func(context.Context) (func(*place) Column, bool), err error)
}

// Events is a stream of values of one type: from the resolver's channel, or the single event in the context.
func Events[V any](call func(context.Context, *graphql.FieldContext) (<-chan V, error), shape Shape[V]) Stream {
	return Stream{subscribe: func(at *place) (func(context.Context) (func(*place) Column, bool), error) {
		events, err := guard(at, func(ctx context.Context) (<-chan V, error) { return call(ctx, at.field) })
		return func(ctx context.Context) (func(*place) Column, bool) {
			v, ok := ctx.Value(eventKey{}).(V)
			if !ok {
				select {
				case v, ok = <-events:
				case <-ctx.Done():
				}
			}
			return func(at *place) Column { return shape(at, []V{v}) }, ok
		}, err
	}}
}

type eventKey struct{}

// WithEvent returns a context in which a subscription is answered with the given event. Several events may be answered
// at a time. The resolver of such a subscription returns no channel.
func WithEvent(ctx context.Context, event any) context.Context {
	return context.WithValue(ctx, eventKey{}, event)
}

// With sets the stream's arguments.
func (s Stream) With(arguments Arguments) Stream {
	s.arguments = arguments
	return s
}

// follow subscribes, and answers with each event as if the subscription were a query for it.
func (s *Schema) follow(ctx context.Context, op *graphql.OperationContext) graphql.ResponseHandler {
	collected := graphql.CollectFields(op, op.Operation.SelectionSet, nil)
	if len(collected) != 1 {
		err := gqlerror.Errorf("must subscribe to exactly one stream")
		// @skip or @include can cause this; validation does not evaluate them
		errcode.Set(err, errcode.ValidationFailed)
		graphql.AddError(ctx, err)
		return nil
	}
	r := &run{OperationContext: op, ctx: ctx}
	name := collected[0].ObjectDefinition.Name
	field := &graphql.FieldContext{Object: name, Field: collected[0], IsMethod: true, IsResolver: true}
	r.enter(step{field: field})
	stream := s.Subscription[field.Field.Name]
	if stream.arguments != nil {
		if err := readArguments(r, field, stream.arguments); err != nil {
			r.report(err)
			return nil
		}
	}
	next, err := stream.subscribe(&place{r, r.here(), field})
	if err != nil {
		r.report(err)
		return nil
	}
	return func(ctx context.Context) *graphql.Response {
		event, ok := next(ctx)
		if !ok {
			return nil
		}
		r := newRun(ctx, op)
		root := &Object[Nothing]{Name: name, Fields: map[string]Field[Nothing]{
			field.Field.Name: {origin: fromResolver, column: func(at *place, _ []*Nothing) Column { return event(at) }},
		}}
		return r.respond(func() Column {
			return objects[Nothing]{level: root.resolve(r, r.ctx, op.Operation.SelectionSet, []*Nothing{{}})}
		})
	}
}
