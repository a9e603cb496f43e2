package main

import (
	"go/types"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2/ast"
)

// Schemas that can't be executed level by level are refused when code is generated, with the field's name.
func TestRefusals(t *testing.T) {
	t.Parallel()
	text := types.Typ[types.String]
	object := &codegen.Object{Definition: &ast.Definition{Name: "Scenario"}}
	leaf := &config.TypeReference{
		GO:         text,
		GQL:        ast.NamedType("String", nil),
		Definition: &ast.Definition{Kind: ast.Scalar, Name: "String"},
	}
	field := func(change func(*codegen.Field)) *codegen.Field {
		f := &codegen.Field{FieldDefinition: &ast.FieldDefinition{Name: "title"}, Object: object, TypeReference: leaf}
		change(f)
		return f
	}
	for want, f := range map[string]*codegen.Field{
		"":                     field(func(*codegen.Field) {}),
		"one object at a time": field(func(f *codegen.Field) { f.IsResolver = true }),
		"a map":                field(func(f *codegen.Field) { f.GoFieldType = codegen.GoFieldMap }),
		"a directive": field(func(f *codegen.Field) {
			f.Directives = []*codegen.Directive{{DirectiveDefinition: &ast.DirectiveDefinition{
				Locations: []ast.DirectiveLocation{ast.LocationFieldDefinition},
			}}}
		}),
		"with a context": field(func(f *codegen.Field) {
			f.TypeReference = &config.TypeReference{
				GO: text, GQL: leaf.GQL, Definition: leaf.Definition, IsContext: true,
			}
		}),
		"other than one Query": field(func(f *codegen.Field) {
			query := &config.TypeReference{GO: types.NewSlice(text), GQL: ast.ListType(ast.NamedType("Query", nil), nil), Definition: &ast.Definition{Name: "Query"}, IsRoot: true}
			f.TypeReference = query
		}),
		"bind it to a value": field(func(f *codegen.Field) {
			f.TypeReference = &config.TypeReference{
				GO: types.NewPointer(types.NewPointer(text)), GQL: leaf.GQL, Definition: leaf.Definition,
			}
		}),
	} {
		if got := refusal(f); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("refused with %q, want %q", got, want)
		}
	}
	directive := &codegen.Directive{
		DirectiveDefinition: &ast.DirectiveDefinition{Locations: []ast.DirectiveLocation{ast.LocationQuery}},
		Name:                "cached",
	}
	if err := check(&codegen.Data{AllDirectives: codegen.DirectiveList{"cached": directive}}); err == nil ||
		!strings.Contains(err.Error(), "@cached") {
		t.Errorf("a directive on queries: %v", err)
	}
	object.Fields = []*codegen.Field{field(func(f *codegen.Field) { f.IsResolver = true })}
	if err := check(&codegen.Data{Objects: codegen.Objects{object}}); err == nil ||
		!strings.Contains(err.Error(), "Scenario.title") {
		t.Errorf("a resolver of one object: %v", err)
	}
}
