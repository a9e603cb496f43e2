package rows

import (
	"strconv"
	"strings"
)

// Extra is a column that is inserted and not read, such as a copy that an index needs.
type Extra[T any] struct {
	Name string
	Arg  func(*T) any
}

// Insert is the statement that inserts rows, with its arguments: the id, every column with a name, and the extra ones.
func (t *Table[T]) Insert(list []*T, extra ...Extra[T]) (text string, args []any) {
	written := []Extra[T]{{"id", func(value *T) any {
		id, _ := t.Self(value)
		return IDArg(*id)
	}}}
	for _, c := range t.Columns {
		if c.Name != "" {
			written = append(written, Extra[T]{c.Name, c.arg})
		}
	}
	written = append(written, extra...)

	var b strings.Builder
	b.WriteString("INSERT INTO " + t.Name + " (")
	for i, w := range written {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(w.Name)
	}
	b.WriteString(") VALUES ")
	for n, value := range list {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for i, w := range written {
			if i > 0 {
				b.WriteString(", ")
			}
			args = append(args, w.Arg(value))
			b.WriteString("$" + strconv.Itoa(len(args)))
		}
		b.WriteByte(')')
	}
	return b.String(), args
}
