-- The tables may stand in any schema, and the extensions in another one; whoever owns them can restore a dump of them without being
-- a superuser. What indexes call is bound when it is created, so it does not depend on the search_path of whoever restores or
-- analyzes them.

-- Older servers go on.

-- +goose Up

SET LOCAL lock_timeout = '2s'; -- others wait behind this for a lock on the feed head

-- A server that knows only versions of the tables before this one must not record any more. A migration raises it if such a server
-- would record something wrong; otherwise old servers go on while new ones take their place.
ALTER TABLE feed_head ADD COLUMN oldest_version bigint NOT NULL DEFAULT 22;

-- Cursors with the number of a change instead of its recordedAt are accepted for changes recorded until then: as long as servers of before
-- may still run.
ALTER TABLE feed_head ADD COLUMN numbered_until timestamptz NOT NULL DEFAULT '-infinity';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION fold(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN lower(unaccent('unaccent'::regdictionary, $1));

CREATE OR REPLACE FUNCTION words(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN btrim(regexp_replace(regexp_replace(translate(fold(regexp_replace(normalize($1, NFKC),
        '[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0640\u064b-\u065f\u0670]+', '', 'g')),
        'ςيىكۀةؤ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'σییکههو01234567890123456789'),
        '(?<=\d)[,٬''’ ](?=\d{3}(?!\d))', '', 'g'), '[^[:alnum:]]+', ' ', 'g'));

CREATE OR REPLACE FUNCTION search_text(fact jsonb, kind record_kind, names text, others text, context text) RETURNS SETOF search_texts
    LANGUAGE plpgsql AS $$
DECLARE
    -- As many as a statement may have: more would take too long while the head of the feed is held, and pass what a tsvector holds.
    name text := words(left(columns_of(fact, names), 20000));
    other text := words(left(columns_of(fact, others), 20000));
    row search_texts;
BEGIN
    row.words := search_vector(name, 'A') || search_vector(other, 'B') || search_vector(words(coalesce(fact ->> 'key', '')), 'B');
    IF row.words = '' THEN
        RETURN;
    END IF;
    row.words := row.words || search_vector(words(left(context_of(fact, context), 20000)), 'C');
    row.version := fact ->> 'version';
    row.record_id := fact ->> 'id';
    row.kind := kind;
    row.at := fact ->> CASE kind WHEN 'POSITION' THEN 'valid_from' ELSE 'recorded_at' END;
    row.name := nullif(name, '');
    RETURN NEXT row;
END $$;

CREATE OR REPLACE FUNCTION passages(body text) RETURNS TABLE (start int, words tsvector) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    body := body || ''; -- read from the disk once
    FOR n IN 1 .. greatest(length(body) - 1000, 1) BY 19000 LOOP
        start := n;
        words := search_vector(words(substr(body, n, 20000)), 'D');
        RETURN NEXT;
    END LOOP;
END $$;

-- Names in which each of the words is spelt alike some word, the most similar first. The longest word finds them. The threshold is
-- set within: only a superuser may give a function a setting of an extension that the session has not loaded yet.
CREATE OR REPLACE FUNCTION names_alike(asked text[]) RETURNS TABLE (version uuid, record_id uuid, kind record_kind, similarity float8)
    LANGUAGE plpgsql STABLE STRICT ROWS 100 AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('pg_trgm.strict_word_similarity_threshold', '0.3', true);
    RETURN QUERY
        SELECT version, record_id, kind, (alike + similarity(array_to_string(asked, ' '), name)) / 2
        FROM search_texts,
            LATERAL (SELECT min(strict_word_similarity(w, name)) AS least, avg(strict_word_similarity(w, name)) AS alike FROM unnest(asked) w) s
        WHERE name IS NOT NULL AND least >= 0.3
            AND (SELECT w FROM unnest(asked) w WHERE length(w) > 3 ORDER BY length(w) DESC, w LIMIT 1) <<% name
        ORDER BY 4 DESC, record_id DESC;
END $$;
-- +goose StatementEnd

UPDATE feed_head SET numbered_until = clock_timestamp() + interval '1 day' WHERE seq > 0;
