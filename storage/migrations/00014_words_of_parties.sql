-- Where a party stands is read from the words of all who speak for it.

-- +goose Up

-- The parties that the holder said it for, among those that it spoke for; NULL: all of them, empty: in private.
ALTER TABLE positions ADD COLUMN said_for uuid[];
