package feed_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"github.com/gobwas/ws"

	"example.org/parley/server"
	"example.org/parley/server/transport"
	"example.org/parley/storage"
)

// line is a way to a server: over HTTP as it is, or over TLS.
type line struct {
	*api
	url    string
	client *http.Client
	proto  int         // the version of HTTP that the client comes to speak
	tls    *tls.Config // nil: without
}

// overBoth runs a test on two servers, one of which is reached without TLS and one with.
func overBoth(t *testing.T, test func(*testing.T, *line), changed ...func(*server.Options)) {
	t.Helper()
	t.Parallel()
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		test(t, startLine(t, changed...).overHTTP())
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		test(t, startLine(t, changed...).overTLS())
	})
}

func startLine(t *testing.T, changed ...func(*server.Options)) *api {
	t.Helper()
	a := startWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, 24*time.Hour, changed...)
	return a
}

func (a *api) overHTTP() *line {
	client := &http.Client{Transport: &http.Transport{}}
	a.T.Cleanup(client.CloseIdleConnections)
	return &line{api: a, url: a.URL, client: client, proto: 1}
}

// overTLS serves the same over TLS, and HTTP/2 to who wants it.
func (a *api) overTLS() *line {
	srv := httptest.NewUnstartedServer(a.Handler)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	a.T.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	client := srv.Client()
	return &line{api: a, url: srv.URL, client: client, proto: 2,
		tls: client.Transport.(*http.Transport).TLSClientConfig}
}

// limited changes the default limits.
func limited(change func(*transport.Limits)) func(*server.Options) {
	return func(o *server.Options) {
		o.Limits = transport.DefaultLimits
		change(&o.Limits)
	}
}

// forgotten expects that nobody is connected any more.
func (a *api) forgotten(t *testing.T) {
	t.Helper()
	apitest.Wait(t, "the server to forget who was connected",
		func() bool { return a.Metric("parley_connections") == 0 })
}

