package parley

// Page sizes.
const (
	DefaultPage = 50
	MaxPage     = 500
)

// Page selects a part of a list: the first First entries after the cursor After. A nil After means the beginning.
type Page struct {
	First int
	After *string
}

// Check returns a BadRequest fault if First is out of range.
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
	TotalCount int // of the whole list; 0 unless it was selected
}

// Edge is one entry of a page with its cursor.
type Edge[T any] struct {
	Cursor string
	Node   *T
}

// PageInfo is the position of a page in its list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// EachPage reads a list to its end, page by page. It stops at the first error and returns it.
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
