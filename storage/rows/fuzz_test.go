package rows

import (
	"slices"
	"testing"

	"example.org/parley"
)

// A cursor that is read is one that the list has written.
func FuzzCursor(f *testing.F) {
	l := List{From: "{positions p}", Order: Order{Columns: []OrderColumn{
		{Expression: "p.valid_from", Type: "timestamptz"}, {Expression: "p.ordinal", Type: "smallint"}, {Expression: "p.id", Type: "uuid"},
	}}}
	f.Add(string(l.encodePlace([]string{"2025-01-01T00:00:00.000000Z", "0", "0198c7a4-7a5c-7bbb-8a7c-6a1a2b3c4d5e"})))
	f.Add("")
	f.Add("W10")
	f.Fuzz(func(t *testing.T, cursor string) {
		place, err := l.decodePlace("after", parley.Cursor(cursor))
		if err != nil {
			return
		}
		again, err := l.decodePlace("after", l.encodePlace(place))
		if err != nil || !slices.Equal(again, place) || len(place) != len(l.Order.Columns) {
			t.Errorf("%q is read as %q, and that as %q", cursor, place, again)
		}
	})
}
