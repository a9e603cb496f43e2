package server_test

import (
	"net/http"
	"strings"
	"testing"

	"example.org/parley/server"
)

// Where the schema is not described, nothing tells of it: no introspection however it is asked for, no suggestions, no text.
func TestNoIntrospection(t *testing.T) {
	t.Parallel()
	a := startWith(t, func(o *server.Options) { o.NoIntrospection = true })
	for _, document := range []string{
		`{ __schema { types { name } } }`, `{ __type(name: "Query") { name } }`, `{ s: __schema { types { name } } }`,
		`{ ... { __schema { types { name } } } }`, `{ ...f } fragment f on Query { __schema { types { name } } }`,
		`mutation { retract(input: {id: "x", note: "y"}) { query { __schema { types { name } } } } }`,
		`mutation { retract(input: {id: "x", note: "y"}) { query { ...f } } } fragment f on Query { __type(name: "Query") { name } }`,
	} {
		a.Ask(document).Fails("FORBIDDEN", "This server does not describe its schema; ask whoever runs it for the schema's text.")
	}
	a.Must(`{ __typename viewer { __typename } }`).Want("viewer.__typename", "Analyst")
	for _, document := range []string{`{ viewr { name } }`, `{ viewer { nam } }`, `{ negotiations(frst: 1) { totalCount } }`, `{ stakeholders(filter: {kinds: [STAT]}) { totalCount } }`} {
		got := a.Ask(document)
		if len(got.Errs) == 0 || strings.Contains(got.Errs[0].Message, "Did you mean") {
			t.Errorf("%s: %+v", document, got.Errs)
		}
	}
	if response, _ := a.Send(http.MethodGet, "/schema.graphql", nil, nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("the schema's text: %d", response.StatusCode)
	}
}

// Browsers take every answer for what it is, show it in no frame, and tell no other site where it was.
func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	for public, strict := range map[string]string{"": "", "https://parley.example": "max-age=31536000"} {
		a := startWith(t, func(o *server.Options) { o.PublicURL = public })
		for _, path := range []string{"/healthz", "/graphql?query={viewer{name}}", "/graphql", "/playground", "/sign-in", "/nowhere", "/schema.graphql", "/tables/x/y.csv"} {
			response, _ := a.Send(http.MethodGet, path, nil, nil)
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Strict-Transport-Security": strict,
			} {
				if got := response.Header.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", path, name, got, want)
				}
			}
		}
	}
}
