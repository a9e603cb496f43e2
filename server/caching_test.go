package server_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley/server"
)

// An answer to a GET has a tag, by which it need not be sent again; one that is pinned to the past need not be asked for
// again.
func TestAnswersAreCached(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	known := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	past := fmt.Sprintf(`asOf: {validAt: "2025-03-01T00:00:00Z", knownAt: %q}`, known)
	get := func(method, query string, header http.Header) (*http.Response, string) {
		return a.Send(method, server.GraphQLPath+"?query="+url.QueryEscape(query), header, nil)
	}
	for query, want := range map[string]string{
		`{ scenario(id: "talks/line") { title } }`:                                                          "no-cache",
		`{ scenario(id: "talks/line", ` + past + `) { title } }`:                                            "public, max-age=31536000, immutable",
		`{ ...all } fragment all on Query { __typename a: negotiation(id: "talks", ` + past + `) { key } }`: "public, max-age=31536000, immutable",
		`{ negotiation(id: "talks", ` + past + `) { diff(from: {validAt: "2025-01-01T00:00:00Z", knownAt: "2025-01-01T00:00:00Z"}, to: {validAt: "2025-02-01T00:00:00Z", knownAt: "2025-02-01T00:00:00Z"}) { positions { totalCount } } } }`: "public, max-age=31536000, immutable",
		`{ negotiation(id: "talks", ` + past + `) { diff(from: {validAt: "2025-01-01T00:00:00Z"}, to: {}) { positions { totalCount } } } }`:                                                                                                  "no-cache",
		`{ negotiation(id: "talks", ` + past + `) { key } viewer { name } }`:            "no-cache",
		`{ negotiation(id: "talks", asOf: {validAt: "2025-03-01T00:00:00Z"}) { key } }`: "no-cache",
		`{ source(id: "gazette", ` + past + `) { body } }`:                              "no-cache", // it may be erased
		`{ scenario(id: "talks/line") { positions(first: 0) { totalCount } } }`:         "no-store",
	} {
		response, text := get(http.MethodGet, query, nil)
		tag := response.Header.Get("ETag")
		if got := response.Header.Get("Cache-Control"); got != want || response.StatusCode != http.StatusOK || (tag == "") != (want == "no-store") {
			t.Errorf("%s: status %d, %q, tag %q, want %q: %s", query, response.StatusCode, got, tag, want, text)
			continue
		}
		head, body := get(http.MethodHead, query, nil)
		if head.StatusCode != http.StatusOK || body != "" || head.Header.Get("ETag") != tag {
			t.Errorf("%s: HEAD is answered with %d, tag %q: %s", query, head.StatusCode, head.Header.Get("ETag"), body)
		}
		if tag == "" {
			continue
		}
		for _, known := range []string{tag, `"other", ` + tag, strings.TrimPrefix(tag, "W/"), "*"} {
			if again, body := get(http.MethodGet, query, http.Header{"If-None-Match": {known}}); again.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("%s: who knows %s gets %d: %s", query, known, again.StatusCode, body)
			}
		}
	}
	const query = `{ scenario(id: "talks/line") { title } }`
	before, _ := get(http.MethodGet, query, nil)
	a.Must(`mutation { editScenario(input: {scenario: "talks/line", title: "Another line"}) { userErrors { code message field } } }`)
	after, text := get(http.MethodGet, query, http.Header{"If-None-Match": {before.Header.Get("ETag")}})
	if after.StatusCode != http.StatusOK || !strings.Contains(text, "Another line") {
		t.Errorf("once it has changed, it is answered with %d: %s", after.StatusCode, text)
	}
	for path, want := range map[string]string{
		"/briefing/talks?validAt=2025-03-01T00:00:00Z&knownAt=" + known: "public, max-age=31536000, immutable",
		"/schema.graphql": "no-cache",
	} {
		first, _ := a.Send(http.MethodGet, path, nil, nil)
		again, _ := a.Send(http.MethodGet, path, http.Header{"If-None-Match": {first.Header.Get("ETag")}}, nil)
		if first.StatusCode != http.StatusOK || again.StatusCode != http.StatusNotModified || first.Header.Get("Cache-Control") != want {
			t.Errorf("%s: status %d and then %d, %q, want %q", path, first.StatusCode, again.StatusCode, first.Header.Get("Cache-Control"), want)
		}
	}
}

// Long answers are compressed for who accepts it, and read the same.
func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	known := a.Must(`{ lens { knownAt } }`).Text("lens.knownAt")
	for _, path := range []string{"/schema.graphql", "/briefing/talks?validAt=2025-03-01T00:00:00Z&knownAt=" + known, server.GraphQLPath + "?query=" + url.QueryEscape(`{ __schema { types { name description } } }`)} {
		plain, whole := a.Send(http.MethodGet, path, http.Header{"Accept-Encoding": {"identity"}}, nil)
		for accepted, read := range map[string]func(io.Reader) (io.Reader, error){
			"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
			"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		} {
			response, text := a.Send(http.MethodGet, path, http.Header{"Accept-Encoding": {accepted}}, nil)
			if got := response.Header.Get("Content-Encoding"); got != accepted || len(text) > len(whole)*2/3 {
				t.Errorf("%s for %s: encoding %q, %d bytes of %d", path, accepted, got, len(text), len(whole))
				continue
			}
			if response.Header.Get("ETag") != plain.Header.Get("ETag") || !strings.Contains(strings.Join(response.Header.Values("Vary"), ","), "Accept-Encoding") {
				t.Errorf("%s for %s: headers %v", path, accepted, response.Header)
			}
			unpacked, err := read(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if again, err := io.ReadAll(unpacked); err != nil || string(again) != whole {
				t.Errorf("%s for %s reads differently (%v)", path, accepted, err)
			}
		}
	}
	response, _ := a.Send(http.MethodGet, server.GraphQLPath+"?query="+url.QueryEscape(`{ viewer { name } }`),
		http.Header{"Accept-Encoding": {"gzip"}, "Accept": {"text/event-stream"}}, nil)
	if got := response.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("a stream is compressed with %s", got)
	}
}

// The schema that is served is the one that clients see, without what only generators of code need.
func TestSchemaIsServed(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, text := a.Send(http.MethodGet, server.SchemaPath, nil, nil)
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: text})
	if err != nil {
		t.Fatalf("it can't be read: %v", err)
	}
	if strings.Contains(text, "goField") || strings.Contains(text, "@defer") || schema.Query.Fields.ForName("nodes") == nil ||
		schema.Types["Time"].Directives.ForName("specifiedBy") == nil {
		t.Error("it is not what clients see")
	}
	a.Must(`{ __schema { directives { name } } }`)
	a.Ask(`{ viewer { ... @defer { name } } }`).Fails("BAD_REQUEST", "defer")
}
