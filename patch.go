package parley

import "slices"

// Patch is an edit of one field. If Set is false, the field keeps its value. Otherwise it gets Value; a nil Value
// clears it.
type Patch[T any] struct {
	Set   bool
	Value *T
}

// To returns a patch that sets a field to a value.
func To[T any](value T) Patch[T] { return Patch[T]{Set: true, Value: &value} }

// edit applies patches. It collects the API names of the fields that changed, and the faults.
type edit struct {
	checks
	fields []string
}

// set patches a field that must have a value.
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

// setInstant is set for instants. Equal instants in different zones are the same value.
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

// setList patches a list. Clearing empties it.
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

// setOptionalList patches a list that may be nil, which is something else than empty. Clearing makes it nil.
func setOptionalList[T comparable](e *edit, name string, field *[]T, p Patch[[]T]) {
	if !p.Set {
		return
	}
	var list []T
	if p.Value != nil {
		list = *p.Value
	}
	if !slices.Equal(*field, list) || (*field == nil) != (list == nil) {
		*field = list
		e.fields = append(e.fields, name)
	}
}
