package rows

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// Order is a total order of rows: by expressions over them, all in one direction. A cursor holds the values of one
// row, so that pages stay put while rows come and go.
type Order struct {
	Columns    []OrderColumn
	Descending bool
}

// OrderColumn is one expression of an order.
type OrderColumn struct {
	Expression string
	Type       string   // in SQL
	Words      []string // that an enum has
}

// by is the ORDER BY of the order, over its columns by these names.
func (o Order) by(names []string) string {
	direction := " ASC"
	if o.Descending {
		direction = " DESC"
	}
	return strings.Join(names, direction+", ") + direction
}

// backwards is the opposite order.
func (o Order) backwards() Order {
	o.Descending = !o.Descending
	return o
}

func (o Order) expressions() []string {
	list := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		list[i] = c.Expression
	}
	return list
}

// place are the texts that a cursor is made of.
func (o Order) place(sent *Row) []string {
	place := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		switch v := sent.Next(); c.Type {
		case "timestamptz":
			place[i] = parley.FormatInstant(v.Time())
		case "uuid":
			place[i] = v.ID().String()
		case "bigint", "smallint":
			place[i] = strconv.FormatInt(v.Number(), 10)
		default:
			place[i] = v.Text()
		}
	}
	return place
}

// within are the conditions that a row is after the one cursor of a page and before the other.
func (l List) within(q *Query, p parley.Page) (conditions []string, err error) {
	for _, bound := range []struct {
		name    string
		cursor  *parley.Cursor
		greater bool
	}{{"after", p.After, !l.Order.Descending}, {"before", p.Before, l.Order.Descending}} {
		if bound.cursor == nil {
			continue
		}
		place, err := l.decodePlace(bound.name, *bound.cursor)
		if err != nil {
			return nil, err
		}
		values := make([]string, len(place))
		for i, c := range l.Order.Columns {
			values[i] = q.Arg(place[i]) + "::" + c.Type
		}
		operator := " < "
		if bound.greater {
			operator = " > "
		}
		conditions = append(conditions,
			"("+strings.Join(l.Order.expressions(), ", ")+")"+operator+"("+strings.Join(values, ", ")+")")
	}
	return conditions, nil
}

// fits keeps a tampered cursor from becoming an error of the database.
func (c OrderColumn) fits(value string) bool {
	var err error
	switch {
	case c.Words != nil:
		return slices.Contains(c.Words, value)
	case c.Type == "uuid":
		err = uuid.Validate(value)
	case c.Type == "timestamptz":
		_, err = parley.ParseInstant(value)
	case c.Type == "bigint":
		_, err = strconv.ParseInt(value, 10, 64)
	case c.Type == "smallint":
		_, err = strconv.ParseInt(value, 10, 16)
	default:
		return !strings.ContainsRune(value, 0)
	}
	return err == nil
}

// checksum tells the cursors of one list and order from those of others.
func (l List) checksum(place []string) string {
	text := fmt.Sprint(relations(l.From), l.Order.by(l.Order.expressions()), place)
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 36)
}

func (l List) encodePlace(place []string) parley.Cursor {
	text, _ := json.Marshal(append([]string{l.checksum(place)}, place...)) // strings always encode
	return parley.Cursor(base64.RawURLEncoding.EncodeToString(text))
}

// decodePlace reads the cursor in an argument. One that is not of this list and order is a fault.
func (l List) decodePlace(argument string, cursor parley.Cursor) (place []string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(string(cursor))
	if err == nil {
		err = json.Unmarshal(text, &place)
	}
	if err != nil || len(place) != len(l.Order.Columns)+1 || place[0] != l.checksum(place[1:]) || !l.Order.fits(place[1:]) {
		return nil, parley.NewFault(parley.BadCursor,
			"%s: %q is not a cursor of this list; take it from the pageInfo or an edge of another page, asked for in the "+
				"same order.", argument, string(cursor))
	}
	return place[1:], nil
}

func (o Order) fits(place []string) bool {
	for i, c := range o.Columns {
		if !c.fits(place[i]) {
			return false
		}
	}
	return true
}
