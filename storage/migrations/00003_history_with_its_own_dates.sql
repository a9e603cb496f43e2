-- An empty record knows nothing yet, so that a history with knowledge dates of its own can be loaded into it.

-- +goose Up

UPDATE feed_head SET recorded_at = '0001-01-01T00:00:00Z' WHERE seq = 0;
