package feed_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"example.org/parley/server"
	"example.org/parley/server/transport"
)

// request asks for events; headers are given in pairs, and replace those there would be.
func (l *line) request(t *testing.T, method, document string, headers ...string) *http.Response {
	t.Helper()
	response, err := l.client.Do(l.requestFor(t, t.Context(), method, document, headers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func (l *line) requestFor(t *testing.T, ctx context.Context, method, document string, headers ...string) *http.Request {
	t.Helper()
	path, body := l.url+server.GraphQLPath, []byte(nil)
	if method == http.MethodGet {
		path += "?" + url.Values{"query": {document}}.Encode()
	} else {
		var err error
		if body, err = json.Marshal(map[string]string{"query": document}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header[headers[i]] = strings.Split(headers[i+1], "\n")
	}
	return r
}

// stream is a client that reads server-sent events.
type stream struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Reader
	close context.CancelFunc
}

// stream asks for events, and expects them.
func (l *line) stream(t *testing.T, method, document string, headers ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	response, err := l.client.Do(l.requestFor(t, ctx, method, document, headers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	header := response.Header
	if response.StatusCode != http.StatusOK || header.Get("Content-Type") != "text/event-stream" ||
		header.Get("Cache-Control") != "no-store" {
		t.Fatalf("asking for events is answered with %d %v", response.StatusCode, header)
	}
	if response.ProtoMajor != l.proto {
		t.Errorf("the events come by HTTP/%d, want %d", response.ProtoMajor, l.proto)
	}
	return &stream{t: t, body: response.Body, lines: bufio.NewReader(response.Body), close: cancel}
}

// event is what one is told: lines up to an empty one, comments and all.
type event struct {
	id, name, data, comment string
	end                     bool // of the stream
}

// next is the next event.
func (s *stream) next() (e event) {
	s.t.Helper()
	overdue := time.AfterFunc(apitest.Patience, func() { s.close() })
	defer overdue.Stop()
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			if e != (event{}) || line != "" {
				s.t.Fatalf("the stream ends within an event: %+v %q", e, line)
			}
			if err != io.EOF {
				s.t.Fatalf("the stream breaks off: %v", err)
			}
			return event{end: true}
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n":
			return e
		case name == "id":
			e.id = value
		case name == "event":
			e.name = value
		case name == "data":
			e.data += value
		case name == "":
			e.comment += value
		default:
			s.t.Fatalf("%q is no line of an event", line)
		}
	}
}

// hears expects events, passing over those that keep the connection alive, and the place where a subscription begins,
// which is told where no change is there to tell it.
func (s *stream) hears(list ...event) {
	s.t.Helper()
	for _, want := range list {
		got := s.next()
		for got == place(got.id) && got != want {
			got = s.next()
		}
		if got != want {
			s.t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

// changed is the event for a change, complete the last one of a stream, and place where a subscription begins.
func changed(cursor string) event {
	return event{id: cursor, name: "next", data: `{"data":{"changes":{"cursor":"` + cursor + `"}}}`}
}

func place(cursor string) event { return event{id: cursor} }

var (
	complete = event{name: "complete"}
	theEnd   = event{end: true}
)

// refuses expects an error and nothing else.
func (s *stream) refuses(code string, words ...string) {
	s.t.Helper()
	e := s.next()
	got := apitest.Answer{T: s.t}
	if err := json.Unmarshal([]byte(e.data), &got); err != nil || e.name != "next" || e.id != "" {
		s.t.Fatalf("%+v: %v", e, err)
	}
	got.Fails(code, words...)
	s.hears(complete, theEnd)
}

func TestEvents(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			begin := l.head()
			s := l.stream(t, method, live)
			s.hears(place(begin))
			first, second := l.retitle(), l.reword("talks/line")
			s.hears(changed(first), changed(second))
			s.close()
			l.forgotten(t)

			// It goes on from where the browser says, whatever the document says.
			for _, document := range []string{live, `subscription { changes(after: "` + second + `") { cursor } }`,
				`subscription { changes(after: "nonsense") { cursor } }`} {
				s = l.stream(t, method, document, "Last-Event-Id", begin)
				s.hears(changed(first), changed(second))
				s.close()
			}
			s = l.stream(t, method, `subscription { changes(after: "`+first+`") { cursor } }`)
			s.hears(changed(second), changed(l.retitle()))
			s.close()
			s = l.stream(t, method, `subscription { changes(after: "`+begin+`") { cursor } }`, "Last-Event-Id", "")
			s.hears(changed(first))
			s.close()
			for _, id := range []string{"nonsense", begin + "0", `"`} {
				l.stream(t, method, live, "Last-Event-Id", id).refuses("BAD_CURSOR", id)
			}

			l.stream(t, method, `subscription { changes { cursors } }`).refuses("BAD_REQUEST", "cursors")
			l.stream(t, method, `subscription { changes(after: "nonsense") { cursor } }`).refuses("BAD_CURSOR",
				"nonsense")
			l.stream(t, method,
				`subscription { changes(filter: {negotiations: ["nobody"]}) { cursor } }`).refuses("BAD_REQUEST",
				"nobody")
			l.stream(t, method, `subscription { changes @skip(if: true) { cursor } }`).refuses("BAD_REQUEST")
			l.stream(t, method, `{`).refuses("BAD_REQUEST")
			l.stream(t, method, ``).refuses("BAD_REQUEST")

			// A query is a subscription with one event.
			l.stream(t, method,
				lifecycle).hears(event{name: "next", data: `{"data":{"viewer":{"name":"Test analyst"}}}`}, complete,
				theEnd)
			l.stream(t, method, `{ changes(after: "nonsense") { nodes { cursor } } }`).refuses("BAD_CURSOR", "nonsense")
			l.forgotten(t)
		}
		before := l.head()
		l.stream(t, http.MethodGet,
			`mutation { editNegotiation(input: {negotiation: "talks", title: "By GET"}) { cursor } }`).refuses("BAD_REQUEST", "POST")
		if l.head() != before {
			t.Error("a mutation by GET is made")
		}
		l.stream(t, http.MethodPost,
			`mutation { editNegotiation(input: {negotiation: "talks", title: "By POST"}) { negotiation { title } } }`).hears(
			event{name: "next", data: `{"data":{"editNegotiation":{"negotiation":{"title":"By POST"}}}}`}, complete,
			theEnd)
		l.forgotten(t)
		if log := l.Logs.String(); strings.Contains(log, "level=ERROR") {
			t.Errorf("logged: %s", log)
		}
	})
}

// What cannot be read is not answered with events.
func TestFaultyRequestsForEvents(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		for body, contentType := range map[string]string{`{"query":`: "application/json", `[]`: "application/json",
			`{"query":"{ viewer { name } }"} more`: "application/json",
			`query=x`:                              "application/x-www-form-urlencoded"} {
			r := l.requestFor(t, t.Context(), http.MethodPost, "")
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Type", contentType)
			response, err := l.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got := l.Read(response)
			got.Fails("BAD_REQUEST")
			got.ClientError()
		}
		l.forgotten(t)
	})
}

// Clients say what they can read, in one header or several.
func TestWhatClientsAccept(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		const events = "text/event-stream"
		for accept, want := range map[string]struct{ query, subscription string }{
			"text/event-stream":                                    {events, events},
			"application/json, text/event-stream":                  {"application/json", events},
			"text/event-stream, application/json":                  {"application/json", events},
			"text/event-stream\napplication/json":                  {"application/json", events},
			"application/json\ntext/event-stream":                  {"application/json", events},
			"text/event-stream;q=0.5, */*;q=0.1":                   {"application/json", events},
			"application/graphql-response+json, text/event-stream": {"application/graphql-response+json", events},
			"application/json":                                     {"application/json", "application/json"},
			"*/*":                                                  {"application/json", "application/json"},
			"":                                                     {"application/json", "application/json"},
		} {
			for document, want := range map[string]string{lifecycle: want.query, live: want.subscription} {
				ctx, cancel := context.WithCancel(t.Context())
				response, err := l.client.Do(l.requestFor(t, ctx, http.MethodPost, document, "Accept", accept))
				if err != nil {
					t.Fatal(err)
				}
				if got := response.Header.Get("Content-Type"); got != want {
					t.Errorf("who accepts %q gets %q for %s, want %q", accept, got, document, want)
				}
				cancel()
				response.Body.Close()
			}
		}
		l.forgotten(t)
	})
}

