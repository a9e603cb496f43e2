package playground_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/go-cmp/cmp"

	"example.org/parley/server/playground"
	"example.org/parley/server/playground/browsertest"
)

var screenshots = flag.String("screenshots", "", "directory for screenshots of the playground")

var examples = []playground.Example{
	{
		Name:      "Greet somebody",
		Query:     "query Greeting($name: String) {\n  greeting(name: $name)\n}\n",
		Variables: `{"name": "Ada"}`,
	},
	{Name: "Hear every tick", Query: "subscription Ticks {\n  tick\n}\n"},
}

// fake is a server with just enough GraphQL for GraphiQL. It gives the same answer to every operation and records the
// operations.
type fake struct {
	mu    sync.Mutex
	asked []operation
}

type operation struct {
	OperationName string         `json:"operationName"`
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
}

func (f *fake) record(o operation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, o)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		f.subscription(w, r)
		return
	}
	var o operation
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if o.OperationName == "IntrospectionQuery" {
		_, _ = w.Write([]byte(introspection))
		return
	}
	f.record(o)
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"greeting": "Hello from the fake"}})
}

// subscription serves graphql-transport-ws: two messages for each subscription, then its end.
func (f *fake) subscription(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	type message struct {
		ID      string `json:"id,omitempty"`
		Type    string `json:"type"`
		Payload any    `json:"payload,omitempty"`
	}
	for {
		var in struct {
			ID, Type string
			Payload  operation
		}
		if wsjson.Read(r.Context(), c, &in) != nil {
			return
		}
		var out []message
		switch in.Type {
		case "connection_init":
			out = append(out, message{Type: "connection_ack"})
		case "subscribe":
			f.record(in.Payload)
			for _, tick := range []string{"first tick", "second tick"} {
				out = append(out,
					message{ID: in.ID, Type: "next", Payload: map[string]any{"data": map[string]any{"tick": tick}}})
			}
			out = append(out, message{ID: in.ID, Type: "complete"})
		}
		for _, m := range out {
			if wsjson.Write(r.Context(), c, m) != nil {
				return
			}
		}
	}
}

// introspection describes: type Query { greeting(name: String): String! } and
// type Subscription { tick: String! }.
const introspection = `{"data": {"__schema": {
  "queryType": {"name": "Query"}, "mutationType": null, "subscriptionType": {"name": "Subscription"}, "directives": [],
  "types": [
    {"kind": "SCALAR", "name": "String", "description": "Text."},
    {"kind": "OBJECT", "name": "Query", "description": "What can be read.", "interfaces": [], "fields": [
      {"name": "greeting", "description": "A friendly word.", "isDeprecated": false,
       "args": [{"name": "name", "type": {"kind": "SCALAR", "name": "String"}}],
       "type": {"kind": "NON_NULL", "ofType": {"kind": "SCALAR", "name": "String"}}}]},
    {"kind": "OBJECT", "name": "Subscription", "description": "What can be listened to.", "interfaces": [], "fields": [
      {"name": "tick", "isDeprecated": false, "args": [],
       "type": {"kind": "NON_NULL", "ofType": {"kind": "SCALAR", "name": "String"}}}]}
  ]}}}`

// open opens the playground of a fake server in a new browser.
func open(t *testing.T, examples []playground.Example) (ctx context.Context, f *fake, problems func() []string) {
	t.Helper()
	f = &fake{}
	mux := http.NewServeMux()
	page := playground.Handler("/playground", "/graphql", examples)
	mux.Handle("/playground", page)
	mux.Handle("/playground/", page)
	mux.Handle("/graphql", f)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	ctx = browsertest.New(t)
	problems = browsertest.Watch(t, ctx, server.URL)
	do(t, ctx, chromedp.Navigate(server.URL+"/playground"))
	return ctx, f, problems
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func show[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *screenshots != "" {
		browsertest.Screenshot(t, ctx, filepath.Join(*screenshots, name))
	}
}

func TestPlaygroundInABrowser(t *testing.T) {
	ctx, f, problems := open(t, examples)

	if got, want := show(t, ctx, browsertest.EditorText()), "# Greet somebody\n"+examples[0].Query; got != want {
		t.Errorf("the first tab shows %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"Greeting", "Ticks"}, show(t, ctx, browsertest.Tabs())); diff != "" {
		t.Errorf("tabs (-want +got):\n%s", diff)
	}
	if got := show(t, ctx, chromedp.Title()); got != "Parley" {
		t.Errorf("title %q", got)
	}

	do(t, ctx, browsertest.Execute(), browsertest.WaitAnswer("Hello from the fake"))
	picture(t, ctx, "query.png")
	do(t, ctx, browsertest.OpenTab("Ticks"), browsertest.Execute(), browsertest.WaitAnswer("second tick"))
	picture(t, ctx, "subscription.png")

	do(t, ctx, chromedp.Click(chromedp.CSS(`[aria-label="Show Documentation Explorer"]`)),
		chromedp.WaitVisible(chromedp.CSS(`.graphiql-doc-explorer-root-type`)))
	picture(t, ctx, "docs.png")

	f.mu.Lock()
	defer f.mu.Unlock()
	want := []operation{
		{"Greeting", "# Greet somebody\n" + examples[0].Query, map[string]any{"name": "Ada"}},
		{"Ticks", "# Hear every tick\n" + examples[1].Query, nil},
	}
	if diff := cmp.Diff(want, f.asked); diff != "" {
		t.Errorf("operations that the server received (-want +got):\n%s", diff)
	}
	if got := problems(); len(got) > 0 {
		t.Errorf("the page has problems:\n%s", strings.Join(got, "\n"))
	}
}

// A second visit shows the tabs of the first, and no others.
func TestPlaygroundRemembersItsTabs(t *testing.T) {
	ctx, _, problems := open(t, examples)
	show(t, ctx, browsertest.EditorText())
	// GraphiQL stores its tabs half a second after it shows them.
	do(t, ctx, chromedp.Poll[chromedp.Void](`Object.keys(localStorage).some(key => key.endsWith('tabState'))`))
	for range 2 {
		do(t, ctx, chromedp.Reload())
		if got := show(t, ctx, browsertest.EditorText()); !strings.Contains(got, "query Greeting") {
			t.Errorf("after a reload the editor shows %q", got)
		}
		if diff := cmp.Diff([]string{"Greeting", "Ticks"}, show(t, ctx, browsertest.Tabs())); diff != "" {
			t.Errorf("tabs after a reload (-want +got):\n%s", diff)
		}
	}
	if got := problems(); len(got) > 0 {
		t.Errorf("the page has problems:\n%s", strings.Join(got, "\n"))
	}
}

func TestPlaygroundWithoutExamples(t *testing.T) {
	ctx, _, problems := open(t, nil)
	if got := show(t, ctx, browsertest.EditorText()); !strings.Contains(got, "Welcome") {
		t.Errorf("the editor shows %q", got)
	}
	if got := problems(); len(got) > 0 {
		t.Errorf("the page has problems:\n%s", strings.Join(got, "\n"))
	}
}

// If its scripts do not load, the page tells the reader what to do.
func TestPlaygroundWithoutScripts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			http.NotFound(w, r)
			return
		}
		playground.Handler("/playground", "/graphql", examples).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ctx := browsertest.New(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/playground"))
	text := show(t, ctx, chromedp.Text(chromedp.CSS("body")))
	if !strings.Contains(text, "allow JavaScript") || !strings.Contains(text, "/graphql") {
		t.Errorf("the page says %q", text)
	}
	picture(t, ctx, "no-scripts.png")
}
