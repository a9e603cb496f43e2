package storage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"parley"
)

// list is a read of many rows for each key, in pages.
type list struct {
	columns string
	from    string   // FROM and its joins, with k in scope
	where   []string // conditions, joined by AND
	order   order
}

// order is a total order of rows: by columns of the list, all in one direction. A page's cursor holds the values of the
// last row in it, so that pages stay put while rows come and go.
type order struct {
	columns    []orderColumn
	descending bool
}

type orderColumn struct {
	name       string // in the list's columns
	expression string
	sqlType    string
}

// listed is what every row of a list begins with: the number of its key and its place in the order.
type listed struct {
	numbered
	Place pq.StringArray `db:"place"`
}

func (l listed) place() []string { return l.Place }

type listedRow[T any] interface {
	row[T]
	place() []string
}

// pages reads one page for each key, in one statement; the totals, where they are asked for, in another.
func pages[R listedRow[T], T any](ctx context.Context, r *reader, q *query, l list, p parley.Page) ([]*parley.Connection[T], error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if q.fault != nil {
		return nil, q.fault
	}
	counted := slices.Clone(q.args)
	counting := fmt.Sprintf(`
		SELECT k.n, c.total
		FROM {keys}
		CROSS JOIN LATERAL (SELECT count(*) AS total FROM %s WHERE %s) c`, l.from, strings.Join(l.where, " AND "))

	where := l.where
	if p.After != nil {
		behind, err := l.behind(q, *p.After)
		if err != nil {
			return nil, err
		}
		where = append(slices.Clone(where), behind)
	}
	var rows []R
	err := r.all(ctx, &rows, q.expand(fmt.Sprintf(`
		SELECT k.n, %s AS place, x.*
		FROM {keys}
		CROSS JOIN LATERAL (
			SELECT %s
			FROM %s
			WHERE %s
			ORDER BY %s
			LIMIT %s
		) x
		ORDER BY k.n, %s`,
		l.order.place(), l.columns, l.from, strings.Join(where, " AND "), l.order.by(""), q.arg(p.First+1), l.order.by("x."))), q.args...)
	if err != nil {
		return nil, err
	}

	connections := make([]*parley.Connection[T], len(q.keys))
	for i := range connections {
		connections[i] = &parley.Connection[T]{PageInfo: parley.PageInfo{HasPreviousPage: p.After != nil}}
	}
	for _, row := range rows {
		c := connections[row.index()]
		if len(c.Nodes) == p.First {
			c.PageInfo.HasNextPage = true
			continue
		}
		cursor := l.encodePlace(row.place())
		node := row.noun(q.keys[row.index()].Lens)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, parley.Edge[T]{Cursor: cursor, Node: node})
		if c.PageInfo.StartCursor == nil {
			c.PageInfo.StartCursor = &cursor
		}
		c.PageInfo.EndCursor = &cursor
	}
	if !p.Count {
		return connections, nil
	}
	var totals []struct {
		numbered
		Total int `db:"total"`
	}
	if err := r.all(ctx, &totals, q.expand(counting), counted...); err != nil {
		return nil, err
	}
	for _, t := range totals {
		connections[t.index()].TotalCount = t.Total
	}
	return connections, nil
}

// by is the ORDER BY of the order, over the columns by name.
func (o order) by(alias string) string {
	direction := " ASC"
	if o.descending {
		direction = " DESC"
	}
	parts := make([]string, len(o.columns))
	for i, c := range o.columns {
		parts[i] = alias + c.name + direction
	}
	return strings.Join(parts, ", ")
}

// place is the array of texts that a cursor is made of.
func (o order) place() string {
	parts := make([]string, len(o.columns))
	for i, c := range o.columns {
		parts[i] = "x." + c.name + "::text"
		if c.sqlType == "timestamptz" {
			parts[i] = "to_char(x." + c.name + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
		}
	}
	return "ARRAY[" + strings.Join(parts, ", ") + "]"
}

