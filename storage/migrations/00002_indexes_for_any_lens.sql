-- Reads tell what was known at an instant from the rows themselves, the present not excepted. So the indexes that serve
-- them hold all rows, with what says whether a row was known, and when it holds, beside the order, and are no longer those
-- of open rows only.

-- +goose Up

DROP INDEX negotiations_by_path, scenarios_by_path, stakeholders_by_path, sources_by_path;
CREATE INDEX negotiations_by_path ON negotiations (path, recorded_at, superseded_at);
CREATE INDEX scenarios_by_path ON scenarios (path, recorded_at, superseded_at);
CREATE INDEX stakeholders_by_path ON stakeholders (path, recorded_at, superseded_at);
CREATE INDEX sources_by_path ON sources (path, recorded_at, superseded_at);

DROP INDEX scenarios_by_text, stakeholders_by_name, sources_by_text;
CREATE INDEX scenarios_by_text ON scenarios USING gin (fold(title || ' ' || coalesce(summary, '')) gin_trgm_ops);
CREATE INDEX stakeholders_by_name ON stakeholders USING gin (fold(names) gin_trgm_ops);
CREATE INDEX sources_by_text ON sources USING gin (fold(title || ' ' || coalesce(publisher, '') || ' ' || coalesce(author, '')) gin_trgm_ops);

DROP INDEX statements_by_said_at, events_by_start;
CREATE INDEX statements_by_said_at ON statements (coalesce(said_at, '0001-01-01Z'), id, recorded_at, superseded_at);
CREATE INDEX events_by_start ON events (started_at, id, recorded_at, superseded_at);

DROP INDEX status_changes_of_a_scenario_now, status_changes_of_a_scenario, status_changes_by_effective_at;
CREATE INDEX status_changes_of_a_scenario ON status_changes (scenario_id, effective_at, id, recorded_at, superseded_at, valid_to);
CREATE INDEX status_changes_by_effective_at ON status_changes (effective_at, id, recorded_at, superseded_at);

DROP INDEX positions_on_a_scenario_now, positions_of_a_holder_now, positions_on_a_scenario, positions_of_a_holder,
	positions_by_valid_from, positions_by_recording;
CREATE INDEX positions_on_a_scenario ON positions (scenario_id, valid_from, id, recorded_at, superseded_at, valid_to);
CREATE INDEX positions_of_a_holder ON positions (holder_id, valid_from, id, recorded_at, superseded_at, valid_to);
CREATE INDEX positions_by_valid_from ON positions (valid_from, id, recorded_at, superseded_at, valid_to);
CREATE INDEX positions_by_recording ON positions (content_at, id, recorded_at, superseded_at, valid_to);
