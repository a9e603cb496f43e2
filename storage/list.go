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

	"example.org/parley"
)

// list is a read of many rows for each key, in pages.
type list struct {
	from      string   // FROM and its joins, with k in scope
	where     []string // conditions, joined by AND
	order     order
	unshelved bool // its entries are no records as the lens shows them, but several versions of one, or differences
}

// order is a total order of rows: by expressions over them, all in one direction. A page's cursor holds the values of the
// last row in it, so that pages stay put while rows come and go.
type order struct {
	columns    []orderColumn
	descending bool
}

type orderColumn struct {
	expression string
	sqlType    string
}

// pages reads one page for each key, in one statement; the totals, where they are asked for, in another.
func pages[T any](ctx context.Context, r *reader, t *table[T], q *query, l list, p parley.Page, fields *Fields) ([]*parley.Connection[T], error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if q.fault != nil {
		return nil, q.fault
	}
	if len(q.keys) == 0 {
		return nil, nil
	}
	if r.snapshot != nil {
		r.snapshot.turn.Lock()
		defer r.snapshot.turn.Unlock()
	}
	counted := slices.Clone(q.args)
	where := l.where
	if p.After != nil {
		behind, err := l.behind(q, *p.After)
		if err != nil {
			return nil, err
		}
		where = append(slices.Clone(where), behind)
	}

	page := keep(fields, pageKey{t, q.from, l.from, strings.Join(where, " AND "), l.order.by(l.order.expressions()), p.First}, func() statementOf[T] {
		return pageOf(l, t, q, where, p.First, fields)
	})

	connections := make([]*parley.Connection[T], len(q.keys))
	for i := range connections {
		connections[i] = &parley.Connection[T]{PageInfo: parley.PageInfo{HasPreviousPage: p.After != nil}}
	}
	shelf := shelfOf(r.snapshot, t)
	err := r.rows(ctx, page.text, q.bind(r.snapshot, q.args), func(sent row) {
		n := q.begin(r.snapshot, &sent)
		c := connections[n]
		node := page.records.read(&sent, q.keys[n].Lens, r.snapshot)
		if node == nil {
			return
		}
		if len(c.Nodes) == p.First {
			c.PageInfo.HasNextPage = true
			return
		}
		if !l.unshelved {
			shelf.add(node, page.records.columns)
		}
		c.Nodes = append(c.Nodes, node)
		if withCursors(fields) {
			cursor := l.encodePlace(l.order.place(&sent))
			c.Edges = append(c.Edges, parley.Edge[T]{Cursor: cursor, Node: node})
			if c.PageInfo.StartCursor == nil {
				c.PageInfo.StartCursor = &cursor
			}
			c.PageInfo.EndCursor = &cursor
		}
	})
	if err != nil {
		return nil, err
	}
	if !fields.has("totalCount") {
		return connections, q.refused()
	}
	counting := fmt.Sprintf(`
		SELECT record_send(ROW(%s, (SELECT count(*) FROM %s WHERE %s)))
		FROM {keys}`, q.header(), l.from, strings.Join(l.where, " AND "))
	err = r.rows(ctx, q.expand(counting), q.bind(r.snapshot, counted), func(sent row) {
		connections[q.begin(r.snapshot, &sent)].TotalCount = int(sent.next().number())
	})
	if err != nil {
		return nil, err
	}
	return connections, q.refused()
}

// pageKey tells the statements of pages apart that read the same fields.
type pageKey struct {
	table                    any
	keys, from, where, order string
	first                    int
}

// page makes the statement that reads a page. The page is cut first, by what stands in its rows; then what comes along
// with them is joined.
func pageOf[T any](l list, t *table[T], q *query, where []string, first int, fields *Fields) statementOf[T] {
	var along reading
	var inner []string
	lift := func(sql string) string {
		inner = append(inner, fmt.Sprintf("%s AS c%d", sql, len(inner)))
		return fmt.Sprintf("x.c%d", len(inner)-1)
	}
	place := make([]string, len(l.order.columns))
	for i, c := range l.order.columns {
		place[i] = lift(c.expression)
	}
	records := t.records(&along, t.alias, fields.nodes(), lift)
	limit := first
	if fields.has("pageInfo") {
		limit++ // one more says that there is a next page
	}
	selected := append([]string{q.header()}, along.selected...)
	if withCursors(fields) {
		selected = append(selected, place...)
	}
	return statementOf[T]{records, q.expand(fmt.Sprintf(`
		SELECT record_send(ROW(%s))
		FROM {keys}
		%sLATERAL (
			SELECT %s
			FROM %s
			WHERE %s
			ORDER BY %s
			LIMIT %d
		) x ON true %s
		ORDER BY k.n, %s`,
		strings.Join(selected, ", "), q.join(), strings.Join(inner, ", "), l.from, strings.Join(where, " AND "),
		l.order.by(l.order.expressions()), limit, strings.Join(along.joins, " "), l.order.by(place)))}
}

// history is a list over the whole of valid time, of the versions in force or of all of them.
func history(table, alias, scope string, columns []orderColumn, superseded bool) list {
	if !superseded {
		return list{from: table + " " + alias, where: []string{scope, "{known " + alias + "}"}, order: order{columns: columns}}
	}
	return list{
		from: table + " " + alias, where: []string{scope, "{version " + alias + "}"}, unshelved: true,
		order: order{columns: append(slices.Clone(columns), orderColumn{alias + ".recorded_at", "timestamptz"})},
	}
}

// withCursors says whether the place of each entry is asked for.
func withCursors(fields *Fields) bool { return fields.has("edges", "pageInfo") }

// by is the ORDER BY of the order, over its columns by these names.
func (o order) by(names []string) string {
	direction := " ASC"
	if o.descending {
		direction = " DESC"
	}
	return strings.Join(names, direction+", ") + direction
}

func (o order) expressions() []string {
	list := make([]string, len(o.columns))
	for i, c := range o.columns {
		list[i] = c.expression
	}
	return list
}

// place are the texts that a cursor is made of.
func (o order) place(sent *row) []string {
	place := make([]string, len(o.columns))
	for i, c := range o.columns {
		switch v := sent.next(); c.sqlType {
		case "timestamptz":
			place[i] = parley.FormatInstant(v.instant().time())
		case "uuid":
			place[i] = v.id().String()
		case "bigint":
			place[i] = strconv.FormatInt(v.number(), 10)
		default:
			place[i] = v.text()
		}
	}
	return place
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
	text := fmt.Sprint(l.from, l.order.by(l.order.expressions()), place)
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

// either: the one condition, or the other, as is asked for.
func (c *conditions) either(asked *bool, so, otherwise string) {
	switch {
	case asked == nil:
	case *asked:
		c.add("(" + so + ")")
	default:
		c.add("(" + otherwise + ")")
	}
}

// whether: the condition, or that it is not so.
func (c *conditions) whether(asked *bool, so string) { c.either(asked, so, "NOT ("+so+")") }

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

// daysBefore: the instant lies more than so many days before the lens's valid one. A number out of bounds is a fault, found
// when the list is read.
func (c *conditions) daysBefore(field, instant string, days *int) {
	if days == nil {
		return
	}
	if *days < 0 || *days > parley.MaxDays {
		c.fault = parley.NewFault(parley.BadRequest, "%s: %d is out of range; give 0 to %d days.", field, *days, parley.MaxDays)
		return
	}
	c.add(instant + " < k.valid_at - " + c.arg(int64(*days)*24) + "::bigint * interval '1 hour'")
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
