package level

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Object holds the fields of an object type whose values are *T.
type Object[T any] struct {
	Name      string
	Satisfies []string // its name, and those of its interfaces and unions
	Fields    map[string]Field[T]
}

// Field is how a field is answered: appended directly from the object, or first resolved for a whole level.
type Field[T any] struct {
	appended  func(r *run, b []byte, object *T) ([]byte, Outcome)
	column    func(at *place, objects []*T) Column
	arguments Arguments
	origin    origin
}

// origin is where values come from, as errors report it.
type origin int

const (
	fromStruct origin = iota
	fromMethod
	fromResolver
)

// Arguments reads a field's arguments.
type Arguments func(ctx context.Context, raw map[string]any) (map[string]any, error)

// With sets the field's arguments. Resolvers find them in the field's context.
func (f Field[T]) With(arguments Arguments) Field[T] {
	f.arguments = arguments
	return f
}

// Plain is a struct field that holds a leaf.
func Plain[T, V any](get func(*T) V, leaf Leaf[V]) Field[T] {
	return Field[T]{appended: func(r *run, b []byte, object *T) ([]byte, Outcome) { return leaf(r, b, get(object)) }}
}

// Bound is a struct field that holds objects, or lists of objects.
func Bound[T, V any](get func(*T) V, shape Shape[V]) Field[T] {
	return Field[T]{column: func(at *place, objects []*T) Column {
		values := make([]V, len(objects))
		for i, o := range objects {
			values[i] = get(o)
		}
		return shape(at, values)
	}}
}

// Method is a field that is a method of the object. An error or panic fails only the object's own value.
func Method[T, V any](call func(context.Context, *graphql.FieldContext, *T) (V, error), shape Shape[V]) Field[T] {
	return Field[T]{origin: fromMethod, column: func(at *place, objects []*T) Column {
		return resolved(at, shape, objects, func(ctx context.Context) ([]V, error) {
			values, errs := make([]V, len(objects)), make(graphql.BatchErrorList, len(objects))
			for i, o := range objects {
				values[i], errs[i] = one(at, func() (V, error) { return call(ctx, at.field, o) })
			}
			return values, errs
		})
	}}
}

func one[V any](at *place, call func() (V, error)) (value V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = at.run.RecoverFunc(at.ctx, p)
		}
	}()
	return call()
}

// Batch is a field with a resolver for all objects of a level. An error fails the value of every object, unless it is a
// graphql.BatchErrors, with one error or nil per object.
func Batch[T, V any](call func(context.Context, *graphql.FieldContext, []*T) ([]V, error), shape Shape[V]) Field[T] {
	return Field[T]{origin: fromResolver, column: func(at *place, objects []*T) Column {
		return resolved(at, shape, objects,
			func(ctx context.Context) ([]V, error) { return call(ctx, at.field, objects) })
	}}
}

// resolved calls a resolver for a level and makes the column of its values.
func resolved[T, V any](at *place, shape Shape[V], objects []*T, call func(context.Context) ([]V, error)) Column {
	values, err := guard(at, call)
	errs, each := err.(graphql.BatchErrors)
	switch {
	case err != nil && !each:
		return fault{at.run, err}
	case len(values) != len(objects), each && len(errs.Errors()) != len(objects):
		return fault{
			at.run,
			fmt.Errorf("%s.%s was resolved for %d objects with %d values and %v", at.field.Object, at.field.Field.Name,
				len(objects), len(values), err),
		}
	case !each:
		return shape(at, values)
	}
	return besides(at.run, errs.Errors(), shape(at, values))
}

// besides returns the column of values, some of which failed.
func besides(r *run, errs []error, values Column) Column {
	for _, err := range errs {
		if err != nil {
			return faults{r, errs, values}
		}
	}
	return values
}

type faults struct {
	run    *run
	errs   []error
	values Column
}

func (c faults) append(b []byte, i int) ([]byte, Outcome) {
	if c.errs[i] != nil {
		return fault{c.run, c.errs[i]}.append(b, i)
	}
	return c.values.append(b, i)
}

// fault is a column that failed for every object.
type fault struct {
	run *run
	err error
}

func (c fault) append(b []byte, _ int) ([]byte, Outcome) {
	c.run.report(c.err)
	return b, failed
}

// Root is a field of a root object. Root middleware runs around everything beneath it. A payload's query leads
// here as well; all such objects get the same answer.
func Root[V any](call func(context.Context, *graphql.FieldContext) (V, error), shape Shape[V]) Field[Nothing] {
	return Field[Nothing]{origin: fromResolver, column: func(at *place, objects []*Nothing) Column {
		ctx := graphql.WithRootFieldContext(at.ctx,
			&graphql.RootFieldContext{Object: at.field.Field.Name, Field: at.field.Field})
		m := at.run.RootResolverMiddleware(ctx, func(ctx context.Context) graphql.Marshaler {
			at.ctx = ctx
			return answered{resolved(at, shape, objects, func(ctx context.Context) ([]V, error) {
				v, err := call(ctx, at.field)
				return slices.Repeat([]V{v}, len(objects)), err
			})}
		})
		if a, ok := m.(answered); ok {
			return a.Column
		}
		return marshalled(at, m, len(objects))
	}}
}

