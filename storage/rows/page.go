package rows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"example.org/parley"
)

// List is a read of many rows for each key, in pages.
type List struct {
	From  string   // FROM and its joins, with k in scope
	Where []string // conditions, joined by AND
	Order Order
	// Uncached: its entries are no records as the lens shows them, but several versions of one, or differences.
	Uncached bool
}

// History is a list of a table's rows over the whole of valid time: of the versions in force, or also of those
// superseded.
func History(table, alias, scope string, columns []OrderColumn, superseded bool) List {
	from := "{" + table + " " + alias + "}"
	if !superseded {
		return List{From: from, Where: []string{scope, "{known " + alias + "}"}, Order: Order{Columns: columns}}
	}
	return List{
		From: from, Where: []string{scope, "{version " + alias + "}"}, Uncached: true,
		Order: Order{Columns: append(slices.Clone(columns),
			OrderColumn{Expression: alias + ".recorded_at", Type: "timestamptz"})},
	}
}

// Pages reads one page for each key in one SQL statement, and the totals, where they are selected, in another. A page
// size or a cursor that can't be used is a fault.
func Pages[T any](
	ctx context.Context, t *Table[T], q *Query, l List, p parley.Page, fields *Fields,
) ([]*parley.Connection[T], error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if q.Fault != nil {
		return nil, q.Fault
	}
	if len(q.Keys) == 0 {
		return nil, nil
	}
	s := q.reader.snapshot
	s.turn.Lock()
	defer s.turn.Unlock()
	counted := slices.Clone(q.Args)
	bounds, err := l.within(q, p)
	if err != nil {
		return nil, err
	}
	where, order := slices.Concat(l.Where, bounds), l.Order
	if p.FromEnd() {
		order = order.backwards()
	}
	page := keep(fields,
		pageKey{t, q.from, l.From, strings.Join(where, " AND "), order.by(order.expressions()), p.Size()},
		func() statementOf[T] {
			return pageOf(l, t, q, where, order, p.Size(), fields)
		})

	read := make([]entries[T], len(q.Keys))
	cache := cacheOf(s, t)
	err = q.reader.send(ctx, page.text, q.bind(q.Args), func(sent Row) {
		n := q.begin(&sent)
		e := &read[n]
		node := page.records.read(&sent, q.Keys[n].Lens, s)
		if node == nil {
			return
		}
		if len(e.nodes) == p.Size() {
			e.more = true
			return
		}
		if !l.Uncached {
			cache.add(node, page.records.columns)
		}
		e.nodes = append(e.nodes, node)
		if withCursors(fields) {
			e.cursors = append(e.cursors, l.encodePlace(order.place(&sent)))
		}
	})
	if err != nil {
		return nil, err
	}
	connections := make([]*parley.Connection[T], len(read))
	for i, e := range read {
		if p.FromEnd() { // it was read backwards
			slices.Reverse(e.nodes)
			slices.Reverse(e.cursors)
		}
		connections[i] = e.page(p)
	}
	if fields.Has("totalCount") {
		err = q.count(ctx, l.From, l.Where, counted, func(n, total int) { connections[n].TotalCount = total })
	}
	if err != nil {
		return nil, err
	}
	return connections, q.Refused()
}

// entries are those of one page, with their cursors where these are selected.
type entries[T any] struct {
	nodes   []*T
	cursors []parley.Cursor
	more    bool // than the page has room for
}

func (e entries[T]) page(p parley.Page) *parley.Connection[T] {
	c := &parley.Connection[T]{Nodes: e.nodes, PageInfo: p.Info(e.cursors, e.more)}
	if len(e.cursors) > 0 {
		c.Edges = make([]parley.Edge[T], len(e.cursors))
	}
	for i, cursor := range e.cursors {
		c.Edges[i] = parley.Edge[T]{Cursor: cursor, Node: e.nodes[i]}
	}
	return c
}

// count counts the rows of each key that meet the conditions, whose arguments are given. The caller has the turn.
func (q *Query) count(ctx context.Context, from string, where []string, args []any, each func(n, total int)) error {
	counting := q.Expand(fmt.Sprintf(`
		SELECT record_send(ROW(%s, (SELECT count(*) FROM %s WHERE %s)))
		FROM {keys}`, q.header(), from, strings.Join(where, " AND ")))
	return q.reader.send(ctx, counting, q.bind(args), func(sent Row) {
		each(q.begin(&sent), sent.Next().Int())
	})
}

// pageKey tells the statements of pages apart that read the same fields.
type pageKey struct {
	table                    any
	keys, from, where, order string
	size                     int
}

// pageOf makes the statement that reads a page. The page is cut first, by what stands in its rows; then what comes
// along with them is joined.
func pageOf[T any](l List, t *Table[T], q *Query, where []string, order Order, size int, fields *Fields) statementOf[T] {
	var along reading
	var inner []string
	lift := func(sql string) string {
		inner = append(inner, fmt.Sprintf("%s AS c%d", sql, len(inner)))
		return fmt.Sprintf("x.c%d", len(inner)-1)
	}
	place := make([]string, len(order.Columns))
	for i, c := range order.Columns {
		place[i] = lift(c.Expression)
	}
	nodes := fields.Nodes()
	if l.Uncached {
		nodes = nodes.And(replaced...)
	}
	records := t.records(&along, t.Alias, nodes, lift)
	limit := size
	if fields.Has("pageInfo") {
		limit++ // one more says that the list goes on
	}
	selected := append([]string{q.header()}, along.selected...)
	if withCursors(fields) {
		selected = append(selected, place...)
	}
	return statementOf[T]{records, q.Expand(fmt.Sprintf(`
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
		strings.Join(selected, ", "), q.Join(), strings.Join(inner, ", "), l.From, strings.Join(where, " AND "),
		order.by(order.expressions()), limit, strings.Join(along.joins, " "), order.by(place)))}
}

// withCursors says whether the place of each entry is selected.
func withCursors(fields *Fields) bool { return fields.Has("edges", "pageInfo") }

// PageOf is one page of a list that is not in the database, sorted by the places of its entries. The list's order says
// what a place consists of; all of it is text. The cursor of another list, and a page size that can't be used, are
// faults.
func PageOf[T any](
	l List, list []*T, place func(*T) []string, p parley.Page, fields *Fields,
) (*parley.Connection[T], error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	total := len(list)
	if p.After != nil {
		bound, err := l.decodePlace("after", *p.After)
		if err != nil {
			return nil, err
		}
		for len(list) > 0 && slices.Compare(place(list[0]), bound) <= 0 {
			list = list[1:]
		}
	}
	if p.Before != nil {
		bound, err := l.decodePlace("before", *p.Before)
		if err != nil {
			return nil, err
		}
		for len(list) > 0 && slices.Compare(place(list[len(list)-1]), bound) >= 0 {
			list = list[:len(list)-1]
		}
	}
	e := entries[T]{more: len(list) > p.Size()}
	if p.FromEnd() {
		list = list[max(0, len(list)-p.Size()):]
	}
	for _, node := range list[:min(p.Size(), len(list))] {
		e.nodes = append(e.nodes, node)
		if withCursors(fields) {
			e.cursors = append(e.cursors, l.encodePlace(place(node)))
		}
	}
	c := e.page(p)
	c.TotalCount = total
	return c, nil
}
