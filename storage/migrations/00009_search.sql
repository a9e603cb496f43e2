-- What is searched: the words of every version of a record, in a table of their own, so that they are worked out once and a look
-- at the newest rows tells whether a word is common. Rows are only added. Whether a version is on record through a lens, and
-- what it says, stands in the record's own table still.

-- +goose Up

-- words writes a text as words with single spaces between them: without case, diacritics, vowel signs and the forms that
-- Unicode keeps for compatibility. All but letters and digits part words, since the parser of PostgreSQL would take
-- "and/or" for a file.
-- +goose StatementBegin
CREATE FUNCTION words(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT btrim(regexp_replace(translate(fold(regexp_replace(normalize($1, NFKC),
        '[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0640\u064b-\u065f\u0670]+', '', 'g')), 'ς', 'σ'), '[^[:alnum:]]+', ' ', 'g')) $$;

CREATE FUNCTION search_vector(text, "char") RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT setweight(to_tsvector('pg_catalog.simple', $1), $2) $$;
-- +goose StatementEnd

CREATE TABLE search_texts (
    version   uuid PRIMARY KEY,
    record_id uuid NOT NULL,
    kind      record_kind NOT NULL,
    at        timestamptz NOT NULL, -- since when a position may hold; when anything else was recorded
    name      text,                 -- the words of a name or a title
    words     tsvector NOT NULL     -- those of the name have the weight A, others B
);

-- The words of the texts kept of sources, in passages, since a tsvector holds a megabyte at most; words less than 1,000
-- characters apart share one. They have a table of their own, which is written anew when a text is erased.
CREATE TABLE source_passages (
    source_id uuid NOT NULL,
    start     int NOT NULL, -- in code points from 1
    words     tsvector NOT NULL,
    PRIMARY KEY (source_id, start)
);
ALTER TABLE source_passages ALTER COLUMN words SET STATISTICS 0; -- which would keep words of an erased text

-- +goose StatementBegin
CREATE FUNCTION columns_of(fact jsonb, columns text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg(each, ' ' ORDER BY c, n), '')
    FROM regexp_split_to_table(columns, ' ') WITH ORDINALITY c(name, c),
        jsonb_array_elements_text(CASE jsonb_typeof(fact -> name) WHEN 'array' THEN fact -> name ELSE jsonb_build_array(fact -> name) END)
            WITH ORDINALITY e(each, n)
$$;

CREATE FUNCTION search_text(fact jsonb, kind record_kind, names text, others text) RETURNS SETOF search_texts
    LANGUAGE plpgsql AS $$
DECLARE
    -- As many as a statement may have: more would take too long while the head of the feed is held, and pass what a tsvector holds.
    name text := words(left(columns_of(fact, names), 20000));
    other text := words(left(columns_of(fact, others), 20000));
    row search_texts;
BEGIN
    row.words := search_vector(name, 'A') || search_vector(other, 'B');
    IF row.words = '' THEN
        RETURN;
    END IF;
    row.version := fact ->> 'version';
    row.record_id := fact ->> 'id';
    row.kind := kind;
    row.at := fact ->> CASE kind WHEN 'POSITION' THEN 'valid_from' ELSE 'recorded_at' END;
    row.name := nullif(name, '');
    RETURN NEXT row;
END $$;

CREATE FUNCTION keep_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM search_texts WHERE version = NEW.version) THEN -- a version may be cut anew
        INSERT INTO search_texts SELECT * FROM search_text(to_jsonb(NEW), TG_ARGV[0]::record_kind, TG_ARGV[1], TG_ARGV[2]);
    END IF;
    RETURN NULL;
END $$;

-- search_in has the records of a table searched: their names, and other columns.
CREATE FUNCTION search_in(facts regclass, kind record_kind, names text, others text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER keep_search_text AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION keep_search_text(%L, %L, %L)',
        facts, kind, names, others);
    EXECUTE format('INSERT INTO search_texts
        SELECT t.* FROM (SELECT DISTINCT ON (version) * FROM %s ORDER BY version, recorded_at) x, search_text(to_jsonb(x), %L::record_kind, %L, %L) t',
        facts, kind, names, others);
