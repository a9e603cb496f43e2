package reading_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"example.org/parley"
	"example.org/parley/server"
)

// Each question is asked of Parley and, in the same run, of a bare handler that runs one hand-written statement over
// the same tables: the ratio of the two is the figure that counts.
var questions = []struct{ name, document, statement string }{
	{
		"a title",
		`query($id: ID!) { scenario(id: $id) { title status } }`,
		`SELECT json_build_object('title', s.title, 'status', c.to_status)
		FROM scenarios s JOIN status_changes c ON c.scenario_id = s.id AND c.superseded_at = 'infinity' AND c.valid_to = 'infinity'
		WHERE s.id = $1::uuid AND s.superseded_at = 'infinity'`,
	},
	{
		"a scenario with its positions",
		`query($id: ID!) { scenario(id: $id) { title status issue { title } positions { nodes { stance confidence validFrom holder { name kind } } } } }`,
		`SELECT json_build_object('title', s.title, 'status', c.to_status, 'issue', i.title, 'positions', (
			SELECT json_agg(json_build_object('stance', p.stance, 'confidence', p.confidence, 'validFrom', p.valid_from, 'holder', h.name, 'kind', h.kind) ORDER BY p.valid_from DESC, p.id DESC)
			FROM positions p JOIN stakeholders h ON h.id = p.holder_id AND h.superseded_at = 'infinity'
			WHERE p.scenario_id = s.id AND p.superseded_at = 'infinity' AND p.valid_to = 'infinity'))
		FROM scenarios s JOIN status_changes c ON c.scenario_id = s.id AND c.superseded_at = 'infinity' AND c.valid_to = 'infinity'
		JOIN issues i ON i.id = s.issue_id AND i.superseded_at = 'infinity'
		WHERE s.id = $1::uuid AND s.superseded_at = 'infinity'`,
	},
}

func BenchmarkReads(b *testing.B) {
	a := withTalks(b)
	a.bigger(4, 50)
	id := a.Must(`{ scenario(id: "talks/plan-001") { id } }`).Text("scenario.id")
	db := a.DB()
	defer db.Close()
	for _, q := range questions {
		body, err := json.Marshal(map[string]any{"query": q.document, "variables": map[string]any{"id": id}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(q.name+"/parley", func(b *testing.B) { post(b, a.URL+server.GraphQLPath, string(body)) })
		bare := httptest.NewServer(bareHandler(b, db, q.statement, id))
		b.Run(q.name+"/bare statement", func(b *testing.B) { post(b, bare.URL, string(body)) })
		bare.Close()
	}
}

func bareHandler(b *testing.B, db *sqlx.DB, statement, id string) http.Handler {
	prepared, err := db.Preparex(statement)
	if err != nil {
		b.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var text []byte
		if err := prepared.Get(&text, id); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write(text)
	})
}

func post(b *testing.B, url, body string) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			response, err := http.Post(url, "application/json", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != http.StatusOK || strings.Contains(string(text), `"errors"`) {
				b.Errorf("%d %s %v", response.StatusCode, text, err)
				return
			}
		}
	})
}

