// Package transport carries operations and their answers: over HTTP one answer at a time, and subscriptions as
// server-sent events or over WebSockets. (gqlgen's own transports run a subscription for each client, cost it some fifty
// kilobytes, and never let go of one that stops reading. These share what is executed, and write without waiting.)
package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/feed"
	"example.org/parley/resolvers"
)

// Limits bound what clients may take up.
type Limits struct {
	Connections int           // that stay open: WebSockets and streams of events
	Operations  int           // that run at a time on one WebSocket
	Message     int           // bytes of one that a WebSocket brings
	Init        time.Duration // how long a WebSocket may take to introduce itself
	Ping        time.Duration // how often a client that stays is called on; it has as long to answer
	Write       time.Duration // how long it may take to accept 64 KiB
	Linger      time.Duration // how long a client is waited for that was told to go
}

// DefaultLimits are those of a server that is not told otherwise.
var DefaultLimits = Limits{Connections: 20_000, Operations: 100, Message: 1 << 20, Init: 10 * time.Second, Ping: 30 * time.Second, Write: 10 * time.Second, Linger: 5 * time.Second}

// Admission is what a client was found to be entitled to.
type Admission struct {
	// Clearance is the same for clients that may see the same: they share what is executed.
	Clearance string
	// Until ends when the client may see nothing more, since its rights have changed or its token has run out. Nothing is
	// delivered to it from then on. Nil: its admission stays good.
	Until context.Context
}

func (a Admission) ended() bool { return a.Until != nil && a.Until.Err() != nil }

// Options say what the transports work on.
type Options struct {
	Resolver *resolvers.Resolver
	Feed     *feed.Feed
	Limits   Limits
	// Admit decides on a client that wants to stay, by the headers of its request and, of a WebSocket, the payload of its
	// introduction. Nil: everybody is admitted, and all may see the same.
	Admit   func(header http.Header, introduction json.RawMessage) (Admission, error)
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Transports are the ways in, and know who is connected.
type Transports struct {
	Options
	views   *lru.Cache[viewed, viewText]
	metrics *metrics
	showing chan struct{} // a view

	mu       sync.Mutex
	clients  map[client]struct{}
	draining bool
	left     sync.WaitGroup
}

// client is somebody who stays connected.
type client interface {
	// depart asks the client to go on elsewhere; it does not wait.
	depart()
	// cut ends the connection.
	cut()
}

// New makes the transports.
func New(o Options) *Transports {
	views, err := lru.New[viewed, viewText](1000)
	if err != nil {
		panic(err) // the size is not positive
	}
	t := &Transports{Options: o, views: views, showing: make(chan struct{}, viewsAtOnce), clients: make(map[client]struct{})}
	t.metrics = newMetrics(t)
	return t
}

// enter registers a client, unless there are too many or the server is about to stop.
func (t *Transports) enter(c client) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.draining || len(t.clients) >= t.Limits.Connections {
		return false
	}
	t.clients[c] = struct{}{}
	t.left.Add(1)
	return true
}

func (t *Transports) isDraining() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.draining
}

// exit forgets a client.
func (t *Transports) exit(c client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.clients[c]; there {
		delete(t.clients, c)
		t.left.Done()
	}
}

// Drain asks all who are connected to go on elsewhere, and lets nobody in any more. It returns when they have gone; those
// who have not when the context ends are cut off.
func (t *Transports) Drain(ctx context.Context) {
	t.mu.Lock()
	t.draining = true
	staying := make([]client, 0, len(t.clients))
	for c := range t.clients {
		staying = append(staying, c)
	}
	t.mu.Unlock()
	for _, c := range staying {
		c.depart()
	}
	gone := make(chan struct{})
	go func() {
		t.left.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		for _, c := range staying {
			c.cut()
		}
		<-gone
	}
}

func (t *Transports) admit(header http.Header, introduction json.RawMessage) (Admission, error) {
	if t.Admit == nil {
		return Admission{}, nil
	}
	return t.Admit(header, introduction)
}

// Carrier is how an operation came.
type Carrier string

// The carriers.
const (
	ByPOST        Carrier = "POST"
	ByGET         Carrier = "GET"
	OverWebSocket Carrier = "WebSocket"
)

type carried struct {
	by      Carrier
	streams bool
}

