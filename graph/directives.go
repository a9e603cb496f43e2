package graph

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// Clients see no directive that has no effect for them: goField tells gqlgen how to generate code, and answers are never
// deferred.
func init() {
	hidden := []string{"goField", "defer"}
	for _, name := range hidden {
		delete(parsedSchema.Directives, name)
	}
	for _, t := range parsedSchema.Types {
		for _, f := range t.Fields {
			f.Directives = slices.DeleteFunc(f.Directives,
				func(d *ast.Directive) bool { return slices.Contains(hidden, d.Name) })
		}
	}
}
