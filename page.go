package parley

// Page sizes.
const (
	DefaultPage = 50
	MaxPage     = 500
)

// Page selects a part of a list: its first entries, or its last ones, of those after one cursor and before another.
// Entries are in the order of the list either way. Nil bounds nothing; with neither First nor Last, it is the first
// DefaultPage.
type Page struct {
	First, Last   *int
	After, Before *Cursor
}

// Check returns a BadRequest fault if First or Last is out of range, or if both are given.
func (p Page) Check() error {
	if p.First != nil && p.Last != nil {
		return NewFault(BadRequest, "last: %d can't be combined with first: %d; ask for one of them.", *p.Last, *p.First)
	}
	name := "first"
	if p.FromEnd() {
		name = "last"
	}
	if size := p.Size(); size < 1 || size > MaxPage {
		return NewFault(BadRequest, "%s: %d is out of range; ask for 1 to %d entries.", name, size, MaxPage)
	}
	return nil
}

// Size is the number of entries that the page has room for.
func (p Page) Size() int {
	switch {
	case p.First != nil:
		return *p.First
	case p.Last != nil:
		return *p.Last
	default:
		return DefaultPage
	}
}

// FromEnd reports whether the page is the end of the list. It is read backwards then.
func (p Page) FromEnd() bool { return p.Last != nil }

// Info is the position of a page with these cursors, which are in the order of the list. More says that entries were
// left over: they follow a page from the beginning, and precede one from the end.
func (p Page) Info(cursors []Cursor, more bool) PageInfo {
	info := PageInfo{HasNextPage: more, HasPreviousPage: p.After != nil}
	if p.FromEnd() {
		info = PageInfo{HasNextPage: p.Before != nil, HasPreviousPage: more}
	}
	if len(cursors) > 0 {
		info.StartCursor, info.EndCursor = &cursors[0], &cursors[len(cursors)-1]
	}
	return info
}

// Connection is one page of a list.
type Connection[T any] struct {
	Nodes      []*T
	Edges      []Edge[T]
	PageInfo   PageInfo
	TotalCount int // of the whole list; 0 unless it was selected
}

// Edge is one entry of a page with its cursor.
type Edge[T any] struct {
	Cursor Cursor
	Node   *T
}

// PageInfo is the position of a page in its list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *Cursor
	EndCursor       *Cursor
}

// EachPage reads a list to its end, page by page. It stops at the first error and returns it.
func EachPage(read func(Page) (PageInfo, error)) error {
	page := Page{First: new(MaxPage)}
	for {
		info, err := read(page)
		if err != nil || !info.HasNextPage {
			return err
		}
		page.After = info.EndCursor
	}
}
