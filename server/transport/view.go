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

// MaxKept is the length of the longest document, in bytes, that is cached.
const MaxKept = 64 << 10

// viewed identifies a subscription in a document.
type viewed struct{ document, operation string }

// viewText is what a subscription selects of a change, independent of its layout, and the variables that the selection
// uses.
type viewText struct {
	text      string
	variables []string
}

// viewKey returns the same key for subscriptions that show the same of a change. The subscription's own arguments say
// which changes match; they are left out. So clients with a thousand different filters share one execution.
func (t *Transports) viewKey(op *graphql.OperationContext, clearance string) string {
	v, known := t.views.Get(viewed{op.RawQuery, op.OperationName})
	if !known {
		if v = textOf(op); len(op.RawQuery) <= MaxKept {
			t.views.Add(viewed{op.RawQuery, op.OperationName}, v)
		}
	}
	values := make(map[string]any, len(v.variables)) // an omitted variable differs from null
	for _, name := range v.variables {
		if value, given := op.Variables[name]; given {
			values[name] = value
		}
	}
	key, err := json.Marshal([]any{clearance, values})
	if err != nil {
		panic(err) // they were decoded from JSON
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

// collectVariables collects the variables and fragments that a selection set uses.
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
