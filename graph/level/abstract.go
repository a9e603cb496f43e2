package level

import "fmt"

// Abstract is the shape of an interface or a union. The objects of each member form a level.
func Abstract[I any](members ...Member[I]) Shape[I] {
	return func(at *place, values []I) Column {
		c := abstract{at.run, make([]slot, len(values)), make([]Column, len(members))}
		for i, v := range values {
			if any(v) == nil {
				c.slots[i].member = missing
			} else {
				c.slots[i] = slot{unknown, fmt.Errorf("no member of the abstract type is a %T", v), 0}
			}
		}
		for m, member := range members {
			c.columns[m] = member(at, values, c.slots, m)
		}
		return c
	}
}

// Member resolves the values that are of its type, if there are any, and sets their slots.
type Member[I any] func(at *place, values []I, slots []slot, member int) Column

// Of returns the member of an abstract type whose values are pointers to T.
func Of[I, T any](object *Object[T]) Member[I] {
	return func(at *place, values []I, slots []slot, member int) Column {
		var own []*T
		for i, v := range values {
			o, ok := any(v).(*T)
			switch {
			case !ok:
			case o == nil:
				slots[i] = slot{member: missing}
			default:
				slots[i] = slot{member: member, object: len(own)}
				own = append(own, o)
			}
		}
		if own == nil {
			return nil
		}
		return objects[T]{level: object.level(at, own)}
	}
}

// abstract is a column of objects of several types.
type abstract struct {
	run     *run
	slots   []slot
	columns []Column // one for each member; nil if it has no values
}

// slot locates a value: its member, and its index among the member's objects.
type slot struct {
	member int
	fault  error
	object int
}

const (
	missing = -1
	unknown = -2
)

func (c abstract) append(b []byte, i int) ([]byte, Outcome) {
	switch s := c.slots[i]; s.member {
	case missing:
		return b, Null
	case unknown:
		c.run.report(s.fault)
		return b, failed
	default:
		return c.columns[s.member].append(b, s.object)
	}
}