// behind is the condition that a row comes after a cursor.
func (l list) behind(q *query, cursor string) (string, error) {
	o := l.order
	place, ok := l.decodePlace(cursor)
	if !ok {
		return "", badCursor(cursor)
	}
	left, right := make([]string, len(place)), make([]string, len(place))
	for i, c := range o.columns {
		if !fits(place[i], c.sqlType) {
			return "", badCursor(cursor)
		}
		left[i], right[i] = c.expression, q.arg(place[i])+"::"+c.sqlType
	}
	operator := " > "
	if o.descending {
		operator = " < "
	}
	return "(" + strings.Join(left, ", ") + ")" + operator + "(" + strings.Join(right, ", ") + ")", nil
}

func badCursor(cursor string) error {
	return parley.NewFault(parley.BadCursor, "after: %q is not a cursor of this list; take it from the pageInfo or an edge of an earlier page, asked for in the same order.", cursor)
}

// fits keeps a tampered cursor from becoming an error of the database.
func fits(value, sqlType string) bool {
	var err error
	switch sqlType {
	case "uuid":
		err = uuid.Validate(value)
	case "timestamptz":
		_, err = parley.ParseInstant(value)
	case "bigint":
		_, err = strconv.ParseInt(value, 10, 64)
	case "participation_role":
		if !slices.Contains(parley.ParticipationRoles, parley.ParticipationRole(value)) {
			err = fmt.Errorf("no role")
		}
	default:
		if strings.ContainsRune(value, 0) {
			err = fmt.Errorf("no text")
		}
	}
	return err == nil
}

// A cursor begins with a checksum over the list, its order and the place, so that one of another list is told apart.
func (l list) checksum(place []string) string {
	text := fmt.Sprint(l.from, l.order.by(""), place)
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 36)
}

func (l list) encodePlace(place []string) string {
	text, _ := json.Marshal(append([]string{l.checksum(place)}, place...)) // strings always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func (l list) decodePlace(cursor string) (place []string, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, &place) != nil || len(place) != len(l.order.columns)+1 {
		return nil, false
	}
	return place[1:], place[0] == l.checksum(place[1:])
}

// conditions collects what a filter asks for; a list that is left out or empty does not narrow.
type conditions struct {
	*query
	list []string
}

func (c *conditions) add(condition string) { c.list = append(c.list, condition) }

// among: the column has one of the values.
func among[E ~string](c *conditions, column, sqlType string, values []E) {
	if len(values) > 0 {
		c.add(column + " = ANY(" + c.arg(words[E](values)) + "::" + sqlType + "[])")
	}
}

// of: the column refers to one of the records.
func (c *conditions) of(column string, ids []uuid.UUID) {
	if len(ids) > 0 {
		c.add(column + " = ANY(" + c.arg(uuids(ids)) + "::uuid[])")
	}
}

// overlaps: the array refers to at least one of the records.
func (c *conditions) overlaps(column string, ids []uuid.UUID) {
	if len(ids) > 0 {
		c.add(column + " && " + c.arg(uuids(ids)) + "::uuid[]")
	}
}

// is: the column has the value.
func (c *conditions) is(column string, value *bool) {
	if value != nil {
		c.add(column + " = " + c.arg(*value))
	}
}

// inRange: the column lies in the range. One that ends before it begins is a fault, and found when the list is read.
func (c *conditions) inRange(column string, r *parley.TimeRange) {
	if r != nil && r.From != nil && r.To != nil && !r.From.Before(*r.To) {
		c.fault = parley.NewFault(parley.BadRequest, "to: %s is not later than from, %s; a range ends after it begins.", parley.FormatInstant(*r.To), parley.FormatInstant(*r.From))
	}
	if r != nil && r.From != nil {
		c.add(column + " >= " + c.arg(*r.From))
	}
	if r != nil && r.To != nil {
		c.add(column + " < " + c.arg(*r.To))
	}
}

// contains: the text holds the words asked for, case and diacritics aside.
func (c *conditions) contains(expression string, text *string) {
	if text != nil && *text != "" {
		c.add("fold(" + expression + ") LIKE '%' || fold(" + c.arg(escapeLike(*text)) + ") || '%'")
	}
}

func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, "\x00", "").Replace(text)
}
