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

// Order is a total order of rows: by expressions over them, all in one direction. A page's cursor holds the values of
// its last row, so that pages stay put while rows come and go.
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

// behind is the condition that a row comes after a cursor.
func (l List) behind(q *Query, cursor string) (string, error) {
	o := l.Order
	place, ok := l.decodePlace(cursor)
	if !ok {
		return "", badCursor(cursor)
	}
	left, right := make([]string, len(place)), make([]string, len(place))
	for i, c := range o.Columns {
		if !c.fits(place[i]) {
			return "", badCursor(cursor)
		}
		left[i], right[i] = c.Expression, q.Arg(place[i])+"::"+c.Type
	}
	operator := " > "
	if o.Descending {
		operator = " < "
	}
	return "(" + strings.Join(left, ", ") + ")" + operator + "(" + strings.Join(right, ", ") + ")", nil
}

func badCursor(cursor string) error {
	return parley.NewFault(parley.BadCursor,
		"after: %q is not a cursor of this list; take it from the pageInfo or an edge of an earlier page, asked for "+
			"in the same order.", cursor)
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

func (l List) encodePlace(place []string) string {
	text, _ := json.Marshal(append([]string{l.checksum(place)}, place...)) // strings always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func (l List) decodePlace(cursor string) (place []string, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, &place) != nil || len(place) != len(l.Order.Columns)+1 {
		return nil, false
	}
	return place[1:], place[0] == l.checksum(place[1:])
}
