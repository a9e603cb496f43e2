-- What a noun's table needs besides its columns follows from one call of keep_noun.

-- +goose Up

-- +goose StatementBegin
-- keep_noun keeps the rows of a noun's new table from being changed, and has its records searched: the words of the columns
-- with names, and of others, each list separated by spaces; two empty lists: they are not searched. The kind is a text, since
-- a new word of an enum can't be used in the migration that adds it.
CREATE OR REPLACE FUNCTION keep_noun(facts regclass, kind text, names text, others text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER keep_facts BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION keep_facts()', facts);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION keep_all()', facts);
    IF names || others <> '' THEN
        EXECUTE format('CREATE TRIGGER keep_search_text AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION keep_search_text(%L, %L, %L)',
            facts, kind, names, others);
    END IF;
END $$;
-- +goose StatementEnd

-- The words of a stakeholder come from the columns that its descriptor names. (They are the same words.)
DROP TRIGGER keep_search_text ON stakeholders;
CREATE TRIGGER keep_search_text AFTER INSERT ON stakeholders FOR EACH ROW EXECUTE FUNCTION keep_search_text('STAKEHOLDER', 'name aliases', '');

-- Names in sentences are read by a statement that derives from the descriptors.
DROP VIEW IF EXISTS record_names;

-- How the fingerprint of what a client sent was computed; NULL: by the first scheme, a hash over names of the program.
ALTER TABLE client_ids ADD COLUMN IF NOT EXISTS scheme smallint;