// The stance matrix of 200 parties by 40 scenarios, beside one statement that yields the same.
func BenchmarkMatrix(b *testing.B) {
	const (
		parties   = 200
		scenarios = 40
	)
	a := start(b)
	var stakeholders, affiliations, statements, parts, columns strings.Builder
	for h := range parties {
		fmt.Fprintf(&stakeholders, "  - {key: party-%03d, name: Party %d, kind: STATE}\n", h, h)
		fmt.Fprintf(&parts, "      - {stakeholder: party-%03d, role: PRIMARY_PARTY, vetoPlayer: %v, capability: %d}\n",
			h, h%10 == 0, h%100)
		fmt.Fprintf(&statements,
			"  - {key: said-%03d, source: gazette, form: REPORTED, text: So they said., saidAt: 2025-02-%02d}\n", h,
			1+h%28)
		if h%5 == 0 { // every fifth party leaves half of the talking to a person
			fmt.Fprintf(&stakeholders, "  - {key: voice-%03d, name: Voice of %d, kind: PERSON}\n", h, h)
			fmt.Fprintf(&affiliations, "  - {person: voice-%03d, organization: party-%03d, speaksFor: true}\n", h, h)
		}
	}
	for s := range scenarios {
		fmt.Fprintf(&columns,
			"          - key: plan-%02d\n            title: Plan %d\n            statuses: [{to: PROPOSED, "+
				"effectiveAt: 2025-01-01}]\n            positions:\n", s, s)
		for h := range parties {
			holder := "party"
			if h%5 == 0 && s%2 == 0 {
				holder = "voice"
			}
			fmt.Fprintf(&columns,
				"              - {holder: %s-%03d, stance: %s, validFrom: 2025-02-01, salience: %d, evidence: "+
					"[said-%03d]}\n", holder, h, parley.Stances[(s+h)%5], h%100, h)
		}
	}
	a.Load("matrix.yaml",
		"dataset: matrix\nstakeholders:\n"+stakeholders.String()+"affiliations:\n"+affiliations.String()+
			"sources: [{key: gazette, title: The Gazette}]\nstatements:\n"+statements.String()+
			"negotiations:\n  - key: talks\n    title: Talks\n    participations:\n"+parts.String()+
			"    issues:\n      - key: border\n        title: The border\n        scenarios:\n"+columns.String())
	id := a.Must(`{ issue(id: "talks/border") { id } }`).Text("issue.id")
	db := a.DB()
	defer db.Close()
	db.MustExec(`ANALYZE`)

	document := `query($id: ID!) { issue(id: $id) { matrix { scenarios { key } rows { stakeholder { key } cells { stance ageDays contested position { id } } } } } }`
	const statement = `
		WITH columns AS (
			SELECT s.id, s.key, s.path FROM scenarios s
			JOIN status_changes c ON c.scenario_id = s.id AND c.superseded_at = 'infinity' AND c.effective_at <= now() AND c.valid_to > now()
			WHERE s.issue_id = $1::uuid AND s.superseded_at = 'infinity'),
		offices AS (
			SELECT person_id, organization_id FROM affiliations
			WHERE speaks_for AND superseded_at = 'infinity' AND tstzrange(valid_from, valid_to) @> now()),
		held AS (
			SELECT DISTINCT ON (party, scenario_id) coalesce(o.organization_id, p.holder_id) AS party, p.scenario_id, p.id, p.stance, p.disputed,
				greatest(0, floor(extract(epoch FROM now() - coalesce((
					SELECT max(e.said_at) FROM statements e WHERE e.id = ANY(p.evidence) AND e.superseded_at = 'infinity'), p.valid_from)) / 86400))::int AS age
			FROM columns
			JOIN positions p ON p.scenario_id = columns.id AND p.superseded_at = 'infinity' AND p.valid_from <= now() AND p.valid_to > now() AND NOT p.beside
			LEFT JOIN offices o ON o.person_id = p.holder_id
			ORDER BY party, scenario_id, o.person_id IS NOT NULL, p.valid_from DESC, p.content_at DESC),
		parties AS (
			SELECT party FROM held UNION
			SELECT coalesce(o.organization_id, x.stakeholder_id) FROM issues i
			JOIN participations x ON x.negotiation_id = i.negotiation_id AND x.superseded_at = 'infinity' AND tstzrange(x.valid_from, x.valid_to) @> now()
			LEFT JOIN offices o ON o.person_id = x.stakeholder_id
			WHERE i.id = $1::uuid AND i.superseded_at = 'infinity')
		SELECT json_build_object('scenarios', (SELECT json_agg(json_build_object('key', key) ORDER BY path) FROM columns), 'rows', (
			SELECT json_agg(json_build_object('stakeholder', json_build_object('key', h.key), 'cells', row.cells) ORDER BY h.key)
			FROM parties
			JOIN stakeholders h ON h.id = party AND h.superseded_at = 'infinity'
			CROSS JOIN LATERAL (
				SELECT json_agg(json_build_object('stance', held.stance, 'ageDays', held.age, 'contested', coalesce(held.disputed, false),
					'position', CASE WHEN held.id IS NOT NULL THEN json_build_object('id', held.id) END) ORDER BY columns.path) AS cells
				FROM columns LEFT JOIN held ON held.scenario_id = columns.id AND held.party = h.id) row))`
	body, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"id": id}})
	if err != nil {
		b.Fatal(err)
	}
	var bare struct {
		Scenarios, Rows []any
	}
	var text []byte
	if err := db.Get(&text, statement, id); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(text, &bare); err != nil {
		b.Fatal(err)
	}
	got := a.Must(document, map[string]any{"id": id})
	if !reflect.DeepEqual(got.At("issue.matrix.rows"), any(bare.Rows)) ||
		!reflect.DeepEqual(got.At("issue.matrix.scenarios"), any(bare.Scenarios)) {
		b.Fatal("the statement yields another matrix")
	}
	b.Run("parley", func(b *testing.B) { post(b, a.URL+server.GraphQLPath, string(body)) })
	handler := httptest.NewServer(bareHandler(b, db, statement, id))
	defer handler.Close()
	b.Run("bare statement", func(b *testing.B) { post(b, handler.URL, string(body)) })
}

