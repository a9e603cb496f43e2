package randomdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// features counts how often documents use each feature.
type features map[string]int

func wanted() []string {
	all := []string{
		"shorthand", "named operation", "two root fields that merge in a subscription",
		"alias", "alias that is the name of another field", "one field with two sets of arguments",
		"merged leaf", "merged bodies", "merged across fragments", "merged across types", "merged with arguments",
		"one key for two fields of exclusive types", "one key for two types of object",
		"fragment reused", "fragment reused in one selection set", "fragment within a fragment",
		"inline fragment without condition",
		"list of lists", "list with null elements",
		"variable left out", "variable left out for its default", "variable left out for the default of the position",
		"null variable", "null for a default", "variable as null default", "variable used twice",
		"variable stricter than its position", "variable laxer than its position",
		"null literal", "enum literal", "list of lists literal", "object literal", "single value for a list",
		"variable in a list", "variable in an object", "optional argument left out", "value by coordinate",
	}
	for _, on := range []string{"OBJECT", "INTERFACE", "UNION"} {
		all = append(all, "__typename on "+on)
		for _, within := range []string{"OBJECT", "INTERFACE", "UNION"} {
			all = append(all, "inline fragment on "+on+" in "+within, "spread of fragment on "+on+" in "+within)
		}
	}
	for _, directive := range []string{"skip", "include"} {
		for _, on := range []string{"FIELD", "INLINE_FRAGMENT", "FRAGMENT_SPREAD"} {
			for _, by := range []string{"literal true", "literal false", "variable", "variable with default"} {
				all = append(all, "@"+directive+" on "+on+" by "+by)
			}
		}
	}
	return append(all, "@skip and @include together")
}

// walk visits a validated document as an executor would, following each fragment spread.
type walk struct {
	schema    *ast.Schema
	operation *ast.OperationDefinition
	document  Document
	seen      features
	selected  map[string]int
	spread    map[string]int // how often each fragment is spread
	used      map[string]int // how often each variable is used in the text
	fields    int
	deepest   int
	within    int // how many named fragments enclose the position
}

func (w *walk) is(feature string, when bool) {
	if when {
		w.seen[feature]++
	}
}

func (w *walk) operations() {
	w.spread, w.used = map[string]int{}, map[string]int{}
	w.is("shorthand", strings.HasPrefix(w.document.Text, "{") || strings.Contains(w.document.Text, "\n{"))
	w.is("named operation", w.operation.Name != "")
	for _, v := range w.operation.VariableDefinitions {
		value, given := w.document.Variables[v.Variable]
		w.is("variable left out", !given)
		w.is("variable left out for its default", !given && v.DefaultValue != nil)
		w.is("null variable", given && value == nil)
		w.is("null for a default", given && value == nil && v.DefaultValue != nil)
		w.is("variable as null default", v.DefaultValue != nil && v.DefaultValue.Kind == ast.NullValue)
	}
}

func (w *walk) selections(set ast.SelectionSet, depth int) {
	w.merges(collect(set, false))
	reused := map[string]int{}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			w.field(s, depth)
		case *ast.InlineFragment:
			w.is("inline fragment without condition", s.TypeCondition == "")
			if s.TypeCondition != "" {
				w.is("inline fragment on "+w.kind(s.TypeCondition)+" in "+string(s.ObjectDefinition.Kind), true)
			}
			w.directives(s.Directives)
			w.selections(s.SelectionSet, depth)
		case *ast.FragmentSpread:
			w.spread[s.Name]++
			reused[s.Name]++
			w.is("fragment reused", w.spread[s.Name] == 2)
			w.is("fragment reused in one selection set", reused[s.Name] == 2)
			w.is("fragment within a fragment", w.within > 0)
			w.is("spread of fragment on "+w.kind(s.Definition.TypeCondition)+" in "+string(s.ObjectDefinition.Kind),
				true)
			w.directives(s.Directives)
			w.within++
			w.selections(s.Definition.SelectionSet, depth)
			w.within--
		}
	}
}

func (w *walk) kind(name string) string { return string(w.schema.Types[name].Kind) }