// peer is a client that minds no rule: it sends bytes and reads frames.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// dial opens a connection.
func (l *line) dial(t *testing.T) *peer {
	t.Helper()
	address := strings.TrimPrefix(strings.TrimPrefix(l.url, "http://"), "https://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if l.tls != nil {
		config := l.tls.Clone()
		config.ServerName, config.NextProtos = "127.0.0.1", nil // HTTP/1.1
		conn = tls.Client(conn, config)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(apitest.Patience))
	return &peer{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// response is the answer to a request.
func (p *peer) response() (*http.Response, string) {
	p.t.Helper()
	response, err := http.ReadResponse(p.in, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response, string(text)
}

// handshake asks for a WebSocket. Headers are as they are unless others are given in their place; an empty one is left
// out.
func (l *line) handshake(method, version string, headers ...string) []byte {
	all := map[string]string{"Host": l.url[strings.LastIndex(l.url, "/")+1:], "Connection": "Upgrade",
		"Upgrade":               "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "cGFybGV5IGlzIHRlc3RlZA==",
		"Sec-WebSocket-Protocol": "graphql-transport-ws"}
	for i := 0; i+1 < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", method, server.GraphQLPath, version)
	for name, value := range all {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// open opens a WebSocket, and sends what is to come in the same packet.
func (l *line) open(t *testing.T, frames ...[]byte) *peer {
	t.Helper()
	p := l.dial(t)
	p.send(append(l.handshake(http.MethodGet, "HTTP/1.1"), bytes.Join(frames, nil)...))
	response, text := p.response()
	if response.StatusCode != http.StatusSwitchingProtocols ||
		response.Header.Get("Sec-WebSocket-Protocol") != "graphql-transport-ws" {
		t.Fatalf("the handshake is answered with %d %v %s", response.StatusCode, response.Header, text)
	}
	return p
}

// introduced opens a WebSocket whose client is known.
func (l *line) introduced(t *testing.T) *peer {
	t.Helper()
	p := l.open(t, says(`{"type":"connection_init"}`))
	p.hears(`{"type":"connection_ack"}`)
	return p
}

// framed is a client's frame.
func framed(f ws.Frame) []byte {
	b, err := ws.CompileFrame(ws.MaskFrameInPlace(f))
	if err != nil {
		panic(err)
	}
	return b
}

// says is a frame with a text, control one with a payload, and goodbye one that closes with a code.
func says(text string) []byte { return framed(ws.NewTextFrame([]byte(text))) }

func control(op ws.OpCode, payload string) []byte {
	return framed(ws.NewFrame(op, true, []byte(payload)))
}

func goodbye(code ws.StatusCode, reason string) []byte {
	return control(ws.OpClose, string(ws.NewCloseFrameBody(code, reason)))
}

// asks is a message that begins an operation.
func asks(id, document string) []byte {
	payload, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		panic(err)
	}
	return says(fmt.Sprintf(`{"type":"subscribe","id":%q,"payload":%s}`, id, payload))
}

// next is the next frame: a text as it is, "ping", "pong" or "close" with what they hold, or "end" without one.
func (p *peer) next() string {
	p.t.Helper()
	header, err := ws.ReadHeader(p.in)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || isReset(err) {
		return "end"
	} else if err != nil {
		p.t.Fatal(err)
	}
	if header.Masked || header.Rsv != 0 || !header.Fin || header.Length > 1<<24 {
		p.t.Fatalf("a server's frame is not like %+v", header)
	}
	payload := make([]byte, header.Length)
	if _, err := io.ReadFull(p.in, payload); err != nil {
		p.t.Fatal(err)
	}
	switch header.OpCode {
	case ws.OpText:
		if !json.Valid(payload) {
			p.t.Errorf("no JSON: %s", payload)
		}
		return string(payload)
	case ws.OpPing:
		return "ping " + string(payload)
	case ws.OpPong:
		return "pong " + string(payload)
	case ws.OpClose:
		code, reason := ws.ParseCloseFrameData(payload)
		return fmt.Sprintf("close %d %s", code, reason)
	}
	p.t.Fatalf("a frame with %+v", header)
	return ""
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// fault is what a message holds that refuses operation 1.
func fault(code string, words ...string) []string {
	return append(words, `{"id":"1","type":"error","payload":[{"message":`, `"extensions":{"code":"`+code+`"}}]}`)
}

// hears expects frames that begin like this.
func (p *peer) hears(prefixes ...string) {
	p.t.Helper()
	for _, want := range prefixes {
		if got := p.next(); !strings.HasPrefix(got, want) {
			p.t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// talk sends what is bytes, and expects what is text: what the next frame begins with, or all that it holds.
func (p *peer) talk(script []any) {
	p.t.Helper()
	for _, step := range script {
		switch step := step.(type) {
		case []byte:
			p.send(step)
		case string:
			p.hears(step)
		case []string:
			got := p.next()
			for _, want := range step {
				if !strings.Contains(got, want) {
					p.t.Fatalf("got %q, want %q in it", got, want)
				}
			}
		}
	}
}

const (
	live      = `subscription { changes { cursor } }`
	lifecycle = `{ viewer { name } }`
	viewer    = `{"id":"1","type":"next","payload":{"data":{"viewer":{"name":"Test analyst"}}}}`
	badly     = "close 4400 Invalid message"
)

func TestProtocol(t *testing.T) {
	hello := says(`{"type":"connection_init"}`)
	const ack = `{"type":"connection_ack"}`
	over := strings.Repeat("x", 257)
	cases := []struct {
		name   string
		script []any
	}{
		// Whoever can't be understood is told so, before the introduction and after it.
		{"no JSON", []any{says(`nonsense`), badly}},
		{"half a message", []any{says(`{"type":"ping"`), badly}},
		{"nothing", []any{says(``), badly}},
		{"two messages in one", []any{says(`{"type":"ping"}{"type":"ping"}`), badly}},
		{"a list", []any{says(`[]`), badly}},
		{"null", []any{says(`null`), badly}},
		{"a number", []any{says(`3`), badly}},
		{"no type", []any{says(`{}`), badly}},
		{"a type that is null", []any{says(`{"type":null}`), badly}},
		{"a type that is a number", []any{says(`{"type":3}`), badly}},
		{"a type of the legacy protocol",
			[]any{hello, ack, says(`{"type":"start","id":"1","payload":{"query":"{ viewer { name } }"}}`), badly}},
		{"an empty type", []any{says(`{"type":""}`), badly}},
		{"a very long type", []any{says(`{"type":"` + strings.Repeat("ä", 500) + `"}`), badly}},
		{"what only servers say: an acknowledgement", []any{says(`{"type":"connection_ack"}`), badly}},
		{"what only servers say: an answer", []any{hello, ack, says(`{"type":"next","id":"1","payload":{}}`), badly}},
		{"what only servers say: an error", []any{hello, ack, says(`{"type":"error","id":"1","payload":[]}`), badly}},
		{"an introduction with a number", []any{says(`{"type":"connection_init","payload":3}`), badly}},
		{"an introduction with a list", []any{says(`{"type":"connection_init","payload":[]}`), badly}},
		{"an introduction with a text", []any{says(`{"type":"connection_init","payload":"token"}`), badly}},
		{"a ping with a text", []any{says(`{"type":"ping","payload":"x"}`), badly}},
		{"a pong with a list", []any{says(`{"type":"pong","payload":[]}`), badly}},
		{"subscribe without an id",
			[]any{hello, ack, says(`{"type":"subscribe","payload":{"query":"{ viewer { name } }"}}`), badly}},
		{"subscribe with an empty id", []any{hello, ack, asks("", lifecycle), badly}},
		{"subscribe with an id that is a number",
			[]any{hello, ack, says(`{"type":"subscribe","id":1,"payload":{"query":"{ viewer { name } }"}}`), badly}},
		{"subscribe with a very long id", []any{hello, ack, asks(over, lifecycle), badly}},
		{"subscribe without a payload", []any{hello, ack, says(`{"type":"subscribe","id":"1"}`), badly}},
		{"subscribe with null", []any{hello, ack, says(`{"type":"subscribe","id":"1","payload":null}`), badly}},
		{"subscribe with a text",
			[]any{hello, ack, says(`{"type":"subscribe","id":"1","payload":"{ viewer { name } }"}`), badly}},
		{"subscribe with a list", []any{hello, ack, says(`{"type":"subscribe","id":"1","payload":[]}`), badly}},
		{"subscribe without a query", []any{hello, ack, says(`{"type":"subscribe","id":"1","payload":{}}`), badly}},
		{"subscribe with an empty query", []any{hello, ack, asks("1", ""), badly}},
		{"subscribe with a query that is a number",
			[]any{hello, ack, says(`{"type":"subscribe","id":"1","payload":{"query":3}}`), badly}},
		{"subscribe with variables that are a list",
			[]any{hello, ack,
				says(`{"type":"subscribe","id":"1","payload":{"query":"{ viewer { name } }","variables":[]}}`), badly}},
		{"subscribe with a name that is a number",
			[]any{hello, ack,
				says(`{"type":"subscribe","id":"1","payload":{"query":"{ viewer { name } }","operationName":3}}`), badly}},
		{"subscribe with extensions that are a text",
			[]any{hello, ack,
				says(`{"type":"subscribe","id":"1","payload":{"query":"{ viewer { name } }","extensions":"x"}}`), badly}},
		{"complete without an id", []any{hello, ack, says(`{"type":"complete"}`), badly}},
		{"complete with an empty id", []any{hello, ack, says(`{"type":"complete","id":""}`), badly}},
		{"nothing is done for who makes a mistake", []any{hello, says(`{`), asks("1", lifecycle), ack, badly}},

		{"an introduction with an object", []any{says(`{"type":"connection_init","payload":{"token":"x"}}`), ack}},
		{"an introduction with null", []any{says(`{"type":"connection_init","payload":null}`), ack}},
		{"two introductions", []any{hello, ack, hello, "close 4429 Too many initialisation requests"}},
		{"two introductions at once", []any{append(bytes.Clone(hello), hello...), ack, "close 4429"}},
		{"no introduction", []any{asks("1", lifecycle), "close 4401 Unauthorized"}},

		{"a ping", []any{hello, ack, says(`{"type":"ping"}`), `{"type":"pong"}`}},
		{"a ping before the introduction", []any{says(`{"type":"ping"}`), `{"type":"pong"}`, hello, ack}},
		{"a ping with a payload",
			[]any{hello, ack, says(` { "payload" : {"at": [1, 2.50, "ü"]}, "type" : "ping" } `),
				`{"type":"pong","payload":{"at": [1, 2.50, "ü"]}}`}},
		{"a pong is ignored",
			[]any{hello, ack, says(`{"type":"pong"}`), says(`{"type":"pong","payload":{"a":1}}`), asks("1", lifecycle),
				viewer, `{"id":"1","type":"complete"}`}},
		{"complete for an unknown id is ignored",
			[]any{hello, ack, says(`{"type":"complete","id":"1"}`), asks("1", lifecycle), viewer,
				`{"id":"1","type":"complete"}`}},
		{"complete before the introduction is ignored", []any{says(`{"type":"complete","id":"1"}`), hello, ack}},

		{"a query", []any{hello, ack, asks("1", lifecycle), viewer, `{"id":"1","type":"complete"}`}},
		{"a query with all there may be",
			[]any{hello, ack,
				says(`{"type":"subscribe","id":"1","payload":{"query":"query A { negotiation(id: \"x\") { key } } query B($yes: Boolean!) { viewer @include(if: $yes) { name } }","operationName":"B","variables":{"yes":true},"extensions":{"a":1}}}`), viewer, `{"id":"1","type":"complete"}`}},
		{"a query with nulls for what may be left out",
			[]any{hello, ack,
				says(`{"type":"subscribe","id":"1","payload":{"query":"{ viewer { name } }","operationName":null,"variables":null,"extensions":null}}`), viewer, `{"id":"1","type":"complete"}`}},
		{"a mutation",
			[]any{hello, ack,
				asks("1", `mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { negotiation { title } } }`),
				`{"id":"1","type":"next","payload":{"data":{"editNegotiation":{"negotiation":{"title":"New"}}}}}`,
				`{"id":"1","type":"complete"}`}},
		{"an answer with errors is an answer",
			[]any{hello, ack, asks("1", `{ changes(after: "nonsense") { nodes { cursor } } }`),
				`{"id":"1","type":"next","payload":{"errors":[{"message":"after: \"nonsense\"`, `{"id":"1","type":"complete"}`}},
		{"a query that is not valid", []any{hello, ack, asks("1", `{ nothing }`), fault("BAD_REQUEST")}},
		{"a query that can't be parsed", []any{hello, ack, asks("1", `{`), fault("BAD_REQUEST")}},
		{"a subscription to nothing there is",
			[]any{hello, ack, asks("1", `subscription { nothing { cursor } }`), fault("BAD_REQUEST")}},
		{"a subscription to its own name",
			[]any{hello, ack, asks("1", `subscription { __typename }`), fault("BAD_REQUEST")}},
		{"a subscription to what is left out",
			[]any{hello, ack, asks("1", `subscription { changes @skip(if: true) { cursor } }`), fault("BAD_REQUEST")}},
		{"a subscription to two at once",
			[]any{hello, ack, asks("1", `subscription { a: changes { cursor } b: changes { cursor } }`),
				fault("BAD_REQUEST")}},
		{"a subscription from nowhere",
			[]any{hello, ack, asks("1", `subscription { changes(after: "nonsense") { cursor } }`),
				fault("BAD_CURSOR", "nonsense")}},
		{"an id with all that JSON allows",
			[]any{hello, ack,
				says(`{"type":"subscribe","id":"\"<\u0000\u2028ä","payload":{"query":"{ viewer { name } }"}}`),
				`{"id":"\"\u003c\u0000\u2028ä","type":"next"`, `{"id":"\"\u003c\u0000\u2028ä","type":"complete"}`}},
		{"an id of as many bytes as may be",
			[]any{hello, ack, asks(over[1:], lifecycle), `{"id":"` + over[1:] + `","type":"next"`, `{"id":"` +
				over[1:] + `","type":"complete"}`}},

		{"an id that is in use",
			[]any{hello, ack, asks("1", live), asks("1", lifecycle), "close 4409 Subscriber for 1 already exists"}},
		{"a long id that is in use",
			[]any{hello, ack, asks(over[1:], live), asks(over[1:], live), "close 4409 Subscriber for xxxx"}},
		{"an id after the client completed it",
			[]any{hello, ack, asks("1", live), says(`{"type":"complete","id":"1"}`), asks("1", lifecycle), viewer,
				`{"id":"1","type":"complete"}`}},
		{"an id after the server completed it",
			[]any{hello, ack, asks("1", lifecycle), viewer, `{"id":"1","type":"complete"}`, asks("1", lifecycle),
				viewer, `{"id":"1","type":"complete"}`}},
		{"an id after an error",
			[]any{hello, ack, asks("1", `{ nothing }`), fault("BAD_REQUEST"), asks("1", lifecycle), viewer,
				`{"id":"1","type":"complete"}`}},

		// RFC 6455
		{"the client's close", []any{hello, ack, goodbye(1000, "enough"), "close 1000", "end"}},
		{"a close before the introduction", []any{goodbye(1000, ""), "close 1000", "end"}},
		{"a close while something is subscribed",
			[]any{hello, ack, asks("1", live), goodbye(1001, "gone"), "close 1001", "end"}},
		{"a close without a code", []any{control(ws.OpClose, ""), "close 1000", "end"}},
		{"a close with a code of libraries", []any{goodbye(3000, ""), "close 3000", "end"}},
		{"a close with a code of applications", []any{goodbye(4999, strings.Repeat("x", 123)), "close 4999", "end"}},
		{"a close with half a code", []any{control(ws.OpClose, "\x03"), "close 1002", "end"}},
		{"a close with code 0", []any{goodbye(0, ""), "close 1002", "end"}},
		{"a close with code 999", []any{goodbye(999, ""), "close 1002", "end"}},
		{"a close with code 1004", []any{goodbye(1004, ""), "close 1002", "end"}},
		{"a close with code 1005", []any{goodbye(1005, ""), "close 1002", "end"}},
		{"a close with code 1006", []any{goodbye(1006, ""), "close 1002", "end"}},
		{"a close with code 1015", []any{goodbye(1015, ""), "close 1002", "end"}},
		{"a close with code 2999", []any{goodbye(2999, ""), "close 1002", "end"}},
		{"a close with code 5000", []any{goodbye(5000, ""), "close 1002", "end"}},
		{"a close with code 65535", []any{goodbye(65535, ""), "close 1002", "end"}},
		{"a close with a reason that is no UTF-8", []any{goodbye(1000, "\xff"), "close 1007", "end"}},
		{"a close with a reason cut within a rune", []any{goodbye(1000, "\xf0\x9d"), "close 1007", "end"}},
		{"what follows a close is ignored",
			[]any{hello, ack,
				bytes.Join([][]byte{goodbye(1000, ""), asks("1", lifecycle), control(ws.OpPing, ""), goodbye(1001, "")},
					nil), "close 1000", "end"}},
		{"an answer to the server's close", []any{says(`{`), badly, goodbye(4400, ""), "end"}},
		{"what is said on the way to the answer",
			[]any{says(`{`), badly, control(ws.OpPing, ""), asks("1", lifecycle), goodbye(1000, ""), "end"}},
		{"a ping of the connection", []any{control(ws.OpPing, ""), "pong "}},
		{"a ping of the connection with a payload",
			[]any{control(ws.OpPing, "\x00\xff"), "pong \x00\xff", control(ws.OpPing, over[:125]), "pong " +
				over[:125]}},
		{"pongs that nobody asked for", []any{control(ws.OpPong, ""), control(ws.OpPong, "x"), hello, ack}},
		{"a message in fragments, and a ping between",
			[]any{framed(ws.NewFrame(ws.OpText, false, []byte(`{"type":`))), control(ws.OpPing, "!"), "pong !",
				framed(ws.NewFrame(ws.OpContinuation, true, []byte(`"connection_init"}`))), ack}},
		{"an unmasked frame", []any{hello, ack, []byte{0x81, 2, '{', '}'}, "close 1002"}},
		{"a reserved bit", []any{[]byte{0xc1, 0x80, 0, 0, 0, 0}, "close 1002"}},
		{"a reserved opcode", []any{control(0xb, ""), "close 1002"}},
		{"a continuation of nothing", []any{framed(ws.NewFrame(ws.OpContinuation, true, []byte("x"))), "close 1002"}},
		{"a fragmented ping", []any{framed(ws.NewFrame(ws.OpPing, false, nil)), "close 1002"}},
		{"bytes", []any{framed(ws.NewBinaryFrame([]byte("x"))), "close 1003"}},
		{"no UTF-8", []any{says("\"\xff\""), "close 1007"}},
		{"a message that is too long", []any{hello, ack, says(strings.Repeat(" ", 65_537)), "close 1009"}},
		{"the header of a message that is too long",
			[]any{hello, ack, []byte{0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0}, "close 1009"}},
		{"a message as long as may be",
			[]any{says(strings.Repeat(" ", 65_536-26) + `{"type":"connection_init"}`), ack}},
	}
	overBoth(t, func(t *testing.T, l *line) {
		for _, tt := range cases {
			t.Run(tt.name, func(t *testing.T) {
				p := l.open(t)
				p.talk(tt.script)
				p.conn.Close()
				l.forgotten(t)
			})
		}
		t.Run("all in the packet of the handshake", func(t *testing.T) {
			p := l.open(t, hello, asks("1", lifecycle), asks("2", `{ nothing }`), control(ws.OpPing, "x"),
				says(`{"type":"complete","id":"3"}`))
			heard := map[string]bool{}
			for range 5 {
				heard[strings.SplitAfter(p.next(), `,"payload"`)[0]] = true
			}
			for _, want := range []string{ack, `{"id":"1","type":"next","payload"`, `{"id":"1","type":"complete"}`,
				`{"id":"2","type":"error","payload"`, "pong x"} {
				if !heard[want] {
					t.Errorf("%s is not among %v", want, heard)
				}
			}
			p.send(goodbye(1000, ""))
			p.hears("close 1000", "end")
			l.forgotten(t)
		})
		t.Run("byte by byte", func(t *testing.T) {
			p := l.open(t)
			for _, b := range bytes.Join([][]byte{hello, asks("1", lifecycle)}, nil) {
				p.send([]byte{b})
			}
			p.hears(ack, viewer, `{"id":"1","type":"complete"}`)
			for _, b := range says(`{`) {
				p.send([]byte{b})
			}
			p.hears(badly)
			for _, b := range goodbye(4400, "") {
				p.send([]byte{b})
			}
			p.hears("end")
			l.forgotten(t)
		})
		if log := l.Logs.String(); strings.Contains(log, "level=ERROR") {
			t.Errorf("logged: %s", log)
		}
	}, limited(func(l *transport.Limits) { l.Message = 65_536 }))
}

func TestHandshakes(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		for _, tt := range []struct {
			name, method, version string
			headers               []string
			status                int
		}{
			{"as it should be", "GET", "HTTP/1.1", nil, http.StatusSwitchingProtocols},
			{"in other letters", "GET", "HTTP/1.1",
				[]string{"Upgrade", "WebSocket", "Connection", "keep-alive, upgrade"}, http.StatusSwitchingProtocols},
			{"from a page of ours", "GET", "HTTP/1.1", []string{"Origin", l.url}, http.StatusSwitchingProtocols},
			{"from a page elsewhere", "GET", "HTTP/1.1", []string{"Origin", "http://elsewhere.example"},
				http.StatusForbidden},
			{"from a page of nowhere", "GET", "HTTP/1.1", []string{"Origin", "null"}, http.StatusForbidden},
			{"no key", "GET", "HTTP/1.1", []string{"Sec-WebSocket-Key", ""}, http.StatusBadRequest},
			{"a short key", "GET", "HTTP/1.1", []string{"Sec-WebSocket-Key", "c2hvcnQ="}, http.StatusBadRequest},
			{"no version", "GET", "HTTP/1.1", []string{"Sec-WebSocket-Version", ""}, http.StatusBadRequest},
			{"an old version", "GET", "HTTP/1.1", []string{"Sec-WebSocket-Version", "8"}, http.StatusUpgradeRequired},
			{"a version that is none", "GET", "HTTP/1.1", []string{"Sec-WebSocket-Version", "thirteen"},
				http.StatusUpgradeRequired},
			{"no Connection header", "GET", "HTTP/1.1", []string{"Connection", ""}, http.StatusBadRequest},
			{"a Connection header without Upgrade", "GET", "HTTP/1.1", []string{"Connection", "keep-alive"},
				http.StatusBadRequest},
			{"POST", "POST", "HTTP/1.1", nil, http.StatusMethodNotAllowed},
			{"DELETE", "DELETE", "HTTP/1.1", nil, http.StatusMethodNotAllowed},
			{"HTTP/1.0", "GET", "HTTP/1.0", nil, http.StatusHTTPVersionNotSupported},
			{"subprotocols that can't be read", "GET", "HTTP/1.1", []string{"Sec-WebSocket-Protocol", "a b, \x7f"},
				http.StatusBadRequest},
			// Such clients speak HTTP/1.1 on when their offer is not taken up.
			{"an upgrade to something else", "GET", "HTTP/1.1", []string{"Upgrade", "h2c"},
				http.StatusBadRequest},
			{"no upgrade", "GET", "HTTP/1.1", []string{"Upgrade", ""}, http.StatusBadRequest},
		} {
			t.Run(tt.name, func(t *testing.T) {
				p := l.dial(t)
				p.send(l.handshake(tt.method, tt.version, tt.headers...))
				response, text := p.response()
				if response.StatusCode != tt.status {
					t.Errorf("the answer is %d %s, want %d", response.StatusCode, text, tt.status)
				}
				if got := response.Header.Get("Sec-WebSocket-Version"); tt.status == http.StatusUpgradeRequired &&
					got != "13" {
					t.Errorf("the version to use is %q", got)
				}
				p.conn.Close()
				l.forgotten(t)
			})
		}
	})
}

// A client that knows HTTP/2 may offer it with its first request, whatever that is for.
func TestOtherUpgradesAreIgnored(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	post := func(contentType string) *http.Response {
		header := http.Header{"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {"h2c"}, "Http2-Settings": {""},
			"Content-Type": {contentType}}
		response, _ := a.Send(http.MethodPost, server.GraphQLPath, header,
			strings.NewReader(`{"query":"mutation { editNegotiation(input: {negotiation: \"talks\", title: \"New\"}) { negotiation { title } } }"}`))
		return response
	}
	// That makes no form of a page elsewhere an operation.
	if got := a.Read(post("text/plain")); got.Status != http.StatusUnsupportedMediaType {
		t.Errorf("a form is answered with %d %v", got.Status, got.Data)
	}
	a.Must(`{ negotiation(id: "talks") { title } }`).Want("negotiation.title", "Talks of North and South")
	a.Read(post("application/json")).Want("editNegotiation.negotiation.title", "New")
}

// A client of another protocol is accepted, so that it can read why its connection is closed. So is one that names no
// protocol, as with the protocol's own library.
func TestSubprotocols(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		for offered, chosen := range map[string]string{
			"graphql-transport-ws":                                       "graphql-transport-ws",
			"graphql-ws, graphql-transport-ws":                           "graphql-transport-ws",
			"graphql-ws\r\nSec-WebSocket-Protocol: graphql-transport-ws": "graphql-transport-ws",
			"graphql-ws":           "graphql-ws",
			"soap, mqtt":           "soap",
			"Graphql-Transport-WS": "Graphql-Transport-WS",
			"":                     "",
		} {
			p := l.dial(t)
			p.send(append(l.handshake("GET", "HTTP/1.1", "Sec-WebSocket-Protocol", offered),
				says(`{"type":"connection_init"}`)...))
			response, text := p.response()
			if got := response.Header.Get("Sec-WebSocket-Protocol"); response.StatusCode != http.StatusSwitchingProtocols || got != chosen {
				t.Errorf("%q is answered with %d %q %s, want %q", offered, response.StatusCode, got, text, chosen)
				continue
			}
			if chosen == "graphql-transport-ws" {
				p.hears(`{"type":"connection_ack"}`)
			} else {
				p.hears("close 4406 Subprotocol not acceptable")
				p.send(goodbye(4406, ""))
				p.hears("end")
			}
			p.conn.Close()
			l.forgotten(t)
		}
	})
}

// hasty is what a server may take for silence. A test on a busy machine must not be as slow.
const hasty = 300 * time.Millisecond

func TestIntroductionsThatDoNotCome(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		for name, frames := range map[string][][]byte{
			"silence":             nil,
			"a ping":              {control(ws.OpPing, "")},
			"half a frame":        {says(`{"type":"connection_init"}`)[:9]},
			"a fragment":          {framed(ws.NewFrame(ws.OpText, false, []byte(`{`)))},
			"pings of their kind": {says(`{"type":"ping"}`), says(`{"type":"ping"}`)},
		} {
			p := l.open(t, frames...)
			got := p.next()
			for strings.HasPrefix(got, "pong") || got == `{"type":"pong"}` {
				got = p.next()
			}
			if got != "close 4408 Connection initialisation timeout" {
				t.Errorf("%s: got %q", name, got)
			}
			p.conn.Close()
			l.forgotten(t)
		}
	}, limited(func(l *transport.Limits) { l.Init = hasty }))
}

func TestClientsAreCalledOn(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		p := l.introduced(t)
		for range 3 {
			p.hears("ping ")
			p.send(control(ws.OpPong, ""))
		}
		p.hears("ping ")
		p.send(asks("1", lifecycle)) // says as much as a pong
		p.hears(viewer, `{"id":"1","type":"complete"}`, "ping ", "close 1013 no answer to a ping; ask again")
		p.send(goodbye(1013, ""))
		p.hears("end")
		l.forgotten(t)

		// One that does not even answer to that is waited for no longer than others.
		p = l.introduced(t)
		p.hears("ping ", "close 1013 no answer to a ping", "end")
		l.forgotten(t)
	}, limited(func(l *transport.Limits) { l.Ping, l.Linger = hasty, hasty }))
}

