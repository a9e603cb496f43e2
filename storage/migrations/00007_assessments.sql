-- Analysts assess how likely a scenario comes about, and say in the end what became of it.

-- +goose Up

ALTER TYPE record_kind ADD VALUE 'ASSESSMENT';
ALTER TYPE change_kind ADD VALUE 'ASSESSMENT';
CREATE TYPE resolution_outcome AS ENUM ('OCCURRED', 'DID_NOT_OCCUR', 'AMBIGUOUS', 'ANNULLED');

CREATE TABLE assessments (
    id              uuid NOT NULL REFERENCES records,
    version         uuid NOT NULL,
    negotiation_id  uuid NOT NULL REFERENCES records,
    scenario_id     uuid NOT NULL REFERENCES records,
    probability     smallint NOT NULL,
    confidence      analytic_confidence NOT NULL,
    rationale       text NOT NULL,
    assessed_at     timestamptz NOT NULL,
    recorded_by     uuid NOT NULL REFERENCES analysts, -- whose assessment it is
    recorded_at     timestamptz NOT NULL,
    superseded_at   timestamptz NOT NULL DEFAULT 'infinity',
    closed_by       closed_by,
    correction_note text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT nothing_is_impossible_or_certain CHECK (probability BETWEEN 1 AND 99),
    CONSTRAINT assessment_known_forward CHECK (recorded_at < superseded_at)
);
CREATE UNIQUE INDEX one_open_assessment ON assessments (id) WHERE superseded_at = 'infinity';
CREATE UNIQUE INDEX one_assessment_at_an_instant ON assessments (scenario_id, recorded_by, assessed_at) WHERE superseded_at = 'infinity';
CREATE INDEX assessments_of_a_scenario ON assessments (scenario_id, assessed_at, id, recorded_at, superseded_at);
CREATE INDEX assessments_of_an_analyst ON assessments (recorded_by, assessed_at, recorded_at, superseded_at);
CREATE INDEX assessments_of_a_version ON assessments (version, recorded_at);
CREATE INDEX assessments_by_assessed_at ON assessments (assessed_at, recorded_at, superseded_at);

CREATE TRIGGER keep_facts BEFORE UPDATE OR DELETE ON assessments FOR EACH ROW EXECUTE FUNCTION keep_facts();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON assessments FOR EACH STATEMENT EXECUTE FUNCTION keep_all();

-- A scenario is resolved once, so its resolution is a field of it.
ALTER TABLE scenarios
    ADD COLUMN outcome resolution_outcome,
    ADD COLUMN resolution_note text,
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN resolved_by uuid REFERENCES analysts,
    ADD CONSTRAINT resolution_is_whole CHECK (num_nulls(outcome, resolved_at, resolved_by) IN (0, 3) AND (outcome IS NOT NULL OR resolution_note IS NULL));
CREATE INDEX scenarios_by_resolution ON scenarios (resolved_at, recorded_at, superseded_at) WHERE resolved_at IS NOT NULL;
