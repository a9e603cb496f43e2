package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/server/playground/browsertest"
	"example.org/parley/server/transport"
	"example.org/parley/storage"
)

// known starts a server that is reached under names, and by pages, of these sites.
func known(t *testing.T, sites server.Sites) *apitest.API {
	return apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Hour,
		func(o *server.Options) {
			o.Sites, o.Limits = sites, transport.DefaultLimits
			o.Limits.Init, o.Limits.Linger = 100*time.Millisecond, 100*time.Millisecond // a WebSocket without a word ends soon
		})
}

func TestForeignHostsAreRefused(t *testing.T) {
	t.Parallel()
	a := known(t, server.Sites{Hosts: []string{"parley.example"}})
	for host, status := range map[string]int{
		"localhost":              http.StatusOK,
		"LOCALHOST:8080":         http.StatusOK,
		"127.1.2.3:80":           http.StatusOK,
		"[::1]:8080":             http.StatusOK,
		"10.0.0.1":               http.StatusOK,
		"[2001:db8::1]:80":       http.StatusOK,
		"parley.example":         http.StatusOK,
		"Parley.Example:8080":    http.StatusOK,
		"www.parley.example":     http.StatusMisdirectedRequest,
		"parley.example.evil":    http.StatusMisdirectedRequest,
		"localhost.example":      http.StatusMisdirectedRequest,
		"127.0.0.1.example:8080": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{server.GraphQLPath + "?query=" + url.QueryEscape(`{ viewer { name } }`),
			server.PlaygroundPath, "/healthz"} {
			response, text := a.Send(http.MethodGet, path, http.Header{"Host": {host}}, nil)
			if response.StatusCode != status {
				t.Errorf("%s under %q: status %d, want %d: %.200s", path, host, response.StatusCode, status, text)
			}
			if status != http.StatusOK && (!strings.Contains(text, "--allow-host") || !strings.Contains(text, `"`+strings.Split(host, ":")[0])) {
				t.Errorf("under %q it says %q", host, text)
			}
		}
	}
}

// A proxy's health check, by HTTP/1.0, may name no host.
func TestNoHost(t *testing.T) {
	t.Parallel()
	a := known(t, server.Sites{Hosts: []string{"parley.example"}})
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /readyz HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(got), "HTTP/1.0 200 OK") {
		t.Errorf("it answers %q (%v)", got, err)
	}
}

// A page of a known origin may use everything, and any other page nothing, in whichever way it asks.
func TestOrigins(t *testing.T) {
	t.Parallel()
	a := known(t, server.Sites{Hosts: []string{"parley.example"}, Origins: []string{"https://desk.example", "http://localhost:5173"}})
	here, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := server.GraphQLPath + "?query=" + url.QueryEscape(`{ viewer { name } }`)
	type way struct {
		method, path string
		header       http.Header
		body         string
		status       int
	}
	asJSON := http.Header{"Content-Type": {"application/json"}}
	ways := map[string]way{
		"POST":      {http.MethodPost, server.GraphQLPath, asJSON, `{"query":"{ viewer { name } }"}`, http.StatusOK},
		"GET":       {http.MethodGet, query, nil, "", http.StatusOK},
		"stream":    {http.MethodGet, query, http.Header{"Accept": {"text/event-stream"}}, "", http.StatusOK},
		"preflight": {http.MethodOptions, server.GraphQLPath, http.Header{"Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"}}, "", http.StatusNoContent},
		"briefing":  {http.MethodGet, "/briefing/talks", nil, "", http.StatusOK},
		"WebSocket": {http.MethodGet, server.GraphQLPath, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"graphql-transport-ws"}}, "", http.StatusSwitchingProtocols},
	}
	for origin, allowed := range map[string]bool{
		a.URL:                               true,
		"http://localhost:" + here.Port():   true, // the same server, by another of its names
		"https://desk.example":              true,
		"http://localhost:5173":             true,
		"http://localhost:5174":             false,
		"http://desk.example":               false,
		"https://desk.example:444":          false,
		"https://desk.example.evil.example": false,
		"null":                              false,
	} {
		for name, w := range ways {
			header := w.header.Clone()
			if header == nil {
				header = make(http.Header)
			}
			header.Set("Origin", origin)
			response, text := a.Send(w.method, w.path, header, strings.NewReader(w.body))
			shared := response.Header.Get("Access-Control-Allow-Origin")
			switch {
			case allowed && (response.StatusCode != w.status || name != "WebSocket" && shared != origin):
				t.Errorf("%s from %s: status %d, allowed %q, want %d: %.200s", name, origin, response.StatusCode, shared, w.status, text)
			case !allowed && (response.StatusCode != http.StatusForbidden || shared != ""):
				t.Errorf("%s from %s: status %d, allowed %q: %.200s", name, origin, response.StatusCode, shared, text)
			case !allowed && origin != "null" && !strings.Contains(text, "--allow-origin "+origin):
				t.Errorf("%s from %s: it says %q", name, origin, text)
			}
		}
	}
	for name, tt := range map[string]struct {
		site, dest string
		status     int
	}{
		"an image of another page": {"cross-site", "image", http.StatusForbidden},
		"a frame of another page":  {"cross-site", "iframe", http.StatusForbidden},
		"a link of another page":   {"cross-site", "document", http.StatusOK},
		"our own page":             {"same-origin", "empty", http.StatusOK},
		"the reader":               {"none", "document", http.StatusOK},
	} {
		response, text := a.Send(http.MethodGet, query, http.Header{"Sec-Fetch-Site": {tt.site}, "Sec-Fetch-Dest": {tt.dest}}, nil)
		if response.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d: %s", name, response.StatusCode, tt.status, text)
		}
	}
}