// Who begins to say something has to come to an end with it, and neither silence nor dribs and drabs count.
func TestMessagesThatDoNotEnd(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		whole := says(`{"type":"ping","payload":{"a":"` + strings.Repeat("x", 60_000) + `"}}`)
		p := l.introduced(t)
		p.send(whole[:20_000])
		if got := p.next(); got != "end" && !strings.HasPrefix(got, "ping") {
			t.Errorf("half a frame is answered with %q", got)
		}
		p.conn.Close()
		l.forgotten(t)

		// One that begins the next message with what ends the one before may go on like that.
		p = l.introduced(t)
		one := says(`{"type":"ping"}`)
		p.send(one[:5])
		for pings := 0; pings < 5; {
			p.send(append(bytes.Clone(one[5:]), one[:5]...))
			switch got := p.next(); got {
			case `{"type":"pong"}`:
			case "ping ":
				pings++
			default:
				t.Fatalf("got %q", got)
			}
		}
		p.conn.Close()
		l.forgotten(t)

		for name, part := range map[string]func(int) []byte{
			"byte by byte": func(i int) []byte { return whole[i : i+1] },
			"in fragments": func(i int) []byte {
				begins := ws.OpContinuation
				if i == 0 {
					begins = ws.OpText
				}
				return append(framed(ws.NewFrame(begins, false, []byte("x"))), control(ws.OpPong, "")...)
			},
		} {
			p := l.introduced(t)
			between := time.NewTicker(time.Millisecond)
			defer between.Stop()
			for i := range whole {
				<-between.C
				if _, err := p.conn.Write(part(i)); isReset(err) {
					break
				} else if err != nil || i == len(whole)-1 {
					t.Fatalf("%s: a message may take for ever: %v", name, err)
				}
			}
			p.conn.Close()
			l.forgotten(t)
		}
	}, limited(func(l *transport.Limits) { l.Ping, l.Linger = hasty, hasty }))
}