END $$;

-- Names in which each of the words is spelt alike some word, the most similar first. The longest word finds them.
CREATE FUNCTION names_alike(asked text[]) RETURNS TABLE (version uuid, record_id uuid, kind record_kind, similarity float8)
    LANGUAGE sql STABLE STRICT ROWS 100 AS $$
    SELECT version, record_id, kind, (alike + similarity(array_to_string(asked, ' '), name)) / 2 AS similarity
    FROM search_texts,
        LATERAL (SELECT min(strict_word_similarity(w, name)) AS least, avg(strict_word_similarity(w, name)) AS alike FROM unnest(asked) w) s
    WHERE name IS NOT NULL AND least >= 0.3
        AND (SELECT w FROM unnest(asked) w WHERE length(w) > 3 ORDER BY length(w) DESC, w LIMIT 1) <<% name
    ORDER BY 4 DESC, record_id DESC
$$;

CREATE FUNCTION passages(body text) RETURNS TABLE (start int, words tsvector) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    body := body || ''; -- read from the disk once
    FOR n IN 1 .. greatest(length(body) - 1000, 1) BY 19000 LOOP
        start := n;
        words := search_vector(words(substr(body, n, 20000)), 'D');
        RETURN NEXT;
    END LOOP;
END $$;

CREATE FUNCTION keep_passages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.body IS NULL THEN
        DELETE FROM source_passages WHERE source_id = NEW.source_id;
    ELSE
        INSERT INTO source_passages SELECT NEW.source_id, p.* FROM passages(NEW.body) p;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER keep_passages AFTER INSERT OR UPDATE ON source_bodies FOR EACH ROW EXECUTE FUNCTION keep_passages();
INSERT INTO source_passages SELECT b.source_id, p.* FROM source_bodies b, passages(b.body) p WHERE b.body IS NOT NULL;

SELECT search_in('negotiations', 'NEGOTIATION'::record_kind, 'title', 'summary'),
    search_in('issues', 'ISSUE'::record_kind, 'title', 'question'),
    search_in('scenarios', 'SCENARIO'::record_kind, 'title', 'summary criteria'),
    search_in('stakeholders', 'STAKEHOLDER'::record_kind, 'names', ''),
    search_in('sources', 'SOURCE'::record_kind, 'title', 'publisher author'),
    search_in('events', 'EVENT'::record_kind, 'title', 'location'),
    search_in('statements', 'STATEMENT'::record_kind, '', 'text'),
    search_in('positions', 'POSITION'::record_kind, '', 'rationale conditions'),
    search_in('assessments', 'ASSESSMENT'::record_kind, '', 'rationale'),
    search_in('status_changes', 'STATUS_CHANGE'::record_kind, '', 'reason'),
    search_in('relations', 'RELATION'::record_kind, '', 'note');

-- Each sort has an index of its words and one of its order. Those of words go without pending lists, which whoever comes next
-- would have to work off while the head of the feed is held.
CREATE INDEX search_texts_by_word_of_name ON search_texts USING gin (words) WITH (fastupdate = off) WHERE name IS NOT NULL;
CREATE INDEX search_texts_by_word_of_position ON search_texts USING gin (words) WITH (fastupdate = off) WHERE kind = 'POSITION';
CREATE INDEX search_texts_by_word_of_other ON search_texts USING gin (words) WITH (fastupdate = off) WHERE name IS NULL AND kind <> 'POSITION';
CREATE INDEX search_texts_newest_name ON search_texts (at, record_id, version) WHERE name IS NOT NULL;
CREATE INDEX search_texts_newest_position ON search_texts (at, record_id, version) WHERE kind = 'POSITION';
CREATE INDEX search_texts_newest_other ON search_texts (at, record_id, version) WHERE name IS NULL AND kind <> 'POSITION';
CREATE INDEX search_texts_by_name ON search_texts USING gin (name gin_trgm_ops) WITH (fastupdate = off) WHERE name IS NOT NULL;
CREATE INDEX source_passages_by_word ON source_passages USING gin (words) WITH (fastupdate = off);
