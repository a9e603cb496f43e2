-- Every table of facts holds versions: recorded_at and superseded_at say when Parley had a row on record (half-open,
-- 'infinity' while it stands), so that nothing is ever overwritten. Facts that hold for a time in the world also have an
-- interval of valid time. 'infinity' rather than NULL for open ends keeps every comparison closed.

-- +goose Up

CREATE EXTENSION IF NOT EXISTS btree_gist; -- exclusion constraints that compare ids as well as intervals
CREATE EXTENSION IF NOT EXISTS pg_trgm;    -- indexes for text filters
CREATE EXTENSION IF NOT EXISTS unaccent;

-- fold writes a text without case and diacritics. unaccent is only STABLE because its dictionary could be replaced; ours
-- is named, so the fold may be indexed.
-- +goose StatementBegin
CREATE FUNCTION fold(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN lower(unaccent('unaccent'::regdictionary, $1));
-- +goose StatementEnd

CREATE TYPE record_kind AS ENUM ('NEGOTIATION', 'ISSUE', 'SCENARIO', 'RELATION', 'STATUS_CHANGE', 'STAKEHOLDER',
    'AFFILIATION', 'PARTICIPATION', 'POSITION', 'SOURCE', 'STATEMENT', 'EVENT');
CREATE TYPE closed_by AS ENUM ('EDITED', 'RECUT', 'CORRECTED', 'RETRACTED');
CREATE TYPE time_precision AS ENUM ('INSTANT', 'HOUR', 'DAY', 'MONTH', 'YEAR', 'NO_LATER_THAN');
CREATE TYPE role AS ENUM ('READER', 'ANALYST', 'ADMIN');
CREATE TYPE negotiation_stage AS ENUM ('PRE_NEGOTIATION', 'CEASEFIRE', 'FRAMEWORK_PARTIAL', 'FRAMEWORK_COMPREHENSIVE',
    'IMPLEMENTATION', 'RENEWAL', 'OTHER');
CREATE TYPE issue_kind AS ENUM ('TERRITORY', 'GOVERNMENT', 'CEASEFIRE', 'SECURITY_GUARANTEES', 'POWER_SHARING',
    'HUMAN_RIGHTS', 'JUSTICE', 'SOCIO_ECONOMIC', 'HUMANITARIAN', 'PRISONERS', 'SANCTIONS', 'IMPLEMENTATION_MONITORING',
    'PROCESS', 'OTHER');
CREATE TYPE scenario_status AS ENUM ('FLOATED', 'PROPOSED', 'UNDER_NEGOTIATION', 'AGREED_IN_PRINCIPLE', 'AGREED',
    'IN_IMPLEMENTATION', 'IMPLEMENTED', 'STALLED', 'REJECTED', 'WITHDRAWN', 'COLLAPSED', 'SUPERSEDED');
CREATE TYPE relation_kind AS ENUM ('MUTUALLY_EXCLUSIVE', 'COMPATIBLE', 'PRECONDITION_FOR', 'FALLBACK_FOR', 'VARIANT_OF',
    'SUPERSEDES', 'SUBSUMES');
CREATE TYPE stakeholder_kind AS ENUM ('STATE', 'INTERGOVERNMENTAL_ORGANIZATION', 'ORGANIZATION', 'NON_STATE_ARMED_GROUP',
    'GROUP', 'PERSON');
CREATE TYPE participation_role AS ENUM ('PRIMARY_PARTY', 'SECONDARY_PARTY', 'MEDIATOR', 'FACILITATOR', 'GUARANTOR',
    'WITNESS', 'OBSERVER', 'HOST', 'ENVOY', 'SPOILER');
CREATE TYPE stance AS ENUM ('STRONGLY_OPPOSES', 'OPPOSES', 'NEUTRAL', 'SUPPORTS', 'STRONGLY_SUPPORTS', 'AMBIGUOUS',
    'UNDECLARED');
CREATE TYPE analytic_confidence AS ENUM ('LOW', 'MODERATE', 'HIGH');
CREATE TYPE source_reliability AS ENUM ('A', 'B', 'C', 'D', 'E', 'F');
CREATE TYPE marking AS ENUM ('TLP_CLEAR', 'TLP_GREEN', 'TLP_AMBER', 'TLP_AMBER_STRICT', 'TLP_RED');
CREATE TYPE information_credibility AS ENUM ('C1', 'C2', 'C3', 'C4', 'C5', 'C6');
CREATE TYPE statement_form AS ENUM ('DIRECT_QUOTE', 'PARAPHRASE', 'OFFICIAL_TEXT', 'SECOND_HAND', 'REPORTED',
    'ANALYST_INFERENCE');
CREATE TYPE attribution_terms AS ENUM ('ON_RECORD', 'ON_BACKGROUND', 'DEEP_BACKGROUND');
CREATE TYPE event_kind AS ENUM ('MEETING', 'SUMMIT', 'CALL', 'STATEMENT', 'PROPOSAL', 'SIGNING', 'DEADLINE', 'SANCTIONS',
    'ESCALATION', 'VIOLATION', 'OTHER');
CREATE TYPE event_state AS ENUM ('PLANNED', 'HELD', 'POSTPONED', 'CANCELLED');
CREATE TYPE change_kind AS ENUM ('STATUS', 'POSITION', 'EVENT', 'STATEMENT', 'RECORD');
CREATE TYPE record_action AS ENUM ('CREATED', 'UPDATED', 'RETRACTED');
CREATE TYPE shift_cause AS ENUM ('WORLD_CHANGED', 'LATE_REPORT', 'RECORD_CORRECTED', 'FIRST_RECORDED');

-- Analysts are the users of Parley: who recorded what.
CREATE TABLE analysts (
    id          uuid PRIMARY KEY,
    name        text NOT NULL CONSTRAINT analysts_name_key UNIQUE,
    role        role NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The head of the feed: one row, taken by every writer as its last step. That makes cursors dense and in commit order,
-- and recorded_at strictly rising. feed names this database in cursors.
CREATE TABLE feed_head (
    one         boolean PRIMARY KEY DEFAULT true CONSTRAINT feed_head_is_one CHECK (one),
    feed        text NOT NULL,
    seq         bigint NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);

INSERT INTO feed_head (feed, seq, recorded_at)
VALUES (substr(translate(gen_random_uuid()::text, '-', ''), 1, 6), 0, clock_timestamp());

-- One identity for every record, whatever its noun: what ids and keys refer to, and what writers lock. A path is the
-- key, below its negotiation's key for what belongs to one, so it is one namespace for each negotiation.
CREATE TABLE records (
    id             uuid PRIMARY KEY,
    kind           record_kind NOT NULL,
    path           text COLLATE "C" CONSTRAINT records_path_key UNIQUE,
    negotiation_id uuid REFERENCES records,
    parent_id      uuid REFERENCES records, -- a scenario's issue, a position's scenario, a statement's source
    recorded_at    timestamptz NOT NULL,
    retracted_at   timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE INDEX records_of_a_negotiation ON records (negotiation_id, kind);
CREATE INDEX records_of_a_parent ON records (parent_id);

-- The ids that clients chose, with what they sent: sent again with the same content it is the same record.
CREATE TABLE client_ids (
    id           uuid CONSTRAINT client_ids_pkey PRIMARY KEY,
    content_hash bytea NOT NULL,
    record_id    uuid NOT NULL REFERENCES records
);

CREATE TABLE changes (
    seq              bigint PRIMARY KEY,
    recorded_at      timestamptz NOT NULL CONSTRAINT changes_recorded_at_key UNIQUE,
    recorded_by      uuid NOT NULL REFERENCES analysts,
    kind             change_kind NOT NULL,
    action           record_action NOT NULL,
    subject_kind     record_kind NOT NULL,
    subject_id       uuid NOT NULL REFERENCES records,
    version          uuid,
    previous_version uuid,
    negotiation_id   uuid REFERENCES records,
    scenario_id      uuid REFERENCES records,
    cause            shift_cause,
    -- The scenarios and holders whose line of facts it changed: what a subscriber to moves asks for. change_touches holds
    -- more, such as who spoke in the evidence.
    lines            uuid[] NOT NULL,
    fields           text[] NOT NULL,
    summary          text NOT NULL,
    note             text
);
CREATE INDEX changes_of_a_subject ON changes (subject_id, seq);

-- Which records a change touches, so that the feed of any one of them is a range of an index.
CREATE TABLE change_touches (
    record_id uuid NOT NULL REFERENCES records,
    seq       bigint NOT NULL REFERENCES changes,
    PRIMARY KEY (record_id, seq)
);
CREATE INDEX touches_of_a_change ON change_touches (seq);

CREATE TABLE negotiations (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    path            text COLLATE "C" NOT NULL,
    key             text NOT NULL,
    title           text NOT NULL,
    summary         text,
    stage           negotiation_stage,
    started_at      timestamptz,
    ended_at        timestamptz,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT negotiation_ends_after_it_starts CHECK (started_at < ended_at),
    CONSTRAINT negotiation_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_negotiation ON negotiations (id) WHERE superseded_at = 'infinity';
CREATE INDEX negotiations_by_path ON negotiations (path) WHERE superseded_at = 'infinity';

CREATE TABLE issues (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    negotiation_id  uuid NOT NULL REFERENCES records,
    path            text COLLATE "C" NOT NULL,
    key             text NOT NULL,
    title           text NOT NULL,
    question        text,
    kind            issue_kind NOT NULL,
    exhaustive      boolean NOT NULL,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT issue_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_issue ON issues (id) WHERE superseded_at = 'infinity';
CREATE INDEX issues_of_a_negotiation ON issues (negotiation_id, path);

CREATE TABLE scenarios (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    negotiation_id  uuid NOT NULL REFERENCES records,
    issue_id        uuid NOT NULL REFERENCES records,
    path            text COLLATE "C" NOT NULL,
    key             text NOT NULL,
    title           text NOT NULL,
    summary         text,
    criteria        text,
    deadline        timestamptz,
    target_stage    negotiation_stage,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT scenario_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_scenario ON scenarios (id) WHERE superseded_at = 'infinity';
CREATE INDEX scenarios_of_an_issue ON scenarios (issue_id, path);
CREATE INDEX scenarios_of_a_negotiation ON scenarios (negotiation_id, path);
CREATE INDEX scenarios_by_path ON scenarios (path) WHERE superseded_at = 'infinity';
CREATE INDEX scenarios_by_text ON scenarios USING gin (fold(title || ' ' || coalesce(summary, '')) gin_trgm_ops)
    WHERE superseded_at = 'infinity';

CREATE TABLE stakeholders (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    path            text COLLATE "C" NOT NULL,
    key             text NOT NULL,
    name            text NOT NULL,
    kind            stakeholder_kind NOT NULL,
    aliases         text[] NOT NULL,
    -- Every name in one text, one a line: arrays can't be folded in an index expression.
    names           text NOT NULL,
    country_code    text,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT stakeholder_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_stakeholder ON stakeholders (id) WHERE superseded_at = 'infinity';
CREATE INDEX stakeholders_by_path ON stakeholders (path) WHERE superseded_at = 'infinity';
CREATE INDEX stakeholders_by_name ON stakeholders USING gin (fold(names) gin_trgm_ops) WHERE superseded_at = 'infinity';

CREATE TABLE affiliations (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    person_id       uuid NOT NULL REFERENCES records,
    organization_id uuid NOT NULL REFERENCES records,
    office          text,
    speaks_for      boolean NOT NULL,
    valid_from      timestamptz,
    valid_to        timestamptz,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT affiliation_ends_after_it_begins CHECK (valid_from < valid_to),
    CONSTRAINT affiliation_known_forward CHECK (recorded_at < superseded_at),
    CONSTRAINT one_office_at_a_time EXCLUDE USING gist (
        person_id WITH =, organization_id WITH =, coalesce(office, '') WITH =, tstzrange(valid_from, valid_to) WITH &&
    ) WHERE (superseded_at = 'infinity')
);
CREATE UNIQUE INDEX one_open_affiliation ON affiliations (id) WHERE superseded_at = 'infinity';
CREATE INDEX affiliations_of_a_person ON affiliations (person_id);
CREATE INDEX affiliations_with_an_organization ON affiliations (organization_id);

CREATE TABLE participations (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    negotiation_id  uuid NOT NULL REFERENCES records,
    stakeholder_id  uuid NOT NULL REFERENCES records,
    role            participation_role NOT NULL,
    veto_player     boolean NOT NULL,
    veto_issues     uuid[] NOT NULL,
    capability      smallint,
    valid_from      timestamptz,
    valid_to        timestamptz,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT capability_is_a_percentage CHECK (capability BETWEEN 0 AND 100),
    CONSTRAINT participation_ends_after_it_begins CHECK (valid_from < valid_to),
    CONSTRAINT participation_known_forward CHECK (recorded_at < superseded_at),
    CONSTRAINT one_role_at_a_time EXCLUDE USING gist (
        negotiation_id WITH =, stakeholder_id WITH =, role WITH =, tstzrange(valid_from, valid_to) WITH &&
    ) WHERE (superseded_at = 'infinity')
);
CREATE UNIQUE INDEX one_open_participation ON participations (id) WHERE superseded_at = 'infinity';
CREATE INDEX participations_in_a_negotiation ON participations (negotiation_id, role, id);
CREATE INDEX participations_of_a_stakeholder ON participations (stakeholder_id);

CREATE TABLE sources (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    path            text COLLATE "C" NOT NULL,
    key             text NOT NULL,
    title           text NOT NULL,
    publisher       text,
    author          text,
    url             text,
    published_at    timestamptz,
    retrieved_at    timestamptz,
    language        text,
    reliability     source_reliability NOT NULL,
    marking         marking NOT NULL,
    content_hash    text,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT source_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_source ON sources (id) WHERE superseded_at = 'infinity';
CREATE INDEX sources_by_path ON sources (path) WHERE superseded_at = 'infinity';
CREATE INDEX sources_by_text ON sources USING gin (fold(title || ' ' || coalesce(publisher, '') || ' ' || coalesce(author, '')) gin_trgm_ops)
    WHERE superseded_at = 'infinity';

-- A source's text, kept once: it never changes, and reads of sources seldom want it.
CREATE TABLE source_bodies (
    source_id uuid PRIMARY KEY REFERENCES records,
    body      text NOT NULL
);

CREATE TABLE statements (
    id                  uuid NOT NULL REFERENCES records,
    version             uuid NOT NULL,
    source_id           uuid NOT NULL REFERENCES records,
    speaker_id          uuid REFERENCES records,
    speaker_description text,
    about               uuid[] NOT NULL,
    text                text NOT NULL,
    form                statement_form NOT NULL,
    terms               attribution_terms NOT NULL,
    credibility         information_credibility NOT NULL,
    locators            integer[] NOT NULL, -- start and end of each fragment, one after the other
    said_at             timestamptz,
    said_at_precision   time_precision NOT NULL,
    recorded_by         uuid NOT NULL REFERENCES analysts,
    recorded_at         timestamptz NOT NULL,
    superseded_at       timestamptz NOT NULL DEFAULT 'infinity',
    closed_by           closed_by,
    correction_note     text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT speaker_is_named_or_described CHECK (speaker_id IS NULL OR speaker_description IS NULL),
    CONSTRAINT unnamed_is_not_on_record CHECK (terms <> 'ON_RECORD' OR speaker_id IS NOT NULL
        OR (form IN ('REPORTED', 'OFFICIAL_TEXT') AND speaker_description IS NULL)),
    CONSTRAINT locators_are_pairs CHECK (cardinality(locators) % 2 = 0),
    CONSTRAINT only_quotes_have_locators CHECK (form = 'DIRECT_QUOTE' OR locators = '{}'),
    CONSTRAINT statement_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_statement ON statements (id) WHERE superseded_at = 'infinity';
CREATE INDEX statements_of_a_source ON statements (source_id);
CREATE INDEX statements_of_a_speaker ON statements (speaker_id);
CREATE INDEX statements_about ON statements USING gin (about);
CREATE INDEX statements_by_said_at ON statements (coalesce(said_at, '0001-01-01Z'), id) WHERE superseded_at = 'infinity';

CREATE TABLE events (
    id                   uuid NOT NULL REFERENCES records,
    version              uuid NOT NULL,
    negotiation_id       uuid NOT NULL REFERENCES records,
    path                 text COLLATE "C" NOT NULL,
    key                  text NOT NULL,
    kind                 event_kind NOT NULL,
    state                event_state NOT NULL,
    title                text NOT NULL,
    location             text,
    started_at           timestamptz NOT NULL,
    started_at_precision time_precision NOT NULL,
    ended_at             timestamptz,
    participants         uuid[] NOT NULL,
    evidence             uuid[] NOT NULL,
    recorded_by          uuid NOT NULL REFERENCES analysts,
    recorded_at          timestamptz NOT NULL,
    superseded_at        timestamptz NOT NULL DEFAULT 'infinity',
    closed_by            closed_by,
    correction_note      text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT event_ends_after_it_starts CHECK (started_at < ended_at),
    CONSTRAINT event_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_event ON events (id) WHERE superseded_at = 'infinity';
CREATE INDEX events_of_a_negotiation ON events (negotiation_id, started_at, id);
CREATE INDEX events_by_start ON events (started_at, id) WHERE superseded_at = 'infinity';
CREATE INDEX events_with_participants ON events USING gin (participants);
CREATE INDEX events_on_evidence ON events USING gin (evidence);

CREATE TABLE relations (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    kind            relation_kind NOT NULL,
    from_id         uuid NOT NULL REFERENCES records,
    to_id           uuid NOT NULL REFERENCES records,
    claimed_by      uuid REFERENCES records,
    note            text,
    evidence        uuid[] NOT NULL,
    recorded_by     uuid NOT NULL REFERENCES analysts,
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT relation_joins_two CHECK (from_id <> to_id),
    CONSTRAINT relation_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_relation ON relations (id) WHERE superseded_at = 'infinity';
-- The same claim once; two of the kinds read the same in both directions.
CREATE UNIQUE INDEX one_claim_of_a_kind ON relations (kind, claimed_by,
        (CASE WHEN kind IN ('MUTUALLY_EXCLUSIVE', 'COMPATIBLE') THEN least(from_id, to_id) ELSE from_id END),
        (CASE WHEN kind IN ('MUTUALLY_EXCLUSIVE', 'COMPATIBLE') THEN greatest(from_id, to_id) ELSE to_id END))
    NULLS NOT DISTINCT WHERE superseded_at = 'infinity';
CREATE INDEX relations_from ON relations (from_id);
CREATE INDEX relations_to ON relations (to_id);
CREATE INDEX relations_on_evidence ON relations USING gin (evidence);

-- A row is a version's cut: from_status, skipped and valid_to follow from the neighbours, so a late report closes the
-- row (RECUT) and opens another of the same version. content_at is when the version itself was recorded.
CREATE TABLE status_changes (
    id                     uuid NOT NULL REFERENCES records,
    version                uuid NOT NULL,
    negotiation_id         uuid NOT NULL REFERENCES records,
    scenario_id            uuid NOT NULL REFERENCES records,
    to_status              scenario_status NOT NULL,
    moved_by               uuid[] NOT NULL,
    reason                 text,
    successor_id           uuid REFERENCES records,
    effective_at           timestamptz NOT NULL,
    effective_at_precision time_precision NOT NULL,
    evidence               uuid[] NOT NULL,
    from_status            scenario_status,
    skipped                scenario_status[] NOT NULL,
    valid_to               timestamptz NOT NULL DEFAULT 'infinity',
    content_at             timestamptz NOT NULL,
    recorded_by            uuid NOT NULL REFERENCES analysts,
    recorded_at            timestamptz NOT NULL,
    superseded_at          timestamptz NOT NULL DEFAULT 'infinity',
    closed_by              closed_by,
    correction_note        text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT status_ends_after_it_begins CHECK (effective_at < valid_to),
    CONSTRAINT superseded_has_a_successor CHECK ((to_status = 'SUPERSEDED') = (successor_id IS NOT NULL)),
    CONSTRAINT successor_is_another CHECK (successor_id <> scenario_id),
    CONSTRAINT status_change_known_forward CHECK (content_at <= recorded_at AND recorded_at < superseded_at),
    CONSTRAINT one_status_at_any_instant EXCLUDE USING gist (
        scenario_id WITH =, tstzrange(effective_at, valid_to) WITH &&
    ) WHERE (superseded_at = 'infinity')
);
CREATE UNIQUE INDEX one_open_status_change ON status_changes (id) WHERE superseded_at = 'infinity';
CREATE INDEX status_changes_of_a_scenario_now ON status_changes (scenario_id, effective_at) WHERE superseded_at = 'infinity';
CREATE INDEX status_changes_of_a_scenario ON status_changes (scenario_id, effective_at, recorded_at, superseded_at);
CREATE INDEX status_changes_by_effective_at ON status_changes (effective_at, id) WHERE superseded_at = 'infinity';
CREATE INDEX status_changes_of_a_version ON status_changes (version, recorded_at);
CREATE INDEX status_changes_to ON status_changes (to_status, scenario_id, effective_at, recorded_at);
CREATE INDEX status_changes_moved_by ON status_changes USING gin (moved_by);
CREATE INDEX status_changes_on_evidence ON status_changes USING gin (evidence);
CREATE INDEX status_changes_to_a_successor ON status_changes (successor_id) WHERE successor_id IS NOT NULL;

-- Likewise cut: valid_to, beside and disputed follow from the holder's other positions on the scenario, asserted_to is
-- what was said. A plain position stands alone; one that contests another stands beside it.
CREATE TABLE positions (
    id                   uuid NOT NULL REFERENCES records,
    version              uuid NOT NULL,
    negotiation_id       uuid NOT NULL REFERENCES records,
    issue_id             uuid NOT NULL REFERENCES records,
    scenario_id          uuid NOT NULL REFERENCES records,
    holder_id            uuid NOT NULL REFERENCES records,
    stance               stance NOT NULL,
    conditions           text[] NOT NULL,
    red_line             boolean NOT NULL,
    salience             smallint,
    rationale            text,
    confidence           analytic_confidence NOT NULL,
    evidence             uuid[] NOT NULL,
    second_hand          boolean NOT NULL,
    valid_from           timestamptz NOT NULL,
    valid_from_precision time_precision NOT NULL,
    asserted_to          timestamptz,
    contests             uuid REFERENCES records,
    valid_to             timestamptz NOT NULL DEFAULT 'infinity',
    beside               boolean NOT NULL,
    disputed             boolean NOT NULL,
    content_at           timestamptz NOT NULL,
    recorded_by          uuid NOT NULL REFERENCES analysts,
    recorded_at          timestamptz NOT NULL,
    superseded_at        timestamptz NOT NULL DEFAULT 'infinity',
    closed_by            closed_by,
    correction_note      text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT salience_is_a_percentage CHECK (salience BETWEEN 0 AND 100),
    CONSTRAINT position_ends_after_it_begins CHECK (valid_from < valid_to),
    CONSTRAINT position_holds_no_longer_than_asserted CHECK (valid_to <= asserted_to),
    CONSTRAINT only_a_contesting_position_stands_beside CHECK (contests IS NOT NULL OR NOT beside),
    CONSTRAINT position_known_forward CHECK (content_at <= recorded_at AND recorded_at < superseded_at),
    CONSTRAINT one_plain_position_at_any_instant EXCLUDE USING gist (
        holder_id WITH =, scenario_id WITH =, tstzrange(valid_from, valid_to) WITH &&
    ) WHERE (superseded_at = 'infinity' AND NOT beside)
);
CREATE UNIQUE INDEX one_open_position ON positions (id) WHERE superseded_at = 'infinity';
CREATE INDEX positions_on_a_scenario_now ON positions (scenario_id, valid_from, id) WHERE superseded_at = 'infinity';
CREATE INDEX positions_of_a_holder_now ON positions (holder_id, valid_from, id) WHERE superseded_at = 'infinity';
CREATE INDEX positions_on_a_scenario ON positions (scenario_id, valid_from, recorded_at, superseded_at);
CREATE INDEX positions_of_a_holder ON positions (holder_id, valid_from, recorded_at, superseded_at);
CREATE INDEX positions_by_valid_from ON positions (valid_from, id) WHERE superseded_at = 'infinity';
CREATE INDEX positions_by_recording ON positions (content_at, id) WHERE superseded_at = 'infinity';
CREATE INDEX positions_in_dispute ON positions (holder_id, scenario_id) WHERE disputed;
CREATE INDEX positions_of_a_version ON positions (version, recorded_at);
CREATE INDEX positions_on_evidence ON positions USING gin (evidence);

-- What to call a record in a sentence.
CREATE VIEW record_names AS
    SELECT id, title AS name FROM negotiations WHERE superseded_at = 'infinity' UNION ALL
    SELECT id, title FROM issues WHERE superseded_at = 'infinity' UNION ALL
    SELECT id, title FROM scenarios WHERE superseded_at = 'infinity' UNION ALL
    SELECT id, name FROM stakeholders WHERE superseded_at = 'infinity' UNION ALL
    SELECT id, title FROM sources WHERE superseded_at = 'infinity' UNION ALL
    SELECT id, title FROM events WHERE superseded_at = 'infinity';

-- A fact is kept: its row may be closed, once, and nothing else.
-- +goose StatementBegin
CREATE FUNCTION keep_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.superseded_at = 'infinity' AND NEW.closed_by IS NOT NULL THEN
        OLD.superseded_at := NEW.superseded_at;
        OLD.closed_by := NEW.closed_by;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'facts are kept: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION keep_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.retracted_at = 'infinity' THEN
        OLD.retracted_at := NEW.retracted_at;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'records are kept: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION keep_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is kept: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['negotiations', 'issues', 'scenarios', 'stakeholders', 'affiliations', 'participations',
        'sources', 'statements', 'events', 'relations', 'status_changes', 'positions'] LOOP
        EXECUTE format('CREATE TRIGGER keep_facts BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION keep_facts()', name);
        EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION keep_all()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['changes', 'change_touches', 'client_ids', 'source_bodies'] LOOP
        EXECUTE format('CREATE TRIGGER keep_all BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION keep_all()', name);
    END LOOP;
END $$;
-- +goose StatementEnd

CREATE TRIGGER keep_records BEFORE UPDATE OR DELETE ON records FOR EACH ROW EXECUTE FUNCTION keep_records();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON records FOR EACH STATEMENT EXECUTE FUNCTION keep_all();
