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
	where := l.Where
	if p.After != nil {
		behind, err := l.behind(q, *p.After)
		if err != nil {
			return nil, err
		}
		where = append(slices.Clone(where), behind)
	}

	page := keep(fields,
		pageKey{t, q.from, l.From, strings.Join(where, " AND "), l.Order.by(l.Order.expressions()), p.First},
		func() statementOf[T] {
			return pageOf(l, t, q, where, p.First, fields)
		})

	connections := make([]*parley.Connection[T], len(q.Keys))
	for i := range connections {
		connections[i] = &parley.Connection[T]{PageInfo: parley.PageInfo{HasPreviousPage: p.After != nil}}
	}
	cache := cacheOf(s, t)
	err := q.reader.send(ctx, page.text, q.bind(q.Args), func(sent Row) {
		n := q.begin(&sent)
		c := connections[n]
		node := page.records.read(&sent, q.Keys[n].Lens, s)
		if node == nil {
			return
		}
		if len(c.Nodes) == p.First {
			c.PageInfo.HasNextPage = true
			return
		}
		if !l.Uncached {
			cache.add(node, page.records.columns)
		}
		c.Nodes = append(c.Nodes, node)
		if withCursors(fields) {
			cursor := l.encodePlace(l.Order.place(&sent))
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
	if fields.Has("totalCount") {
		err = q.count(ctx, l.From, l.Where, counted, func(n, total int) { connections[n].TotalCount = total })
	}
	if err != nil {
		return nil, err
	}
	return connections, q.Refused()
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
	first                    int
}

// pageOf makes the statement that reads a page. The page is cut first, by what stands in its rows; then what comes
// along with them is joined.
func pageOf[T any](l List, t *Table[T], q *Query, where []string, first int, fields *Fields) statementOf[T] {
	var along reading
	var inner []string
	lift := func(sql string) string {
		inner = append(inner, fmt.Sprintf("%s AS c%d", sql, len(inner)))
		return fmt.Sprintf("x.c%d", len(inner)-1)
	}
	place := make([]string, len(l.Order.Columns))
	for i, c := range l.Order.Columns {
		place[i] = lift(c.Expression)
	}
	nodes := fields.Nodes()
	if l.Uncached {
		nodes = nodes.And(replaced...)
	}
	records := t.records(&along, t.Alias, nodes, lift)
	limit := first
	if fields.Has("pageInfo") {
		limit++ // one more says that there is a next page
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
		l.Order.by(l.Order.expressions()), limit, strings.Join(along.joins, " "), l.Order.by(place)))}
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
	c := &parley.Connection[T]{TotalCount: len(list), PageInfo: parley.PageInfo{HasPreviousPage: p.After != nil}}
	if p.After != nil {
		behind, ok := l.decodePlace(*p.After)
		if !ok {
			return nil, badCursor(*p.After)
		}
		for len(list) > 0 && slices.Compare(place(list[0]), behind) <= 0 {
			list = list[1:]
		}
	}
	c.PageInfo.HasNextPage = len(list) > p.First
	for _, node := range list[:min(p.First, len(list))] {
		c.Nodes = append(c.Nodes, node)
		if !withCursors(fields) {
			continue
		}
		cursor := l.encodePlace(place(node))
		c.Edges = append(c.Edges, parley.Edge[T]{Cursor: cursor, Node: node})
		if c.PageInfo.StartCursor == nil {
			c.PageInfo.StartCursor = &cursor
		}
		c.PageInfo.EndCursor = &cursor
	}
	return c, nil
}