// Behind a proxy, the page's host is the one that the proxy was asked for, if the proxy is trusted.
func TestProxies(t *testing.T) {
	t.Parallel()
	query := server.GraphQLPath + "?query=" + url.QueryEscape(`{ viewer { name } }`)
	forwarded := http.Header{"X-Forwarded-Host": {"parley.example"}, "X-Forwarded-For": {"203.0.113.7"}, "Origin": {"https://parley.example"}}
	for name, tt := range map[string]struct {
		proxies []string
		status  int
	}{
		"trusted":        {[]string{"127.0.0.1", "::1"}, http.StatusOK},
		"a trusted span": {[]string{"127.0.0.0/8", "::/64"}, http.StatusOK},
		"not trusted":    {[]string{"10.0.0.1"}, http.StatusForbidden},
		"none":           {nil, http.StatusForbidden},
	} {
		var proxies []netip.Prefix
		for _, text := range tt.proxies {
			p, err := server.ReadProxy(text)
			if err != nil {
				t.Fatal(err)
			}
			proxies = append(proxies, p)
		}
		a := known(t, server.Sites{Hosts: []string{"parley.example"}, Proxies: proxies})
		if response, text := a.Send(http.MethodGet, query, forwarded, nil); response.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d: %s", name, response.StatusCode, tt.status, text)
		}
	}
	for _, text := range []string{"proxy.example", "10.0.0.1:80", "10.0.0.0/33", "*", ""} {
		if _, err := server.ReadProxy(text); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q is not an address", text)) {
			t.Errorf("%q is read as a proxy: %v", text, err)
		}
	}
	for _, text := range []string{"*", "null", "desk.example", "https://desk.example/", "https://desk.example/page", "ftp://desk.example", "https://u@desk.example", "https://", ""} {
		if _, err := server.ReadOrigin(text); err == nil || !strings.Contains(err.Error(), "is not an origin") {
			t.Errorf("%q is read as an origin: %v", text, err)
		}
	}
}

// A proxy may pass requests on with the base path or without it. Links have it.
func TestBasePath(t *testing.T) {
	t.Parallel()
	a := known(t, server.Sites{BasePath: "/desk/parley"})
	for _, before := range []string{"", "/desk/parley"} {
		for path, status := range map[string]int{
			"/healthz": http.StatusOK, "/playground": http.StatusOK, "/briefing/talks": http.StatusOK, "/tables/talks/positions.csv": http.StatusOK,
			"/graphql?query=" + url.QueryEscape(`{ viewer { name } }`): http.StatusOK, "/": http.StatusFound, "/desk": http.StatusNotFound,
			"/briefing/" + url.PathEscape("a/b"): http.StatusNotFound,
		} {
			response, text := a.Send(http.MethodGet, before+path, nil, nil)
			if response.StatusCode != status {
				t.Errorf("%s%s: status %d, want %d: %.100s", before, path, response.StatusCode, status, text)
			}
			if to := response.Header.Get("Location"); status == http.StatusFound && to != "/desk/parley/playground" {
				t.Errorf("%s%s leads to %s", before, path, to)
			}
			if path == "/playground" {
				for _, link := range strings.Split(text, `src="`)[1:] {
					if !strings.HasPrefix(link, "/desk/parley/playground/") {
						t.Errorf("the page loads %.60q", link)
					}
				}
				if !strings.Contains(text, `"endpoint":"/desk/parley/graphql"`) {
					t.Errorf("the page sends operations elsewhere: %s", text)
				}
			}
		}
	}
	if response, _ := a.Send(http.MethodGet, "/desk/parley", nil, nil); !slices.Contains([]int{http.StatusFound, http.StatusMovedPermanently}, response.StatusCode) {
		t.Errorf("the base path itself: status %d", response.StatusCode)
	}
}

// A page of another origin in a real browser: fetch, EventSource and WebSocket.
func TestOriginsInABrowser(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Desk</title>")
	}))
	t.Cleanup(elsewhere.Close)
	const use = `(async () => {
		const at = %q, asked = new URLSearchParams({query: "subscription { changes { summary } }"});
		const posted = await fetch(at, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({query: "{ viewer { name } }"})})
			.then(r => r.json()).then(r => r.data.viewer.name, () => "refused");
		const events = await new Promise(done => {
			const source = new EventSource(at + "?" + asked);
			source.onopen = () => { source.close(); done("open"); };
			source.onerror = () => { source.close(); done("refused"); };
		});
		const socket = await new Promise(done => {
			const socket = new WebSocket(at.replace("http", "ws"), "graphql-transport-ws");
			socket.onopen = () => { socket.close(); done("open"); };
			socket.onerror = () => done("refused");
		});
		return [posted, events, socket].join(", ");
	})()`
	for name, tt := range map[string]struct {
		sites server.Sites
		want  string
	}{
		"allowed":     {server.Sites{Origins: []string{elsewhere.URL}}, "Test analyst, open, open"},
		"not allowed": {server.Sites{}, "refused, refused, refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := known(t, tt.sites)
			page, awaited := browsertest.New(t), true
			if err := chromedp.Do(page, chromedp.Navigate(elsewhere.URL)); err != nil {
				t.Fatal(err)
			}
			got, err := chromedp.Run(page, chromedp.Evaluate[string](fmt.Sprintf(use, a.URL+server.GraphQLPath),
				func(p *runtime.EvaluateParams) { p.AwaitPromise = &awaited }))
			if err != nil || got != tt.want {
				t.Errorf("a page elsewhere gets %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}
