-- A search finds what somebody said about something: the words of a text stand beside the names of who said it and of what it is
-- about, as they were when it was recorded. A key is among a record's own words. Letters that Arabic and Persian write differently are one letter, and so are digits of
-- all scripts; separators of thousands do not count.

-- +goose Up

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION words(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT btrim(regexp_replace(regexp_replace(translate(fold(regexp_replace(normalize($1, NFKC),
        '[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0640\u064b-\u065f\u0670]+', '', 'g')),
        'ςيىكۀةؤ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'σییکههو01234567890123456789'),
        '(?<=\d)[,٬''’ ](?=\d{3}(?!\d))', '', 'g'), '[^[:alnum:]]+', ' ', 'g')) $$;

-- context_of is the names of the records that a fact's columns name, as they were on record when the fact was recorded.
CREATE FUNCTION context_of(fact jsonb, columns text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_agg(n.name, ' ' ORDER BY c, e.n), '')
    FROM (SELECT coalesce(fact ->> 'content_at', fact ->> 'recorded_at')::timestamptz AS at) f,
        regexp_split_to_table(columns, ' ') WITH ORDINALITY c(name, c),
        jsonb_array_elements_text(CASE jsonb_typeof(fact -> c.name) WHEN 'array' THEN fact -> c.name ELSE jsonb_build_array(fact -> c.name) END)
            WITH ORDINALITY e(each, n),
        LATERAL (
            SELECT names AS name FROM stakeholders WHERE id = each::uuid AND recorded_at <= at AND superseded_at > at UNION ALL
            SELECT title FROM scenarios WHERE id = each::uuid AND recorded_at <= at AND superseded_at > at UNION ALL
            SELECT title FROM issues WHERE id = each::uuid AND recorded_at <= at AND superseded_at > at UNION ALL
            SELECT title FROM events WHERE id = each::uuid AND recorded_at <= at AND superseded_at > at
        ) n
$$;

DROP FUNCTION search_in(regclass, record_kind, text, text);
DROP FUNCTION search_text(jsonb, record_kind, text, text);
-- +goose StatementEnd

DROP TRIGGER keep_search_text ON negotiations;
DROP TRIGGER keep_search_text ON issues;
DROP TRIGGER keep_search_text ON scenarios;
DROP TRIGGER keep_search_text ON stakeholders;
DROP TRIGGER keep_search_text ON sources;
DROP TRIGGER keep_search_text ON events;
DROP TRIGGER keep_search_text ON statements;
DROP TRIGGER keep_search_text ON positions;
DROP TRIGGER keep_search_text ON assessments;
DROP TRIGGER keep_search_text ON status_changes;
DROP TRIGGER keep_search_text ON relations;

-- +goose StatementBegin
CREATE FUNCTION search_text(fact jsonb, kind record_kind, names text, others text, context text) RETURNS SETOF search_texts
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

CREATE OR REPLACE FUNCTION keep_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM search_texts WHERE version = NEW.version) THEN -- a version may be cut anew
        INSERT INTO search_texts SELECT * FROM search_text(to_jsonb(NEW), TG_ARGV[0]::record_kind, TG_ARGV[1], TG_ARGV[2], TG_ARGV[3]);
    END IF;
    RETURN NULL;
END $$;

-- search_in has the records of a table searched: their names, other columns, and what these columns name.
CREATE FUNCTION search_in(facts regclass, kind record_kind, names text, others text, context text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER keep_search_text AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION keep_search_text(%L, %L, %L, %L)',
        facts, kind, names, others, context);
    EXECUTE format('INSERT INTO search_texts
        SELECT t.* FROM (SELECT DISTINCT ON (version) * FROM %s ORDER BY version, recorded_at) x, search_text(to_jsonb(x), %L::record_kind, %L, %L, %L) t',
        facts, kind, names, others, context);
END $$;
-- +goose StatementEnd

TRUNCATE search_texts, source_passages;
INSERT INTO source_passages SELECT b.source_id, p.* FROM source_bodies b, passages(b.body) p WHERE b.body IS NOT NULL;

-- The casts keep a function apart from one of another Parley, where search_path has the schemas of both.
SELECT search_in('negotiations', 'NEGOTIATION'::record_kind, 'title', 'summary', ''),
    search_in('issues', 'ISSUE'::record_kind, 'title', 'question', ''),
    search_in('scenarios', 'SCENARIO'::record_kind, 'title', 'summary criteria', 'issue_id'),
    search_in('stakeholders', 'STAKEHOLDER'::record_kind, 'name aliases', '', ''),
    search_in('sources', 'SOURCE'::record_kind, 'title', 'publisher author', ''),
    search_in('events', 'EVENT'::record_kind, 'title', 'location', 'participants'),
    search_in('statements', 'STATEMENT'::record_kind, '', 'text', 'speakers about'),
    search_in('positions', 'POSITION'::record_kind, '', 'rationale conditions', 'holder_id scenario_id'),
    search_in('assessments', 'ASSESSMENT'::record_kind, '', 'rationale', 'scenario_id'),
    search_in('status_changes', 'STATUS_CHANGE'::record_kind, '', 'reason', 'scenario_id moved_by'),
    search_in('relations', 'RELATION'::record_kind, '', 'note', 'from_id to_id claimed_by');