func TestOperationsSideBySide(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		next := func(id, field, cursor string) string {
			return `{"id":"` + id + `","type":"next","payload":{"data":{"` + field + `":{"cursor":"` + cursor + `"}}}}`
		}
		begin := l.head()
		release := l.hold(t)
		p := l.introduced(t)
		p.send(asks("all", `subscription { changes(after: "`+begin+`") { cursor } }`))
		p.send(asks("moves", `subscription { scenarioStatusChanged(after: "`+begin+`") { cursor } }`))
		p.send(asks("slow", `{ negotiation(id: "talks") { key } }`))
		p.send(asks("fast", lifecycle))
		p.hears(`{"id":"fast","type":"next"`, `{"id":"fast","type":"complete"`)
		release()
		p.hears(`{"id":"slow","type":"next","payload":{"data":{"negotiation":{"key":"talks"}}}}`,
			`{"id":"slow","type":"complete"`)
		p.hears(next("all", "changes", l.retitle()))
		moved := l.reword("talks/line")
		if got, want := p.gather(2),
			[]string{next("all", "changes", moved), next("moves", "scenarioStatusChanged", moved)}; !slices.Equal(got,
			want) {
			t.Errorf("got %q, want %q", got, want)
		}

		p.send(says(`{"type":"complete","id":"moves"}`))
		p.send(asks("write",
			`mutation { editNegotiation(input: {negotiation: "talks", title: "By socket"}) { cursor } }`))
		got, written := p.gather(3), l.head()
		if want := []string{next("all", "changes", written), `{"id":"write","type":"complete"}`,
			next("write", "editNegotiation", written)}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		p.hears(next("all", "changes", l.reword("talks/line")), next("all", "changes", l.retitle()))
		p.send(goodbye(1000, ""))
		p.hears("close 1000", "end")
		l.forgotten(t)
	})
}

