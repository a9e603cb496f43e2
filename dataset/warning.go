package dataset

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"example.org/parley/storage"
)

// Warnings returns what is questionable about the records that an import changed, as lines "name:line: message" in the
// order of the file.
func Warnings(ctx context.Context, store *storage.Store, s *Set, outcome Outcome) ([]string, error) {
	changed := slices.SortedFunc(maps.Keys(outcome.written), func(a, b uuid.UUID) int {
		return cmp.Or(cmp.Compare(outcome.written[a].line, outcome.written[b].line), slices.Compare(a[:], b[:]))
	})
	var lines []string
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
