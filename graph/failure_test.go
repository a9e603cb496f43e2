package graph

import (
	"context"
	"errors"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"example.org/parley"
	"example.org/parley/internal/randomdoc"
)

// failing is three negotiations: what is asked of all of them at once panics, what is asked of the second fails.
type failing struct{ *fake }

func (f failing) Query() QueryResolver { return failingQuery{fakeQuery(f)} }
func (f failing) Negotiation() NegotiationResolver {
	return failingNegotiation{fakeNegotiation(f)}
}

type failingQuery struct{ fakeQuery }

func (failingQuery) Negotiations(context.Context, *int, *parley.Cursor, *int, *parley.Cursor, *parley.AsOf) (*parley.NegotiationConnection, error) {
	return &parley.NegotiationConnection{Nodes: []*parley.Negotiation{{Key: "a"}, {Key: "b"}, {Key: "c"}}}, nil
}

type failingNegotiation struct{ fakeNegotiation }

func (failingNegotiation) Scenarios(
	context.Context, []*parley.Negotiation, *parley.ScenarioFilter, parley.ScenarioOrder, *int, *parley.Cursor, *int, *parley.Cursor,
) ([]*parley.ScenarioConnection, error) {
	panic("at the disco")
}

func (failingNegotiation) Issues(_ context.Context, objs []*parley.Negotiation) ([][]*parley.Issue, error) {
	return [][]*parley.Issue{{{Key: "x"}}, nil, {}}, graphql.BatchErrorList{nil, errors.New("mislaid"), nil}
}

func (failingNegotiation) Participants(
	_ context.Context, objs []*parley.Negotiation, _ *parley.ParticipationRole, _ *int, _ *parley.Cursor, _ *int, _ *parley.Cursor,
) ([]*parley.ParticipationConnection, error) {
	return make([]*parley.ParticipationConnection, len(objs)-1), nil
}

// One object's error is its own, a panic or a wrong number of values is the whole level's, and each has its path.
func TestFailures(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{ list: negotiations { nodes { key issues { key } } } }`: `{"list":null} list.nodes[1].issues mislaid
`,
		`{ list: negotiations { nodes { key scenarios { totalCount } } } }`: `{"list":null} list.nodes[0].scenarios panicked
list.nodes[1].scenarios panicked
list.nodes[2].scenarios panicked
`,
		`{ negotiations { nodes { participants { totalCount } } } }`: `{"negotiations":null} negotiations.nodes[0].participants Negotiation.participants was resolved for 3 objects with 2 values and <nil>
negotiations.nodes[1].participants Negotiation.participants was resolved for 3 objects with 2 values and <nil>
negotiations.nodes[2].participants Negotiation.participants was resolved for 3 objects with 2 values and <nil>
`,
		`{ negotiations { nodes { key } pageInfo { hasNextPage } } }`: `{"negotiations":{"nodes":[{"key":"a"},{"key":"b"},{"key":"c"}],"pageInfo":{"hasNextPage":false}}} 
`,
	} {
		if got := answers(t, NewSchema(Config{Resolvers: failing{newFake(1)}}),
			randomdoc.Document{Text: document}); got != want {
			t.Errorf("%s is answered with\n%swant\n%s", document, got, want)
		}
	}
}

// Field middleware runs once a level, and may change what resolvers return.
func TestFieldMiddleware(t *testing.T) {
	t.Parallel()
	calls := 0
	count := func(ctx context.Context, next graphql.Resolver) (any, error) {
		calls++
		return next(ctx)
	}
	e := execution(NewSchema(Config{Resolvers: failing{newFake(1)}}))
	e.AroundFields(count)
	next, _ := respond(t, e,
		randomdoc.Document{Text: `{ negotiations { nodes { key issues { key scenarios { totalCount } } } } }`})
	next()
	if calls != 3 {
		t.Errorf("the middleware ran %d times for three levels", calls)
	}
}
