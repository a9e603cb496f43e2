-- What few positions have in common is found without a look at the many.

-- +goose Up

CREATE INDEX positions_in_dispute_by_valid_from ON positions (valid_from, id, recorded_at, superseded_at, valid_to) WHERE disputed;
CREATE INDEX positions_without_evidence ON positions (valid_from, id, recorded_at, superseded_at, valid_to) WHERE evidence = '{}';
CREATE INDEX positions_not_on_one_statement ON positions (valid_from, id, recorded_at, superseded_at, valid_to) WHERE cardinality(evidence) <> 1;
CREATE INDEX positions_by_asserted_end ON positions (asserted_to, recorded_at, superseded_at) WHERE asserted_to IS NOT NULL;
