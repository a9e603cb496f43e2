-- Whoever takes the head of the feed keeps every other writer waiting until the commit. From then on the database ends a
-- transaction whose client falls silent, or whose statement takes long, be it Parley's or someone's at a console; since
-- version 17 it can bound the whole as well. An AFTER trigger does it, so waiting for the head itself may take its time.
-- parley.hold says in milliseconds how long either may take: 0, which is no limit, for a batch, which keeps others waiting
-- by a lock of its own and commits as soon as it has moved the head.

-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION hold_briefly() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE hold int := coalesce(nullif(current_setting('parley.hold', true), ''), '100');
BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', hold::text, true), set_config('statement_timeout', hold::text, true);
    IF current_setting('transaction_timeout', true) IS NOT NULL THEN
        PERFORM set_config('transaction_timeout', (hold * 5 / 2)::text, true);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER hold_briefly AFTER UPDATE ON feed_head FOR EACH STATEMENT EXECUTE FUNCTION hold_briefly();

-- A long text is written before the head is taken, and so before the source that it belongs to.
ALTER TABLE source_bodies ALTER CONSTRAINT source_bodies_source_id_fkey DEFERRABLE INITIALLY DEFERRED;
