package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
)

// coerceVariables reads the values that a request gives to the variables of an operation, as the GraphQL specification
// has it: what is left out stays so, a single value stands for a list of it, and what the operation does not declare is
// ignored. gqlparser does that too, but takes texts for numbers, and its messages do not say what was sent or what would
// be accepted. The values of custom scalars are read where they are used.
func coerceVariables(schema *ast.Schema, op *ast.OperationDefinition, given map[string]any) (map[string]any, *gqlerror.Error) {
	if len(op.VariableDefinitions) == 0 {
		return nil, nil
	}
	values := make(map[string]any, len(op.VariableDefinitions))
	for _, v := range op.VariableDefinitions {
		value, isGiven := given[v.Variable]
		place := "$" + v.Variable
		switch {
		case isGiven:
			var err *gqlerror.Error
			if values[v.Variable], err = coerce(schema, v.Type, value, place); err != nil {
				return nil, err
			}
		case v.Type.NonNull && v.DefaultValue == nil:
			return nil, faulty("%s is missing; give %s in the variables.", place, expected(schema, v.Type))
		}
	}
	return values, nil
}

func coerce(schema *ast.Schema, t *ast.Type, value any, place string) (any, *gqlerror.Error) {
	wrong := func() (any, *gqlerror.Error) {
		return nil, faulty("%s is %s; give %s.", place, shown(value), expected(schema, t))
	}
	if value == nil {
		if t.NonNull {
			return wrong()
		}
		return nil, nil
	}
	if t.Elem != nil {
		list, isList := value.([]any)
		if !isList {
			one, err := coerce(schema, t.Elem, value, place)
			return []any{one}, err
		}
		read := make([]any, len(list))
		for i, entry := range list {
			var err *gqlerror.Error
			if read[i], err = coerce(schema, t.Elem, entry, fmt.Sprintf("%s.%d", place, i)); err != nil {
				return nil, err
			}
		}
		return read, nil
	}
	definition := schema.Types[t.NamedType]
	if definition == nil {
		return value, nil // the document is not valid
	}
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	isRight := true
	switch {
	case definition.Kind == ast.InputObject:
		return coerceObject(schema, definition, t, value, place)
	case definition.Kind == ast.Enum:
		isRight = isText && definition.EnumValues.ForName(text) != nil
	case t.NamedType == "Int":
		whole, err := strconv.ParseFloat(string(number), 64)
		if isRight = isNumber && err == nil && whole == float64(int32(whole)); isRight {
			return json.Number(strconv.Itoa(int(whole))), nil
		}
	case t.NamedType == "Float":
		isRight = isNumber
	case t.NamedType == "Boolean":
		_, isRight = value.(bool)
	case t.NamedType == "String":
		isRight = isText
	case t.NamedType == "ID":
		isRight = isText || isNumber && !strings.ContainsAny(string(number), ".eE")
	}
	if !isRight {
		return wrong()
	}
	return value, nil
}

func coerceObject(schema *ast.Schema, d *ast.Definition, t *ast.Type, value any, place string) (any, *gqlerror.Error) {
	given, isObject := value.(map[string]any)
	if !isObject {
		return nil, faulty("%s is %s; give %s.", place, shown(value), expected(schema, t))
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if d.Fields.ForName(name) == nil {
			return nil, faulty("%s has no field %q; the fields of %s are %s.", place, clipped(name), d.Name, names(d.Fields))
		}
	}
	read := make(map[string]any, len(given))
	for _, f := range d.Fields {
		entry, isGiven := given[f.Name]
		if !isGiven && f.Type.NonNull && f.DefaultValue == nil {
			return nil, faulty("%s.%s is missing; give %s.", place, f.Name, expected(schema, f.Type))
		}
		if isGiven {
			coerced, err := coerce(schema, f.Type, entry, place+"."+f.Name)
			if err != nil {
				return nil, err
			}
			read[f.Name] = coerced
		}
	}
	return read, nil
}

// expected says what a type accepts.
func expected(schema *ast.Schema, t *ast.Type) string {
	if t.Elem != nil {
		return "a list, each entry " + expected(schema, t.Elem)
	}
	switch d := schema.Types[t.NamedType]; {
	case d == nil:
		return "a value of type " + t.NamedType
	case d.Kind == ast.Enum:
		values := make([]string, len(d.EnumValues))
		for i, v := range d.EnumValues {
			values[i] = v.Name
		}
		return "one of " + strings.Join(values, ", ")
	case d.Kind == ast.InputObject:
		return fmt.Sprintf("an object (%s)", d.Name)
	}
	switch t.NamedType {
	case "Int":
		return "a whole number of 32 bits"
	case "Float":
		return "a number"
	case "Boolean":
		return "true or false"
	case "String":
		return "a text"
	case "ID":
		return "an id or a key, as a text"
	}
	return "a value of type " + t.NamedType
}

// shown is what was sent, for a message.
func shown(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		return strconv.Quote(clipped(value))
	}
	return clipped(fmt.Sprint(value))
}

func names(fields ast.FieldList) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.Name
	}
	return strings.Join(list, ", ")
}

// clipped is a text that a message repeats, or its beginning.
func clipped(text string) string { return parley.Clip(text, 100) }
