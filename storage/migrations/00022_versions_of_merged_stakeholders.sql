-- Closed versions go on naming the stakeholder that was merged since; what they are read as depends on the lens. Walks
-- along merges end even where those form a circle.

-- +goose Up
-- +goose StatementBegin
-- merged_at is what a record is read as at an instant: the one that it had been merged into by then, and that in turn.
-- It is not in SQL, since the planner would read its text for every statement to see whether it can take the place of a
-- call.
CREATE FUNCTION merged_at(record uuid, at timestamptz) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        WITH RECURSIVE led AS (
            SELECT id, merged_into, retracted_at FROM records WHERE id = record
            UNION
            SELECT r.id, r.merged_into, r.retracted_at FROM led JOIN records r ON r.id = led.merged_into
            WHERE led.retracted_at <= at
        )
        SELECT id FROM led WHERE merged_into IS NULL OR retracted_at > at);
END $$;

CREATE OR REPLACE FUNCTION merged_at(called text, at timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT led.id
    FROM records r, LATERAL (SELECT merged_at(r.id, at) AS id) led, records now
    WHERE r.path = called AND r.merged_into IS NOT NULL AND r.retracted_at <= at AND now.id = led.id AND now.retracted_at > at
$$;

CREATE OR REPLACE FUNCTION merged_now(record uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT merged_at(record, 'infinity')
$$;

-- No list stays no list, which is not the same as an empty one.
CREATE OR REPLACE FUNCTION refiled(list uuid[], was uuid, becomes uuid) RETURNS uuid[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN list @> ARRAY[was] THEN ARRAY(
        SELECT id FROM unnest(array_replace(list, was, becomes)) WITH ORDINALITY u(id, n) GROUP BY id ORDER BY min(n)) ELSE list END
$$;
-- +goose StatementEnd
