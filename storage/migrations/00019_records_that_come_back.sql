-- A retracted record can be put back on record, and its key can be given anew meanwhile: at each instant a key leads to
-- the record that was on record under it.

-- +goose Up
-- +goose StatementBegin
ALTER TYPE record_action ADD VALUE 'RESTORED';
ALTER TYPE record_action ADD VALUE 'MERGED';
ALTER TYPE closed_by ADD VALUE 'MERGED';

ALTER TABLE records
    ADD COLUMN absences timestamptz[] NOT NULL DEFAULT '{}', -- when it was retracted and restored, by turns
    ADD COLUMN merged_into uuid,                             -- since retracted_at it is read as that one
    ADD CONSTRAINT absences_are_pairs CHECK (cardinality(absences) % 2 = 0),
    ADD CONSTRAINT merged_is_gone CHECK (merged_into IS NULL OR retracted_at < 'infinity'),
    DROP CONSTRAINT records_path_key;
CREATE UNIQUE INDEX records_path_key ON records (path) WHERE retracted_at = 'infinity' OR merged_into IS NOT NULL;
CREATE INDEX records_by_path ON records (path);
CREATE INDEX records_merged ON records (merged_into) WHERE merged_into IS NOT NULL;

CREATE OR REPLACE FUNCTION keep_records() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone boolean := OLD.retracted_at = 'infinity' AND NEW.retracted_at < 'infinity' AND NEW.absences = OLD.absences;
    back boolean := OLD.retracted_at < 'infinity' AND OLD.merged_into IS NULL AND NEW.merged_into IS NULL
        AND NEW.retracted_at = 'infinity'
        AND NEW.absences[:cardinality(NEW.absences) - 1] = OLD.absences || OLD.retracted_at;
BEGIN
    IF TG_OP = 'UPDATE' AND (gone OR back) THEN
        OLD.retracted_at := NEW.retracted_at;
        OLD.absences := NEW.absences;
        OLD.merged_into := NEW.merged_into;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'records are kept: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- merged_at is the record into which the one with a key, or those that it was merged into, had been merged by an instant.
CREATE FUNCTION merged_at(called text, at timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    WITH RECURSIVE led AS (
        SELECT id, merged_into, retracted_at FROM records
        WHERE path = called AND merged_into IS NOT NULL AND retracted_at <= at
        UNION ALL
        SELECT r.id, r.merged_into, r.retracted_at FROM led JOIN records r ON r.id = led.merged_into
        WHERE led.retracted_at <= at
    )
    SELECT id FROM led WHERE retracted_at > at
$$;
-- +goose StatementEnd
