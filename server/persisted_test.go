package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// sendPersisted sends a document, its hash, or both.
func sendPersisted(a *apitest.API, document, hash string) apitest.Answer {
	a.T.Helper()
	request := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
	if document != "" {
		request["query"] = document
	}
	body, err := json.Marshal(request)
	if err != nil {
		a.T.Fatal(err)
	}
	return a.Post("application/json", string(body))
}

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	const document = `{ negotiation(id: "talks") { key } }`
	hash := hashOf(document)
	sendPersisted(a.API, "", hash).Fails("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
	sendPersisted(a.API, document+" ", hash).Fails("BAD_REQUEST", "is not the SHA-256 hash of the document")
	sendPersisted(a.API, "", hash).Fails("PERSISTED_QUERY_NOT_FOUND") // what was refused is not kept
	sendPersisted(a.API, document, hash).Want("negotiation.key", "talks")
	sendPersisted(a.API, "", hash).Want("negotiation.key", "talks")
	extensions := `{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`
	response, text := a.Send(http.MethodGet, server.GraphQLPath+"?extensions="+url.QueryEscape(extensions), nil, nil)
	if response.StatusCode != http.StatusOK || !strings.Contains(text, `"talks"`) || response.Header.Get("ETag") == "" {
		t.Errorf("by GET: status %d, %v: %s", response.StatusCode, response.Header, text)
	}
	for _, faulty := range []string{`{"persistedQuery":1}`, `{"persistedQuery":{"version":2,"sha256Hash":"x"}}`, `{"persistedQuery":{"version":1}}`} {
		a.Post("application/json", `{"query":"{ viewer { name } }","extensions":`+faulty+`}`).Fails("BAD_REQUEST", "persistedQuery is not understood", "version 1")
	}
	long := `{ negotiation(id: "talks") { key } } #` + strings.Repeat("x", 100_000)
	sendPersisted(a.API, long, hashOf(long)).Want("negotiation.key", "talks")
	sendPersisted(a.API, "", hashOf(long)).Fails("PERSISTED_QUERY_NOT_FOUND") // long ones are not kept
}

func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	const document = `{ negotiation(id: "talks") { key } }`
	byID, err := server.ReadDocuments([]byte(`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "talks-by-key", "name": "x", "type": "query", "body": "{ negotiation(id: \"talks\") { key } }"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, only := range []bool{false, true} {
		a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Hour,
			func(o *server.Options) { o.Documents = server.Documents{ByID: byID, Only: only} })
		sendPersisted(a, "", "talks-by-key").Want("negotiation.key", "talks")
		a.Must(document).Want("negotiation.key", "talks")
		if other := a.Ask(`{ viewer { name } }`); only {
			other.Fails("FORBIDDEN", "trusted documents only")
			sendPersisted(a, `{ viewer { name } }`, hashOf(`{ viewer { name } }`)).Fails("FORBIDDEN", "trusted documents only")
			sendPersisted(a, "", "something").Fails("FORBIDDEN", "trusted documents only")
		} else {
			other.Want("viewer.name", "Test analyst")
		}
	}
	for text, says := range map[string]string{"": "neither", "[]": "neither", "{}": "no document", `{"a": 1}`: "neither", `{"operations": []}`: "neither"} {
		if _, err := server.ReadDocuments([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