// gather reads so many frames, whatever their order.
func (p *peer) gather(n int) []string {
	p.t.Helper()
	list := make([]string, n)
	for i := range list {
		list[i] = p.next()
	}
	slices.Sort(list)
	return list
}

// head is the cursor of the last change.
func (a *api) head() string {
	a.T.Helper()
	return a.Must(`{ changes(first: 1, order: NEWEST_FIRST) { nodes { cursor } } }`).Text("changes.nodes.0.cursor")
}

// A client may give an id to another operation while the one before it still ends. Nothing of that one comes then.
func TestIDsOfOperationsThatAreAbandoned(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		release := l.hold(t)
		p := l.introduced(t)
		for range 20 {
			p.send(asks("1", `{ negotiation(id: "talks") { title } }`))
			p.send(says(`{"type":"complete","id":"1"}`))
		}
		p.send(asks("1", `{ negotiation(id: "talks") { key } }`))
		p.send(says(`{"type":"ping"}`))
		p.hears(`{"type":"pong"}`)
		release()
		p.hears(`{"id":"1","type":"next","payload":{"data":{"negotiation":{"key":"talks"}}}}`,
			`{"id":"1","type":"complete"}`)
		p.send(says(`{"type":"ping"}`))
		p.hears(`{"type":"pong"}`)
		p.conn.Close()
		l.forgotten(t)
	})
}

