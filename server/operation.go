package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// operationCheck refuses what is wrong with a request before gqlgen sees it, which says less clearly what is wrong, or
// accepts it. It leaves a document that can't be parsed or is not valid to gqlgen.
type operationCheck struct {
	schema    *ast.Schema
	documents cache[*ast.QueryDocument]
}

var (
	_ graphql.OperationParameterMutator = operationCheck{}
	_ graphql.OperationContextMutator   = operationCheck{}
)

// A request that asks for too much is answered like one that is not valid.
func init() { errcode.RegisterErrorType(string(parley.Limit), errcode.KindProtocol) }

// ExtensionName returns the check's name among gqlgen's extensions.
func (operationCheck) ExtensionName() string { return "OperationCheck" }

// Validate accepts every schema.
func (operationCheck) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses texts that stand for no characters, a document that would take long to validate, an
// operation that is not there, and variables that are not of their types. It leaves variables out that the operation does not declare.
func (c operationCheck) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	document, known := c.documents.look(params.Query)
	if !known {
		if damage := parley.DamageInDocument(params.Query); damage != nil {
			return faulty("%s.", damage)
		}
		var err error
		document, err = parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, maxTokens)
		if tooLong := longDocument(err); tooLong != nil {
			return tooLong
		}
		if err != nil || len(document.Operations) == 0 {
			return nil
		}
		if err := tooMuchToValidate(document); err != nil {
			return err
		}
	}
	operation := document.Operations.ForName(params.OperationName)
	if operation == nil {
		return noOperation(document, params.OperationName)
	}
	variables, err := coerceVariables(c.schema, operation, params.Variables)
	params.Variables = variables
	return err
}

// longDocument says that a document could not be parsed since it has too many tokens or is nested too deeply; nil: that
// is not why.
func longDocument(err error) *gqlerror.Error {
	var parsing *gqlerror.Error
	switch {
	case !errors.As(err, &parsing):
	case strings.HasPrefix(parsing.Message, "exceeded token limit"):
		return transport.Refused(parley.Limit, fmt.Sprintf(
			"The document has more than %d tokens; send a shorter one, with long lists in variables.", maxTokens))
	case strings.HasPrefix(parsing.Message, "exceeded maximum nesting"):
		return transport.Refused(parley.Limit, fmt.Sprintf(
			"The document nests brackets more than %d levels deep; send a flatter one.", parser.MaxNestingDepth))
	}
	return nil
}

func noOperation(document *ast.QueryDocument, name string) *gqlerror.Error {
	names := make([]string, len(document.Operations))
	for i, o := range document.Operations {
		names[i] = cmp.Or(o.Name, "one without a name")
	}
	if name == "" {
		return faulty("The document has %d operations (%s); say by operationName which one is meant.", len(names), clipped(strings.Join(names, ", ")))
	}
	return faulty("The document has no operation %q; operationName is one of %s.", clipped(name), clipped(strings.Join(names, ", ")))
}

// MutateOperationContext refuses an operation that its transport can't carry, and null where a value has to be. It
// changes nothing.
func (c operationCheck) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	by, streams := transport.CarrierOf(ctx)
	switch kind := op.Operation.Operation; {
	case kind == ast.Subscription && !streams:
		return faulty(
			"Subscriptions need a WebSocket with the subprotocol graphql-transport-ws, or a request that accepts " +
				"text/event-stream; this request came over plain HTTP.")
	case kind == ast.Mutation && by == transport.ByGET:
		return faulty("Mutations need POST; this request came by GET.")
	}
	return misplacedNulls(c.schema, op)
}

// faulty returns a validation error, like those that gqlgen reports.
func faulty(format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// misplacedNulls refuses a variable that is null where a value has to be. GraphQL allows a nullable variable there if
// the place has a default, which stands for a variable that is left out, but not for null; gqlgen takes null for a
// value.
func misplacedNulls(schema *ast.Schema, op *graphql.OperationContext) *gqlerror.Error {
	n := nulls{schema: schema, named: make(map[string]bool)}
	for _, v := range op.Operation.VariableDefinitions {
		if value, given := op.Variables[v.Variable]; given && value == nil {
			n.named[v.Variable] = true
		}
	}
	if len(n.named) == 0 {
		return nil
	}
	n.directives(op.Operation.Directives)
	n.selections(op.Operation.SelectionSet)
	for _, f := range op.Doc.Fragments {
		n.selections(f.SelectionSet)
	}
	return n.err
}

// nulls looks for variables that are null.
type nulls struct {
	schema *ast.Schema
	named  map[string]bool
	err    *gqlerror.Error // the first one found where a value has to be
}

func (n *nulls) selections(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.Definition != nil {
				n.arguments(s.Definition.Arguments, s.Arguments)
			}
			n.directives(s.Directives)
			n.selections(s.SelectionSet)
		case *ast.InlineFragment:
			n.directives(s.Directives)
			n.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			n.directives(s.Directives)
		}
	}
}

func (n *nulls) directives(list ast.DirectiveList) {
	for _, d := range list {
		if d.Definition != nil {
			n.arguments(d.Definition.Arguments, d.Arguments)
		}
	}
}

func (n *nulls) arguments(definitions ast.ArgumentDefinitionList, given ast.ArgumentList) {
	for _, a := range given {
		if d := definitions.ForName(a.Name); d != nil {
			n.value(a.Value, d.Type, a.Name, d.DefaultValue)
		}
	}
}

func (n *nulls) value(v *ast.Value, t *ast.Type, place string, byDefault *ast.Value) {
	switch {
	case v.Kind == ast.Variable && n.named[v.Raw] && t.NonNull && n.err == nil:
		advice := "give a value"
		if byDefault != nil {
			advice = fmt.Sprintf("leave the variable out for the default, %s, or give a value", byDefault)
		}
		n.err = faulty("$%s is null, and %s, of type %s, can't be null; %s.", v.Raw, place, t, advice)
	case v.Kind == ast.ListValue && t.Elem != nil:
		for i, child := range v.Children {
			n.value(child.Value, t.Elem, fmt.Sprintf("%s.%d", place, i), nil)
		}
	case v.Kind == ast.ObjectValue:
		for _, child := range v.Children {
			if f := n.schema.Types[t.Name()].Fields.ForName(child.Name); f != nil {
				n.value(child.Value, f.Type, place+"."+child.Name, f.DefaultValue)
			}
		}
	}
}
