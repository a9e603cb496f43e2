package storage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// sort classes records for search: each sort has indexes of its own in search_texts, and its own share of what is
// ranked.
func (d description) sort() string {
	switch {
	case len(d.names) > 0:
		return "name"
	case d.kind == parley.KindPosition: // the only ones whose place among the newest is that of their validity
		return "position"
	}
	return "other"
}

// searched are the nouns of a sort that are searched. An empty sort stands for all.
func searched(sort string) (list []description) {
	for _, d := range descriptions {
		if len(d.names)+len(d.texts) > 0 && (sort == "" || sort == d.sort()) {
			list = append(list, d)
		}
	}
	return list
}

// versionFound is the row x of the version that the row t of search_texts names.
func (d description) versionFound() string {
	return `{` + d.table + ` x} WHERE t.kind = '` + string(d.kind) +
		`' AND x.id = t.record_id AND x.version = t.version AND {known x}`
}

// inSight says that the row t of search_texts, of a sort, is of a version that is visible.
func inSight(sort string) string {
	var facts []string
	for _, d := range searched(sort) {
		facts = append(facts, `SELECT FROM `+d.versionFound()+` AND `+cmp.Or(rows.Aliased(d.visible, "x"), `TRUE`))
	}
	return `EXISTS (` + strings.Join(facts, " UNION ALL ") + `)`
}

// textOf is the text of the version that the row t names.
func textOf() string {
	texts := []string{`
		SELECT CASE WHEN t.start > 1 THEN '…' ELSE '' END || substr(x.body, t.start, 20000) AS text
		FROM {source_bodies x}
		WHERE x.source_id = t.record_id AND t.start IS NOT NULL`}
	for _, d := range searched("") {
		text := `'{}'::text[]`
		for _, column := range slices.Concat(d.names, d.texts) {
			text += ` || x.` + column
		}
		texts = append(texts, `SELECT array_to_string(`+text+`, ' · ') FROM `+d.versionFound())
	}
	return strings.Join(texts, " UNION ALL ")
}

// What is ranked are so many of each sort: of the records with names, of the positions, of the others and of the
// passages in sources' texts. They are the newest that are in sight, so that what is recorded later can't take their
// places in an older lens.
const (
	candidates = 500
	few        = 10  // where fewer texts hold the words, names that are spelt alike are looked for
	alike      = 100 // so many of them at most
)

