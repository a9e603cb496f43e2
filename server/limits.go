package server

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// Limits on one request. They admit a whole negotiation with its positions and their evidence.
const (
	maxTokens = 5_000
	maxDepth  = 20
	maxCost   = 20_000_000

	// bodyCost is the cost of a source's text, which may be two million characters long.
	bodyCost = 300_000

	// searchCost is the cost of a search beside its results: it may rank several thousand texts.
	searchCost = 200_000

	// usualLength is the assumed length of a list without paging.
	usualLength = 10
)

// lengths are the assumed lengths of lists without paging that combine parties and scenarios. parley.MaxCells bounds
// them.
var lengths = map[string]int{
	"StanceMatrix.scenarios": 100, "StanceMatrix.rows": 1000, "StanceRow.cells": 100,
	"Issue.landingZone": 100, "LandingZoneEntry.parties": 1000, "LikelihoodSet.entries": 100,
}

// costLimit refuses an operation that nests too deep, and a mutation or subscription whose answer could be too large: it
// must be known before it runs. (A query is counted while it is answered; see resolvers.Bounds.) A field costs 1; the
// selection beneath a list costs as many times as the list may have items. (gqlgen's own limit needs a handwritten
// function for each list field. This one reads page sizes from the arguments.)
type costLimit struct{}

var _ graphql.OperationContextMutator = costLimit{}

// ExtensionName returns the limit's name among gqlgen's extensions.
func (costLimit) ExtensionName() string { return "CostLimit" }

// Validate accepts every schema.
func (costLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses a faulty or too costly operation. It changes nothing.
func (costLimit) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	c := costing{variables: op.Variables, fragments: make(map[string]int)}
	cost := c.selections(op.Operation.SelectionSet, 1, "")
	switch {
	case c.unreadable != "":
		return faulty("%s", c.unreadable)
	case c.tooDeep:
		return transport.Refused(parley.Limit,
			fmt.Sprintf("The operation nests more than %d levels deep; select fewer levels.", maxDepth))
	case cost > maxCost && op.Operation.Operation != ast.Query:
		return transport.Refused(parley.Limit, fmt.Sprintf(
			"The operation could return more than %d fields; ask for smaller pages (first or last) or fewer levels at once.",
			maxCost))
	}
	return nil
}

type costing struct {
	variables map[string]any
	fragments map[string]int // cost of each fragment's selections, so that none is walked twice
	tooDeep   bool
	// unreadable names a literal that can't be read. Literals of custom scalars are checked nowhere else, and gqlgen
	// panics on a number that is too large.
	unreadable string
}

// selections returns the cost of a selection set on a type, capped just above the limit so that it can't overflow.
func (c *costing) selections(set ast.SelectionSet, depth int, on string) int {
	if depth > maxDepth {
		c.tooDeep = true
		return 0
	}
	cost := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			cost += c.field(s, depth, on)
		case *ast.InlineFragment:
			cost += c.selections(s.SelectionSet, depth, on)
		case *ast.FragmentSpread:
			key := fmt.Sprint(s.Name, " ", depth, " ", strings.HasSuffix(on, "Connection"))
			known, ok := c.fragments[key]
			if !ok {
				known = c.selections(s.Definition.SelectionSet, depth, on)
				c.fragments[key] = known
			}
			cost += known
		}
		cost = min(cost, maxCost+1)
	}
	return cost
}

func (c *costing) field(f *ast.Field, depth int, on string) int {
	if f.Definition == nil || strings.HasPrefix(f.Name, "__") {
		return 1 // introspection is bounded by the schema
	}
	for _, a := range f.Arguments {
		if _, err := a.Value.Value(c.variables); err != nil {
			c.unreadable = fmt.Sprintf("%s: %s can't be read; the number may be too large.", a.Name, a.Value)
			return 1
		}
	}
	if len(f.SelectionSet) == 0 {
		return 1
	}
	if f.Name == "body" && f.ObjectDefinition != nil && f.ObjectDefinition.Name == "Source" {
		return bodyCost
	}
	beneath := c.selections(f.SelectionSet, depth+1, f.Definition.Type.Name())
	length := 1
	switch {
	case f.Definition.Arguments.ForName("first") != nil:
		length = pageSize(f.ArgumentMap(c.variables))
	// a connection's page size is counted at the connection
	case f.Definition.Type.Elem != nil && !strings.HasSuffix(on, "Connection"):
		length = usualLength
		if f.ObjectDefinition != nil {
			length = cmp.Or(lengths[f.ObjectDefinition.Name+"."+f.Name], length)
		}
	}
	own := 1
	if f.Name == "search" && f.ObjectDefinition != nil && f.ObjectDefinition.Name == "Query" {
		own = searchCost
	}
	return min(own+length*beneath, maxCost+1)
}

// pageSize is the number of entries that a list is asked for, at most; the most there can be if that can't be read.
func pageSize(arguments map[string]any) int {
	asked := arguments["first"]
	if asked == nil {
		asked = arguments["last"]
	}
	if asked == nil {
		return parley.DefaultPage
	}
	size, err := graphql.UnmarshalInt(asked) // from a literal, or from a variable as JSON has it
	if err != nil {
		return parley.MaxPage
	}
	return min(max(size, 1), parley.MaxPage)
}
