package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley/graph/level"
	"example.org/parley/storage"
)

// fields returns the fields selected beneath the current field, so that storage reads only those. It returns nil, which
// means all fields, if nothing is selected beneath (a label may need any field) or if the resolvers do not run level by
// level.
func (r *Resolver) fields(ctx context.Context) *storage.Fields {
	field := graphql.GetFieldContext(ctx).Field
	if len(field.Selections) == 0 || !level.Runs(ctx) {
		return nil
	}
	return r.selected.of(graphql.GetOperationContext(ctx), field.Selections)
}

// selected caches the fields of selections, because most documents are sent many times and come from the document
// cache.
type selected struct {
	known *lru.Cache[ast.Selection, selection] // by the first selection
}

type selection struct {
	selections ast.SelectionSet
	fields     *storage.Fields
}

func newSelected() selected {
	known, err := lru.New[ast.Selection, selection](1000)
	if err != nil {
		panic(err) // the size is not positive
	}
	return selected{known}
}

func (s selected) of(op *graphql.OperationContext, selections ast.SelectionSet) *storage.Fields {
	if known, ok := s.known.Get(selections[0]); ok && slices.Equal(known.selections, selections) {
		return known.fields
	}
	c := collecting{variables: op.Variables}
	fields := storage.NewFields(c.beneath(selections))
	if !c.conditional {
		s.known.Add(selections[0], selection{selections, fields})
	}
	return fields
}

// collecting collects the names of fields, whatever their aliases, arguments and the types that they are selected on.
type collecting struct {
	variables   map[string]any
	conditional bool // a field depends on a variable
}

func (c *collecting) beneath(selections ast.SelectionSet) map[string]*storage.Fields {
	merged := make(map[string]ast.SelectionSet)
	c.add(merged, selections)
	fields := make(map[string]*storage.Fields, len(merged))
	for name, under := range merged {
		fields[name] = storage.NewFields(c.beneath(under))
	}
	return fields
}

func (c *collecting) add(merged map[string]ast.SelectionSet, selections ast.SelectionSet) {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			if c.included(s.Directives) {
				merged[s.Name] = slices.Concat(merged[s.Name], s.SelectionSet)
			}
		case *ast.InlineFragment:
			if c.included(s.Directives) {
				c.add(merged, s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if c.included(s.Directives) {
				c.add(merged, s.Definition.SelectionSet)
			}
		}
	}
}

func (c *collecting) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		condition := d.Arguments.ForName("if")
		if condition == nil {
			continue
		}
		c.conditional = c.conditional || condition.Value.Kind == ast.Variable
		if value, err := condition.Value.Value(c.variables); err == nil && value == (d.Name == "skip") {
			return false
		}
	}
	return true
}
