package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gobwas/ws"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley/server/observe"
)

// maxWait is how long a test waits for an expected event before it fails.
const maxWait = time.Minute

// blocking is an executor that runs until it is released, even if its context has ended, and then refuses.
type blocking struct {
	graphql.GraphExecutor
	running atomic.Int32
	release chan struct{} // closed when it may continue
}

func (b *blocking) CreateOperationContext(
	context.Context, *graphql.RawParams,
) (*graphql.OperationContext, gqlerror.List) {
	b.running.Add(1)
	<-b.release
	return &graphql.OperationContext{}, gqlerror.List{gqlerror.Errorf("refused")}
}

func (b *blocking) DispatchError(_ context.Context, list gqlerror.List) *graphql.Response {
	b.running.Add(-1)
	return &graphql.Response{Errors: list}
}

// forTests returns transports that can't execute operations.
func forTests(limits Limits) *Transports {
	return New(Options{Limits: limits, Log: slog.New(slog.DiscardHandler), Observer: observe.New(observe.Options{})})
}

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	client.SetDeadline(time.Now().Add(maxWait))
	return client, server
}

// read reads the next frame from a server. It returns its text, or "close" with the code and reason.
func read(in io.Reader) (string, error) {
	header, err := ws.ReadHeader(in)
	if err != nil {
		return "", err
	}
	payload := make([]byte, header.Length)
	if _, err := io.ReadFull(in, payload); err != nil {
		return "", err
	}
	if header.OpCode == ws.OpClose {
		code, reason := ws.ParseCloseFrameData(payload)
		return fmt.Sprintf("close %d %s", code, reason), nil
	}
	return string(payload), nil
}

func heard(t *testing.T, in io.Reader) string {
	t.Helper()
	got, err := read(in)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Operations that a client has completed count against its limit until they have stopped running.
func TestAbandonedOperationsCount(t *testing.T) {
	t.Parallel()
	limits := DefaultLimits
	limits.Operations = 2
	transports, exec := forTests(limits), &blocking{release: make(chan struct{})}
	client, server := pair(t)
	s := &socket{transports: transports, exec: exec, frames: frames{limit: limits.Message}}
	if !transports.enter(s, "") {
		t.Fatal("the client is not admitted")
	}
	s.begin(server, nil, true)
	in := bufio.NewReader(client)
	say := func(messages ...string) {
		t.Helper()
		for _, m := range messages {
			if _, err := client.Write(frame(last|text, m)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func(id string) string {
		return `{"type":"subscribe","id":"` + id + `","payload":{"query":"{ viewer { name } }"}}`
	}
	say(`{"type":"connection_init"}`)
	if got := heard(t, in); got != `{"type":"connection_ack"}` {
		t.Fatal(got)
	}
	for i := range 100 {
		say(ask("1"), `{"type":"complete","id":"1"}`, `{"type":"ping"}`)
		got := heard(t, in)
		if refused := strings.Contains(got, `"LIMIT"`); refused != (i >= limits.Operations) {
			t.Fatalf("request %d is answered with %s", i, got)
		} else if refused {
			got = heard(t, in)
		}
		if got != `{"type":"pong"}` {
			t.Fatal(got)
		}
	}
	if got := exec.running.Load(); got > int32(limits.Operations) {
		t.Errorf("%d operations run at a time", got)
	}
	close(exec.release)
	for got := "LIMIT"; strings.Contains(got, "LIMIT"); {
		say(ask("2"))
		if got = heard(t, in); !strings.Contains(got, "LIMIT") && !strings.Contains(got, "refused") {
			t.Fatal(got)
		}
	}
	client.Close()
	transports.left.Wait()
}

// A server may stop during a client's handshake. The client is told as soon as the WebSocket is open.
func TestClientsThatComeWhileTheServerStops(t *testing.T) {
	t.Parallel()
	transports := forTests(DefaultLimits)
	client, server := pair(t)
	s := &socket{transports: transports, frames: frames{limit: 1}}
	if !transports.enter(s, "") {
		t.Fatal("the client is not admitted")
	}
	drained := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer close(drained)
		transports.Drain(ctx)
	}()
	for !transports.isDraining() {
		runtime.Gosched()
	}
	s.begin(server, nil, true)
	if got := heard(t, client); !strings.HasPrefix(got, "close 1012 the server stops") {
		t.Errorf("got %q", got)
	}
	cancel() // which would cut the client off before it was told
	client.Write(frame(last|closes, ""))
	<-drained
	if len(transports.clients) > 0 {
		t.Error("the client is still registered")
	}
}

// The same with real handshakes: a client is either refused, or accepted and told to reconnect.
func TestHandshakesWhileTheServerStops(t *testing.T) {
	t.Parallel()
	for range 50 {
		transports, came := forTests(DefaultLimits), make(chan struct{}, 1)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case came <- struct{}{}:
			default:
			}
			WebSockets{transports}.Do(w, r, nil)
		}))
		const clients = 8
		outcomes := make(chan string, clients)
		for range clients {
			go func() { outcomes <- shakeHands(srv.Listener.Addr().String()) }()
		}
		<-came
		transports.Drain(t.Context())
		for range clients {
			if got := <-outcomes; !strings.HasPrefix(got, "close 1012") && got != "503" {
				t.Fatalf("got %q", got)
			}
		}
		srv.Close()
	}
}

// shakeHands opens a WebSocket. It returns the close frame, or the status of a refused handshake.
func shakeHands(address string) string {
	dialer := ws.Dialer{Protocols: []string{protocol}, Timeout: maxWait}
	conn, in, _, err := dialer.Dial(context.Background(), "ws://"+address)
	var refused ws.StatusError
	if errors.As(err, &refused) {
		return fmt.Sprint(int(refused))
	} else if err != nil {
		return err.Error()
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(maxWait))
	if in == nil {
		in = bufio.NewReader(conn)
	}
	got, err := read(in)
	if err != nil {
		return err.Error()
	}
	return got
}
