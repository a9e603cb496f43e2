// Package playground serves GraphiQL, the GraphQL explorer. The page, its scripts, styles, and fonts are embedded in
// the program, so that it works without access to other hosts.
package playground

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Example is a tab with which the playground opens.
type Example struct {
	// Name describes the example. It becomes a comment above the query, unless the query already contains it. The tab's
	// label is the operation's name, which GraphiQL reads from the query; so every operation needs a name.
	Name string
	// Query is a GraphQL document with one operation.
	Query string
	// Variables is a JSON object, or empty.
	Variables string
}

//go:embed assets
var files embed.FS

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// Handler serves the page at prefix (such as "/playground") and its assets below it. Mount it at both prefix and
// prefix+"/", without stripping the prefix. The page sends operations to endpoint (such as "/graphql", a path on the
// same host) over HTTP and, for subscriptions, over graphql-transport-ws.
//
// On a reader's first visit one tab opens for each example. Later visits open the tabs as the reader left them; "Clear
// data" in the settings resets them.
func Handler(prefix, endpoint string, examples []Example) http.Handler {
	prefix = strings.TrimRight(prefix, "/")
	h := &handler{page: renderPage(prefix, endpoint, examples), assets: map[string]*asset{}}
	h.root = prefix
	for _, a := range assets() {
		h.assets[prefix+"/"+a.name] = a
	}
	return h
}

type handler struct {
	root   string
	page   []byte
	assets map[string]*asset // by path
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The playground answers GET and HEAD only.", http.StatusMethodNotAllowed)
		return
	}
	if a, ok := h.assets[r.URL.Path]; ok {
		a.serve(w, r)
		return
	}
	if strings.TrimSuffix(r.URL.Path, "/") != h.root {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy(r.Host))
	w.Header().Set("Referrer-Policy", "same-origin")
	// The names of assets change with their content, so the page itself must be fresh.
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.page))
}

// plainHost matches a host and port that can't end a directive of the policy: without spaces, semicolons, or commas.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`)

// contentSecurityPolicy allows the page to load from and connect to this host only. Styles need 'unsafe-inline' because
// GraphiQL's dialogs and menus write style elements. Scripts don't.
func contentSecurityPolicy(host string) string {
	connect := "'self'"
	if plainHost.MatchString(host) {
		// Older browsers do not count WebSockets on the same host as 'self'.
		connect += " ws://" + host + " wss://" + host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
		"connect-src " + connect + "; img-src 'self' data:; font-src 'self' data:; " +
		"base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
}

// tab uses the field names of GraphiQL's defaultTabs.
type tab struct {
	Query     string `json:"query"`
	Variables string `json:"variables"`
}

func renderPage(prefix, endpoint string, examples []Example) []byte {
	type config struct {
		Endpoint string `json:"endpoint"`
		Tabs     []tab  `json:"tabs"`
	}
	data := struct {
		Endpoint string
		Asset    map[string]string // from a file's name to its URL
		Config   config
	}{endpoint, map[string]string{}, config{endpoint, []tab{}}}
	for _, a := range assets() {
		data.Asset[a.file] = prefix + "/" + a.name
	}
	for _, e := range examples {
		query := e.Query
		if name := strings.Join(strings.Fields(e.Name), " "); !strings.Contains(query, name) {
			query = "# " + name + "\n" + query
		}
		data.Config.Tabs = append(data.Config.Tabs, tab{query, e.Variables})
	}
	var b bytes.Buffer
	// The template encodes Config as JSON that can't end the script element.
	if err := pageTemplate.Execute(&b, data); err != nil {
		panic(err) // page.html is faulty
	}
	return b.Bytes()
}

type asset struct {
	file        string // its name in the source tree
	name        string // the name it is served under; it changes with the content
	etag        string
	contentType string
	plain       []byte
	zipped      func() []byte
}

// assets returns the embedded files, read once per process.
var assets = sync.OnceValue(func() []*asset {
	entries, err := files.ReadDir("assets")
	if err != nil {
		panic(err) // the directory is embedded
	}
	var all []*asset
	for _, entry := range entries {
		plain, err := files.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(plain)
		hash, ext := hex.EncodeToString(sum[:8]), path.Ext(entry.Name())
		all = append(all, &asset{
			file:        entry.Name(),
			name:        strings.TrimSuffix(entry.Name(), ext) + "." + hash + ext,
			etag:        hash,
			contentType: contentTypes[ext],
			plain:       plain,
			// Compressing all assets takes about a tenth of a second, so it is done on first use.
			zipped: sync.OnceValue(func() []byte { return compress(plain) }),
		})
	}
	return all
})

// contentTypes do not come from package mime, whose answers depend on the machine.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".md":  "text/plain; charset=utf-8",
	".svg": "image/svg+xml",
}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain) // writing to memory cannot fail
	_ = z.Close()
	return b.Bytes()
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	// The name changes with the content, so the content under this name never does.
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body, etag := a.plain, a.etag
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body, etag = a.zipped(), a.etag+"-gz"
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reports whether the client accepts gzip with a weight above zero.
func acceptsGzip(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				_, q, _ := strings.Cut(weight, "=")
				return strings.Trim(q, "0. ") != "" || q == ""
			}
		}
	}
	return false
}
