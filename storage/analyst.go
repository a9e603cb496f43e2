package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"parley"
)

// Analysts are the users with these ids; nil where there is none. They are the same through every lens.
func (s *Snapshot) Analysts(ctx context.Context, keys []Key) ([]*parley.Analyst, error) {
	var found []*parley.Analyst
	err := s.all(ctx, &found, `SELECT id, name, role FROM analysts WHERE id = ANY($1)`, recordIDs(keys))
	if err != nil {
		return nil, fmt.Errorf("read analysts: %w", err)
	}
	byID := make(map[uuid.UUID]*parley.Analyst, len(found))
	for _, a := range found {
		byID[a.ID] = a
	}
	aligned := make([]*parley.Analyst, len(keys))
	for i, k := range keys {
		aligned[i] = byID[k.ID]
	}
	return aligned, nil
}

// recordIDs are the ids that keys ask for.
func recordIDs(keys []Key) uuids {
	ids := make(uuids, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}
