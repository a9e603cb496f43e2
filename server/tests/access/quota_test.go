package access_test

import (
	"net/http"
	"strings"
	"testing"

	"example.org/parley"
	"example.org/parley/server"
)

// What a caller is answered in a minute is bounded by what it costs, whatever token is shown. Others are not concerned.
func TestQuotas(t *testing.T) {
	t.Parallel()
	l := lock(t, func(o *server.Options) { o.CallerCost = 60 })
	ask := func(role parley.Role) (*http.Response, string) {
		t.Helper()
		return l.Send(http.MethodPost, "/graphql", http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + l.tokens[role]}},
			strings.NewReader(`{"query": "{ scenarios { nodes { key title summary } } }", "extensions": {"cost": true}}`))
	}
	_, text := ask(parley.RoleReader)
	if !strings.Contains(text, `"quota":{"perMinute":60,"left":`) || strings.Contains(text, `"errors"`) {
		t.Fatalf("the first time: %s", text)
	}
	refused := 0
	for range 60 {
		response, text := ask(parley.RoleReader)
		if response.StatusCode == http.StatusOK {
			continue
		}
		refused++
		if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" || response.Header.Get("Retry-After") == "0" ||
			!strings.Contains(text, `"code":"LIMIT"`) || !strings.Contains(text, "You have been answered what costs more than 60 a minute") ||
			!strings.Contains(text, `"data":null`) && strings.Contains(text, `"data"`) {
			t.Errorf("refused: %d %v %s", response.StatusCode, response.Header, text)
		}
	}
	if refused == 0 {
		t.Error("the caller is never refused")
	}
	if response, text := ask(parley.RoleAnalyst); response.StatusCode != http.StatusOK {
		t.Errorf("another caller: %d %s", response.StatusCode, text)
	}
}