// A stream is kept alive while nothing happens, for longer than one write may take.
func TestQuietStreams(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		s := l.stream(t, http.MethodPost, live)
		s.hears(place(l.head()))
		for i := range 2 {
			if got := s.next(); got != (event{}) {
				t.Fatalf("beat %d is %+v", i, got)
			}
		}
		s.hears(changed(l.retitle()))
		s.close()
		l.forgotten(t)
	}, limited(func(l *transport.Limits) { l.Ping, l.Write = 4*time.Second, time.Second }))
}

// A server that stops does not complete a subscription: who follows it comes back.
func TestStreamsEndWhenTheServerStops(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		s, none := l.stream(t, http.MethodPost, live),
			l.stream(t, http.MethodPost, `subscription { changes(filter: {kinds: [POSITION]}) { cursor } }`)
		begin := l.head()
		last := l.retitle()
		s.hears(place(begin), changed(last))
		none.hears(place(begin))
		ctx, cancel := context.WithTimeout(t.Context(), apitest.Patience)
		defer cancel()
		l.Drain(ctx)
		if ctx.Err() != nil {
			t.Error("streams are waited for in vain")
		}
		s.hears(event{comment: "the server stops; connect again; resume from " + last}, theEnd)
		none.hears(event{comment: "the server stops; connect again; resume from " + begin}, theEnd)
		l.forgotten(t)
		got := l.Read(l.request(t, http.MethodPost, live))
		if got.Fails("LIMIT", "about to stop"); got.Status != http.StatusServiceUnavailable {
			t.Errorf("who comes later is answered with %d", got.Status)
		}
		p := l.dial(t)
		p.send(l.handshake(http.MethodGet, "HTTP/1.1"))
		if response, _ := p.response(); response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("who comes later with a WebSocket is answered with %d", response.StatusCode)
		}
		l.Must(lifecycle)
	})
}

