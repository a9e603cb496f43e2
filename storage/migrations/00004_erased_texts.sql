-- A text may have to be erased, where the law demands it. Its place then says so.

-- +goose Up

ALTER TABLE source_bodies
    ALTER COLUMN body DROP NOT NULL,
    ADD COLUMN erased_at timestamptz,
    ADD COLUMN erased_by uuid REFERENCES analysts,
    ADD COLUMN erasure_note text,
    ADD CONSTRAINT body_is_kept_or_erased CHECK (CASE WHEN body IS NULL
        THEN num_nulls(erased_at, erased_by, erasure_note) = 0
        ELSE num_nonnulls(erased_at, erased_by, erasure_note) = 0 END);

DROP TRIGGER keep_all ON source_bodies;
CREATE TRIGGER keep_all BEFORE TRUNCATE ON source_bodies FOR EACH STATEMENT EXECUTE FUNCTION keep_all();

-- +goose StatementBegin
CREATE FUNCTION keep_bodies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.body IS NOT NULL AND NEW.body IS NULL AND NEW.source_id = OLD.source_id THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'texts are kept: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- +goose StatementEnd

CREATE TRIGGER keep_bodies BEFORE UPDATE OR DELETE ON source_bodies FOR EACH ROW EXECUTE FUNCTION keep_bodies();
