package feed_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"github.com/gobwas/ws"

	"example.org/parley/server"
)

// counting is a listener that knows how many of its connections are open.
type counting struct {
	net.Listener
	open *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &counted{TCPConn: conn.(*net.TCPConn), open: l.open}, nil
}

type counted struct {
	*net.TCPConn
	open   *atomic.Int64
	closed sync.Once
}

func (c *counted) Close() error {
	c.closed.Do(func() { c.open.Add(-1) })
	return c.TCPConn.Close()
}

// abrupt is a client that goes without goodbye.
type abrupt struct {
	conn   net.Conn
	in     *bufio.Reader
	random *rand.Rand
	to     *line
	begin  string // a cursor
}

// sends says what can be said; that the server may have closed the connection is none of its business.
func (c *abrupt) sends(frames ...[]byte) {
	for _, b := range frames {
		c.conn.Write(b)
	}
}

// partOf is some of it, but not all.
func (c *abrupt) partOf(b []byte) []byte { return b[:c.random.IntN(len(b))] }

// hears reads up to what holds a text.
func (c *abrupt) hears(text string) error {
	for {
		line, err := c.in.ReadString('}')
		if strings.Contains(line, text) {
			return nil
		} else if err != nil {
			return fmt.Errorf("waits for %s in vain: %w", text, err)
		}
	}
}

func (c *abrupt) opens(frames ...[]byte) error {
	c.sends(append([][]byte{c.to.handshake(http.MethodGet, "HTTP/1.1")}, frames...)...)
	if _, err := http.ReadResponse(c.in, nil); err != nil {
		return fmt.Errorf("no answer to the handshake: %w", err)
	}
	return nil
}

func (c *abrupt) introducesItself() error {
	if err := c.opens(says(`{"type":"connection_init"}`)); err != nil {
		return err
	}
	return c.hears("connection_ack")
}

// follows is a subscription that has something to tell at once.
func (c *abrupt) follows(id string) []byte {
	return asks(id, `subscription { changes(after: "`+c.begin+`") { ...change } }`+received)
}

func (c *abrupt) wantsEvents() []byte {
	body := `{"query":"subscription { changes { cursor negotiation { title } } }"}`
	return fmt.Appendf(nil,
		"POST %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nLast-Event-ID: %s\r\nContent-Type: "+
			"application/json\r\nContent-Length: %d\r\n\r\n%s",
		server.GraphQLPath, c.to.url[strings.LastIndex(c.to.url, "/")+1:], c.begin, len(body), body)
}

// moments are when clients go: after these.
var moments = []func(*abrupt) error{
	func(*abrupt) error { return nil },
	func(c *abrupt) error { c.sends(c.partOf(c.to.handshake(http.MethodGet, "HTTP/1.1"))); return nil },
	func(c *abrupt) error { c.sends(c.to.handshake(http.MethodGet, "HTTP/1.1")); return nil },
	func(c *abrupt) error { return c.opens() },
	func(c *abrupt) error { return c.opens(c.partOf(says(`{"type":"connection_init"}`))) },
	func(c *abrupt) error { return c.opens(says(`{"type":"connection_init"}`)) },
	func(c *abrupt) error { return c.opens(c.follows("1")) }, // without introduction
	(*abrupt).introducesItself,
	func(c *abrupt) error { defer c.sends(c.partOf(c.follows("1"))); return c.introducesItself() },
	func(c *abrupt) error { defer c.sends(c.follows("1")); return c.introducesItself() },
	func(c *abrupt) error {
		defer c.sends(c.follows("1"), c.follows("2"), asks("3", lifecycle), says(`{"type":"complete","id":"1"}`),
			asks("1", `{ negotiation(id: "talks") { title } }`))
		return c.introducesItself()
	},
	func(c *abrupt) error {
		defer c.sends(framed(ws.NewFrame(ws.OpText, false, []byte(`{"type":`))), control(ws.OpPing, "x"))
		return c.introducesItself()
	},
	func(c *abrupt) error { defer c.sends(c.follows("1"), goodbye(1001, "")); return c.introducesItself() },
	func(c *abrupt) error { defer c.sends(c.follows("1"), control(0xb, "")); return c.introducesItself() },
	func(c *abrupt) error {
		if err := c.introducesItself(); err != nil {
			return err
		}
		c.sends(c.follows("1"))
		if err := c.hears(`"recordedAt"`); err != nil {
			return err
		}
		c.sends(c.partOf(asks("2", lifecycle)))
		return nil
	},
	func(c *abrupt) error { c.sends(c.partOf(c.wantsEvents())); return nil },
	func(c *abrupt) error { c.sends(c.wantsEvents()); return nil },
	func(c *abrupt) error { c.sends(c.wantsEvents()); return c.hears(`"title"`) },
}