func TestTooManyOperations(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		begin := l.head()
		document := `subscription { changes(after: "` + begin + `") { cursor } }`
		p := l.introduced(t)
		p.send(asks("a", document))
		p.send(asks("b", document))
		for _, what := range []string{document, lifecycle, `{`} {
			p.send(asks("1", what))
			p.talk([]any{fault("LIMIT", "2 operations")})
		}
		p.send(asks("a", document))
		p.hears("close 4409") // rather than LIMIT
		p.conn.Close()
		l.forgotten(t)

		p = l.introduced(t)
		p.send(asks("a", document))
		p.send(asks("b", document))
		p.send(asks("1", lifecycle))
		p.talk([]any{fault("LIMIT")})
		l.retitle()
		for i, got := range p.gather(2) {
			if want := `{"id":"` + "ab"[i:i+1] + `","type":"next"`; !strings.HasPrefix(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		p.send(says(`{"type":"complete","id":"a"}`))
		p.send(asks("1", lifecycle))
		p.hears(viewer, `{"id":"1","type":"complete"}`)
		p.conn.Close()
		l.forgotten(t)
	}, limited(func(l *transport.Limits) { l.Operations = 2 }))
}

func TestTooManyConnections(t *testing.T) {
	overBoth(t, func(t *testing.T, l *line) {
		p, stream := l.introduced(t), l.stream(t, http.MethodPost, live)
		second := l.dial(t)
		second.send(l.handshake(http.MethodGet, "HTTP/1.1"))
		if response, text := second.response(); response.StatusCode != http.StatusServiceUnavailable ||
			response.Header.Get("Retry-After") == "" || !strings.Contains(text, "too many connections") {
			t.Errorf("one WebSocket too many is answered with %d %v %s", response.StatusCode, response.Header, text)
		}
		response := l.request(t, http.MethodPost, live)
		if response.Header.Get("Retry-After") == "" {
			t.Error("one stream too many is not told when to come back")
		}
		got := l.Read(response)
		if got.Fails("LIMIT", "too many connections"); got.Status != http.StatusServiceUnavailable {
			t.Errorf("one stream too many is answered with %d", got.Status)
		}
		l.Must(lifecycle)
		p.send(says(`{"type":"ping"}`))
		p.hears(`{"type":"pong"}`)

		p.conn.Close()
		apitest.Wait(t, "one place to be free", func() bool { return l.Metric("parley_connections") == 1 })
		p = l.introduced(t)
		p.conn.Close()
		stream.close()
		l.forgotten(t)
	}, limited(func(l *transport.Limits) { l.Connections = 2 }))
}

