package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// searched are the tables of facts that are searched, beside the texts kept of sources: their sort and kind, the texts of a row x
// that a snippet is made of, and what keeps a row that is known out of sight. The search_in of a migration has their words kept.
var searched = []struct{ sort, kind, table, texts, sight string }{
	{"name", "NEGOTIATION", "negotiations", `ARRAY[x.title, x.summary]`, `TRUE`},
	{"name", "ISSUE", "issues", `ARRAY[x.title, x.question]`, `TRUE`},
	{"name", "SCENARIO", "scenarios", `ARRAY[x.title, x.summary, x.criteria]`, onTheTable("x.id")},
	{"name", "STAKEHOLDER", "stakeholders", `x.name || x.aliases`, `TRUE`},
	{"name", "SOURCE", "sources", `ARRAY[x.title, x.publisher, x.author]`, `TRUE`},
	{"name", "EVENT", "events", `ARRAY[x.title, x.location]`, `TRUE`},
	{"position", "POSITION", "positions", `x.rationale || x.conditions`, `x.valid_from <= k.valid_at AND x.valid_to > k.valid_at AND ` + onTheTable("x.scenario_id")},
	{"other", "STATEMENT", "statements", `ARRAY[x.text]`, `TRUE`},
	{"other", "ASSESSMENT", "assessments", `ARRAY[x.rationale]`, `x.assessed_at <= k.valid_at AND ` + onTheTable("x.scenario_id")},
	{"other", "STATUS_CHANGE", "status_changes", `ARRAY[x.reason]`, onTheTable("x.scenario_id")},
	{"other", "RELATION", "relations", `ARRAY[x.note]`, onTheTable("x.from_id") + ` AND ` + onTheTable("x.to_id")},
}

// inSight says that the row t of search_texts, of a sort, is of a version that is in sight.
func inSight(sort string) string {
	var facts []string
	for _, f := range searched {
		if f.sort == sort {
			facts = append(facts, `SELECT FROM `+f.table+` x WHERE t.kind = '`+f.kind+`' AND x.id = t.record_id AND x.version = t.version AND {known x} AND `+f.sight)
		}
	}
	return `EXISTS (` + strings.Join(facts, " UNION ALL ") + `)`
}

// textOf is the text of the version that the row t names.
func textOf() string {
	texts := []string{`
		SELECT CASE WHEN t.start > 1 THEN '…' ELSE '' END || substr(x.body, t.start, 20000) AS text
		FROM source_bodies x
		WHERE x.source_id = t.record_id AND t.start IS NOT NULL`}
	for _, f := range searched {
		texts = append(texts, `SELECT array_to_string(`+f.texts+`, ' · ') FROM `+f.table+` x WHERE t.kind = '`+f.kind+`' AND x.id = t.record_id AND x.version = t.version AND {known x}`)
	}
	return strings.Join(texts, " UNION ALL ")
}

// What is ranked are so many of each sort: of the records with names, of the positions, of the others and of the passages in
// sources' texts. They are the newest that are in sight, so that what is recorded later can't take their places in an older lens.
const (
	candidates = 500
	few        = 10  // where fewer texts hold the words, names that are spelt alike are looked for
	alike      = 100 // so many of them at most
)

// newest are the candidates of one sort. Where the words are common, as a look at a few rows tells, they are sought among the
// newest rows, since to find all that hold them takes long; else by the index of words. That changes how they are found and not
// which.
func newest(sort, condition, until string) string {
	return strings.NewReplacer(
		"{sort}", sort,
		"{condition}", condition,
		"{until}", until,
		"{order}", `ORDER BY t.at DESC, t.record_id DESC, t.version DESC`,
		"{sight}", inSight(sort),
	).Replace(`
		{sort}_common AS (
			SELECT count(*) FILTER (WHERE t.words @@ a.query) >= 5 AS common
			FROM (SELECT t.words FROM search_texts t WHERE {condition} AND t.at <= {until} {order} LIMIT 200) t, asked a
		),
		{sort}_among_newest AS MATERIALIZED (
			SELECT t.version
			FROM (
				SELECT t.version, t.record_id, t.kind, t.words
				FROM search_texts t
				WHERE {condition} AND t.at <= {until}
				{order}
				LIMIT 20000
			) t
			WHERE (SELECT common FROM {sort}_common) AND t.words @@ (SELECT query FROM asked) AND {sight}
			LIMIT {candidates}
		),
		{sort}_by_word AS (
			SELECT t.version
			FROM (
				SELECT *
				FROM (
					SELECT t.version, t.record_id, t.kind, t.at
					FROM search_texts t
					WHERE {condition} AND t.words @@ (SELECT query FROM asked) AND (SELECT count(*) FROM {sort}_among_newest) < {candidates}
					OFFSET 0
				) t
				WHERE t.at <= {until}
				{order}
				OFFSET 0
			) t
			WHERE {sight}
			LIMIT {candidates}
		),
		by_{sort} AS (
			SELECT version FROM {sort}_by_word
			UNION ALL
			SELECT version FROM {sort}_among_newest WHERE (SELECT count(*) FROM {sort}_among_newest) = {candidates}
		)`)
}

