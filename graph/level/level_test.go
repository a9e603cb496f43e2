package level

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// Features that Parley's schema does not use: unions, lists of lists, nullable entries, methods that fail.
const zoo = `
	type Query { pets: [Pet] grid: [[Cat!]]! names: [[String]!] cat: Cat! }
	union Pet = Cat | Dog
	type Cat { name: String! purrs: Boolean! mother: Cat zoo: Query! }
	type Dog { name: String! }`

type cat struct{ name string }
type dog struct{ name string }

var (
	cats = &Object[cat]{Name: "Cat", Satisfies: []string{"Cat", "Pet"}}
	dogs = &Object[dog]{Name: "Dog", Satisfies: []string{"Dog", "Pet"}, Fields: map[string]Field[dog]{
		"name": Plain(func(d *dog) string { return d.name }, Text[string]),
	}}
	query = &Object[Nothing]{Name: "Query", Satisfies: []string{"Query"}}
)

func fixed[V any](v V, shape Shape[V]) Field[Nothing] {
	return Root(func(context.Context, *graphql.FieldContext) (V, error) { return v, nil }, shape)
}

func init() {
	cats.Fields = map[string]Field[cat]{
		"name": Plain(func(c *cat) string { return c.name }, Marshalled(func(s string) graphql.Marshaler {
			switch s {
			case "":
				return graphql.Null
			case "Kit":
				return graphql.WriterFunc(func(io.Writer) { panic("unspeakable") })
			}
			return graphql.MarshalString(s)
		})),
		"purrs": Method(func(_ context.Context, _ *graphql.FieldContext, c *cat) (bool, error) {
			switch c.name {
			case "":
				return false, errors.New("asleep")
			case "Kit":
				panic("claws")
			}
			return true, nil
		}, Leaves(Boolean)),
		"mother": Batch(func(_ context.Context, _ *graphql.FieldContext, list []*cat) ([]*cat, error) {
			mothers := make([]*cat, len(list))
			for i, c := range list {
				if c.name == "Tom" {
					mothers[i] = &cat{"Molly"}
				}
			}
			return mothers, nil
		}, Pointer(cats)),
		"zoo": Bound(func(*cat) Nothing { return Nothing{} }, Struct(query)),
	}
	query.Fields = map[string]Field[Nothing]{
		"pets": fixed([]any{&cat{"Tom"}, nil, &dog{"Rex"}, 7}, List(Abstract(Of[any](cats), Of[any](dogs)), "[Pet]")),
		"grid": fixed([][]cat{{{"Tom"}, {""}}, nil, {}, {{"Kit"}}}, List(List(Struct(cats), "[Cat!]"), "[[Cat!]]!")),
		"names": fixed([][]*string{{new(string), nil}, {}},
			Leaves(LeafList(LeafList(Optional(Text[string]), "[String]!"), "[[String]!]"))),
		"cat": fixed(&cat{"Kit"}, Pointer(cats)),
	}
}

func ask(t *testing.T, document string, around graphql.RootFieldMiddleware) string {
	t.Helper()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: zoo})
	e := executor.New(&Schema{
		Query:            query,
		ExecutableSchema: &graphql.ExecutableSchemaMock{SchemaFunc: func() *ast.Schema { return schema }},
	})
	e.SetRecoverFunc(func(_ context.Context, p any) error { return fmt.Errorf("panicked: %v", p) })
	if around != nil {
		e.AroundRootFields(around)
	}
	ctx := graphql.StartOperationTrace(t.Context())
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: document})
	if errs != nil {
		t.Fatal(errs)
	}
	respond, ctx := e.DispatchOperation(ctx, op)
	response := respond(ctx)
	lines := []string{string(response.Data)}
	for _, err := range response.Errors {
		lines = append(lines, fmt.Sprint(err.Path, " ", err.Message))
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}

func TestShapes(t *testing.T) {
	t.Parallel()
	const invalid = "cannot return null for non-null field Cat.name (String!): the marshaler returned null for a " +
		"non-nil value"
	const zoos = `[[{"zoo":{"__typename":"Query"}},{"zoo":{"__typename":"Query"}}],null,[],[{"zoo":{"__typename":"Query"}}]]`
	for document, want := range map[string]string{
		`{ pets { __typename ... on Cat { name mother { name mother { name } } } ... on Dog { name } } }`: `{"pets":[` +
			`{"__typename":"Cat","name":"Tom","mother":{"name":"Molly","mother":null}},null,` +
			`{"__typename":"Dog","name":"Rex"},null]}
pets[3] no member of the abstract type is a int`,
		`{ names }`: `{"names":[["",null],[]]}`,
		`{ grid { __typename } }`: `{"grid":[[{"__typename":"Cat"},{"__typename":"Cat"}],null,[],` +
			`[{"__typename":"Cat"}]]}`,
		`{ grid { zoo { names grid { zoo { __typename } } } } }`: `{"grid":[[{"zoo":{"names":[["",null],[]],"grid":` + zoos +
			`}},{"zoo":{"names":[["",null],[]],"grid":` + zoos + `}}],null,[],[{"zoo":{"names":[["",null],[]],"grid":` + zoos + `}}]]}`,
		`{ grid { purrs } }`: `{"grid":[null,null,[],null]}
grid[0][1].purrs asleep
grid[3][0].purrs panicked: claws`,
		`{ pets { ... on Cat { a: name b: name a: name } } }`: `{"pets":[{"a":"Tom","b":"Tom"},null,{},null]}
pets[3] no member of the abstract type is a int`,
		// A panic while the answer is written fails the whole answer, with the path of the value.
		`{ cat { name } }`:  "null\ncat.name panicked: unspeakable",
		`{ grid { name } }`: "null\ngrid[0][1].name " + invalid + "\ngrid[3][0].name panicked: unspeakable",
	} {
		if got := ask(t, document, nil); got != want {
			t.Errorf("%s is answered with\n%s\nwant\n%s", document, got, want)
		}
	}
}

func TestRootMiddlewareMayAnswer(t *testing.T) {
	t.Parallel()
	instead := func(context.Context, graphql.RootResolver) graphql.Marshaler { return graphql.MarshalString("instead") }
	if got := ask(t, `{ cat { name } }`, instead); got != `{"cat":"instead"}` {
		t.Error(got)
	}
	written := func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
		m := next(ctx)
		return graphql.WriterFunc(func(w io.Writer) { m.MarshalGQL(w) })
	}
	if got := ask(t, `{ pets { ... on Dog { name } } }`, written); !strings.HasPrefix(got,
		`{"pets":[{},null,{"name":"Rex"},null]}`) {
		t.Error(got)
	}
}
