package playground_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/parley/server/playground"
)

// get sends a browser's request for a path to the handler.
func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://parley.example:8080"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPageContainsTheExamplesUnchanged(t *testing.T) {
	hard := "query Hard { a(s: \"</script><!-- <script> & ' \u2028 \\\" 日本\") }\n"
	h := playground.Handler("/playground", "/graphql", []playground.Example{
		{Name: "Hard to escape", Query: hard, Variables: `{"a": "</script>"}`},
		{Name: "Second", Query: "query Second { b }"},
	})
	page := body(t, get(t, h, "/playground").Body)

	_, rest, _ := strings.Cut(page, `<script id="config" type="application/json">`)
	island, _, ok := strings.Cut(rest, "</script>")
	if !ok {
		t.Fatalf("no data in the page:\n%s", page)
	}
	var got any
	if err := json.Unmarshal([]byte(island), &got); err != nil {
		t.Fatalf("%v in %s", err, island)
	}
	want := map[string]any{
		"endpoint": "/graphql",
		"tabs": []any{
			map[string]any{"query": "# Hard to escape\n" + hard, "variables": `{"a": "</script>"}`},
			map[string]any{"query": "query Second { b }", "variables": ""},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("examples in the page (-want +got):\n%s", diff)
	}
	if strings.Contains(island, "<") {
		t.Errorf("the data could end its element: %s", island)
	}
}

func TestPageHeaders(t *testing.T) {
	h := playground.Handler("/playground/", "/graphql", nil)
	for _, path := range []string{"/playground", "/playground/"} {
		r := get(t, h, path)
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
		for name, want := range map[string]string{
			"Content-Type":           "text/html; charset=utf-8",
			"X-Content-Type-Options": "nosniff",
			"Cache-Control":          "no-cache",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
				"connect-src 'self' ws://parley.example:8080 wss://parley.example:8080; img-src 'self' data:; " +
				"font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestAStrangeHostStaysOutOfThePolicy(t *testing.T) {
	h := playground.Handler("/playground", "/graphql", nil)
	r := httptest.NewRequest(http.MethodGet, "/playground", nil)
	r.Host = "x; script-src *"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self';") {
		t.Errorf("policy: %s", policy)
	}
}

// assetURLs returns the URLs of the files that the page refers to.
func assetURLs(t *testing.T, h http.Handler) []string {
	t.Helper()
	var urls []string
	page := body(t, get(t, h, "/playground").Body)
	for _, match := range regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		urls = append(urls, match[1])
	}
	if len(urls) != 8 {
		t.Fatalf("the page refers to %d files, want 8: %q", len(urls), urls)
	}
	return urls
}

func TestAssets(t *testing.T) {
	h := playground.Handler("/playground", "/graphql", nil)
	types := map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml", ".md": "text/plain; charset=utf-8",
	}
	for _, url := range assetURLs(t, h) {
		if !strings.HasPrefix(url, "/playground/") {
			t.Errorf("%s is not below the playground", url)
		}
		plain := get(t, h, url, "Accept-Encoding", "gzip;q=0, br")
		if got, want := plain.Header.Get("Content-Type"), types[filepath.Ext(url)]; plain.StatusCode != http.StatusOK ||
			got != want {
			t.Errorf("%s: status %d, type %q, want 200, %q", url, plain.StatusCode, got, want)
		}
		if got := plain.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", url, got)
		}
		if got := plain.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", url, got)
		}
		zipped := get(t, h, url, "Accept-Encoding", "br, gzip")
		if got := zipped.Header.Get("Content-Encoding"); got != "gzip" {
			t.Fatalf("%s: Content-Encoding %q", url, got)
		}
		unzip, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if body(t, unzip) != body(t, plain.Body) {
			t.Errorf("%s: the compressed file differs", url)
		}
		again := get(t, h, url, "Accept-Encoding", "gzip", "If-None-Match", zipped.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: status %d for a file the browser has, want 304", url, again.StatusCode)
		}
	}
}

func TestOtherRequests(t *testing.T) {
	h := playground.Handler("/playground", "/graphql", nil)
	for _, path := range []string{"/playground/nothing", "/playgrounds", "/", "/playground/assets/graphiql.min.js"} {
		if got := get(t, h, path).StatusCode; got != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", path, got)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/playground", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: status %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// The page's own sources name no other host. The browser test checks GraphiQL's requests.
func TestOwnSourcesNameNoHost(t *testing.T) {
	for _, name := range []string{"page.html", "assets/playground.js", "assets/playground.css"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "://") {
			t.Errorf("%s names another host", name)
		}
	}
}
