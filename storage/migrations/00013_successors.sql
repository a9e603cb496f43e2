-- A scenario that splits has several successors. A row that had one has a list of it, and says the same as before.

-- +goose Up

DROP INDEX status_changes_to_a_successor;
ALTER TABLE status_changes
    DROP CONSTRAINT superseded_has_a_successor,
    DROP CONSTRAINT successor_is_another,
    DROP CONSTRAINT status_changes_successor_id_fkey;
ALTER TABLE status_changes
    ALTER COLUMN successor_id TYPE uuid[] USING CASE WHEN successor_id IS NULL THEN '{}' ELSE ARRAY[successor_id] END,
    ALTER COLUMN successor_id SET DEFAULT '{}',
    ALTER COLUMN successor_id SET NOT NULL;
ALTER TABLE status_changes RENAME COLUMN successor_id TO successors;
ALTER TABLE status_changes
    ADD CONSTRAINT superseded_has_a_successor CHECK ((to_status = 'SUPERSEDED') = (successors <> '{}')),
    ADD CONSTRAINT successor_is_another CHECK (scenario_id <> ALL (successors));
CREATE INDEX status_changes_to_a_successor ON status_changes USING gin (successors) WHERE successors <> '{}';