// newest are the candidates of one sort. Where the words are common, as a look at a few rows tells, they are sought
// among the newest rows, since to find all that hold them takes long; else by the index of words. That changes how they
// are found and not which.
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
			FROM (SELECT t.words FROM {search_texts t} WHERE {condition}
				AND t.at <= {until} {order} LIMIT 200) t, asked a
		),
		{sort}_among_newest AS MATERIALIZED (
			SELECT t.version
			FROM (
				SELECT t.version, t.record_id, t.kind, t.words
				FROM {search_texts t}
				WHERE {condition} AND t.at <= {until}
				{order}
				LIMIT 20000
			) t
			WHERE (SELECT common FROM {sort}_common) AND t.words @@ (SELECT query FROM asked) AND t.words @@ (SELECT own FROM asked) AND {sight}
			LIMIT {candidates}
		),
		{sort}_by_word AS (
			SELECT t.version
			FROM (
				SELECT *
				FROM (
					SELECT t.version, t.record_id, t.kind, t.at
					FROM {search_texts t}
					WHERE {condition} AND t.words @@ (SELECT query FROM asked) AND t.words @@ (SELECT own FROM asked) AND (SELECT count(*)
						FROM {sort}_among_newest) < {candidates}
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
			-- One of them at least has to be among the record's own words: a fact is not found by what it is about alone.
			string_agg(term || CASE n WHEN {open} THEN ':*AB' ELSE ':AB' END, ' | ' ORDER BY n)::tsquery AS own,
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
			FROM {source_passages t}
			WHERE t.words @@ (SELECT query FROM asked)
			ORDER BY t.source_id DESC, t.start OFFSET 0
		) t
		WHERE EXISTS (SELECT FROM {sources x} WHERE x.id = t.source_id AND x.content_hash IS NOT NULL AND {known x})
		LIMIT {candidates}
	),
	holding AS MATERIALIZED (
		SELECT t.kind, t.record_id, t.version, NULL::int AS start, false AS alike,
			0.501 + 0.2495 * (ts_rank(t.words, a.any, 33) + ts_rank(t.words, a.whole, 33)) AS rank
		FROM asked a, (SELECT version FROM by_name UNION ALL SELECT version FROM by_position UNION ALL SELECT version
			FROM by_other) c
		JOIN {search_texts t} ON t.version = c.version
		UNION ALL
		SELECT 'SOURCE', t.source_id, NULL, t.start, false,
			0.501 + 0.2495 * (ts_rank(t.words, a.any, 33) + ts_rank(t.words, a.whole, 33))
		FROM asked a, passages c
		JOIN {source_passages t} ON t.source_id = c.source_id AND t.start = c.start
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
			SELECT DISTINCT ON (record_id) kind, record_id, version, start, alike,
				round(rank::numeric, 4)::float8 AS rank
			FROM hits
			ORDER BY record_id, alike, hits.rank DESC, start
		) t
		ORDER BY rank DESC, record_id DESC
		LIMIT {first}
	)
	SELECT t.record_id, t.rank, w.gaps[1] || coalesce(m.marked, '') AS text
	FROM asked a, found t
	CROSS JOIN LATERAL (` + textOf() + `) x
	CROSS JOIN LATERAL (SELECT translate(normalize(x.text, NFC), E'\x01\x02', '') AS text OFFSET 0) p -- computed once
	CROSS JOIN LATERAL (
		SELECT array_remove(regexp_split_to_array(p.text, '[^{word}]+'), '') AS words,
			regexp_split_to_array(p.text, '[{word}]+') AS gaps
		OFFSET 0
	) w
	CROSS JOIN LATERAL (SELECT string_to_array(words(array_to_string(w.words, ' ')), ' ') AS folded OFFSET 0) f
	CROSS JOIN LATERAL (
		SELECT string_agg(CASE WHEN m.word = ANY (a.list) OR starts_with(m.word, a.beginning)
				OR t.alike AND EXISTS (SELECT FROM unnest(a.list) l WHERE similarity(l, m.word) >= 0.3)
			THEN E'\x01' || m.original || E'\x02' ELSE m.original END || m.gap, '' ORDER BY n) AS marked
		FROM unnest(w.words, w.gaps[2:], CASE cardinality(f.folded) WHEN cardinality(w.words) THEN f.folded
			ELSE ARRAY(SELECT words(o) FROM unnest(w.words) WITH ORDINALITY o(o, n)
				ORDER BY n) END) WITH ORDINALITY m(original, gap, word, n)
	) m
	ORDER BY t.rank DESC, t.record_id DESC`)

// Search finds the records that hold the words of a text, best rank first.
func (s *Snapshot) Search(
	ctx context.Context, text string, first int, asOf *parley.AsOf,
) ([]*parley.SearchResult, error) {
	terms, err := parley.ReadTerms(text)
	if err != nil {
		return nil, err
	}
	if err := (parley.Page{First: &first}).Check(); err != nil {
		return nil, err
	}
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	q := s.Query(keys)
	open := 0
	if terms.Open {
		open = len(terms.List)
	}
	statement := strings.NewReplacer("{terms}", q.Arg(rows.Words[string](terms.List)), "{open}",
		q.Arg(int64(open))+"::bigint", "{first}", q.Arg(int64(first))+"::bigint").Replace(search)
	results := []*parley.SearchResult{}
	err = q.Run(ctx, `f.record_id, f.rank, f.text`, `FROM {keys} `+q.Join()+`LATERAL (`+statement+`) f ON TRUE`,
		func(n int, sent *rows.Row) {
			if sent.IsNull() {
				return
			}
			results = append(results, &parley.SearchResult{
				NodeID: sent.Next().ID(), Rank: sent.Next().Float(), Snippet: parley.Snippet(sent.Next().Text()),
				Lens: q.Keys[n].Lens,
			})
		})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// keptAtOnce is how many bytes of new statements have their words kept by the trigger, in a few milliseconds.
const keptAtOnce = 4_000

// keepLongWords keeps the words of new statements that are long, or many, before the head is taken, since that takes a
// while. Their place among the newest is that of the last change until then. (A batch has all writers wait from the
// beginning.)
func (w *writer) keepLongWords(ctx context.Context, added []*newStatement) error {
	type fact struct {
		ID       uuid.UUID   `json:"id"`
		Version  uuid.UUID   `json:"version"`
		Text     string      `json:"text"`
		Speakers []uuid.UUID `json:"speakers"`
		About    []uuid.UUID `json:"about"`
	}
	var facts []fact
	length := 0
	for _, n := range added {
		if !n.id.known {
			n.value.Version = parley.NewID()
			facts = append(facts, fact{n.value.ID, n.value.Version, n.value.Text, n.value.SpeakerIDs, n.value.AboutIDs})
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
			search_text(f || jsonb_build_object('recorded_at', h.recorded_at), 'STATEMENT'::record_kind, '', 'text', 'speakers about') t`,
		string(text))
	if err != nil {
		return fmt.Errorf("keep the words of statements: %w", err)
	}
	return nil
}