type carriedKey struct{}

func withCarrier(ctx context.Context, by Carrier, streams bool) context.Context {
	return context.WithValue(ctx, carriedKey{}, carried{by, streams})
}

// CarrierOf says how the operation came, and whether it can be answered more than once.
func CarrierOf(ctx context.Context) (by Carrier, streams bool) {
	c, _ := ctx.Value(carriedKey{}).(carried)
	return c.by, c.streams
}

// readParams reads an operation as JSON.
func readParams(text []byte, start time.Time) (*graphql.RawParams, error) {
	var params graphql.RawParams
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&params); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errTrailing
	}
	params.Headers = nil
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	return &params, nil
}

var errTrailing = gqlerror.Errorf("there is more after the operation")

// subscribe begins a subscription. A refusal comes as the response that says why.
func (t *Transports) subscribe(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, clearance string, to feed.Subscriber) (*feed.Subscription, parley.Cursor, *graphql.Response) {
	ctx, followed := resolvers.Following(ctx)
	respond, answering := exec.DispatchOperation(ctx, op)
	if followed.Cursor == "" { // the resolver was refused, or never got to run
		return nil, "", respond(answering)
	}
	view := feed.View{Key: t.viewKey(op, clearance), Show: func(ctx context.Context, change parley.ChangeEntry) ([]byte, error) {
		return t.show(t.Resolver.With(graphql.WithOperationContext(ctx, op), followed, change), respond)
	}}
	subscription, err := t.Feed.Subscribe(followed.Filter, followed.After, view, to)
	if err != nil {
		return nil, "", &graphql.Response{Errors: gqlerror.List{{Message: err.Error() + "; subscribe again elsewhere", Extensions: map[string]any{"code": string(parley.Limit)}}}}
	}
	return subscription, followed.Cursor, nil
}

// A change that can't be shown, since the database is away say, is tried again for as long as a restart may take, and never
// delivered as an error: whoever sees its cursor would take it for seen.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 10 * time.Second // of pauses that double, half a minute in all
)

// show answers a subscription with the change in the context.
func (t *Transports) show(ctx context.Context, respond graphql.ResponseHandler) (payload []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			payload, err = encode(nil, t.panicked(ctx, p)), nil
		}
	}()
	for pause := firstPause; ; pause *= 2 {
		response := t.respondInTurn(ctx, respond)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case response != nil && !failedForNow(response):
			return encode(nil, response), nil
		case pause > lastPause:
			return nil, feed.ErrNotNow
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// viewsAtOnce bounds the views that are made at a time, so that they leave room for others who read.
var viewsAtOnce = max(4, 2*runtime.GOMAXPROCS(0))

func (t *Transports) respondInTurn(ctx context.Context, respond graphql.ResponseHandler) *graphql.Response {
	select {
	case t.showing <- struct{}{}:
		defer func() { <-t.showing }()
	case <-ctx.Done():
		return nil
	}
	return respond(ctx)
}

// failedForNow tells what a machine failed at from what would fail again.
func failedForNow(response *graphql.Response) bool {
	return slices.ContainsFunc(response.Errors, func(err *gqlerror.Error) bool {
		var fault *parley.Fault
		return err.Extensions["code"] == "INTERNAL" && !errors.As(err, &fault)
	})
}

// panicked logs a panic and makes it an answer.
func (t *Transports) panicked(ctx context.Context, p any) *graphql.Response {
	t.Log.ErrorContext(ctx, "an operation panicked", "panic", p, "stack", string(debug.Stack()))
	return &graphql.Response{Errors: gqlerror.List{{Message: "Internal error", Extensions: map[string]any{"code": "INTERNAL"}}}}
}

// encode appends a response, its data as it is.
func encode(b []byte, response *graphql.Response) []byte {
	b = append(b, '{')
	if len(response.Errors) > 0 {
		b = append(append(append(b, `"errors":`...), encodeErrors(response.Errors)...), ',')
	}
	b = append(b, `"data":`...)
	if response.Data == nil {
		b = append(b, "null"...)
	}
	return append(append(b, response.Data...), '}')
}

func encodeErrors(errs gqlerror.List) []byte {
	encoded, err := json.Marshal(errs)
	if err != nil {
		panic(err) // they are made of texts and numbers
	}
	return encoded
}
