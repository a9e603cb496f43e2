package dataset

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"example.org/parley/storage"
)

// Warnings returns what is questionable about an import, as lines "name:line: message": first the items that it skipped
// since their keys lead to other records, then the records that it changed, each in the order of the file.
func Warnings(ctx context.Context, store *storage.Store, s *Set, outcome Outcome) ([]string, error) {
	changed := slices.SortedFunc(maps.Keys(outcome.written), func(a, b uuid.UUID) int {
		return cmp.Or(cmp.Compare(outcome.written[a].line, outcome.written[b].line), slices.Compare(a[:], b[:]))
	})
	var lines []string
	for _, skipped := range outcome.skipped {
		lines = append(lines, s.place(skipped, nil, fmt.Sprintf("This %s was retracted, and its key belongs to another record since: "+
			"the item is skipped, and what names the key means the other record. Choose another key to record it anew.", skipped.what)))
	}
	const together = 500
	for some := range slices.Chunk(changed, together) {
		found, err := store.Snapshot().Warnings(ctx, some)
		if err != nil {
			return nil, err
		}
		for i, list := range found {
			for _, w := range list {
				lines = append(lines, s.place(outcome.written[some[i]], w.Field, w.Message))
			}
		}
	}
	return lines, nil
}