// search finds the terms, of which the one with the number {open} may go on.
var search = strings.NewReplacer(
	"{candidates}", fmt.Sprint(candidates), "{few}", fmt.Sprint(few), "{alike}", fmt.Sprint(alike),
	"{word}", `[:alnum:]\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0640\u064b-\u065f\u0670`, // as in the function words
).Replace(`
	WITH asked AS MATERIALIZED (
		SELECT string_agg(term || CASE n WHEN {open} THEN ':*' ELSE '' END, ' & ' ORDER BY n)::tsquery AS query,
			-- All of them stand there, so for the rank it is enough that one does; to rank by & takes far longer.
			string_agg(term || CASE n WHEN {open} THEN ':*' ELSE '' END, ' | ' ORDER BY n)::tsquery AS any,
			string_agg(term, ' | ' ORDER BY n)::tsquery AS whole,
			string_to_array(string_agg(words, ' '), ' ') AS list,
			regexp_replace(max(words) FILTER (WHERE n = {open}), '.* ', '') AS beginning
		FROM (
			SELECT n, words, nullif(phraseto_tsquery('pg_catalog.simple', words)::text, '') AS term
			FROM (SELECT n, words(t) FROM unnest({terms}::text[]) WITH ORDINALITY t(t, n)) t
		) t
		WHERE term IS NOT NULL
	),` +
	newest("name", `t.name IS NOT NULL`, `k.known_at`) + `,` +
	newest("position", `t.kind = 'POSITION'`, `k.valid_at`) + `,` +
	newest("other", `t.name IS NULL AND t.kind <> 'POSITION'`, `k.known_at`) + `,
	passages AS (
		SELECT t.source_id, t.start
		FROM (
			SELECT t.source_id, t.start
			FROM source_passages t
			WHERE t.words @@ (SELECT query FROM asked)
			ORDER BY t.source_id DESC, t.start OFFSET 0
		) t
		WHERE EXISTS (SELECT FROM sources x WHERE x.id = t.source_id AND {known x})
		LIMIT {candidates}
	),
	holding AS MATERIALIZED (
		SELECT t.kind, t.record_id, t.version, NULL::int AS start, false AS alike,
			0.501 + 0.2495 * (ts_rank(t.words, a.any, 33) + ts_rank(t.words, a.whole, 33)) AS rank
		FROM asked a, (SELECT version FROM by_name UNION ALL SELECT version FROM by_position UNION ALL SELECT version FROM by_other) c
		JOIN search_texts t ON t.version = c.version
		UNION ALL
		SELECT 'SOURCE', t.source_id, NULL, t.start, false, 0.501 + 0.2495 * (ts_rank(t.words, a.any, 33) + ts_rank(t.words, a.whole, 33))
		FROM asked a, passages c
		JOIN source_passages t ON t.source_id = c.source_id AND t.start = c.start
	),
	hits AS (
		SELECT * FROM holding
		UNION ALL (
			SELECT t.kind, t.record_id, t.version, NULL, true, t.similarity / 2
			FROM asked a, names_alike(a.list) t
			WHERE (SELECT count(*) FROM holding) < {few} AND ` + inSight("name") + `
			LIMIT {alike}
		)
	),
	found AS (
		SELECT *
		FROM (
			SELECT DISTINCT ON (record_id) kind, record_id, version, start, alike, round(rank::numeric, 4)::float8 AS rank
			FROM hits
			ORDER BY record_id, alike, hits.rank DESC, start
		) t
		ORDER BY rank DESC, record_id DESC
		LIMIT {first}
	)
	SELECT t.record_id, t.rank, w.gaps[1] || coalesce(m.marked, '') AS text
	FROM asked a, found t
	CROSS JOIN LATERAL (` + textOf() + `) x
	CROSS JOIN LATERAL (SELECT translate(normalize(x.text, NFC), E'\x01\x02', '') AS text OFFSET 0) p -- each worked out once
	CROSS JOIN LATERAL (
		SELECT array_remove(regexp_split_to_array(p.text, '[^{word}]+'), '') AS words, regexp_split_to_array(p.text, '[{word}]+') AS gaps
		OFFSET 0
	) w
	CROSS JOIN LATERAL (SELECT string_to_array(words(array_to_string(w.words, ' ')), ' ') AS folded OFFSET 0) f
	CROSS JOIN LATERAL (
		SELECT string_agg(CASE WHEN m.word = ANY (a.list) OR starts_with(m.word, a.beginning)
				OR t.alike AND EXISTS (SELECT FROM unnest(a.list) l WHERE similarity(l, m.word) >= 0.3)
			THEN E'\x01' || m.original || E'\x02' ELSE m.original END || m.gap, '' ORDER BY n) AS marked
		FROM unnest(w.words, w.gaps[2:], CASE cardinality(f.folded) WHEN cardinality(w.words) THEN f.folded
			ELSE ARRAY(SELECT words(o) FROM unnest(w.words) WITH ORDINALITY o(o, n) ORDER BY n) END) WITH ORDINALITY m(original, gap, word, n)
	) m
	ORDER BY t.rank DESC, t.record_id DESC`)

