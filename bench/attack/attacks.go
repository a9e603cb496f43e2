package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// attack is what one attacker does again and again.
type attack struct {
	name string
	once func(context.Context) (answer string)
}

func attacks() []attack {
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, strings.ReplaceAll(format, "%d", "%[1]d")+" ", i)
		}
		return b.String()
	}
	long := strings.Repeat("x", 50<<20)
	return []attack{
		{healthz, func(ctx context.Context) string { return send(ctx, http.MethodGet, "/healthz", nil) }},
		{"10,000 aliases", document(`{ ` + repeat(10_000, `a%d: viewer { name }`) + `}`)},
		{"500 levels", document(`{ viewer ` + strings.Repeat("{ x ", 500) + strings.Repeat("} ", 500) + `}`)},
		{"one field 4,800 times", document(`{ viewer { ` + strings.Repeat("name ", 4_800) + `} }`)},
		{"60 fragments of 60 fields", document(`{ viewer { ` + repeat(60, `...f%d`) + `} } ` + repeat(60, `fragment f%d on Analyst { `+strings.Repeat("name ", 60)+`}`))},
		{"3.9 million values", body(`{"query": "{ viewer { name } }", "variables": {"x": [` + strings.Repeat("0,", 3_900_000) + `0]}}`)},
		{"15 MiB of comment", document(`{ viewer { name } } #` + strings.Repeat("x", 15<<20))},
		{"50 MiB", body(`{"query": "` + long + `"}`)},
		{"50 MiB in chunks", chunked(`{"query": "` + long + `"}`)},
		{"100 diffs", document(`{ ` + repeat(100, `a%d: negotiation(id: "talks") { diff(from: {validAt: "2024-02-01T00:00:00Z"}, to: {validAt: "2024-09-01T00:00:00Z"}) {
			positions { totalCount nodes { cause steps { cause } } } } }`) + `}`)},
		{"60 searches", document(`{ ` + repeat(60, `a%d: search(text: "border water %d") { node { id } }`) + `}`)},
		{"everything on record, deep", document(`{ scenarios(first: 500) { nodes { positions(first: 500) { nodes {
			evidence { about { id } source { statements(first: 500) { nodes { id text } } } } } } } } }`)},
		{"bodies of a byte a second", slowly},
		{"connections without a word", connection("")},
		{"half a header", connection("GET /healthz HTTP/1.1\r\nHost: local")},
		{"WebSockets", webSocket},
		{"event streams", eventStream},
	}
}

// healthz costs the server next to nothing. So it shows how much of a delay the attackers' own work makes, for which
// they use the same processors.
const healthz = "/healthz, for comparison"

// attackers come from another address than the ordinary client.
var (
	dialer    = &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	attackers = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, DialContext: dialer.DialContext}}
)

func post(ctx context.Context, text io.Reader) string {
	return send(ctx, http.MethodPost, "/graphql", text)
}

func send(ctx context.Context, method, path string, text io.Reader) string {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, text)
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := attackers.Do(r)
	if err != nil {
		return unanswered(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return unanswered(err)
	}
	return sentence(response.StatusCode, answer)
}

func body(text string) func(context.Context) string {
	return func(ctx context.Context) string { return post(ctx, strings.NewReader(text)) }
}

func document(text string) func(context.Context) string {
	quoted, err := json.Marshal(map[string]string{"query": text})
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return body(string(quoted))
}

// chunked does not say how long the text is.
func chunked(text string) func(context.Context) string {
	return func(ctx context.Context) string { return post(ctx, io.MultiReader(strings.NewReader(text))) }
}

// dial opens many connections at once and says something on each.
func dial(ctx context.Context, says string, many int) (opened []net.Conn) {
	for range many {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			break
		}
		if says != "" {
			io.WriteString(conn, says)
		}
		opened = append(opened, conn)
	}
	return opened
}

// connection opens 320 connections, so that all attackers together have 5,120, which stay open until the attack ends.
func connection(says string) func(context.Context) string {
	return func(ctx context.Context) string {
		opened := dial(ctx, says, 320)
		<-ctx.Done()
		for _, conn := range opened {
			conn.Close()
		}
		return fmt.Sprintf("%d connections opened", len(opened))
	}
}

func slowly(ctx context.Context) string {
	opened := dial(ctx, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{", 100)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			for _, conn := range opened {
				io.WriteString(conn, " ")
			}
		}
	}
	for _, conn := range opened {
		conn.Close()
	}
	return fmt.Sprintf("%d bodies begun", len(opened))
}

func webSocket(ctx context.Context) string {
	conn, _, err := websocket.Dial(ctx, "ws://"+address+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: attackers,
	})
	if err != nil {
		return unanswered(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	conn.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init"}`))
	for i := range 120 {
		text := fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":
			"subscription { changes { summary negotiation { issues { scenarios { nodes { title } } } } } }"}}`, i)
		if conn.Write(ctx, websocket.MessageText, []byte(text)) != nil {
			break
		}
	}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return unanswered(err)
		}
		if strings.Contains(string(text), `"error"`) {
			return string(text)[:min(len(text), 150)]
		}
	}
}

func eventStream(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/graphql", strings.NewReader(`{"query":"subscription { changes { summary } }"}`))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	response, err := attackers.Do(r)
	if err != nil {
		return unanswered(err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	return fmt.Sprint(response.StatusCode)
}
