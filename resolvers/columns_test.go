package resolvers

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/storage"
)

// bound maps the kinds of record to the Go types that the API's types are bound to.
var bound = map[parley.Kind]any{
	parley.KindNegotiation:   parley.Negotiation{},
	parley.KindIssue:         parley.Issue{},
	parley.KindScenario:      parley.Scenario{},
	parley.KindRelation:      parley.ScenarioRelation{},
	parley.KindStatusChange:  parley.StatusChange{},
	parley.KindStakeholder:   parley.Stakeholder{},
	parley.KindAffiliation:   parley.Affiliation{},
	parley.KindMembership:    parley.Membership{},
	parley.KindParticipation: parley.Participation{},
	parley.KindPosition:      parley.Position{},
	parley.KindSource:        parley.Source{},
	parley.KindStatement:     parley.Statement{},
	parley.KindEvent:         parley.Event{},
	parley.KindAssessment:    parley.Assessment{},
}

// TestFieldsHaveColumns checks that every field of a type that is bound to a record has a column, a method or a
// resolver, and that every column is read for a field. Otherwise a name that only one side has would leave the field
// empty without an error.
func TestFieldsHaveColumns(t *testing.T) {
	t.Parallel()
	schema := graph.NewSchema(graph.Config{}).Schema()
	selected := storage.SelectedFields()
	for kind, names := range selected {
		object, known := bound[kind]
		if !known {
			t.Errorf("no type of the API is known for records of kind %s", kind)
			continue
		}
		definition := schema.Types[reflect.TypeOf(object).Name()]
		methods := methodsOf(reflect.PointerTo(reflect.TypeOf(object)))
		methods = append(methods, resolversOf(t, definition)...)
		for _, f := range definition.Fields {
			if strings.HasPrefix(f.Name, "__") || f.Name == "id" || f.Name == "recordId" {
				continue
			}
			if !slices.Contains(names, f.Name) && !slices.Contains(methods, strings.ToLower(f.Name)) {
				t.Errorf("%s.%s has no column, no method and no resolver", definition.Name, f.Name)
			}
		}
		for _, name := range names {
			if definition.Fields.ForName(name) == nil {
				t.Errorf("a column of %s is read for %q, which is no field of %s", kind, name, definition.Name)
			}
		}
	}
	if len(selected) != len(bound) {
		t.Errorf("storage has %d nouns, and the API %d types for them", len(selected), len(bound))
	}
}

func methodsOf(of reflect.Type) (names []string) {
	for i := range of.NumMethod() {
		names = append(names, strings.ToLower(of.Method(i).Name))
	}
	return names
}

// resolversOf returns the methods of a type's resolver, none if it has no resolver.
func resolversOf(t *testing.T, d *ast.Definition) []string {
	t.Helper()
	resolver, ok := reflect.TypeOf(&Resolver{}).MethodByName(d.Name)
	if !ok {
		return nil
	}
	return methodsOf(resolver.Type.Out(0))
}
