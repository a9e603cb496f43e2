// Package level executes operations level by level. A level is one place in a document together with all objects that
// reach it, from whatever lists they come. Each resolver of a level is called once, with all objects, and its results
// form the next level. When everything is resolved, the answer is appended depth-first to one buffer.
//
// gqlgen's own execution goes object by object. It still does the parsing, validation, variables, transports, and
// introspection; this package replaces the execution of the selections. Its tables are generated from gqlgen's model of
// the schema, by graph/generate.
//
// It differs from gqlgen in three ways: field middleware runs once per level and receives the values of all objects;
// the path in a resolver's context has no list indexes; and @defer is answered immediately.
package level

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Nothing is the type of root objects.
type Nothing = struct{}

// run is the execution of one operation, or of one event of a subscription.
type run struct {
	*graphql.OperationContext
	ctx    context.Context // of the response; it collects errors
	path   []step          // path of the value that is being appended
	budget Budget
	spent  bool  // the budget, and the error was reported
	watch  Watch // nil: nobody follows the levels
}

type runs struct{}

func newRun(ctx context.Context, op *graphql.OperationContext) *run {
	budget, _ := ctx.Value(BudgetKey{}).(Budget)
	watch, _ := ctx.Value(WatchKey{}).(Watch)
	return &run{OperationContext: op, ctx: context.WithValue(ctx, runs{}, true), budget: budget, watch: watch}
}

// Watch follows the levels of a run.
type Watch interface {
	// Level is called before a level is resolved, with the context of the field above, and the type and the number of the
	// objects. Their resolvers get the context that it returns. end is called when everything beneath is resolved.
	Level(field context.Context, object string, objects int) (watched context.Context, end func())
}

// WatchKey is the key under which a context has the Watch of its runs, if anybody follows them.
type WatchKey struct{}

// Budget bounds a run. Spend counts so many values at the field of a context; an error says that it is too much.
type Budget interface {
	Spend(field context.Context, values int) error
}

// BudgetKey is the key under which a context has the Budget of its runs. Once the budget is spent, the rest of a run
// fails with one error, and no more resolvers are called.
type BudgetKey struct{}

// mayGoOn counts the values of a level before they are resolved.
func (r *run) mayGoOn(ctx context.Context, values int) bool {
	if r.budget == nil {
		return true
	}
	err := r.budget.Spend(ctx, values)
	if err != nil && !r.spent {
		r.spent = true
		graphql.AddError(ctx, err)
	}
	return err == nil
}

// unresolved is a column that was not resolved, since the budget was spent. The error was reported.
type unresolved struct{}

func (unresolved) append(b []byte, _ int) ([]byte, Outcome) { return b, failed }

// Runs reports whether this package called the resolver that received the context.
func Runs(ctx context.Context) bool { return ctx.Value(runs{}) != nil }

// step is one step of a path: into a field, or, if field is nil, to an index of a list.
type step struct {
	field *graphql.FieldContext
	index int
}

func (r *run) enter(s step) { r.path = append(r.path, s) }
func (r *run) leave()       { r.path = r.path[:len(r.path)-1] }

// here returns the context of the value that is being appended, as gqlgen would have made it.
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

// report adds an error at the value that is being appended. It changes no error, since several objects may share one.
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
	if graphql.GetFieldContext(ctx).Field.Field != nil { // an entry of a list has no location in the document
		err = graphql.AddFieldLocationToError(ctx, err)
	}
	graphql.AddError(ctx, err)
}

// argumentError is an error in an argument. Its path begins at the field.
type argumentError struct{ err *gqlerror.Error }

// Error returns the message.
func (e argumentError) Error() string { return e.err.Error() }

func (e argumentError) below(field ast.Path) *gqlerror.Error {
	clone := *e.err
	clone.Path = append(field[:len(field)-1:len(field)-1], e.err.Path...)
	return &clone
}

// settle turns an outcome that the schema does not allow into a failure. For a null without an error, it reports one.
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

// Outcome is the result of appending a value.
type Outcome int

// The outcomes. Only Value means that something was appended.
const (
	Value          Outcome = iota
	Null                   // there is no value
	MarshalledNull         // there is a value, and it is written as null
	failed                 // an error was reported, for the value or beneath it
)

// Column holds the values of a field for every object of a level.
type Column interface {
	append(b []byte, i int) ([]byte, Outcome)
}

// place is a field that is being resolved.
type place struct {
	run   *run
	ctx   context.Context // for resolvers
	field *graphql.FieldContext
}

// guard calls a resolver through the field middleware. A panic becomes an error.
func guard[V any](at *place, call func(context.Context) (V, error)) (value V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = at.run.RecoverFunc(at.ctx, p)
		}
	}()
	result, err := at.run.ResolverMiddleware(at.ctx, func(ctx context.Context) (any, error) {
		at.ctx = ctx // levels beneath see what the middleware added
		return call(ctx)
	})
	value, ok := result.(V)
	if !ok && result != nil && err == nil {
		err = errors.New("a field middleware returned a value of another type")
	}
	return value, err
}
