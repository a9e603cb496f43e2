package resolvers

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"example.org/parley"
	"example.org/parley/storage"
)

// edited carries an edit out. The generated input has a pointer or a list for each field that may be edited, nil where
// the field keeps its value, and the names of those to clear. The root package's has patches of the same names.
func edited[In, Edit any](
	ctx context.Context, input In, write func(context.Context, Edit) (storage.Written, error),
) (storage.Written, error) {
	edit, err := patched[Edit](input)
	if err != nil {
		return storage.Written{}, err
	}
	return write(ctx, edit)
}

func patched[Edit any](input any) (edit Edit, err error) {
	in, out := reflect.ValueOf(input), reflect.ValueOf(&edit).Elem()
	clear := in.FieldByName("Clear").Interface().([]string)
	var names []string
	for i := range out.NumField() {
		name := out.Type().Field(i).Name
		from, into := in.FieldByName(name), out.Field(i)
		if from.Type() == into.Type() { // no patch: the record, the note, ifUnchangedSince
			into.Set(from)
			continue
		}
		field, _ := in.Type().FieldByName(name)
		called, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, called)
		cleared := slices.Contains(clear, called)
		if from.IsNil() {
			into.FieldByName("Set").SetBool(cleared)
			continue
		}
		if cleared {
			return edit, parley.Refuse(parley.Invalid, "clear", "%s has a value, and is to be cleared too; do one of them.", called)
		}
		if from.Kind() == reflect.Slice { // a patch points to its list
			list := reflect.New(from.Type())
			list.Elem().Set(from)
			from = list
		}
		into.FieldByName("Set").SetBool(true)
		into.FieldByName("Value").Set(from)
	}
	for _, called := range clear {
		if !slices.Contains(names, called) {
			return edit, parley.Refuse(parley.Invalid, "clear", "%.100q is no field that can be edited; those are %s.", called, parley.Enumerated(names))
		}
	}
	return edit, nil
}