// A server that stops waits for clients only so long, whatever they do, and whether they have gone meanwhile.
func TestStreamsThatAreCutOff(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		l.Must(`mutation($body: String!) { registerSource(input: {key: "tome", title: "A tome", body: $body}) { userErrors { code message field } } }`,
			map[string]any{"body": strings.Repeat("All work and no play. ", 40_000)})
		const document = `subscription { changes { cursor ... on RecordChanged { node { ... on Source { body } } } } }`
		stuck, socket, reading := l.stream(t, http.MethodPost, document), l.introduced(t),
			l.stream(t, http.MethodPost, live)
		stuck.next() // and nothing more
		reading.next()
		socket.send(asks("1", document))
		for l.Metric("parley_pending_bytes") < 1<<20 && l.Metric("parley_slow_clients_total") == 0 {
			l.write(`mutation($to: String!) { editSource(input: {source: "tome", title: $to}) { cursor userErrors { code message field } } }`, map[string]any{"to": another()})
		}
		ctx, cancel := context.WithTimeout(t.Context(), hasty)
		defer cancel()
		begin := time.Now()
		l.Drain(ctx)
		if took := time.Since(begin); took > apitest.Patience/2 {
			t.Errorf("draining took %v", took)
		}
		l.forgotten(t)
	}, limited(func(l *transport.Limits) { l.Write, l.Linger = apitest.Patience, apitest.Patience }))
}

func TestPanicsOfStreamsAreContained(t *testing.T) {
	t.Parallel()
	a, logs := panicking(t)
	l := a.overHTTP()
	l.stream(t, http.MethodPost, live).refuses("INTERNAL", "Internal error")
	l.stream(t, http.MethodPost, lifecycle).hears(event{name: "next", data: `{"data":{"viewer":{"name":""}}}`},
		complete, theEnd)
	if log := logs.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "nil pointer") {
		t.Errorf("logged: %s", log)
	}
}
