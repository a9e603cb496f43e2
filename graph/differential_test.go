package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley/graph/level"
	"example.org/parley/internal/longtest"
	"example.org/parley/internal/randomdoc"
)

// Whatever resolvers return, the level executor answers as gqlgen's own does: the same bytes of data, and the same
// errors at the same paths.
func TestLevelsAnswerAsGqlgenDoes(t *testing.T) {
	t.Parallel()
	for operation, n := range map[ast.Operation]int{ast.Query: 12_000, ast.Mutation: 4_000, ast.Subscription: 4_000} {
		documents := uint64(longtest.Times(n))
		const parts = 4
		for part := range uint64(parts) {
			t.Run(fmt.Sprint(operation, " ", part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < documents; seed += parts {
					compare(t, operation, seed)
				}
			})
		}
	}
}

func compare(t *testing.T, operation ast.Operation, seed uint64) {
	t.Helper()
	d := randomdoc.New(rand.New(rand.NewPCG(seed, 0)), randomdoc.Options{
		Schema: parsedSchema, Operation: operation, Value: argument, MaxDepth: 8, MaxFields: 70,
		Skip: func(_, field string) bool { return strings.HasPrefix(field, "__") },
	})
	got := answers(t, NewSchema(Config{Resolvers: newFake(seed)}), d)
	want := answers(t, NewExecutableSchema(Config{Resolvers: newFake(seed)}), d)
	if got != want {
		t.Fatalf("%s %d\n%s\n%v\nis answered with\n%s\nand by gqlgen with\n%s", operation, seed, d.Text, d.Variables,
			got, want)
	}
}

// argument gives instants that can be read and some that can't, which fails while arguments are read.
func argument(r *rand.Rand, _ string, of *ast.Type) (any, bool) {
	if of.NamedType != "Time" {
		return nil, false
	}
	if r.IntN(8) == 0 {
		return "yesterday", true
	}
	return "2025-08-15T12:00:00+05:45", true
}

// answers are all responses to a document, each its data and, in an order of their own, its errors.
func answers(t *testing.T, schema graphql.ExecutableSchema, d randomdoc.Document) string {
	t.Helper()
	next, op := respond(t, execution(schema), d)
	var all strings.Builder
	for response := next(); response != nil; response = next() {
		data := string(response.Data)
		if op.Operation.Operation == ast.Subscription && isNullEvent(data) {
			data = "null" // gqlgen leaves a null in a field that has none; the specification says what we answer
		}
		lines := make([]string, len(response.Errors))
		for i, err := range response.Errors {
			if _, ours := schema.(*level.Schema); ours && op.Operation.Operation == ast.Subscription && data != "" {
				err.Path = err.Path[1:] // of an event begins with the subscription's own field, which gqlgen leaves out
			}
			lines[i] = fmt.Sprint(err.Path, " ", err.Message)
		}
		slices.Sort(lines)
		fmt.Fprintln(&all, data, strings.Join(lines, "\n"))
	}
	return all.String()
}

// isNullEvent says whether data is the one field of a subscription without a value; none of ours may be null.
func isNullEvent(data string) bool {
	_, value, _ := strings.Cut(data, ":")
	return value == "null}"
}

func execution(schema graphql.ExecutableSchema) *executor.Executor {
	e := executor.New(schema)
	e.SetRecoverFunc(func(context.Context, any) error { return errors.New("panicked") })
	return e
}

// respond starts an operation, and gives its responses one by one.
func respond(
	t *testing.T, e *executor.Executor, d randomdoc.Document,
) (next func() *graphql.Response, op *graphql.OperationContext) {
	t.Helper()
	encoded, err := json.Marshal(d.Variables) // validation writes into them
	if err != nil {
		t.Fatal(err)
	}
	params := graphql.RawParams{Query: d.Text}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&params.Variables); err != nil {
		t.Fatal(err)
	}
	op, errs := e.CreateOperationContext(graphql.StartOperationTrace(t.Context()), &params)
	if errs != nil {
		t.Fatalf("%s\n%v", d.Text, errs)
	}
	respond, ctx := e.DispatchOperation(graphql.StartOperationTrace(t.Context()), op)
	return func() *graphql.Response { return respond(ctx) }, op
}