func TestClientsThatAreNotAdmitted(t *testing.T) {
	admit := func(header http.Header, introduction json.RawMessage) (transport.Admission, error) {
		var said struct{ Token string }
		json.Unmarshal(introduction, &said)
		if header.Get("Token")+said.Token != "good" {
			return transport.Admission{}, errors.New("it has no token, or a secret one that must not be told")
		}
		return transport.Admission{}, nil
	}
	overBoth(t, func(t *testing.T, l *line) {
		for _, introduction := range []string{`{"type":"connection_init"}`,
			`{"type":"connection_init","payload":{"token":"bad"}}`} {
			p := l.open(t, says(introduction), asks("1", lifecycle))
			if got := p.next(); got != "close 4403 Forbidden" {
				t.Errorf("got %q", got)
			}
			p.send(goodbye(4403, ""))
			p.hears("end")
			l.forgotten(t)
		}
		p := l.open(t, says(`{"type":"connection_init","payload":{"token":"good"}}`))
		p.hears(`{"type":"connection_ack"}`)
		p.conn.Close()
		p = l.dial(t)
		p.send(append(l.handshake(http.MethodGet, "HTTP/1.1", "Token", "good"), says(`{"type":"connection_init"}`)...))
		p.response()
		p.hears(`{"type":"connection_ack"}`)
		p.conn.Close()

		got := l.Read(l.request(t, http.MethodPost, live))
		if got.Fails("BAD_REQUEST", "may not subscribe"); got.Status != http.StatusForbidden {
			t.Errorf("a stream is answered with %d", got.Status)
		}
		l.stream(t, http.MethodPost, live, "Token", "good").close()
		l.forgotten(t)
	}, func(o *server.Options) { o.Admit = admit })
}

// hold has whoever reads the record wait, until it is released.
func (a *api) hold(t *testing.T) (release func()) {
	t.Helper()
	db := a.DB()
	tx, err := db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `LOCK TABLE negotiations IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return func() {
		t.Helper()
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// A text that stands for no character is refused before it is read, and the connection goes on.
func TestDamagedTextsOnASocket(t *testing.T) {
	t.Parallel()
	s := start(t).connect()
	s.send(message{Type: "subscribe", ID: "1", Payload: json.RawMessage(`{"query": "{ viewer { name } }", "variables": {"a": ["\ud83d"]}}`)})
	if m := s.read(); m.Type != "error" || !strings.Contains(string(m.Payload), "variables.a.0 has") || !strings.Contains(string(m.Payload), "BAD_REQUEST") {
		t.Errorf("it is answered with %s %s", m.Type, m.Payload)
	}
	s.ask("1", `{ viewer { name } }`)
	if m := s.read(); m.Type != "next" {
		t.Errorf("afterwards the answer is %s %s", m.Type, m.Payload)
	}
}
