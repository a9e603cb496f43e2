-- Who may use the servers of this database. Tokens lie outside the feed, and are never deleted: a revoked one says until when it counted.
-- Their role is that of the analyst.

-- Older servers go on.
-- They let in everybody, so the first token raises oldest_version, by which they stop being ready.

-- +goose Up

SET LOCAL lock_timeout = '2s'; -- others wait behind this for a lock on the analysts

CREATE TABLE access (
    one    boolean PRIMARY KEY DEFAULT true CONSTRAINT access_is_one CHECK (one),
    number bigint NOT NULL DEFAULT 0, -- rises with each change; servers look for it
    locked boolean NOT NULL DEFAULT false
);
INSERT INTO access DEFAULT VALUES;

CREATE TABLE tokens (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CONSTRAINT tokens_name_length CHECK (length(name) BETWEEN 1 AND 100),
    hash       bytea NOT NULL CONSTRAINT tokens_hash_key UNIQUE CONSTRAINT tokens_hash_is_sha256 CHECK (octet_length(hash) = 32),
    analyst_id uuid NOT NULL REFERENCES analysts,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES analysts,
    expires_at timestamptz CONSTRAINT tokens_expire_later CHECK (expires_at > created_at),
    revoked_at timestamptz CONSTRAINT tokens_revoked_later CHECK (revoked_at >= created_at),
    revoked_by uuid REFERENCES analysts,
    used_at    timestamptz,
    CONSTRAINT tokens_revoked_by_someone CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX one_token_of_a_name ON tokens (name) WHERE revoked_at IS NULL;

-- The analyst of each subject (the claim sub) of an OpenID Connect issuer. A subject never changes; a person's name may.
CREATE TABLE identities (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    analyst_id uuid NOT NULL REFERENCES analysts,
    PRIMARY KEY (issuer, subject)
);

-- What was done, or refused, that the record itself does not tell.
CREATE TYPE audited_act AS ENUM ('TOKEN_CREATED', 'TOKEN_REVOKED', 'SERVERS_LOCKED', 'SERVERS_OPENED', 'SIGNED_IN', 'EXPORTED', 'REFUSED');
CREATE TABLE audit_log (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    act        audited_act NOT NULL,
    analyst_id uuid REFERENCES analysts, -- null: nobody is known
    address    text,                     -- null: by a command
    subject    text NOT NULL CONSTRAINT audit_log_subject_length CHECK (length(subject) <= 1000)
);
CREATE TRIGGER keep_all BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION keep_all();
