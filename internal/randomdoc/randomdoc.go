// Package randomdoc makes random documents that are valid over a schema, to try one executor against another.
package randomdoc

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Document is one operation with the values of its variables. Validating these may write into them: gqlparser puts
// coerced values in place of those given within lists and objects.
type Document struct {
	Text      string
	Variables map[string]any
}

// Options say what documents are about and how large they may grow.
type Options struct {
	Schema *ast.Schema
	// Operation is the kind of operation, by default a query. A subscription has exactly one root field, which no
	// directive may leave out.
	Operation ast.Operation
	// Value gives a value, for a literal or a variable, to the position with this coordinate: an argument
	// ("Query.scenario.id", "@skip.if") or an input field ("TimeRange.from"). It is asked for a list as a whole first,
	// and for each element next, with the element's type. A value is a bool, int, float64, string (for an enum too),
	// []any, or map[string]any for an input object, and never nil: that a position is null, left out or a variable is
	// decided before. False, or no function: the value is chosen by type, for scalars of the schema's own any string.
	Value func(r *rand.Rand, coordinate string, t *ast.Type) (any, bool)
	// Skip tells which fields are never selected, neither on the object nor through an interface of it. At least one
	// root field has to remain for a subscription.
	Skip func(object, field string) bool
	// MaxDepth bounds how deeply fields nest, fragments followed: at least 2, by default 6.
	MaxDepth int
	// MaxFields bounds the number of fields, those of a fragment counted wherever it is spread: at least 2, by default
	// 60. Most documents stay far below.
	MaxFields int
}

// New makes a document. It depends on nothing but the state of r and the options.
func New(r *rand.Rand, o Options) Document {
	o.Operation = cmp.Or(o.Operation, ast.Query)
	o.MaxDepth, o.MaxFields = cmp.Or(o.MaxDepth, 6), cmp.Or(o.MaxFields, 60)
	size := r.Float64()
	size *= size // mostly small
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
	if root := map[ast.Operation]*ast.Definition{ast.Query: o.Schema.Query, ast.Mutation: o.Schema.Mutation}[o.Operation]; root != nil {
		away := g.distance[root.Name]
		g.depth, g.left = min(o.MaxDepth, max(g.depth, away+2)), min(o.MaxFields, max(g.left, 4*away))
	}
	g.parts = append(g.parts, g.operation())
	r.Shuffle(len(g.parts), func(i, j int) { g.parts[i], g.parts[j] = g.parts[j], g.parts[i] })
	return Document{Text: strings.Join(g.parts, "\n"), Variables: g.values}
}

// generator is a document in the making.
type generator struct {
	*rand.Rand
	Options
	types     []*ast.Definition // the composite types, by name
	distance  map[string]int    // how many fields each of them is away from the one that the document leans to
	depth     int               // how deeply fields may nest in this document
	left      int               // how many more fields it may have
	reached   int               // how deep the fragment being made, or else the operation, goes so far
	uses      []use
	names     int // of fragments
	fragments []fragment
	parts     []string // the texts of operation and fragments
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

// stream makes the selections of a subscription: one field, which may be in a fragment or said twice and merged.
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

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

// block puts a body of whole lines in braces. No literal contains a line break: strings are escaped.
func block(head, body string) string {
	if head != "" {
		head += " "
	}
	return head + "{\n  " + strings.ReplaceAll(strings.TrimSuffix(body, "\n"), "\n", "\n  ") + "\n}\n"
}
