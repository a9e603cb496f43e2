package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"parley/server"
)

// Each question is asked of Parley and, in the same run, of a bare handler that runs one hand-written statement over the
// same tables: the ratio of the two is the figure that counts.
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
	id := a.must(`{ scenario(id: "talks/plan-001") { id } }`).text("scenario.id")
	db := a.db()
	defer db.Close()
	for _, q := range questions {
		body, err := json.Marshal(map[string]any{"query": q.document, "variables": map[string]any{"id": id}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(q.name+"/parley", func(b *testing.B) { post(b, a.url+server.GraphQLPath, string(body)) })
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

// Writes are measured beside the least that a durable change of one row can be.
func BenchmarkWrites(b *testing.B) {
	a := withTalks(b)
	db := a.db()
	defer db.Close()
	b.Run("recordPosition", func(b *testing.B) {
		stances := []string{"SUPPORTS", "OPPOSES"}
		for i := 0; b.Loop(); i++ {
			a.must(fmt.Sprintf(`mutation { recordPosition(input: {holder: "north", scenario: "talks/line", stance: %s}) { cursor userErrors { code message field } } }`, stances[i%2]))
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