// dropIn is one connection, from its beginning to its end at some moment.
func dropIn(random *rand.Rand, moment int, to *line, begin string) error {
	tcp, err := net.Dial("tcp", to.url[strings.LastIndex(to.url, "/")+1:])
	if err != nil {
		return err
	}
	defer tcp.Close()
	if random.IntN(2) == 0 {
		tcp.(*net.TCPConn).SetLinger(0) // which resets the connection
	}
	tcp.SetDeadline(time.Now().Add(apitest.Patience))
	c := &abrupt{conn: tcp, random: random, to: to, begin: begin}
	if to.tls != nil {
		config := to.tls.Clone()
		config.ServerName, config.NextProtos = "127.0.0.1", nil
		c.conn = tls.Client(tcp, config)
	}
	c.in = bufio.NewReader(c.conn)
	return moments[moment](c)
}

// Clients go without goodbye at any moment, and nothing is left of them. PARLEY_DISCONNECTS says how many, if not 2000.
func TestAbruptDisconnects(t *testing.T) {
	t.Parallel()
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("test", t.Name())))
	clients := 2000
	if text := os.Getenv("PARLEY_DISCONNECTS"); text != "" {
		var err error
		if clients, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	a := withTalks(t)
	var open atomic.Int64
	serve := func(start func(*httptest.Server)) *line {
		srv := httptest.NewUnstartedServer(a.Handler)
		srv.Listener = counting{srv.Listener, &open}
		srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of TLS that is broken off
		start(srv)
		t.Cleanup(srv.Close)
		l := &line{api: a, url: srv.URL}
		if srv.TLS != nil {
			l.tls = srv.Client().Transport.(*http.Transport).TLSClientConfig
		}
		return l
	}
	plain, secure := serve((*httptest.Server).Start), serve((*httptest.Server).StartTLS)
	begin := a.head()
	for range 20 {
		a.retitle()
	}

	visits := func(n int) {
		var visiting, writing sync.WaitGroup
		over := make(chan struct{})
		defer writing.Wait()
		defer close(over)
		writing.Go(func() { // so that something is on its way to everybody
			for {
				select {
				case <-over:
					return
				default:
				}
				if errs := a.try(`mutation($to: String!) { editNegotiation(input: {negotiation: "talks", title: $to}) { cursor userErrors { code message field } } }`, map[string]any{"to": another()}); len(errs) > 0 {
					t.Error(errs)
					return
				}
			}
		})
		var come atomic.Int64
		for worker := range 32 {
			visiting.Go(func() {
				random := rand.New(rand.NewPCG(uint64(n), uint64(worker)))
				for i := int(come.Add(1)); i <= n && !t.Failed(); i = int(come.Add(1)) {
					to := plain
					if random.IntN(20) == 0 {
						to = secure
					}
					if err := dropIn(random, i%len(moments), to, begin); err != nil {
						t.Errorf("client %d, which goes at moment %d: %v", i, i%len(moments), err)
					}
				}
			})
		}
		visiting.Wait()
	}
	atRest := func(goroutines int) bool {
		http.DefaultClient.CloseIdleConnections()
		return open.Load() == 0 && a.Metric("parley_connections") == 0 && a.Metric("parley_feed_subscribers") == 0 &&
			running(t) <= goroutines
	}
	visits(4 * len(moments)) // and with it, what is begun once
	apitest.Wait(t, "the server to be at rest", func() bool { return atRest(20) })
	before := running(t)
	if before == 0 {
		t.Fatal("no goroutine is known")
	}
	visits(clients)
	apitest.Wait(t, fmt.Sprintf("nothing to be left but %d goroutines", before), func() bool { return atRest(before) })
	if text := a.Logs.String(); strings.Contains(text, "level=ERROR") {
		t.Errorf("logged: %.2000s", text)
	}
}
