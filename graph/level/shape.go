package level

import (
	"slices"
	"strings"
)

// Shape makes the column of a field from its values, one for each object of the level, and resolves the levels beneath.
type Shape[V any] func(at *place, values []V) Column

// Pointer is the shape of an object that may be nil.
func Pointer[T any](object *Object[T]) Shape[*T] {
	return func(at *place, values []*T) Column {
		present, slots := values, []int32(nil)
		for i, v := range values {
			if v == nil {
				present, slots = withoutNil(values, i)
				break
			}
		}
		return objects[T]{object.level(at, present), slots}
	}
}

// Struct is the shape of an object that is held by value.
func Struct[T any](object *Object[T]) Shape[T] {
	return func(at *place, values []T) Column {
		pointers := make([]*T, len(values))
		for i := range values {
			pointers[i] = &values[i]
		}
		return objects[T]{level: object.level(at, pointers)}
	}
}

// objects is a column of objects of one type. Without slots, value i is object i.
type objects[T any] struct {
	level *level[T]
	slots []int32 // index of the object of each value; -1: none
}

func (c objects[T]) append(b []byte, i int) ([]byte, Outcome) {
	if c.slots != nil {
		i = int(c.slots[i])
	}
	if i < 0 {
		return b, Null
	}
	return c.level.append(b, i)
}

// withoutNil removes nil values, so that resolvers never see them. first is the index of the first one.
func withoutNil[T any](values []*T, first int) (present []*T, slots []int32) {
	present = append(make([]*T, 0, len(values)), values[:first]...)
	slots = make([]int32, len(values))
	for i, v := range values {
		switch {
		case i < first:
			slots[i] = int32(i)
		case v == nil:
			slots[i] = -1
		default:
			slots[i] = int32(len(present))
			present = append(present, v)
		}
	}
	return present, slots
}

// List is the shape of a list. declared is its type in the schema, such as "[Scenario!]!".
func List[V any](entry Shape[V], declared string) Shape[[]V] {
	of := typeOf(declared)
	return func(at *place, values [][]V) Column {
		c := lists[V]{listType: of, run: at.run, values: values, starts: make([]int, len(values))}
		n := 0
		for i, list := range values {
			c.starts[i] = n
			n += len(list)
		}
		if len(values) == 1 {
			c.entries = entry(at, values[0])
			return c
		}
		flat := make([]V, 0, n)
		for _, list := range values {
			flat = append(flat, list...)
		}
		c.entries = entry(at, flat)
		return c
	}
}

// listType is a list's type in the schema.
type listType struct {
	entry           string
	nonNull, filled bool // of the list; of its entries
}

func typeOf(declared string) listType {
	bracketed := strings.TrimSuffix(declared, "!")
	entry := bracketed[1 : len(bracketed)-1]
	return listType{entry: entry, nonNull: bracketed != declared, filled: strings.HasSuffix(entry, "!")}
}

// lists is a column of lists. The entries of all lists are consecutive in one column.
type lists[V any] struct {
	listType
	run     *run
	values  [][]V
	starts  []int // index of each list's first entry
	entries Column
}

func (c lists[V]) append(b []byte, i int) ([]byte, Outcome) {
	if c.values[i] == nil && !c.nonNull {
		return b, Null
	}
	return c.list(c.run, b, len(c.values[i]), func(b []byte, n int) ([]byte, Outcome) {
		return c.entries.append(b, c.starts[i]+n)
	})
}

// roomy doubles a long buffer that is nearly full. append makes one longer by a quarter at a time, and while much is
// copied, nobody else is served.
func roomy(b []byte) []byte {
	const nearly = 1 << 12
	if cap(b) < maxScratch || cap(b)-len(b) > nearly {
		return b
	}
	return slices.Grow(b, cap(b))
}

// list appends a list of the given length. After a failure it continues, to report the errors of the other entries.
func (t listType) list(r *run, b []byte, length int, entry func(b []byte, n int) ([]byte, Outcome)) ([]byte, Outcome) {
	start, outcome := len(b), Value
	b = append(b, '[')
	for n := range length {
		if n > 0 {
			b = append(b, ',')
		}
		r.enter(step{index: n})
		var o Outcome
		b, o = entry(roomy(b), n)
		o = r.settle(o, t.filled, t.entry)
		r.leave()
		if o != Value {
			b = append(b, "null"...)
			if t.filled {
				outcome = failed
			}
		}
	}
	if outcome != Value {
		return b[:start], outcome
	}
	return append(b, ']'), Value
}
