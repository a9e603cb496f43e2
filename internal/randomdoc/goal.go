package randomdoc

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// A document prefers fields that lead to a type that was drawn for it. By chance alone, types deep in a large schema
// would hardly ever be reached.

// distances returns how many fields lead from each type to the goal by the shortest path. Types without a path are left
// out.
func (g *generator) distances(goal *ast.Definition) map[string]int {
	away := map[string]int{goal.Name: 0}
	for found := true; found; {
		found = false
		for _, d := range g.types {
			for _, f := range g.fields(d, true) {
				next, ok := away[f.Type.Name()]
				if known, met := away[d.Name]; ok && (!met || next+1 < known) {
					away[d.Name], found = next+1, true
				}
			}
		}
	}
	return away
}

// nearer returns the fields that lead towards the goal.
func (g *generator) nearer(parent *ast.Definition, fields []*ast.FieldDefinition) []*ast.FieldDefinition {
	here, ok := g.distance[parent.Name]
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(fields), func(f *ast.FieldDefinition) bool {
		next, ok := g.distance[f.Type.Name()]
		return !ok || next >= here
	})
}
