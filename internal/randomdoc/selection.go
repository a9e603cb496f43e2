package randomdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// use is a field as it is selected on a type.
type use struct {
	key       string // its key in the response
	parent    *ast.Definition
	field     *ast.FieldDefinition
	arguments string
}

// fragment is a complete named fragment, so that spreading it makes no cycle.
type fragment struct {
	name   string
	on     *ast.Definition
	height int // how many levels its fields nest below its spread
	weight int // how many fields it adds, plus one for itself
}

// typename is a field of every composite type. Its type exists in no schema, so that it never shares a key with another
// field: gqlparser considers it nullable and would judge merges wrongly.
var typename = &ast.FieldDefinition{Name: "__typename", Type: ast.NonNullNamedType("__typename", nil)}

// selections makes the body of a selection set, which is never empty.
func (g *generator) selections(parent *ast.Definition, depth int) string {
	g.reached = max(g.reached, depth)
	text := g.selection(parent, depth)
	for range g.IntN(5) {
		if g.left > 0 {
			text += g.selection(parent, depth)
		}
	}
	return text
}

// selection makes one selection. A selection with a body uses at least two of the fields that are left, one of them for
// the body.
func (g *generator) selection(parent *ast.Definition, depth int) string {
	fragments := 6
	if parent.IsAbstractType() {
		fragments = 2
	}
	switch {
	case g.left > 1 && g.oneIn(fragments):
		if g.oneIn(2) {
			return g.spread(parent, depth)
		}
		return g.inline(parent, depth)
	case g.oneIn(10):
		return g.render(g.newUse(parent, typename), g.directives(), depth)
	case g.oneIn(4):
		if u, ok := g.again(parent, depth); ok {
			return g.render(u, g.directives(), depth)
		}
	}
	field := typename
	if fields := g.fields(parent, g.hasRoom(depth)); len(fields) > 0 {
		if nearer := g.nearer(parent, fields); len(nearer) > 0 && !g.oneIn(6) {
			fields = nearer
		}
		field = fields[g.IntN(len(fields))]
	}
	return g.render(g.newUse(parent, field), g.directives(), depth)
}

func (g *generator) inline(parent *ast.Definition, depth int) string {
	g.left--
	if g.oneIn(4) {
		return block("..."+g.directives(), g.selections(parent, depth))
	}
	on := g.condition(parent)
	return block("... on "+on.Name+g.directives(), g.selections(on, depth))
}

// spread makes a fragment spread. It reuses a fragment that fits, or makes a new one.
func (g *generator) spread(parent *ast.Definition, depth int) string {
	var fitting []fragment
	for _, f := range g.fragments {
		if g.overlap(f.on, parent) && depth+f.height <= g.depth && f.weight <= g.left {
			fitting = append(fitting, f)
		}
	}
	var f fragment
	if len(fitting) > 0 && g.oneIn(2) {
		f = fitting[g.IntN(len(fitting))]
		g.left -= f.weight
		g.reached = max(g.reached, depth+f.height)
	} else {
		f = g.newFragment(g.condition(parent), depth)
	}
	return "..." + f.name + g.directives() + "\n"
}

func (g *generator) newFragment(on *ast.Definition, depth int) fragment {
	g.names++
	f := fragment{name: fmt.Sprintf("F%d", g.names), on: on}
	reached, left := g.reached, g.left
	g.reached = depth
	g.left--
	g.parts = append(g.parts, block("fragment "+f.name+" on "+on.Name, g.selections(on, depth)))
	f.height, f.weight = g.reached-depth, left-g.left
	g.reached = max(reached, g.reached)
	g.fragments = append(g.fragments, f)
	return f
}

// condition chooses a type condition that is possible within the parent.
func (g *generator) condition(parent *ast.Definition) *ast.Definition {
	var fitting []*ast.Definition
	for _, d := range g.types {
		if g.overlap(d, parent) {
			fitting = append(fitting, d)
		}
	}
	return fitting[g.IntN(len(fitting))]
}

// overlap reports whether an object can have both types. gqlparser lists interfaces among the possible types of the
// interfaces that they implement, but no object has such a type.
func (g *generator) overlap(a, b *ast.Definition) bool {
	of := g.Schema.GetPossibleTypes(b)
	return slices.ContainsFunc(g.Schema.GetPossibleTypes(a), func(d *ast.Definition) bool {
		return d.Kind == ast.Object && slices.Contains(of, d)
	})
}

// fields returns the fields of a type that may be selected. Fields that need a body are included only if composite is
// true.
func (g *generator) fields(parent *ast.Definition, composite bool) []*ast.FieldDefinition {
	var fields []*ast.FieldDefinition
	for _, f := range parent.Fields {
		if !strings.HasPrefix(f.Name, "__") && !g.skipped(parent, f.Name) && (composite || !g.composite(f)) {
			fields = append(fields, f)
		}
	}
	return fields
}

