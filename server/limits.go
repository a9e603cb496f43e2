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

// Limits on what one request may ask for. They admit a whole negotiation with its positions and their evidence.
const (
	maxTokens = 5_000 // gqlgen compares fields in pairs: these take it a second at worst
	maxDepth  = 20
	maxCost   = 20_000_000

	// bodyCost is what a source's text counts for, which may be two million characters long.
	bodyCost = 300_000

	// searchCost is what a search counts for beside its results: it may rank some thousand texts.
	searchCost = 200_000

	// usualLength is what a list without paging counts for.
	usualLength = 10
)

// lengths are what lists without paging count for that are put together of parties and scenarios: as many as parley.MaxCells
// admits.
var lengths = map[string]int{
	"StanceMatrix.scenarios": 100, "StanceMatrix.rows": 1000, "StanceRow.cells": 100,
	"Issue.landingZone": 100, "LandingZoneEntry.parties": 1000, "LikelihoodSet.entries": 100,
}

// costLimit refuses an operation that is too deep, or whose answer could be too large: a field costs 1, and what is
// selected beneath a list costs as often as the list may be long. (gqlgen's own limit wants a function for each list
// field by hand; this one reads page sizes off the arguments of all of them.)
type costLimit struct{}

var _ graphql.OperationContextMutator = costLimit{}

// ExtensionName names the limit among gqlgen's extensions.
func (costLimit) ExtensionName() string { return "CostLimit" }

// Validate accepts every schema.
func (costLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses the operation or leaves it as it is.
func (costLimit) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	c := costing{variables: op.Variables, fragments: make(map[string]int)}
	cost := c.selections(op.Operation.SelectionSet, 1, "")
	switch {
	case c.unreadable != "":
		return faulty("%s", c.unreadable)
	case c.tooDeep:
		return transport.Refused(parley.Limit, fmt.Sprintf("The operation nests more than %d levels deep; ask for less at once.", maxDepth))
	case cost > maxCost:
		return transport.Refused(parley.Limit, fmt.Sprintf("The operation could return more than %d fields; ask for smaller pages (first) or fewer levels at once.", maxCost))
	}
	return nil
}

type costing struct {
	variables map[string]any
	fragments map[string]int // cost of a fragment's selections, so that none is walked twice
	tooDeep   bool
	// unreadable says which literal can't be read. Those of custom scalars are checked by nobody else, and a number that
	// is too large makes gqlgen panic.
	unreadable string
}

// selections is the cost of a selection set on a type, capped just above the limit so that it can't overflow.
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
			c.unreadable = fmt.Sprintf("%s: %s can't be read; is it too large a number?", a.Name, a.Value)
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
		first, err := graphql.UnmarshalInt(f.ArgumentMap(c.variables)["first"]) // which takes "500" too
		if length = min(max(first, 1), parley.MaxPage); err != nil {
			length = parley.MaxPage
		}
	case f.Definition.Type.Elem != nil && !strings.HasSuffix(on, "Connection"): // a connection's page is counted above it
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