// Search finds the records that hold the words of a text, best rank first.
func (s *Snapshot) Search(ctx context.Context, text string, first int, asOf *parley.AsOf) ([]*parley.SearchResult, error) {
	terms, err := parley.ReadTerms(text)
	if err != nil {
		return nil, err
	}
	if err := (parley.Page{First: first}).Check(); err != nil {
		return nil, err
	}
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	q := s.newQuery(keys)
	open := 0
	if terms.Open {
		open = len(terms.List)
	}
	statement := strings.NewReplacer("{terms}", q.arg(words[string](terms.List)), "{open}", q.arg(int64(open))+"::bigint", "{first}", q.arg(int64(first))+"::bigint").Replace(search)
	results := []*parley.SearchResult{}
	err = s.rows(ctx, q.expand(`SELECT record_send(ROW(`+q.header()+`, f.record_id, f.rank, f.text)) FROM {keys} `+q.join()+`LATERAL (`+statement+`) f ON TRUE`),
		q.bind(s, q.args), func(sent row) {
			n := q.begin(s, &sent)
			if sent.isNull() {
				return
			}
			results = append(results, &parley.SearchResult{
				NodeID: sent.next().id(), Rank: math.Float64frombits(uint64(sent.next().number())), Snippet: parley.Snippet(sent.next().text()), Lens: q.keys[n].Lens,
			})
		})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// keptAtOnce is how many bytes of new statements have their words kept by the trigger, in a few milliseconds.
const keptAtOnce = 4_000

// keepLongWords keeps the words of new statements that are long, or many, before the head is taken, since that takes a while.
// Their place among the newest is that of the last change until then. (A batch has all writers wait from the beginning.)
func (w *writer) keepLongWords(ctx context.Context, added []*newStatement) error {
	type fact struct {
		ID      uuid.UUID `json:"id"`
		Version uuid.UUID `json:"version"`
		Text    string    `json:"text"`
	}
	var facts []fact
	length := 0
	for _, n := range added {
		if !n.id.known {
			n.value.Version = parley.NewID()
			facts = append(facts, fact{n.value.ID, n.value.Version, n.value.Text})
			length += len(n.value.Text)
		}
	}
	if length <= keptAtOnce || w.head != nil {
		return nil
	}
	text, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("write down statements: %w", err)
	}
	err = w.exec(ctx, `
		INSERT INTO search_texts
		SELECT t.*
		FROM feed_head h, jsonb_array_elements($1::jsonb) f,
			search_text(f || jsonb_build_object('recorded_at', h.recorded_at), 'STATEMENT', '', 'text') t`, string(text))
	if err != nil {
		return fmt.Errorf("keep the words of statements: %w", err)
	}
	return nil
}
