package feed_test

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"example.org/parley/server/apitest"
)

// Cursors that servers of before version 23 of the tables gave out had the number of a change. Those of changes that were made before the last
// of these servers was replaced are accepted.
func TestNumberedCursors(t *testing.T) {
	t.Parallel()
	a := startOn(t, apitest.TalksDatabase(t))
	name := a.retitle()[:6]
	numbered := func(seq int) string {
		return name + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(seq))))
	}
	last := a.Changes()
	after := func(seq int) string {
		return fmt.Sprintf(`{ changes(after: %q, first: 100) { nodes { cursor } } }`, numbered(seq))
	}
	a.Ask(after(last-1)).Fails("BAD_CURSOR", numbered(last-1))

	a.SQL(`UPDATE feed_head SET numbered_until = clock_timestamp() + interval '1 day'`) // as the migration does
	for from, want := range map[int]int{last - 1: 1, 0: last} {
		if got := strings.Count(a.Raw(after(from)), `"cursor"`); got != want {
			t.Errorf("%d changes come after number %d, want %d", got, from, want)
		}
	}
	a.Ask(after(last+1)).Fails("BAD_CURSOR", numbered(last+1))
	s := a.connect()
	s.ask("1", followAll, map[string]any{"after": numbered(last)})
	if made, got := a.retitle(), s.event().Change()["cursor"]; got != made {
		t.Errorf("heard %v, want %s", got, made)
	}

	a.SQL(`UPDATE feed_head SET numbered_until = (SELECT recorded_at FROM changes WHERE seq = $1)`, last)
	a.Must(after(last - 1))
	a.Ask(after(last)).Fails("BAD_CURSOR", numbered(last))
}
