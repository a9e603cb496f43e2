package server

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// noIntrospection refuses operations that ask for the schema. The type of an object (__typename) is no part of that.
type noIntrospection struct{}

var _ graphql.OperationContextMutator = noIntrospection{}

// ExtensionName returns its name among gqlgen's extensions.
func (noIntrospection) ExtensionName() string { return "NoIntrospection" }

// Validate accepts every schema.
func (noIntrospection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation that asks for the schema. It changes nothing.
func (noIntrospection) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	asks := asksForSchema(op.Operation.SelectionSet)
	for _, f := range op.Doc.Fragments {
		asks = asks || asksForSchema(f.SelectionSet)
	}
	if asks {
		return transport.Refused(parley.Forbidden, "This server does not describe its schema; ask whoever runs it for the schema's text.")
	}
	return nil
}

// asksForSchema says whether a selection asks for it anywhere, fragments aside: payloads of mutations have a query too.
func asksForSchema(set ast.SelectionSet) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.Name == "__schema" || s.Name == "__type" || asksForSchema(s.SelectionSet) {
				return true
			}
		case *ast.InlineFragment:
			if asksForSchema(s.SelectionSet) {
				return true
			}
		}
	}
	return false
}
