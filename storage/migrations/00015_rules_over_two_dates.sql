-- Rules over two columns of one row. They hold for what is recorded from now on: what is on record stays.

-- +goose Up

ALTER TABLE scenarios ADD CONSTRAINT occurred_by_the_deadline CHECK (outcome <> 'OCCURRED' OR resolved_at <= deadline) NOT VALID;
ALTER TABLE events ADD CONSTRAINT held_by_now CHECK (state <> 'HELD' OR started_at <= recorded_at) NOT VALID;
