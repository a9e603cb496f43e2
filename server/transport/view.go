package transport

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

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
		v = textOf(op)
		t.views.Add(viewed{op.RawQuery, op.OperationName}, v)
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
	names := make(map[string]bool)
	collectVariables(operation.SelectionSet, names, make(map[string]bool))
	v := viewText{}
	for name := range names {
		v.variables = append(v.variables, name)
	}
	slices.Sort(v.variables)
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithIndent("")).FormatQueryDocument(&ast.QueryDocument{Operations: ast.OperationList{&operation}, Fragments: op.Doc.Fragments})
	v.text = text.String()
	return v
}

// collectVariables collects the variables that are used in a selection set, each fragment once.
func collectVariables(set ast.SelectionSet, names, fragments map[string]bool) {
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
			if !fragments[s.Name] {
				fragments[s.Name] = true
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