func (w *walk) field(f *ast.Field, depth int) {
	w.fields++
	w.deepest = max(w.deepest, depth)
	w.selected[f.ObjectDefinition.Name+"."+f.Name]++
	w.is("__typename on "+string(f.ObjectDefinition.Kind), f.Name == "__typename")
	w.is("alias", f.Alias != f.Name)
	w.is("alias that is the name of another field",
		f.Alias != f.Name && f.ObjectDefinition.Fields.ForName(f.Alias) != nil)
	w.is("optional argument left out", len(f.Arguments) < len(f.Definition.Arguments))
	t := f.Definition.Type
	w.is("list of lists", t.Elem != nil && t.Elem.Elem != nil)
	w.is("list with null elements", t.Elem != nil && !t.Elem.NonNull)
	w.directives(f.Directives)
	for _, a := range f.Arguments {
		w.is("value by coordinate", strings.HasPrefix(a.Value.Raw, "human-"))
		w.value(a.Value)
	}
	w.selections(f.SelectionSet, depth+1)
}

func (w *walk) directives(directives ast.DirectiveList) {
	w.is("@skip and @include together", len(directives) == 2)
	for _, d := range directives {
		v := d.Arguments[0].Value
		w.value(v)
		by := "literal " + v.Raw
		if v.Kind == ast.Variable {
			by = "variable"
			if w.operation.VariableDefinitions.ForName(v.Raw).DefaultValue != nil {
				by = "variable with default"
			}
		}
		w.is(fmt.Sprintf("@%s on %s by %s", d.Name, d.Location, by), true)
	}
}

func (w *walk) value(v *ast.Value) {
	expected := v.ExpectedType
	w.is("null literal", v.Kind == ast.NullValue)
	w.is("enum literal", v.Kind == ast.EnumValue)
	w.is("object literal", v.Kind == ast.ObjectValue)
	w.is("list of lists literal", v.Kind == ast.ListValue && expected.Elem.Elem != nil)
	w.is("single value for a list", expected.Elem != nil &&
		!slices.Contains([]ast.ValueKind{ast.ListValue, ast.Variable, ast.NullValue}, v.Kind))
	for _, child := range v.Children {
		w.is("variable in a list", v.Kind == ast.ListValue && child.Value.Kind == ast.Variable)
		w.is("variable in an object", v.Kind == ast.ObjectValue && child.Value.Kind == ast.Variable)
		w.value(child.Value)
	}
	if v.Kind != ast.Variable {
		return
	}
	w.used[v.Raw]++
	definition := w.operation.VariableDefinitions.ForName(v.Raw)
	_, given := w.document.Variables[v.Raw]
	w.is("variable used twice", w.used[v.Raw] == 2)
	w.is("variable stricter than its position", definition.Type.NonNull && !expected.NonNull)
	w.is("variable laxer than its position", !definition.Type.NonNull && expected.NonNull)
	w.is("variable left out for the default of the position",
		!given && definition.DefaultValue == nil && expected.NonNull && v.ExpectedTypeHasDefault)
}

// collected is a field of a selection set, and whether it comes from a fragment.
type collected struct {
	*ast.Field
	fragment bool
}

func collect(set ast.SelectionSet, fragment bool) []collected {
	var fields []collected
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			fields = append(fields, collected{s, fragment})
		case *ast.InlineFragment:
			fields = append(fields, collect(s.SelectionSet, true)...)
		case *ast.FragmentSpread:
			fields = append(fields, collect(s.Definition.SelectionSet, true)...)
		}
	}
	return fields
}

func (w *walk) merges(fields []collected) {
	for i, b := range fields {
		for _, a := range fields[:i] {
			pa, pb := a.ObjectDefinition, b.ObjectDefinition
			if a.Alias != b.Alias {
				w.is("one field with two sets of arguments",
					a.Name == b.Name && pa == pb && len(a.Arguments) > 0 && len(b.Arguments) > 0)
				continue
			}
			exclusive := pa != pb && pa.Kind == ast.Object && pb.Kind == ast.Object
			w.is("one key for two fields of exclusive types", exclusive && a.Name != b.Name)
			w.is("one key for two types of object", len(a.SelectionSet) > 0 &&
				a.Definition.Type.Name() != b.Definition.Type.Name())
			if a.Field == b.Field || exclusive {
				continue
			}
			w.is("merged leaf", len(a.SelectionSet) == 0)
			w.is("merged bodies", len(a.SelectionSet) > 0)
			w.is("merged across fragments", len(a.SelectionSet) > 0 && a.fragment && b.fragment)
			w.is("merged across types", len(a.SelectionSet) > 0 && pa != pb)
			w.is("merged with arguments", len(a.Arguments) > 0)
			w.is("two root fields that merge in a subscription", pa == w.schema.Subscription)
		}
	}
}
