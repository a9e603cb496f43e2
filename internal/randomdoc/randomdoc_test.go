package randomdoc

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

const (
	seeds     = 9000
	maxDepth  = 8
	maxFields = 80
)

// zoo is a schema with features that Parley's schema does not have.
const zoo = `
	interface Named { name: String! friend: Named }
	interface Animal implements Named { name: String! friend: Animal legs(of: Side! = LEFT): Int! }
	type Dog implements Named & Animal {
		name: String! friend: Dog legs(of: Side! = LEFT, extra: Int): Int!
		barks: [[Boolean!]] owner: Human!
	}
	type Cat implements Named & Animal {
		name: String! friend: Cat legs(of: Side! = LEFT): Int!
		lives(used: [[Int]]): [Int] hunts: [[Animal]!]
	}
	type Human implements Named {
		name: String! friend: Human
		pets(filter: Filter, first: Int! = 3): [Pet] grid: [[Pet!]!]! secret: Int
	}
	union Pet = Dog | Cat
	union Any = Dog | Human
	enum Side { LEFT RIGHT }
	scalar Moment
	input Filter {
		side: Side! = RIGHT names: [String!] not: Filter any: [Filter!] at: Point grid: [[Float!]] since: Moment
	}
	input Point @oneOf { id: ID number: Float box: Filter }
	type Query {
		named(id: ID!): Named animals(filter: Filter!): [Animal!]! pets(filters: [Filter]): [[Pet]] any(at: Point): Any
		self: Query! sum(of: [[Int!]!]!): Int human: Human!
	}
	type Mutation { adopt(human: ID!, pet: ID): Human! rename(names: [String]!): Named }
	type Subscription { born(sides: [Side!]): Animal count(to: Int! = 10): Int }
`

func parleysSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("../../graph/*.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	var sources []*ast.Source
	for _, name := range append(files, "../../schema.graphqls") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	return gqlparser.MustLoadSchema(sources...)
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	seen := features{}
	for name, load := range map[string]func() *ast.Schema{
		"parley": func() *ast.Schema { return parleysSchema(t) },
		"zoo":    func() *ast.Schema { return gqlparser.MustLoadSchema(&ast.Source{Input: zoo}) },
	} {
		t.Run(name, func(t *testing.T) {
			schema, loadedAnew := load(), load()
			selected := map[string]int{}
			var fields []int
			for seed := range uint64(seeds) {
				d := New(rand.New(rand.NewPCG(seed, 0)), options(schema, seed))
				if again := New(rand.New(rand.NewPCG(seed, 0)), options(loadedAnew, seed)); d.Text != again.Text ||
					fmt.Sprint(d.Variables) != fmt.Sprint(again.Variables) {
					t.Fatalf("seed %d makes two documents:\n%s\n%s", seed, d.Text, again.Text)
				}
				w := &walk{
					schema:    schema,
					operation: validate(t, schema, d),
					document:  d,
					seen:      seen,
					selected:  selected,
				}
				w.operations()
				w.selections(w.operation.SelectionSet, 1)
				if w.deepest > maxDepth || w.fields > maxFields {
					t.Fatalf("%d fields, %d deep:\n%s", w.fields, w.deepest, d.Text)
				}
				fields = append(fields, w.fields)
			}
			slices.Sort(fields)
			t.Logf("fields of a document: half up to %d, nine in ten up to %d, at most %d",
				fields[len(fields)/2], fields[len(fields)*9/10], fields[len(fields)-1])
			for _, field := range reachable(schema) {
				if selected[field] == 0 {
					t.Errorf("%s was never selected", field)
				}
			}
			if selected["Human.secret"] > 0 {
				t.Error("a skipped field was selected")
			}
		})
	}
	for _, feature := range wanted() {
		if seen[feature] == 0 {
			t.Errorf("never seen: %s", feature)
		}
		t.Logf("%6d %s", seen[feature], feature)
	}
}

func options(schema *ast.Schema, seed uint64) Options {
	return Options{
		Schema:    schema,
		Operation: []ast.Operation{ast.Query, ast.Query, ast.Mutation, ast.Subscription}[seed%4],
		MaxDepth:  maxDepth,
		MaxFields: maxFields,
		Skip:      func(object, field string) bool { return object == "Human" && field == "secret" },
		Value: func(r *rand.Rand, coordinate string, of *ast.Type) (any, bool) {
			if coordinate == "Mutation.adopt.human" {
				return fmt.Sprint("human-", r.IntN(3)), true
			}
			return nil, false
		},
	}
}

// validate validates a document as gqlgen does.
func validate(t *testing.T, schema *ast.Schema, d Document) *ast.OperationDefinition {
	t.Helper()
	document, err := parser.ParseQuery(&ast.Source{Input: d.Text})
	if err != nil {
		t.Fatalf("%v:\n%s", err, d.Text)
	}
	if errs := validator.ValidateWithRules(schema, document, rules.NewDefaultRules()); len(errs) > 0 {
		t.Fatalf("%v:\n%s", errs, d.Text)
	}
	operation := document.Operations[0]
	if _, err := validator.VariableValues(schema, operation, d.Variables); err != nil {
		t.Fatalf("%v:\n%s\n%v", err, d.Text, d.Variables)
	}
	return operation
}

// reachable returns the output fields of all types that a document can select, except the skipped field.
func reachable(schema *ast.Schema) []string {
	var fields []string
	types := []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription}
	for i := 0; i < len(types); i++ {
		next := append(slices.Clone(schema.GetPossibleTypes(types[i])), schema.GetImplements(types[i])...)
		for _, f := range types[i].Fields {
			name := types[i].Name + "." + f.Name
			if f.Name != "__schema" && f.Name != "__type" && name != "Human.secret" {
				fields = append(fields, name)
				next = append(next, schema.Types[f.Type.Name()])
			}
		}
		for _, d := range next {
			if d.IsCompositeType() && !slices.Contains(types, d) {
				types = append(types, d)
			}
		}
	}
	return fields
}
