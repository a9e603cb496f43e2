package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"parley/graph/level"
	"parley/storage"
)

// fields are those selected beneath the field that is being resolved, so that no more is read than is asked for. A field
// with nothing beneath it, such as a label, may need anything of what it reads; so may whoever runs the resolvers some
// other way than level by level.
func fields(ctx context.Context) storage.Fields {
	selections := graphql.GetFieldContext(ctx).Field.Selections
	if len(selections) == 0 || !level.Runs(ctx) {
		return nil
	}
	return selected(graphql.GetOperationContext(ctx), selections)
}

func selected(op *graphql.OperationContext, selections ast.SelectionSet) storage.Fields {
	list := make(storage.Fields)
	for _, f := range graphql.CollectFields(op, selections, nil) {
		beneath := selected(op, f.Selections)
		if known, ok := list[f.Name]; ok {
			beneath = storage.Merged(known, beneath)
		}
		list[f.Name] = beneath
	}
	return list
}
