package parley

import "slices"

// Patch is what an edit says about one field: nothing (keep it), a new value, or, with a nil Value, to clear it.
type Patch[T any] struct {
	Set   bool
	Value *T
}

// To is the patch that gives a field a value.
func To[T any](value T) Patch[T] { return Patch[T]{Set: true, Value: &value} }

// edit applies patches: it collects the names (as in the API) of the fields that really change, and what is wrong.
type edit struct {
	checks
	fields []string
}

// set patches a field that always has a value.
func set[T comparable](e *edit, name string, field *T, p Patch[T]) {
	switch {
	case !p.Set:
	case p.Value == nil:
		e.refuse(name, "%s can't be cleared; leave it out to keep it, or give a value.", sentenceName(name))
	case *p.Value != *field:
		*field = *p.Value
		e.fields = append(e.fields, name)
	}
}

// setOrClear patches a field that may be empty.
func setOrClear[T comparable](e *edit, name string, field **T, p Patch[T]) {
	same := (*field == nil) == (p.Value == nil) && (p.Value == nil || **field == *p.Value)
	if p.Set && !same {
		*field = p.Value
		e.fields = append(e.fields, name)
	}
}

// setInstant is set for instants, which are the same when they are equal, whatever their zone.
func setInstant(e *edit, name string, field *Instant, p Patch[Instant]) {
	if p.Set && p.Value != nil && p.Value.Equal(*field) {
		return
	}
	set(e, name, field, p)
}

// setOrClearInstant is setOrClear for instants.
func setOrClearInstant(e *edit, name string, field **Instant, p Patch[Instant]) {
	if p.Set && !sameInstant(*field, p.Value) {
		*field = p.Value
		e.fields = append(e.fields, name)
	}
}

// setList patches a list; clearing empties it.
func setList[T comparable](e *edit, name string, field *[]T, p Patch[[]T]) {
	if !p.Set {
		return
	}
	var list []T
	if p.Value != nil {
		list = *p.Value
	}
	if !slices.Equal(*field, list) {
		*field = list
		e.fields = append(e.fields, name)
	}
}
