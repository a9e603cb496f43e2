-- Makes the benchmark's data, in steps. Each step is run as a whole; its first line names it. The tables size (one row)
-- and chains (valid lives of a scenario) exist already. Facts look as if they had been recorded one after the other, so
-- that triggers and constraints hold; and they are inserted in that order, so that rows are as scattered as in real use.
-- Both valid and known times are in the past.

-- Step: tools
CREATE FUNCTION pg_temp.chance(what text, n bigint) RETURNS float8 LANGUAGE sql STABLE AS $$
    SELECT (hashtextextended(what || n, current_setting('bench.seed')::bigint) & 4294967295) / 4294967296.0::float8
$$;
CREATE FUNCTION pg_temp.pick(among anyarray, what text, n bigint) RETURNS anyelement LANGUAGE sql STABLE AS $$
    SELECT among[1 + floor(pg_temp.chance(what, n) * cardinality(among))::int]
$$;
-- Ids are UUIDs of version 7, like Parley's own; they sort by the time of their creation.
CREATE FUNCTION pg_temp.new_id(made timestamptz, what text, n bigint) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT overlay(overlay(overlay(md5(current_setting('bench.seed') || what || n) PLACING '7' FROM 13) PLACING 'a' FROM 17)
        PLACING lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') FROM 1)::uuid
$$;
CREATE TEMP TABLE clerk AS SELECT pg_temp.new_id('2022-12-31Z', 'analyst', 1) AS id;
INSERT INTO analysts (id, name, role, recorded_at) SELECT id, 'Benchmark analyst', 'ANALYST', '2022-12-31Z' FROM clerk;

-- Step: stakeholders
CREATE TEMP TABLE holders AS
SELECT n, r AS recorded_at, pg_temp.new_id(r, 'stakeholder', n) AS id, 'party-' || lpad(n::text, 4, '0') AS key,
    pg_temp.pick(ARRAY['Government', 'Ministry', 'Council', 'Union', 'Front', 'Assembly', 'Delegation'], 'what', n) || ' of ' ||
    pg_temp.pick(ARRAY['Karesh', 'Velden', 'Orsá', 'the Upper Valley', 'Tamrin', 'the Islands', 'Dol Marah'], 'where', n) || ' ' || n AS name,
    pg_temp.pick(enum_range(NULL::stakeholder_kind), 'kind', n) AS kind
FROM size, generate_series(1, stakeholders) n, LATERAL (SELECT timestamptz '2023-01-01Z' + n * interval '10 s') at(r);
INSERT INTO records (id, kind, path, recorded_at) SELECT id, 'STAKEHOLDER', key, recorded_at FROM holders;
INSERT INTO stakeholders (id, version, path, key, name, kind, aliases, names, recorded_by, recorded_at)
SELECT h.id, pg_temp.new_id(recorded_at, 'stakeholder version', n), key, key, name, kind, '{}', name, clerk.id, recorded_at
FROM holders h, clerk;

-- Step: negotiations, issues and scenarios
CREATE TEMP TABLE talks AS
SELECT n, r AS recorded_at, pg_temp.new_id(r, 'negotiation', n) AS id, 'talks-' || lpad(n::text, 4, '0') AS key,
    'Talks on ' || pg_temp.pick(ARRAY['the border', 'the succession', 'the waters', 'an end of the fighting', 'the ports'], 'about', n) ||
    ' of ' || pg_temp.pick(ARRAY['Karesh', 'Velden', 'Orsá', 'Tamrin', 'Dol Marah'], 'of', n) || ', round ' || n AS title
FROM size, generate_series(1, negotiations) n, LATERAL (SELECT timestamptz '2023-01-02Z' + n * interval '1 min') at(r);
INSERT INTO records (id, kind, path, recorded_at) SELECT id, 'NEGOTIATION', key, recorded_at FROM talks;
INSERT INTO negotiations (id, version, path, key, title, recorded_by, recorded_at)
SELECT t.id, pg_temp.new_id(recorded_at, 'negotiation version', n), key, key, title, clerk.id, recorded_at
FROM talks t, clerk;

CREATE TEMP TABLE matters AS
SELECT own.n, r AS recorded_at, pg_temp.new_id(r, 'issue', own.n) AS id, t.id AS negotiation_id, 'issue-' || lpad(own.n::text, 5, '0') AS key, t.key AS under,
    pg_temp.pick(ARRAY['Who governs', 'Who withdraws', 'Who guarantees', 'Who pays', 'Who monitors'], 'who', own.n) || ' ' ||
    pg_temp.pick(ARRAY['the crossing', 'the upper districts', 'the capital', 'the demarcation line'], 'where', own.n) AS title
FROM size, talks t, generate_series((t.n - 1) * issues + 1, t.n * issues) AS own(n), LATERAL (SELECT timestamptz '2023-01-03Z' + own.n * interval '10 s') at(r);
INSERT INTO records (id, kind, path, negotiation_id, recorded_at)
SELECT id, 'ISSUE', under || '/' || key, negotiation_id, recorded_at FROM matters;
INSERT INTO issues (id, version, negotiation_id, path, key, title, kind, exhaustive, recorded_by, recorded_at)
SELECT m.id, pg_temp.new_id(recorded_at, 'issue version', n), negotiation_id, under || '/' || key, key, title,
    pg_temp.pick(enum_range(NULL::issue_kind), 'kind', n), false, clerk.id, recorded_at
FROM matters m, clerk;

CREATE TEMP TABLE plans AS
SELECT own.n, r AS recorded_at, pg_temp.new_id(r, 'scenario', own.n) AS id, m.negotiation_id, m.id AS issue_id, 'plan-' || lpad(own.n::text, 6, '0') AS key, m.under,
    pg_temp.pick(ARRAY['A joint council', 'The old line', 'Observers of a third state', 'A phased withdrawal', 'A “corridor”'], 'what', own.n) || ' ' ||
    pg_temp.pick(ARRAY['for five years', 'until a vote is held', 'with guarantees from outside', 'under one flag'], 'how', own.n) || ', draft ' || own.n AS title
FROM size, matters m, generate_series((m.n - 1) * scenarios + 1, m.n * scenarios) AS own(n), LATERAL (SELECT timestamptz '2023-01-04Z' + own.n * interval '10 s') at(r);
INSERT INTO records (id, kind, path, negotiation_id, parent_id, recorded_at)
SELECT id, 'SCENARIO', under || '/' || key, negotiation_id, issue_id, recorded_at FROM plans;
INSERT INTO scenarios (id, version, negotiation_id, issue_id, path, key, title, recorded_by, recorded_at)
SELECT p.id, pg_temp.new_id(recorded_at, 'scenario version', n), negotiation_id, issue_id, under || '/' || key, key, title, clerk.id, recorded_at
FROM plans p, clerk;
ANALYZE holders, talks, matters, plans;

-- Step: participations
CREATE TEMP TABLE parts AS
SELECT own.n, r AS recorded_at, pg_temp.new_id(r, 'participation', own.n) AS id, t.id AS negotiation_id, h.id AS stakeholder_id
FROM size, talks t, generate_series((t.n - 1) * 6 + 1, t.n * 6) AS own(n), LATERAL (SELECT timestamptz '2023-01-05Z' + own.n * interval '10 s') at(r),
    holders h WHERE h.n = own.n * 13 % stakeholders + 1;
INSERT INTO records (id, kind, negotiation_id, recorded_at) SELECT id, 'PARTICIPATION', negotiation_id, recorded_at FROM parts;
INSERT INTO participations (id, version, negotiation_id, stakeholder_id, role, veto_player, veto_issues, recorded_by, recorded_at, content_at)
SELECT p.id, pg_temp.new_id(recorded_at, 'participation version', n), negotiation_id, stakeholder_id,
    (enum_range(NULL::participation_role))[1 + n % 6], n % 5 = 0, '{}', clerk.id, recorded_at, recorded_at
FROM parts p, clerk;

-- Step: sources and statements
CREATE TEMP TABLE papers AS
SELECT n, r AS recorded_at, pg_temp.new_id(r, 'source', n) AS id, 'source-' || lpad(n::text, 4, '0') AS key,
    pg_temp.pick(ARRAY['Agency report', 'Communiqué', 'Morning bulletin', 'Minutes', 'Interview'], 'what', n) || ' on the ' ||
    pg_temp.pick(ARRAY['opening', 'second', 'third', 'closing'], 'which', n) || ' session, no. ' || n AS title
FROM size, generate_series(1, sources) n, LATERAL (SELECT timestamptz '2023-01-06Z' + n * interval '10 s') at(r);
INSERT INTO records (id, kind, path, recorded_at) SELECT id, 'SOURCE', key, recorded_at FROM papers;
INSERT INTO sources (id, version, path, key, title, reliability, marking, recorded_by, recorded_at)
SELECT p.id, pg_temp.new_id(recorded_at, 'source version', n), key, key, title,
    pg_temp.pick(enum_range(NULL::source_reliability), 'grade', n), 'TLP_CLEAR', clerk.id, recorded_at
FROM papers p, clerk;

CREATE TEMP TABLE sayings AS
SELECT own.n, r AS recorded_at, pg_temp.new_id(r, 'statement', own.n) AS id, p.id AS source_id, h.id AS speaker_id
FROM size, papers p, generate_series((p.n - 1) * statements + 1, p.n * statements) AS own(n), LATERAL (SELECT timestamptz '2023-01-07Z' + own.n * interval '1 s') at(r),
    holders h WHERE h.n = own.n * 7 % stakeholders + 1;
ANALYZE sayings;
INSERT INTO records (id, kind, parent_id, recorded_at) SELECT id, 'STATEMENT', source_id, recorded_at FROM sayings;
INSERT INTO statements (id, version, source_id, speakers, about, text, form, terms, credibility, locators, said_at, said_at_precision, recorded_by, recorded_at, content_at)
SELECT s.id, pg_temp.new_id(recorded_at, 'statement version', n), source_id, ARRAY[speaker_id], '{}',
    'It would look at any proposal on ' || pg_temp.pick(ARRAY['the table', 'its merits', 'equal terms'], 'text', n) || ', its delegate said.',
    'PARAPHRASE', 'ON_RECORD', pg_temp.pick(enum_range(NULL::information_credibility), 'grade', n), '{}',
    recorded_at - pg_temp.chance('said', n) * interval '720 h', 'INSTANT', clerk.id, recorded_at, recorded_at
FROM sayings s, clerk;

-- Step: status changes
-- Every status change is recorded within two days of taking effect, and cuts the one before it.
CREATE TEMP TABLE moves AS
SELECT own.n, p.n AS plan, p.id AS scenario_id, p.negotiation_id, c.step, c.from_status, c.to_status, c.skipped, e AS effective_at, r AS recorded_at,
    pg_temp.new_id(r, 'status change', own.n) AS id, pg_temp.new_id(r, 'status version', own.n) AS version,
    lead(e) OVER line AS next_effective_at, lead(r) OVER line AS next_recorded_at, lag(pg_temp.new_id(r, 'status version', own.n)) OVER line AS previous_version
FROM size, plans p JOIN chains c ON c.chain = (p.n - 1) % (SELECT max(chain) + 1 FROM chains),
    LATERAL (SELECT (p.n - 1) * moves + c.step) own(n),
    LATERAL (SELECT timestamptz '2023-02-01Z' + (c.step - 1 + pg_temp.chance('moved', own.n) * 0.9) * interval '20000 h' / moves) moved(e),
    LATERAL (SELECT e + pg_temp.chance('lag', own.n) * interval '48 h') noticed(r)
WINDOW line AS (PARTITION BY p.n ORDER BY c.step);
ANALYZE moves;
INSERT INTO records (id, kind, negotiation_id, parent_id, recorded_at)
SELECT id, 'STATUS_CHANGE', negotiation_id, scenario_id, recorded_at FROM moves ORDER BY recorded_at;
INSERT INTO status_changes (id, version, negotiation_id, scenario_id, to_status, moved_by, reason, effective_at, effective_at_precision,
    evidence, from_status, skipped, valid_to, content_at, recorded_by, recorded_at, superseded_at, closed_by)
SELECT m.id, m.version, m.negotiation_id, m.scenario_id, m.to_status, ARRAY[h.id],
    pg_temp.pick(ARRAY['The delegations agreed to it after a night of talks', 'Its sponsor took it up again', 'The other side walked out', 'A letter of the mediators asked for it'], 'why', m.n) || ', ' ||
    pg_temp.pick(ARRAY['as both papers report.', 'if the communiqué is to be believed.', 'and nobody has denied it since.'], 'says', m.n),
    m.effective_at, 'INSTANT', ARRAY[a.id, b.id], m.from_status, m.skipped,
    cut.valid_to, m.recorded_at, clerk.id, cut.recorded_at, cut.superseded_at, cut.closed_by
FROM size, clerk, moves m
    CROSS JOIN LATERAL (
        SELECT timestamptz 'infinity', m.recorded_at, coalesce(m.next_recorded_at, 'infinity'), CASE WHEN m.next_recorded_at IS NOT NULL THEN 'RECUT'::closed_by END
        UNION ALL
        SELECT m.next_effective_at, m.next_recorded_at, 'infinity', NULL WHERE m.next_recorded_at IS NOT NULL
    ) cut(valid_to, recorded_at, superseded_at, closed_by)
    JOIN holders h ON h.n = m.n * 11 % (SELECT stakeholders FROM size) + 1
    JOIN sayings a ON a.n = m.n * 17 % (SELECT sources * statements FROM size) + 1
    JOIN sayings b ON b.n = (m.n * 17 + 5) % (SELECT sources * statements FROM size) + 1
ORDER BY cut.recorded_at;

-- Step: positions
-- One position in five was corrected: most of them few times, some up to nineteen times. The prime 7919 spreads the
-- holders evenly.
CREATE TEMP TABLE stands AS
SELECT own.n, p.id AS scenario_id, p.negotiation_id, p.issue_id, h.id AS holder_id, s.id AS statement_id, r AS recorded_at,
    pg_temp.new_id(r, 'position', own.n) AS id, r - pg_temp.chance('lag', own.n) * interval '720 h' AS valid_from,
    CASE WHEN pg_temp.chance('mended', own.n) < 0.2 THEN 2 + floor(19 * power(pg_temp.chance('corrected', own.n), 5))::int ELSE 1 END AS versions
FROM size, plans p, generate_series((p.n - 1) * positions + 1, p.n * positions) AS own(n), LATERAL (SELECT timestamptz '2023-03-01Z' + pg_temp.chance('recorded', own.n) * interval '19000 h') at(r),
    holders h, sayings s
WHERE h.n = own.n * 7919 % stakeholders + 1 AND s.n = own.n * 31 % (sources * statements) + 1;
CREATE TEMP TABLE said AS
SELECT s.*, v, versions = v AS stands, pg_temp.new_id(at.recorded, 'position version', n * 20 + v) AS version, at.recorded, at.superseded
FROM stands s, generate_series(1, versions) v, LATERAL (
    SELECT recorded_at + (timestamptz '2025-07-01Z' - recorded_at) * (v - 1) / versions, recorded_at + (timestamptz '2025-07-01Z' - recorded_at) * v / versions
) at(recorded, superseded);
ANALYZE stands, said;
INSERT INTO records (id, kind, negotiation_id, parent_id, recorded_at)
SELECT id, 'POSITION', negotiation_id, scenario_id, recorded_at FROM stands ORDER BY recorded_at;
INSERT INTO positions (id, version, negotiation_id, issue_id, scenario_id, holder_id, stance, conditions, red_line, rationale, confidence,
    evidence, valid_from, valid_from_precision, beside, disputed, content_at, recorded_by, recorded_at, superseded_at, closed_by, correction_note)
SELECT s.id, version, negotiation_id, issue_id, scenario_id, holder_id, pg_temp.pick(enum_range(NULL::stance), 'stance', n * 20 + v), '{}', n % 9 = 0,
    pg_temp.pick(ARRAY['Its foreign minister said so', 'Its paper for the talks says so', 'Two delegates read it that way', 'Its vote in the council shows it'], 'how', n) || ' ' ||
    pg_temp.pick(ARRAY['on the second day', 'before the session', 'in answer to a question', 'when pressed'], 'when', n) || ', and ' ||
    pg_temp.pick(ARRAY['has not taken it back since.', 'nobody at the "round table" objected.', 'repeated it at the port of Orsá.'], 'then', n * 20 + v),
    pg_temp.pick(enum_range(NULL::analytic_confidence), 'confidence', n), ARRAY[statement_id], valid_from, 'INSTANT', false, false,
    recorded, clerk.id, recorded, CASE WHEN stands THEN 'infinity' ELSE superseded END, CASE WHEN NOT stands THEN 'CORRECTED'::closed_by END,
    CASE WHEN v > 1 THEN 'The report before had it wrong.' END
FROM said s, clerk
ORDER BY recorded;

-- Step: changes
-- The feed has the creation of every noun and the latest facts. The last of them is the feed head.
CREATE TEMP TABLE entries AS
SELECT row_number() OVER (ORDER BY recorded_at) AS seq, e.*
FROM (
    SELECT recorded_at, 'RECORD'::change_kind AS kind, 'CREATED'::record_action AS action, 'STAKEHOLDER'::record_kind AS subject_kind, id AS subject_id,
        NULL::uuid AS version, NULL::uuid AS previous_version, NULL::uuid AS negotiation_id, NULL::uuid AS scenario_id, NULL::shift_cause AS cause,
        '{}'::uuid[] AS lines, '{}'::uuid[] AS touches, 'Registered “' || name || '”.' AS summary FROM holders
    UNION ALL SELECT recorded_at, 'RECORD', 'CREATED', 'SOURCE', id, NULL, NULL, NULL, NULL, NULL, '{}', '{}', 'Registered “' || title || '”.' FROM papers
    UNION ALL SELECT recorded_at, 'RECORD', 'CREATED', 'NEGOTIATION', id, NULL, NULL, id, NULL, NULL, '{}', '{}', 'Opened “' || title || '”.' FROM talks
    UNION ALL SELECT recorded_at, 'RECORD', 'CREATED', 'ISSUE', id, NULL, NULL, negotiation_id, NULL, NULL, '{}', '{}', 'Added “' || title || '”.' FROM matters
    UNION ALL SELECT recorded_at, 'RECORD', 'CREATED', 'SCENARIO', id, NULL, NULL, negotiation_id, id, NULL, '{}', ARRAY[issue_id], 'Added “' || title || '”.' FROM plans
    UNION ALL (
        SELECT * FROM (
            SELECT recorded_at, 'STATUS'::change_kind, 'CREATED'::record_action, 'STATUS_CHANGE'::record_kind, id, version, previous_version, negotiation_id, scenario_id,
                CASE WHEN step = 1 THEN 'FIRST_RECORDED' ELSE 'WORLD_CHANGED' END::shift_cause, ARRAY[scenario_id], '{}'::uuid[], 'It became ' || to_status || '.' FROM moves
            UNION ALL
            SELECT recorded, 'POSITION', CASE WHEN v = 1 THEN 'CREATED' ELSE 'UPDATED' END::record_action, 'POSITION', id, version,
                lag(version) OVER (PARTITION BY n ORDER BY v), negotiation_id, scenario_id,
                CASE WHEN v = 1 THEN 'FIRST_RECORDED' ELSE 'RECORD_CORRECTED' END::shift_cause, ARRAY[holder_id, scenario_id], '{}', 'A position was recorded.' FROM said
        ) fact
        ORDER BY recorded_at DESC
        LIMIT (SELECT changes FROM size)
    )
) e;
INSERT INTO changes (seq, recorded_at, recorded_by, kind, action, subject_kind, subject_id, version, previous_version, negotiation_id, scenario_id, cause, lines, fields, summary)
SELECT seq, recorded_at, clerk.id, kind, action, subject_kind, subject_id, version, previous_version, negotiation_id, scenario_id, cause, lines, '{}', summary
FROM entries, clerk;
INSERT INTO change_touches (record_id, seq)
SELECT DISTINCT touched, seq
FROM entries, unnest(ARRAY[subject_id, negotiation_id, scenario_id] || lines || touches) touched
WHERE touched IS NOT NULL;
UPDATE feed_head SET (seq, recorded_at) = (SELECT max(seq), max(recorded_at) FROM entries);