// answered carries a column through root middleware.
type answered struct{ Column }

// MarshalGQL writes the value for middleware that writes it itself.
func (a answered) MarshalGQL(w io.Writer) {
	b, outcome := a.append(nil, 0)
	if outcome != Value {
		b = []byte("null")
	}
	_, _ = w.Write(b)
}

// Introspection is a root field that gqlgen answers.
func Introspection(call func(context.Context, graphql.CollectedField) graphql.Marshaler) Field[Nothing] {
	return Field[Nothing]{column: func(at *place, objects []*Nothing) Column {
		return marshalled(at, call(at.run.ctx, at.field.Field), len(objects))
	}}
}

func marshalled(at *place, m graphql.Marshaler, objects int) Column {
	return Leaves(Marshalled(func(m graphql.Marshaler) graphql.Marshaler { return m }))(at,
		slices.Repeat([]graphql.Marshaler{m}, objects))
}

// level is the objects at one place in the document.
type level[T any] struct {
	run     *run
	name    string
	objects []*T
	fields  []selected[T]
}

// selected is a field that the document selects.
type selected[T any] struct {
	field    *graphql.FieldContext // nil for __typename
	alias    string
	nonNull  bool
	appended func(r *run, b []byte, object *T) ([]byte, Outcome)
	column   Column
}

// level resolves everything that is selected on the objects of a field.
func (o *Object[T]) level(at *place, objects []*T) *level[T] {
	return o.resolve(at.run, at.ctx, at.field.Field.Selections, objects)
}

func (o *Object[T]) resolve(r *run, ctx context.Context, selections ast.SelectionSet, objects []*T) *level[T] {
	l := &level[T]{run: r, name: o.Name, objects: objects}
	if len(objects) == 0 {
		return l
	}
	if r.watch != nil {
		var end func()
		ctx, end = r.watch.Level(ctx, o.Name, len(objects))
		defer end()
	}
	collected := graphql.CollectFields(r.OperationContext, selections, o.Satisfies)
	l.fields = make([]selected[T], len(collected))
	goesOn := r.mayGoOn(ctx, len(objects)*len(collected))
	for n := range collected {
		c := collected[n]
		s := &l.fields[n]
		s.alias = c.Alias
		if c.Name == "__typename" {
			continue
		}
		f := o.Fields[c.Name]
		s.field = &graphql.FieldContext{
			Object: o.Name, Field: c, IsMethod: f.origin != fromStruct, IsResolver: f.origin == fromResolver,
		}
		s.nonNull, s.appended = c.Definition.Type.NonNull, f.appended
		switch {
		case !goesOn:
			s.appended, s.column = nil, unresolved{}
		case f.column != nil:
			s.column = f.resolve(r, ctx, s.field, objects)
		}
	}
	return l
}

// resolve reads the arguments and makes the field's column.
func (f Field[T]) resolve(r *run, ctx context.Context, field *graphql.FieldContext, objects []*T) Column {
	if f.arguments != nil {
		if err := readArguments(r, field, f.arguments); err != nil {
			return fault{r, err}
		}
	}
	own := *field // its parent is the field above; for errors, the parent is an entry of the list above
	return f.column(&place{r, graphql.WithFieldContext(ctx, &own), field}, objects)
}

func readArguments(r *run, field *graphql.FieldContext, read Arguments) (err error) {
	alone := *field
	ctx := graphql.WithFieldContext(r.ctx, &alone)
	defer func() {
		if p := recover(); p != nil {
			err = r.RecoverFunc(ctx, p)
		}
	}()
	field.Args, err = read(ctx, field.Field.ArgumentMap(r.Variables))
	var own *gqlerror.Error
	if errors.As(err, &own) && own.Path != nil {
		return argumentError{own}
	}
	return err
}

// append appends one object. After a failure it continues, to report the errors of the other fields.
func (l *level[T]) append(b []byte, i int) ([]byte, Outcome) {
	start, outcome := len(b), Value
	b = append(b, '{')
	for n := range l.fields {
		s := &l.fields[n]
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, s.alias...)
		b = append(b, '"', ':')
		if s.field == nil {
			b = AppendString(b, l.name)
			continue
		}
		l.run.enter(step{field: s.field})
		var o Outcome
		if s.appended != nil {
			b, o = s.appended(l.run, b, l.objects[i])
		} else {
			b, o = s.column.append(b, i)
		}
		o = l.run.settle(o, s.nonNull, "")
		l.run.leave()
		if o != Value {
			b = append(b, "null"...)
			if s.nonNull {
				outcome = failed
			}
		}
	}
	if outcome != Value {
		return b[:start], outcome
	}
	return append(b, '}'), Value
}
