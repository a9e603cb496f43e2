package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"example.org/parley/server/apitest"

	"example.org/parley/server"
	"example.org/parley/server/transport"
)

// door admits who has a token, to what the token is good for, until it is taken back. A token is "clearance/name".
type door struct {
	mu     sync.Mutex
	revoke map[string]context.CancelFunc
}

func (d *door) open(o *server.Options) {
	o.Admit = func(header http.Header, introduction json.RawMessage) (transport.Admission, error) {
		var said struct{ Token string }
		json.Unmarshal(introduction, &said)
		token := said.Token + header.Get("Token")
		clearance, _, ok := strings.Cut(token, "/")
		if !ok {
			return transport.Admission{}, errors.New("that is no token")
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		until, cancel := context.WithCancel(context.Background())
		d.revoke[token] = cancel
		if strings.HasSuffix(token, quietly) {
			until = unheard{until}
		}
		if clearance == "late" {
			cancel()
		}
		return transport.Admission{Clearance: clearance, Until: until}, nil
	}
}

// quietly ends the tokens whose end the server has to ask for: as if it were slow to hear of it.
const quietly = " quietly"

type unheard struct{ context.Context }

func (unheard) Done() <-chan struct{} { return nil }

// close takes a token back.
func (d *door) close(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.revoke[token]()
}

// admitted opens a WebSocket with a token.
func (l *line) admitted(t *testing.T, token string) *peer {
	t.Helper()
	p := l.open(t, says(`{"type":"connection_init","payload":{"token":"`+token+`"}}`))
	p.hears(`{"type":"connection_ack"}`)
	return p
}

// What is recorded after a client's rights were revoked does not reach it, though others get it that it shared with.
func TestRevokedRights(t *testing.T) {
	d := &door{revoke: make(map[string]context.CancelFunc)}
	overBoth(t, func(t *testing.T, l *line) {
		name := func(who string) string { return t.Name()[strings.LastIndex(t.Name(), "/")+1:] + "/" + who }
		next := func(cursor string) string {
			return `{"id":"1","type":"next","payload":{"data":{"changes":{"cursor":"` + cursor + `"}}}}`
		}
		begin := l.head()
		document := `subscription { changes(after: "` + begin + `") { cursor } }`
		stays, staysToo := l.admitted(t, name("stays")),
			l.stream(t, http.MethodPost, document, "Token", name("stays too"))
		stays.send(asks("1", document))
		written := []string{begin}
		for round := range 10 {
			who := []string{"socket", "stream", "idle"}
			if round%2 == 0 {
				who = []string{"socket" + quietly, "stream" + quietly, "idle"}
			}
			document := `subscription { changes(after: "` + written[len(written)-1] + `") { cursor } }`
			socket, idle, stream := l.admitted(t, name(who[0])), l.admitted(t, name("idle")),
				l.stream(t, http.MethodGet, document, "Token", name(who[1]))
			socket.send(asks("1", document))
			written = append(written, l.retitle())
			before := written[len(written)-1]
			socket.hears(next(before))
			stream.hears(changed(before))
			if views := l.Metric("parley_feed_views"); views != 1 {
				t.Fatalf("there are %v views, want one for all of them", views)
			}
			for _, who := range who {
				d.close(name(who))
			}
			after := l.retitle()
			written = append(written, after)
			stays.hears(next(before), next(after))
			staysToo.hears(changed(before), changed(after))
			for _, p := range []*peer{socket, idle} {
				p.hears("close 4403 Forbidden")
				p.send(goodbye(4403, ""))
				p.hears("end")
			}
			stream.hears(theEnd)
		}
		stays.conn.Close()
		staysToo.close()
		l.forgotten(t)
	}, d.open)
}

// Nor is anything answered that was asked before and is found after, or asked after.
func TestAnswersAfterRightsAreRevoked(t *testing.T) {
	d := &door{revoke: make(map[string]context.CancelFunc)}
	overBoth(t, func(t *testing.T, l *line) {
		name := func(who string) string { return t.Name()[strings.LastIndex(t.Name(), "/")+1:] + "/" + who }
		for range 10 {
			release := l.hold(t)
			before, after := l.admitted(t, name("before")), l.admitted(t, name("after"))
			before.send(asks("1", `{ negotiation(id: "talks") { key } }`))
			before.send(says(`{"type":"ping"}`))
			before.hears(`{"type":"pong"}`)
			d.close(name("before"))
			release()
			before.hears("close 4403 Forbidden")

			d.close(name("after"))
			after.conn.Write(append(says(`{"type":"ping"}`), asks("1", lifecycle)...)) // which may be too late
			after.hears("close 4403 Forbidden")
			before.conn.Close()
			after.conn.Close()
			l.forgotten(t)
		}
		p := l.open(t, says(`{"type":"connection_init","payload":{"token":"late/`+name("")+`"}}`), asks("1", lifecycle))
		p.hears("close 4403 Forbidden")
		p.conn.Close()
		for _, document := range []string{live, lifecycle} {
			l.stream(t, http.MethodPost, document, "Token", "late/"+name("")).hears(theEnd)
		}
		l.forgotten(t)
	}, d.open)
}

// Clients that may see the same share what is executed, and others share nothing.
func TestClearances(t *testing.T) {
	d := &door{revoke: make(map[string]context.CancelFunc)}
	overBoth(t, func(t *testing.T, l *line) {
		document := `subscription { changes(after: "` + l.head() + `") { cursor negotiation { title } } }`
		views := func(want float64) {
			t.Helper()
			apitest.Wait(t, "views", func() bool { return l.Metric("parley_feed_views") == want })
		}
		l.retitle()
		heard := func(token string) *peer {
			p := l.admitted(t, token)
			p.send(asks("1", document))
			p.hears(`{"id":"1","type":"next","payload":{"data":{"changes":{"cursor":`)
			return p
		}
		a := heard("high/a")
		views(1)
		b, c := heard("high/b"), l.stream(t, http.MethodPost, document, "Token", "high/c")
		c.next()
		views(1)
		low := heard("low/a")
		views(2)
		// A clearance is no part of a name that could be taken for another.
		odd := heard(`high\",[]]/a`)
		views(3)
		for _, p := range []*peer{a, b, low, odd} {
			p.conn.Close()
		}
		c.close()
		views(0)
		l.forgotten(t)
	}, d.open)
}
