-- Facts of one line that are known to the day only may begin at the same instant, in the order of their ordinals. Of those,
-- the last holds; the others hold for no time, so their interval is empty.

-- +goose Up

ALTER TABLE status_changes ADD COLUMN ordinal smallint NOT NULL DEFAULT 0,
    ADD CONSTRAINT status_ordinal_within_a_day CHECK (ordinal = 0 OR ordinal BETWEEN 1 AND 99 AND effective_at_precision = 'DAY'),
    DROP CONSTRAINT status_ends_after_it_begins,
    ADD CONSTRAINT status_ends_after_it_begins CHECK (effective_at < valid_to
        OR effective_at = valid_to AND effective_at_precision = 'DAY');
ALTER TABLE positions ADD COLUMN ordinal smallint NOT NULL DEFAULT 0,
    ADD CONSTRAINT position_ordinal_within_a_day CHECK (ordinal = 0 OR ordinal BETWEEN 1 AND 99 AND valid_from_precision = 'DAY'),
    DROP CONSTRAINT position_ends_after_it_begins,
    ADD CONSTRAINT position_ends_after_it_begins CHECK (valid_from < valid_to
        OR valid_from = valid_to AND (valid_from_precision = 'DAY' OR beside));

-- The exclusion constraints pass over empty intervals. These keep two facts from the same place within a day.
CREATE UNIQUE INDEX one_status_at_an_ordinal ON status_changes (scenario_id, effective_at, ordinal) WHERE superseded_at = 'infinity';
CREATE UNIQUE INDEX one_plain_position_at_an_ordinal ON positions (holder_id, scenario_id, valid_from, ordinal)
    WHERE superseded_at = 'infinity' AND NOT beside;

-- The order of lists has the ordinal between the instant and the id.
DROP INDEX status_changes_of_a_scenario, status_changes_by_effective_at;
CREATE INDEX status_changes_of_a_scenario ON status_changes (scenario_id, effective_at, ordinal, id, recorded_at, superseded_at, valid_to);
CREATE INDEX status_changes_by_effective_at ON status_changes (effective_at, ordinal, id, recorded_at, superseded_at);

DROP INDEX positions_on_a_scenario, positions_of_a_holder, positions_by_valid_from, positions_in_dispute_by_valid_from,
    positions_without_evidence, positions_not_on_one_statement;
CREATE INDEX positions_on_a_scenario ON positions (scenario_id, valid_from, ordinal, id, recorded_at, superseded_at, valid_to);
CREATE INDEX positions_of_a_holder ON positions (holder_id, valid_from, ordinal, id, recorded_at, superseded_at, valid_to);
CREATE INDEX positions_by_valid_from ON positions (valid_from, ordinal, id, recorded_at, superseded_at, valid_to);
CREATE INDEX positions_in_dispute_by_valid_from ON positions (valid_from, ordinal, id, recorded_at, superseded_at, valid_to) WHERE disputed;
CREATE INDEX positions_without_evidence ON positions (valid_from, ordinal, id, recorded_at, superseded_at, valid_to) WHERE evidence = '{}';
CREATE INDEX positions_not_on_one_statement ON positions (valid_from, ordinal, id, recorded_at, superseded_at, valid_to)
    WHERE cardinality(evidence) <> 1;
