-- Two stakeholders that are one can be merged. What names the one is filed under the other from then on: its rows are
-- closed and opened again under the same versions, so when their content was recorded needs a column of its own.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE facts text;
BEGIN
    FOREACH facts IN ARRAY ARRAY['affiliations', 'memberships', 'participations', 'statements', 'events', 'relations'] LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN content_at timestamptz', facts);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN content_at TYPE timestamptz USING recorded_at, ALTER COLUMN content_at SET NOT NULL,
            ADD CONSTRAINT %I CHECK (content_at <= recorded_at)', facts, facts || '_content_before_cut');
    END LOOP;
END $$;

-- refiled is a list of records with one in the place of another, each once.
CREATE FUNCTION refiled(list uuid[], was uuid, becomes uuid) RETURNS uuid[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN NOT list @> ARRAY[was] THEN list ELSE ARRAY(
        SELECT id FROM unnest(array_replace(list, was, becomes)) WITH ORDINALITY u(id, n) GROUP BY id ORDER BY min(n)) END
$$;

-- merged_now is what a record is read as now: the one that it was merged into, and that in turn.
CREATE FUNCTION merged_now(record uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    WITH RECURSIVE led AS (
        SELECT id, merged_into FROM records WHERE id = record
        UNION ALL
        SELECT r.id, r.merged_into FROM led JOIN records r ON r.id = led.merged_into
    )
    SELECT id FROM led WHERE merged_into IS NULL
$$;

CREATE FUNCTION merged_now(list uuid[]) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN list IS NOT NULL THEN ARRAY(
        SELECT id FROM (SELECT merged_now(u.id) AS id, n FROM unnest(list) WITH ORDINALITY u(id, n)) m GROUP BY id ORDER BY min(n)) END
$$;

-- with_merged is a list of records with those that had been merged into them by an instant.
CREATE FUNCTION with_merged(list uuid[], at timestamptz) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE named(id) AS (
        SELECT unnest(list)
        UNION
        SELECT r.id FROM named JOIN records r ON r.merged_into = named.id AND r.retracted_at <= at
    )
    SELECT coalesce(array_agg(id), '{}') FROM named
$$;
-- +goose StatementEnd

