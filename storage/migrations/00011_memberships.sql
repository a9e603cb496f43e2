-- A stakeholder belongs to groups over intervals, and groups may belong to groups.

-- +goose Up

ALTER TYPE record_kind ADD VALUE 'MEMBERSHIP';

CREATE TABLE memberships (
    id                 uuid NOT NULL REFERENCES records,
    version            uuid NOT NULL,
    member_id          uuid NOT NULL REFERENCES records,
    group_id           uuid NOT NULL REFERENCES records,
    speaks_for_members boolean NOT NULL,
    valid_from         timestamptz,
    valid_to           timestamptz,
    recorded_by        uuid NOT NULL REFERENCES analysts,
    recorded_at        timestamptz NOT NULL,
    superseded_at      timestamptz NOT NULL DEFAULT 'infinity',
    closed_by          closed_by,
    correction_note    text,
    PRIMARY KEY (id, recorded_at),
    CONSTRAINT membership_ends_after_it_begins CHECK (valid_from < valid_to),
    CONSTRAINT membership_known_forward CHECK (recorded_at < superseded_at),
    CONSTRAINT one_membership_at_a_time EXCLUDE USING gist (
        member_id WITH =, group_id WITH =, tstzrange(valid_from, valid_to) WITH &&
    ) WHERE (superseded_at = 'infinity')
);
CREATE UNIQUE INDEX one_open_membership ON memberships (id) WHERE superseded_at = 'infinity';
CREATE INDEX memberships_of_a_member ON memberships (member_id);
CREATE INDEX memberships_in_a_group ON memberships (group_id);

SELECT keep_noun('memberships', 'MEMBERSHIP', '', '');

-- A stakeholder never becomes a person, so it suffices to look once.
-- +goose StatementBegin
CREATE FUNCTION no_group_is_a_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM stakeholders WHERE id = NEW.group_id AND kind = 'PERSON') THEN
        RAISE EXCEPTION 'the group is a person' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;

-- Nobody belongs to itself, directly or through groups in groups. That takes memberships that all hold at one instant, by
-- what is known at one instant. Rows come while the head of the feed is held, so no other writer adds one meanwhile.
CREATE FUNCTION nobody_belongs_to_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        WITH RECURSIVE above (id, holds, known) AS (
            SELECT NEW.group_id, tstzrange(NEW.valid_from, NEW.valid_to), tstzrange(NEW.recorded_at, NEW.superseded_at)
            UNION
            SELECT m.group_id, a.holds * tstzrange(m.valid_from, m.valid_to), a.known * tstzrange(m.recorded_at, m.superseded_at)
            FROM above a
            JOIN memberships m ON m.member_id = a.id AND a.holds && tstzrange(m.valid_from, m.valid_to)
                AND a.known && tstzrange(m.recorded_at, m.superseded_at)
            WHERE a.id <> NEW.member_id
        )
        SELECT FROM above WHERE id = NEW.member_id
    ) THEN
        RAISE EXCEPTION 'a stakeholder would belong to itself' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME,
            DETAIL = json_build_array(
                (SELECT name FROM stakeholders WHERE id = NEW.group_id ORDER BY recorded_at DESC LIMIT 1),
                (SELECT name FROM stakeholders WHERE id = NEW.member_id ORDER BY recorded_at DESC LIMIT 1));
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER no_group_is_a_person AFTER INSERT ON memberships
    FOR EACH ROW EXECUTE FUNCTION no_group_is_a_person();
CREATE CONSTRAINT TRIGGER nobody_belongs_to_itself AFTER INSERT ON memberships
    FOR EACH ROW EXECUTE FUNCTION nobody_belongs_to_itself();