func (g *generator) skipped(parent *ast.Definition, field string) bool {
	skips := func(d *ast.Definition) bool { return g.Skip(d.Name, field) }
	return g.Skip != nil && (skips(parent) || slices.ContainsFunc(g.Schema.GetPossibleTypes(parent), skips))
}

func (g *generator) composite(f *ast.FieldDefinition) bool {
	d := g.Schema.Types[f.Type.Name()]
	return d != nil && d.IsCompositeType()
}

// hasRoom reports whether a field at this depth may have a body.
func (g *generator) hasRoom(depth int) bool { return depth < g.depth && g.left > 1 }

// again chooses a field that is already selected somewhere and can be selected here under the same key, so that the two
// may merge: a field of the same type, or a field of another type without arguments. A field with arguments sometimes
// gets other arguments, and with them another key.
func (g *generator) again(parent *ast.Definition, depth int) (use, bool) {
	var fitting []use
	for _, u := range g.uses {
		if u.parent != parent {
			u = use{key: u.key, parent: parent, field: parent.Fields.ForName(u.field.Name)}
			if u.field == nil || len(u.field.Arguments) > 0 || g.skipped(parent, u.field.Name) || !g.fits(u) {
				continue
			}
		}
		if !g.composite(u.field) || g.hasRoom(depth) {
			fitting = append(fitting, u)
		}
	}
	if len(fitting) == 0 {
		return use{}, false
	}
	u := fitting[g.IntN(len(fitting))]
	if len(u.field.Arguments) > 0 && g.oneIn(2) {
		u = g.newUse(parent, u.field)
	}
	return u, true
}

// newUse gives a field arguments and a key: its name, an alias, or its name with a number, whichever fits first.
func (g *generator) newUse(parent *ast.Definition, field *ast.FieldDefinition) use {
	u := use{key: field.Name, parent: parent, field: field, arguments: g.arguments(parent, field)}
	if g.oneIn(3) {
		u.key = g.alias(parent)
		if !g.fits(u) {
			u.key = field.Name
		}
	}
	for n := 2; !g.fits(u); n++ {
		u.key = fmt.Sprintf("%s%d", field.Name, n)
	}
	return u
}

// alias proposes an alias that is easily confused: the name of another field, or a key that is already in use.
func (g *generator) alias(parent *ast.Definition) string {
	if fields := g.fields(parent, true); len(fields) > 0 && g.oneIn(3) {
		return fields[g.IntN(len(fields))].Name
	}
	if len(g.uses) > 0 && g.oneIn(2) {
		return g.uses[g.IntN(len(g.uses))].key
	}
	return "a"
}

// fits reports whether a use can merge with all other uses of its key, anywhere in the document. This is stricter than
// the specification, but the bodies of merged fields, and of fields in fragments, then fit without a comparison.
func (g *generator) fits(u use) bool {
	for _, other := range g.uses {
		if other.key != u.key {
			continue
		}
		exclusive := u.parent != other.parent && u.parent.Kind == ast.Object && other.parent.Kind == ast.Object
		same := u.field.Name == other.field.Name && u.arguments == other.arguments
		if !exclusive && !same || g.shape(u.field.Type) != g.shape(other.field.Type) {
			return false
		}
	}
	return true
}

// shape returns a type as text, with the same text for all composite types.
func (g *generator) shape(t *ast.Type) string {
	if d := g.Schema.Types[t.Name()]; d != nil && d.IsCompositeType() {
		return strings.Replace(t.String(), t.Name(), "{}", 1)
	}
	return t.String()
}

// render formats a use, with a body if it needs one.
func (g *generator) render(u use, directives string, depth int) string {
	g.uses = append(g.uses, u)
	g.left--
	head := u.field.Name + u.arguments + directives
	if u.key != u.field.Name {
		head = u.key + ": " + head
	}
	if !g.composite(u.field) {
		return head + "\n"
	}
	later := g.IntN(g.left) // otherwise the first field would use all of them
	g.left -= later
	body := g.selections(g.Schema.Types[u.field.Type.Name()], depth+1)
	g.left += later
	return block(head, body)
}

func (g *generator) arguments(parent *ast.Definition, field *ast.FieldDefinition) string {
	var arguments []string
	for _, a := range field.Arguments {
		coordinate := parent.Name + "." + field.Name + "." + a.Name
		at := position{coordinate: coordinate, of: a.Type, hasDefault: a.DefaultValue != nil}
		if at.required() || g.oneIn(2) {
			arguments = append(arguments, a.Name+": "+g.literal(a.Type, g.input(at)))
		}
	}
	if len(arguments) == 0 {
		return ""
	}
	return "(" + strings.Join(arguments, ", ") + ")"
}

// directives sometimes returns @skip and @include.
func (g *generator) directives() string {
	var text string
	for _, name := range []string{"skip", "include"} {
		if g.oneIn(8) {
			at := position{coordinate: "@" + name + ".if", of: ast.NonNullNamedType("Boolean", nil)}
			text += " @" + name + "(if: " + g.literal(at.of, g.input(at)) + ")"
		}
	}
	return text
}
