package server_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

func startWith(t *testing.T, changed func(*server.Options)) *api {
	t.Helper()
	return &api{apitest.StartWith(t, storage.Options{DSN: pgtest.Database(t)}, 24*time.Hour, changed)}
}

// A request has the id that its client gives it, or a new one, whatever becomes of it.
func TestRequestsHaveIDs(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, path := range []string{"/healthz", "/nothing", "/metrics", server.GraphQLPath + "?query={viewer{name}}", "/playground"} {
		given, _ := a.Send(http.MethodGet, path, http.Header{"X-Request-Id": {"trace/1:a=b"}}, nil)
		if got := given.Header.Values("X-Request-Id"); len(got) != 1 || got[0] != "trace/1:a=b" {
			t.Errorf("%s: the answer has the ids %q", path, got)
		}
		unsafe, _ := a.Send(http.MethodGet, path, http.Header{"X-Request-Id": {`a" level=ERROR`}}, nil)
		if got := unsafe.Header.Get("X-Request-Id"); len(got) < 16 || strings.Contains(got, " ") {
			t.Errorf("%s: the answer has the id %q", path, got)
		}
	}
	refused, _ := a.Send(http.MethodGet, "/", http.Header{"Host": {"elsewhere.example"}, "X-Request-Id": {"r2"}}, nil)
	if got := refused.Header.Get("X-Request-Id"); refused.StatusCode != http.StatusMisdirectedRequest || got != "r2" {
		t.Errorf("a refusal with status %d has the id %q", refused.StatusCode, got)
	}
	page, _ := a.Send(http.MethodGet, "/healthz", http.Header{"Origin": {a.URL}}, nil)
	if got := page.Header.Get("Access-Control-Expose-Headers"); !strings.Contains(got, "X-Request-Id") {
		t.Errorf("pages may read %q", got)
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	silent := start(t)
	silent.Send(http.MethodGet, "/healthz", nil, nil)
	silent.Must(`{ viewer { name } }`)
	a := startWith(t, func(o *server.Options) { o.AccessLog = true })
	_, text := a.Send(http.MethodGet, "/healthz?secret=1", http.Header{"X-Request-Id": {"r1"}}, nil)
	apitest.Wait(t, "the request to be logged", func() bool { return strings.Contains(a.Logs.String(), "path=/healthz") })
	want := regexp.MustCompile(fmt.Sprintf(
		`level=INFO msg="answered a request" method=GET path=/healthz status=200 bytes=%d seconds=[0-9.e-]+ client=127.0.0.1 request=r1\n`, len(text)))
	if got := a.Logs.String(); !want.MatchString(got) || strings.Contains(got, "secret") {
		t.Errorf("logged: %s", got)
	}
	a.Send(http.MethodGet, "/"+strings.Repeat("a", 1000), nil, nil)
	apitest.Wait(t, "the request to be logged", func() bool { return strings.Contains(a.Logs.String(), "status=404") })
	if got := a.Logs.String(); strings.Contains(got, strings.Repeat("a", 201)) {
		t.Errorf("logged: %s", got)
	}
	proxy := startWith(t, func(o *server.Options) {
		o.AccessLog, o.Sites.Proxies = true, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	})
	for id, tt := range map[string]struct{ passed, client string }{
		"one":   {"203.0.113.7", "203.0.113.7"},
		"name":  {"203.0.113.7, unknown", "127.0.0.1"},
		"long":  {strings.Repeat("x", 3000), "127.0.0.1"},
		"ports": {"203.0.113.7:81", "203.0.113.7"},
	} {
		proxy.Send(http.MethodGet, "/healthz", http.Header{"X-Forwarded-For": {tt.passed}, "X-Request-Id": {id}}, nil)
		apitest.Wait(t, "the client "+tt.client+" to be logged", func() bool {
			return strings.Contains(proxy.Logs.String(), " client="+tt.client+" request="+id+"\n")
		})
	}
	if got := silent.Logs.String(); strings.Contains(got, "answered") {
		t.Errorf("logged unasked: %s", got)
	}
}

// What was slow is logged without the texts that clients send.
func TestSlowOperations(t *testing.T) {
	t.Parallel()
	a := startWith(t, func(o *server.Options) { o.SlowOperations = time.Nanosecond })
	const document = `query find($text: ID!) { negotiation(id: $text) { title } again: negotiation(id: "confidential") { key } viewer { name } }`
	a.Post("application/json", fmt.Sprintf(`{"query": %q, "variables": {"text": "secret"}}`, document)).Want("negotiation", nil)
	log := a.Logs.String()
	want := regexp.MustCompile(fmt.Sprintf(`level=WARN msg="an operation was slow" kind=query transport=post outcome=ok seconds=[0-9.e-]+ `+
		`statements=[1-9] name=find fields="\[negotiation viewer\]" document=%x request=[A-Z0-9]+\n`, sha256.Sum256([]byte(document))))
	if !want.MatchString(log) || strings.Contains(log, "secret") || strings.Contains(log, "confidential") {
		t.Errorf("logged: %s", log)
	}
	a.Must(`mutation { registerStakeholder(input: {key: "a", name: "A", kind: GROUP}) { cursor userErrors { code message field } } }`)
	if log := a.Logs.String(); !regexp.MustCompile(`kind=mutation .* statements=([5-9]|1\d) name="" fields=\[registerStakeholder\]`).MatchString(log) {
		t.Errorf("logged: %s", log)
	}
	a.Ask(`{ nothing }`).Fails("BAD_REQUEST")
	if log := a.Logs.String(); !strings.Contains(log, "kind=unknown transport=post outcome=BAD_REQUEST") {
		t.Errorf("logged: %s", log)
	}
	quick := startWith(t, func(o *server.Options) { o.SlowOperations = time.Hour })
	quick.Must(`{ viewer { name } }`)
	if log := quick.Logs.String(); strings.Contains(log, "slow") {
		t.Errorf("logged: %s", log)
	}
}
