package reading_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
	"example.org/parley/graph"
	"example.org/parley/internal/longtest"
	"example.org/parley/internal/randomdoc"
	"example.org/parley/resolvers"
)

// Level by level, reading what is selected only, gives the answers that gqlgen's own executor gives, object by object
// and reading everything: the same bytes, and the same errors. (That the executors themselves are equal, whatever
// resolvers return, is tested in package graph.)
func TestAnswersAreThoseOfGqlgen(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	a.SetClock("2100-01-01T00:00:00Z") // so that now stands still
	r := resolvers.New(a.Store, resolvers.DefaultBounds)
	config := graph.Config{Resolvers: r}
	ours, theirs := executing(graph.NewSchema(config), r), executing(graph.NewExecutableSchema(config), r)

	refs := a.refs()
	documents := longtest.Times(4000)
	if testing.Short() {
		documents = 200
	}
	values := func(random *rand.Rand, coordinate string, of *ast.Type) (any, bool) {
		switch {
		case of.NamedType == "ID":
			fit := refs[kinds[coordinate[strings.LastIndex(coordinate, ".")+1:]]]
			if kind, ok := kinds[coordinate]; ok {
				fit = refs[kind]
			}
			if len(fit) == 0 || random.IntN(10) == 0 {
				fit = refs[""]
			}
			return fit[random.IntN(len(fit))], true
		case of.NamedType == "Time":
			return []string{"2025-08-15T00:00:00Z", "2025-08-17T12:00:00+02:00", "2026-01-01T00:00:00Z",
				"2099-01-01T00:00:00Z", "yesterday"}[random.IntN(5)], true
		case of.NamedType == "Int":
			return random.IntN(6), true // 0 is refused
		case of.NamedType == "String":
			return []string{"peace", "deal", "", "no such words"}[random.IntN(4)], true
		}
		return nil, false
	}
	schema := graph.NewSchema(config).Schema()
	for seed := range uint64(documents) {
		d := randomdoc.New(rand.New(rand.NewPCG(seed, 1)), randomdoc.Options{
			Schema: schema, Value: values, MaxDepth: 7, MaxFields: 60,
			Skip: func(_, field string) bool { return strings.HasPrefix(field, "__") },
		})
		if got, want := ours.answer(t, d), theirs.answer(t, d); got != want {
			t.Fatalf("document %d\n%s\n%v\nis answered with\n%s\nand by gqlgen with\n%s", seed, d.Text, d.Variables,
				got, want)
		}
	}
}

// kinds are those of the records that arguments and filters ask for, by coordinate or by name.
var kinds = map[string]parley.Kind{
	"Query.negotiation.id": parley.KindNegotiation, "Query.issue.id": parley.KindIssue,
	"Query.scenario.id":    parley.KindScenario,
	"Query.stakeholder.id": parley.KindStakeholder, "Query.source.id": parley.KindSource,
	"negotiations": parley.KindNegotiation,
	"issues":       parley.KindIssue, "scenarios": parley.KindScenario, "holders": parley.KindStakeholder,
	"by":       parley.KindStakeholder,
	"speakers": parley.KindStakeholder, "stakeholders": parley.KindStakeholder, "participants": parley.KindStakeholder,
	"sources": parley.KindSource,
}

// refs are ids and keys of the records of each kind, and under no kind those of any and of none.
func (a *api) refs() map[parley.Kind][]string {
	a.T.Helper()
	db := a.DB()
	defer db.Close()
	var rows []struct {
		Kind parley.Kind
		Ref  string
	}
	err := db.Select(&rows,
		`SELECT kind, id::text AS ref FROM records UNION ALL SELECT kind, path FROM records WHERE path IS NOT NULL ORDER BY ref`)
	if err != nil {
		a.T.Fatal(err)
	}
	refs := map[parley.Kind][]string{"": {"nothing/of-the-kind", "00000000-0000-0000-0000-000000000000"}}
	for _, row := range rows {
		refs[row.Kind] = append(refs[row.Kind], row.Ref)
		refs[""] = append(refs[""], row.Ref)
	}
	return refs
}

// execution answers documents by one of the executors.
type execution struct{ *executor.Executor }

func executing(schema graphql.ExecutableSchema, r *resolvers.Resolver) execution {
	e := executor.New(schema)
	e.AroundResponses(r.OneSnapshot)
	e.AroundRootFields(r.FreshSnapshot)
	e.SetErrorPresenter(resolvers.PresentError(slog.New(slog.DiscardHandler)))
	return execution{e}
}

// answer is the data and, in an order of its own, the errors.
func (e execution) answer(t *testing.T, d randomdoc.Document) string {
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
	ctx := graphql.StartOperationTrace(context.Background())
	op, errs := e.CreateOperationContext(ctx, &params)
	if errs != nil {
		t.Fatalf("%s\n%v", d.Text, errs)
	}
	respond, ctx := e.DispatchOperation(ctx, op)
	response := respond(ctx)
	lines := make([]string, len(response.Errors))
	for i, err := range response.Errors {
		lines[i] = fmt.Sprint(err.Path, " ", err.Message)
	}
	slices.Sort(lines)
	return string(response.Data) + "\n" + strings.Join(lines, "\n")
}
