-- A statement may have a translation beside its text, with who made it.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE statements
    ADD COLUMN translation text,
    ADD COLUMN translated_by text,
    ADD CONSTRAINT translation_has_a_maker CHECK ((translation IS NULL) = (translated_by IS NULL));

DROP TRIGGER keep_search_text ON statements;
CREATE TRIGGER keep_search_text AFTER INSERT ON statements FOR EACH ROW
    EXECUTE FUNCTION keep_search_text('STATEMENT', '', 'text translation', 'speakers about');
-- +goose StatementEnd
