package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Analysts are the users with these ids; nil where there is none. They are the same through every lens, their track
// records are not.
func (s *Snapshot) Analysts(ctx context.Context, keys []Key, _ *Fields) ([]*parley.Analyst, error) {
	byID := make(map[uuid.UUID]*parley.Analyst)
	err := s.Rows(ctx, `SELECT record_send(ROW(id, name, role)) FROM {analysts} WHERE id = ANY($1)`,
		[]any{rows.RecordIDs(keys)}, func(sent rows.Row) {
			a := &parley.Analyst{ID: sent.Next().ID(), Name: sent.Next().Text(), Role: parley.Role(sent.Next().Text())}
			byID[a.ID] = a
		})
	if err != nil {
		return nil, fmt.Errorf("read analysts: %w", err)
	}
	aligned := make([]*parley.Analyst, len(keys))
	for i, k := range keys {
		if a := byID[k.ID]; a != nil {
			seen := *a
			seen.Lens = k.Lens
			aligned[i] = &seen
		}
	}
	return aligned, nil
}
