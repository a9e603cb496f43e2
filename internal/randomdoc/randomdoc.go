// Package randomdoc makes random documents that are valid for a schema, to compare executors with each other.
package randomdoc

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Document is an operation with its variables. Validation may modify the variables: gqlparser replaces values in lists
// and objects by coerced ones.
type Document struct {
	Text      string
	Variables map[string]any
}

// Options bound what documents contain.
type Options struct {
	Schema *ast.Schema
	// Operation is the kind of operation; a query by default. A subscription has exactly one root field, without
	// directives.
	Operation ast.Operation
	// Value chooses a value for the position with this coordinate: an argument ("Query.scenario.id", "@skip.if") or an
	// input field ("TimeRange.from"). For a list it is called first with the list's type, and then for each element
	// with the element's type. A value is a bool, int, float64, string (also for an enum), []any, or map[string]any for
	// an input object. It is never nil: whether a position is null, omitted, or a variable is decided earlier. If Value
	// is nil or returns false, the value is chosen by type; for custom scalars it is any string.
	Value func(r *rand.Rand, coordinate string, t *ast.Type) (any, bool)
	// Skip reports which fields are never selected, on the object or through one of its interfaces. For a subscription,
	// at least one root field has to remain.
	Skip func(object, field string) bool
	// MaxDepth is how deeply fields may nest, including those in fragments: at least 2, by default 6.
	MaxDepth int
	// MaxFields is how many fields a document may have, counting a fragment's fields at each spread: at least 2, by
	// default 60. Most documents have far fewer.
	MaxFields int
}

// New makes a document. It depends only on the state of r and the options.
func New(r *rand.Rand, o Options) Document {
	o.Operation = cmp.Or(o.Operation, ast.Query)
	o.MaxDepth, o.MaxFields = cmp.Or(o.MaxDepth, 6), cmp.Or(o.MaxFields, 60)
	size := r.Float64()
	size *= size // most documents are small
	g := &generator{
		Rand:    r,
		Options: o,
		depth:   2 + r.IntN(o.MaxDepth-1),
		left:    2 + int(float64(o.MaxFields-1)*size),
		values:  map[string]any{},
	}
	for _, name := range slices.Sorted(maps.Keys(o.Schema.Types)) {
		if d := o.Schema.Types[name]; d.IsCompositeType() && !d.BuiltIn {
			g.types = append(g.types, d)
		}
	}
	g.distance = g.distances(g.types[r.IntN(len(g.types))])
	roots := map[ast.Operation]*ast.Definition{ast.Query: o.Schema.Query, ast.Mutation: o.Schema.Mutation}
	if root := roots[o.Operation]; root != nil {
		away := g.distance[root.Name]
		g.depth, g.left = min(o.MaxDepth, max(g.depth, away+2)), min(o.MaxFields, max(g.left, 4*away))
	}
	g.parts = append(g.parts, g.operation())
	r.Shuffle(len(g.parts), func(i, j int) { g.parts[i], g.parts[j] = g.parts[j], g.parts[i] })
	return Document{Text: strings.Join(g.parts, "\n"), Variables: g.values}
}

// generator holds a document while it is made.
type generator struct {
	*rand.Rand
	Options
	types     []*ast.Definition // the composite types, sorted by name
	distance  map[string]int    // from each type to the type that the document prefers, in fields
	depth     int               // how deeply fields may nest in this document
	left      int               // how many more fields the document may have
	reached   int               // depth reached so far by the current fragment or operation
	uses      []use
	names     int // of fragments
	fragments []fragment
	parts     []string // texts of the operation and its fragments
	variables []variable
	values    map[string]any // of the variables
}

func (g *generator) operation() string {
	var body string
	switch g.Operation {
	case ast.Mutation:
		body = g.selections(g.Schema.Mutation, 1)
	case ast.Subscription:
		body = g.stream()
	default:
		body = g.selections(g.Schema.Query, 1)
	}
	head := string(g.Operation)
	if g.oneIn(2) {
		head += " Random"
	}
	if len(g.variables) > 0 {
		var definitions []string
		for _, v := range g.variables {
			definitions = append(definitions, v.definition)
		}
		head += "(" + strings.Join(definitions, ", ") + ")"
	}
	if head == string(ast.Query) && g.oneIn(2) {
		head = "" // the shorthand
	}
	return block(head, body)
}

// stream makes the selections of a subscription: one field, which may be in a fragment, or repeated and merged.
func (g *generator) stream() string {
	root := g.Schema.Subscription
	fields := g.fields(root, true)
	u := g.newUse(root, fields[g.IntN(len(fields))])
	body := g.render(u, "", 1)
	if g.left > 1 && g.oneIn(4) {
		body += g.render(u, "", 1)
	}
	if g.oneIn(4) {
		body = block("... on "+root.Name, body)
	}
	return body
}

// oneIn returns true with a probability of 1/n.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

// block encloses a body of whole lines in braces. Literals contain no line breaks, since strings are escaped.
func block(head, body string) string {
	if head != "" {
		head += " "
	}
	return head + "{\n  " + strings.ReplaceAll(strings.TrimSuffix(body, "\n"), "\n", "\n  ") + "\n}\n"
}
