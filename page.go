package parley

// Page sizes a client may ask for.
const (
	DefaultPage = 50
	MaxPage     = 500
)

// Page is the part of a list that is asked for: the First entries behind the After cursor.
type Page struct {
	First int
	After *string
}

// Check refuses a page size out of bounds.
func (p Page) Check() error {
	if p.First < 1 || p.First > MaxPage {
		return NewFault(BadRequest, "first: %d is out of range; ask for 1 to %d entries.", p.First, MaxPage)
	}
	return nil
}

// Connection is one page of a list.
type Connection[T any] struct {
	Nodes      []*T
	Edges      []Edge[T]
	PageInfo   PageInfo
	TotalCount int // of the whole list; 0 unless it was asked for
}

// Edge is one entry of a page with its place in the list.
type Edge[T any] struct {
	Cursor string
	Node   *T
}

// PageInfo says where a page lies in its list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// EachPage reads a list to its end, page by page.
func EachPage(read func(Page) (PageInfo, error)) error {
	page := Page{First: MaxPage}
	for {
		info, err := read(page)
		if err != nil || !info.HasNextPage {
			return err
		}
		page.After = info.EndCursor
	}
}
