package transport

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// MaxKept is how long a document may be, in bytes, for what was made of it to be kept for the next who sends it.
const MaxKept = 64 << 10

// viewed is a subscription in a document.
type viewed struct{ document, operation string }

// viewText is what a subscription selects of a change, whatever its layout, and the variables that this depends on.
type viewText struct {
	text      string
	variables []string
}

// viewKey is the same for subscriptions that show the same of the same change. Their own arguments say which changes those
// are, and have no part in it: clients with a thousand different filters are answered with one execution.
func (t *Transports) viewKey(op *graphql.OperationContext, clearance string) string {
	v, known := t.views.Get(viewed{op.RawQuery, op.OperationName})
	if !known {
		if v = textOf(op); len(op.RawQuery) <= MaxKept {
			t.views.Add(viewed{op.RawQuery, op.OperationName}, v)
		}
	}
	values := make(map[string]any, len(v.variables)) // one that is left out is not the same as null
	for _, name := range v.variables {
		if value, given := op.Variables[name]; given {
			values[name] = value
		}
	}
	key, err := json.Marshal([]any{clearance, values})
	if err != nil {
		panic(err) // they were read from JSON
	}
	return string(key) + v.text
}

func textOf(op *graphql.OperationContext) viewText {
	operation := *op.Operation
	operation.Name, operation.VariableDefinitions = "", nil
	if len(operation.SelectionSet) == 1 {
		if root, ok := operation.SelectionSet[0].(*ast.Field); ok {
			bare := *root
			bare.Arguments = nil
			operation.SelectionSet = ast.SelectionSet{&bare}
		}
	}
	names, fragments := make(map[string]bool), make(map[string]*ast.FragmentDefinition)
	collectVariables(operation.SelectionSet, names, fragments)
	document := &ast.QueryDocument{Operations: ast.OperationList{&operation}}
	for _, name := range slices.Sorted(maps.Keys(fragments)) {
		document.Fragments = append(document.Fragments, fragments[name])
	}
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithIndent("")).FormatQueryDocument(document)
	return viewText{text.String(), slices.Sorted(maps.Keys(names))}
}

// collectVariables collects the variables that are used in a selection set, and the fragments.
func collectVariables(set ast.SelectionSet, names map[string]bool, fragments map[string]*ast.FragmentDefinition) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			for _, a := range s.Arguments {
				variablesOf(a.Value, names)
			}
			directiveVariables(s.Directives, names)
			collectVariables(s.SelectionSet, names, fragments)
		case *ast.InlineFragment:
			directiveVariables(s.Directives, names)
			collectVariables(s.SelectionSet, names, fragments)
		case *ast.FragmentSpread:
			directiveVariables(s.Directives, names)
			if fragments[s.Name] == nil {
				fragments[s.Name] = s.Definition
				collectVariables(s.Definition.SelectionSet, names, fragments)
			}
		}
	}
}

func directiveVariables(directives ast.DirectiveList, names map[string]bool) {
	for _, d := range directives {
		for _, a := range d.Arguments {
			variablesOf(a.Value, names)
		}
	}
}

func variablesOf(v *ast.Value, names map[string]bool) {
	if v.Kind == ast.Variable {
		names[v.Raw] = true
	}
	for _, child := range v.Children {
		variablesOf(child.Value, names)
	}
}
