package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// analystID is the id of a new analyst. It follows from the name, so that an archive means the same one in every database.
func analystID(name string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("parley:analyst:"+name))
}

// Analysts are the users with these ids; nil where there is none. They are the same through every lens, their track records
// are not.
func (s *Snapshot) Analysts(ctx context.Context, keys []Key, _ *Fields) ([]*parley.Analyst, error) {
	byID := make(map[uuid.UUID]*parley.Analyst)
	err := s.rows(ctx, `SELECT record_send(ROW(id, name, role)) FROM analysts WHERE id = ANY($1)`, []any{binaryIDs(recordIDs(keys))}, func(sent row) {
		a := &parley.Analyst{ID: sent.next().id(), Name: sent.next().text(), Role: parley.Role(sent.next().text())}
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

// recordIDs are the ids that keys ask for.
func recordIDs(keys []Key) uuids {
	ids := make(uuids, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}
