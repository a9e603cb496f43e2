-- A joint text is the own word of each of its speakers. A row that had one speaker has a list of it, and says the same as before.
-- Whether a position is second-hand is read from its evidence, through the lens.

-- +goose Up

DROP INDEX statements_of_a_speaker;
ALTER TABLE statements
    DROP CONSTRAINT speaker_is_named_or_described,
    DROP CONSTRAINT unnamed_is_not_on_record,
    DROP CONSTRAINT statements_speaker_id_fkey;
ALTER TABLE statements
    ALTER COLUMN speaker_id TYPE uuid[] USING CASE WHEN speaker_id IS NULL THEN '{}' ELSE ARRAY[speaker_id] END,
    ALTER COLUMN speaker_id SET DEFAULT '{}',
    ALTER COLUMN speaker_id SET NOT NULL;
ALTER TABLE statements RENAME COLUMN speaker_id TO speakers;
ALTER TABLE statements
    ADD CONSTRAINT speaker_is_named_or_described CHECK (speakers = '{}' OR speaker_description IS NULL),
    ADD CONSTRAINT unnamed_is_not_on_record CHECK (terms <> 'ON_RECORD' OR speakers <> '{}'
        OR form IN ('REPORTED', 'OFFICIAL_TEXT') AND speaker_description IS NULL);
CREATE INDEX statements_of_a_speaker ON statements USING gin (speakers) WHERE speakers <> '{}';
ALTER TABLE positions DROP COLUMN second_hand;