// Writes are measured beside the least that a durable change of one row can be.
func BenchmarkWrites(b *testing.B) {
	a := withTalks(b)
	db := a.DB()
	defer db.Close()
	b.Run("recordPosition", func(b *testing.B) {
		stances := []string{"SUPPORTS", "OPPOSES"}
		for i := 0; b.Loop(); i++ {
			a.Must(fmt.Sprintf(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: %s}) { cursor userErrors { code message field } } }`, stances[i%2]))
		}
	})
	db.MustExec(`CREATE TABLE plain (n int)`)
	b.Run("insert of a row", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Exec(`INSERT INTO plain VALUES (1)`); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// searchedStatements is how many statements are searched, beside a twentieth as many names.
const searchedStatements = 1_000_000

// fillSearched makes statements a second apart, with words that are more or less common, and names that are much alike.
// It goes past the triggers and builds the indexes at the end, since that takes a fraction of the time.
const fillSearched = `
	ALTER TABLE statements DISABLE TRIGGER USER;
	ALTER TABLE stakeholders DISABLE TRIGGER USER;
	DROP INDEX search_texts_by_word_of_other, search_texts_by_word_of_name, search_texts_by_name;
	SET maintenance_work_mem = '256MB';
	CREATE TEMP TABLE made AS
		SELECT n, n > %[1]d AS is_name, timestamptz '2020-01-01Z' + n * interval '1 s' AS at, lpad(to_hex(n), 32, '0')::uuid AS id,
			CASE WHEN n > %[1]d
				THEN (ARRAY['vol', 'iv', 'petr', 'an', 'mar', 'ser', 'al', 'dmy', 'ole', 'yur'])[1 + n %% 10] || (ARRAY['odymyr', 'an', 'yna', 'hiy'])[1 + n / 10 %% 4] || ' ' ||
					(ARRAY['zel', 'kov', 'pet', 'bon', 'shev', 'mel', 'kuz', 'lys'])[1 + n / 40 %% 8] || (ARRAY['en', 'al', 'ar', 'ub', 'et'])[1 + n / 320 %% 5] || (ARRAY['sky', 'ko', 'chuk', 'ov'])[1 + n / 1600 %% 4] || ' ' || n
				ELSE 'delegate ' || n || ' said ' || (ARRAY['peace', 'war'])[1 + n %% 2] || ' would come' || CASE n %% 100000 WHEN 7 THEN ' seldom' ELSE '' END ||
					' to the ' || (ARRAY['north', 'south', 'east', 'west', 'port', 'bridge', 'valley'])[1 + n %% 7] || ' and that claims on area' || n %% 5003 || ' and title' || n %% 20011 || ' were open'
			END AS text
		FROM generate_series(1, %[1]d + %[2]d) n;
	INSERT INTO records (id, kind, path, recorded_at)
		SELECT id, CASE WHEN is_name THEN 'STAKEHOLDER' ELSE 'STATEMENT' END::record_kind, CASE WHEN is_name THEN 'party-' || n END, at FROM made;
	INSERT INTO statements (id, version, source_id, about, text, form, terms, credibility, locators, said_at_precision, recorded_by, recorded_at, content_at)
		SELECT id, id, (SELECT id FROM sources LIMIT 1), '{}', text, 'REPORTED', 'ON_RECORD', 'C3', '{}', 'INSTANT', (SELECT id FROM analysts LIMIT 1), at, at FROM made WHERE NOT is_name;
	INSERT INTO stakeholders (id, version, path, key, name, kind, aliases, names, recorded_by, recorded_at)
		SELECT id, id, 'party-' || n, 'party-' || n, text, 'PERSON', '{}', text, (SELECT id FROM analysts LIMIT 1), at FROM made WHERE is_name;
	INSERT INTO search_texts (version, record_id, kind, at, name, words)
		SELECT id, id, CASE WHEN is_name THEN 'STAKEHOLDER' ELSE 'STATEMENT' END::record_kind, at, CASE WHEN is_name THEN text END,
			search_vector(text, CASE WHEN is_name THEN 'A' ELSE 'B' END::"char") FROM made;
	CREATE INDEX search_texts_by_word_of_other ON search_texts USING gin (words) WITH (fastupdate = off) WHERE name IS NULL AND kind <> 'POSITION';
	CREATE INDEX search_texts_by_word_of_name ON search_texts USING gin (words) WITH (fastupdate = off) WHERE name IS NOT NULL;
	CREATE INDEX search_texts_by_name ON search_texts USING gin (name gin_trgm_ops) WITH (fastupdate = off) WHERE name IS NOT NULL;
	ANALYZE`

// Searches of many statements are measured beside a look-up by key in the same database.
func BenchmarkSearch(b *testing.B) {
	a := withTalks(b)
	db := a.DB()
	defer db.Close()
	db.MustExec(fmt.Sprintf(fillSearched, searchedStatements, searchedStatements/20))
	db.MustExec(`VACUUM`)
	var lookUp float64
	for _, q := range []struct{ name, document string }{
		{"look-up", `{ scenario(id: "talks/line") { title status } }`},
		{"rare word", `{ search(text: "\"seldom\"") { rank snippet } }`},
		{"two words", `{ search(text: "area77 \"title77\"") { rank snippet } }`},
		{"word of half of all", `{ search(text: "\"peace\"") { rank snippet } }`},
		{"two common words", `{ search(text: "valley \"peace\"") { rank snippet } }`},
		{"common words, never together", `{ search(text: "war \"peace\"") { rank snippet } }`},
		{"beginning of a word", `{ search(text: "area77") { rank snippet } }`},
		{"beginning of many", `{ search(text: "pe") { rank snippet } }`},
		{"misspelt name", `{ search(text: "Volodimir Zelinsky") { rank snippet } }`},
	} {
		body, err := json.Marshal(map[string]string{"query": q.document})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(q.name, func(b *testing.B) {
			post(b, a.URL+server.GraphQLPath, string(body))
			took := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			if q.name == "look-up" {
				lookUp = took
			}
			b.ReportMetric(took/lookUp, "look-ups")
		})
	}
}
