// Package level runs operations level by level. A level is one place in a document with all the objects that have come
// to stand there, whatever lists they came from: each of its resolvers is called once, with all of them, and what it
// returns is the next level. When everything is resolved the answer is appended depth-first to one buffer.
//
// (gqlgen's own execution goes object by object. It stays in charge of parsing, validation, variables, transports and
// introspection; this package takes over where it would start on the first object. The tables that say what there is to
// run are generated from gqlgen's model of the schema, by graph/generate.)
//
// What differs from gqlgen: field middleware runs once a level and is given the values of all its objects; the place in a
// resolver's context has no list positions in it; @defer is answered at once.
package level

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Nothing is what root objects are made of.
type Nothing = struct{}

// run is the answering of one operation, or of one event of a subscription.
type run struct {
	*graphql.OperationContext
	ctx  context.Context // of the response: where errors are collected
	path []step          // where appending has got to
}

type runs struct{}

func newRun(ctx context.Context, op *graphql.OperationContext) *run {
	return &run{OperationContext: op, ctx: context.WithValue(ctx, runs{}, true)}
}

// Runs says whether the resolver that got the context is run by this package.
func Runs(ctx context.Context) bool { return ctx.Value(runs{}) != nil }

// step is one step of a path: into a field, or, with no field, to a place in a list.
type step struct {
	field *graphql.FieldContext
	index int
}

func (r *run) enter(s step) { r.path = append(r.path, s) }
func (r *run) leave()       { r.path = r.path[:len(r.path)-1] }

// here is the context of the value that is being appended, as gqlgen would have made it.
func (r *run) here() context.Context {
	ctx := r.ctx
	for _, s := range r.path {
		place := graphql.FieldContext{Index: &s.index}
		if s.field != nil {
			place = *s.field
		}
		ctx = graphql.WithFieldContext(ctx, &place)
	}
	return ctx
}

// report adds an error at the place that is being appended. One error may belong to many objects, so none is changed.
func (r *run) report(err error) {
	var list gqlerror.List
	if errors.As(err, &list) {
		for _, e := range list {
			r.report(e)
		}
		return
	}
	ctx := r.here()
	var beneath argumentError
	var own *gqlerror.Error
	switch {
	case errors.As(err, &beneath):
		own = beneath.below(graphql.GetPath(ctx))
		err = own
	case errors.As(err, &own):
		clone := *own
		err = &clone
	}
	if graphql.GetFieldContext(ctx).Field.Field != nil { // an entry of a list has no place in the document
		err = graphql.AddFieldLocationToError(ctx, err)
	}
	graphql.AddError(ctx, err)
}

// argumentError is an error in an argument, with its path from the field on.
type argumentError struct{ err *gqlerror.Error }

// Error is what is wrong with the argument.
func (e argumentError) Error() string { return e.err.Error() }

func (e argumentError) below(field ast.Path) *gqlerror.Error {
	clone := *e.err
	clone.Path = append(field[:len(field)-1:len(field)-1], e.err.Path...)
	return &clone
}

// settle turns an outcome that the schema does not allow into a failure, with an error for a null that nothing explains.
func (r *run) settle(o Outcome, nonNull bool, declared string) Outcome {
	if nonNull {
		switch o {
		case Null:
			graphql.AddInvalidNullError(r.here(), declared)
			return failed
		case MarshalledNull:
			graphql.AddInvalidNullFromMarshaler(r.here(), declared)
			return failed
		}
	}
	return o
}

// Outcome says what came of appending a value.
type Outcome int

// The outcomes. Only with Value has anything been appended.
const (
	Value          Outcome = iota
	Null                   // there is none
	MarshalledNull         // there is one, and it is written as null
	failed                 // an error was reported, here or beneath
)

// Column holds what a field came to for every object of a level.
type Column interface {
	append(b []byte, i int) ([]byte, Outcome)
}

// place is where a field is being resolved.
type place struct {
	run   *run
	ctx   context.Context // what resolvers get
	field *graphql.FieldContext
}

// guard calls a resolver behind the field middleware. A panic becomes an error.
func guard[V any](at *place, call func(context.Context) (V, error)) (value V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = at.run.RecoverFunc(at.ctx, p)
		}
	}()
	result, err := at.run.ResolverMiddleware(at.ctx, func(ctx context.Context) (any, error) {
		at.ctx = ctx // with what the middleware put in it, for the levels beneath
		return call(ctx)
	})
	value, ok := result.(V)
	if !ok && result != nil && err == nil {
		err = errors.New("a field middleware returned a value of another type")
	}
	return value, err
}
