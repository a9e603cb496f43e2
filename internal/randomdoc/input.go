package randomdoc

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// position is a place for a value: an argument, an input field, or an element of a list in one of these.
type position struct {
	coordinate string
	of         *ast.Type
	hasDefault bool
	element    bool // an element of a list
	constant   bool // no variable is allowed here
	depth      int  // how many lists and input objects enclose it
}

func (at position) required() bool { return at.of.NonNull && !at.hasDefault }

// reference is the name of a variable, used in place of a value.
type reference string

// variable is a defined variable, with the position that it was made for.
type variable struct {
	position
	name       string
	definition string
}

// input chooses a variable, null, or a value for a position.
func (g *generator) input(at position) any {
	switch {
	case !at.constant && g.oneIn(3):
		return g.variable(at)
	case !at.of.NonNull && g.oneIn(8):
		return nil
	}
	return g.value(at)
}

// value chooses a value other than null.
func (g *generator) value(at position) any {
	if g.Value != nil {
		if v, ok := g.Value(g.Rand, at.coordinate, at.of); ok {
			return v
		}
	}
	if at.of.Elem != nil {
		return g.list(at)
	}
	switch d := g.Schema.Types[at.of.NamedType]; {
	case d.Kind == ast.Enum:
		return d.EnumValues[g.IntN(len(d.EnumValues))].Name
	case d.Kind == ast.InputObject:
		return g.object(d, at)
	}
	switch at.of.NamedType {
	case "Boolean":
		return g.oneIn(2)
	case "Int":
		return g.IntN(20) - 5
	case "Float":
		return float64(g.IntN(40)-10) / 4
	case "ID":
		if g.oneIn(4) {
			return g.IntN(20)
		}
	}
	return []string{"", "a", "with \"quotes\" and \\", "two\nlines", "naïve 🙂", "$v1 {"}[g.IntN(6)]
}

// list sometimes chooses a single value in place of a list of one. It does not do so within a list: implementations
// disagree whether [1, 2] is valid for [[Int]].
func (g *generator) list(at position) any {
	item := at
	item.of, item.hasDefault, item.element, item.depth = at.of.Elem, false, true, at.depth+1
	if !at.element && g.oneIn(8) && at.depth < 3 {
		for item.of.Elem != nil {
			item.of = item.of.Elem
		}
		return g.value(item)
	}
	list := []any{}
	for range g.IntN(max(1, 4-at.depth)) {
		list = append(list, g.input(item))
	}
	return list
}

func (g *generator) object(d *ast.Definition, at position) map[string]any {
	within := func(f *ast.FieldDefinition) position {
		return position{coordinate: d.Name + "." + f.Name, of: f.Type, hasDefault: f.DefaultValue != nil,
			constant: at.constant, depth: at.depth + 1}
	}
	if d.Directives.ForName("oneOf") != nil {
		f := d.Fields[g.IntN(len(d.Fields))]
		only := within(f)
		only.constant = true // a variable would need a non-null type
		return map[string]any{f.Name: g.value(only)}
	}
	object := map[string]any{}
	for _, f := range d.Fields {
		if inner := within(f); inner.required() || at.depth < 3 && g.oneIn(2) {
			object[f.Name] = g.input(inner)
		}
	}
	return object
}

// variable reuses a variable that was made for such a position, or makes one. The variable is left out only if it or
// the position has a default or allows null, and is null only if the position allows null.
func (g *generator) variable(at position) reference {
	for _, v := range g.variables {
		if v.coordinate == at.coordinate && v.of.String() == at.of.String() && g.oneIn(2) {
			return reference(v.name)
		}
	}
	at.constant = true
	v := variable{position: at, name: fmt.Sprintf("v%d", len(g.variables)+1)}
	fallback := g.oneIn(3)
	declared := *at.of
	declared.NonNull = at.required() && !fallback || g.oneIn(3)
	allowsNull := !at.of.NonNull && !declared.NonNull

	v.definition = "$" + v.name + ": " + declared.String()
	switch {
	case fallback && allowsNull && g.oneIn(5):
		v.definition += " = null"
	case fallback:
		v.definition += " = " + g.literal(&declared, g.value(at))
	}
	g.variables = append(g.variables, v)

	switch {
	case (fallback || !declared.NonNull) && g.oneIn(3):
	case allowsNull && g.oneIn(3):
		g.values[v.name] = nil
	default:
		g.values[v.name] = g.value(at)
	}
	return reference(v.name)
}

// literal formats a value of a type, or of its elements where a single value stands for a list.
func (g *generator) literal(t *ast.Type, v any) string {
	d := g.Schema.Types[t.Name()]
	switch v := v.(type) {
	case nil:
		return "null"
	case reference:
		return "$" + string(v)
	case string:
		if d.Kind == ast.Enum {
			return v
		}
		return (&ast.Value{Kind: ast.StringValue, Raw: v}).String()
	case []any:
		var elements []string
		for _, element := range v {
			elements = append(elements, g.literal(t, element))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	case map[string]any:
		var fields []string
		for _, f := range d.Fields {
			if value, ok := v[f.Name]; ok {
				fields = append(fields, f.Name+": "+g.literal(f.Type, value))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return fmt.Sprint(v)
}
