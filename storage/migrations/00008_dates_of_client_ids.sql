-- Since when an id that a client chose stands for its record, so that an archive of what was known at an instant holds just
-- the ids that were known then. Of those kept before this column came nobody knows; they count as known with their record.

-- +goose Up

ALTER TABLE client_ids ADD COLUMN recorded_at timestamptz;
