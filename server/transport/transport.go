// Package transport carries operations and their answers over HTTP: single answers, and subscriptions as server-sent
// events or over WebSockets.
//
// It replaces gqlgen's transports, which execute a subscription once per client, use some fifty kilobytes for each, and
// never close the connection of a client that stops reading. These transports share executions between clients, and
// writing to a client never waits.
package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/feed"
	"example.org/parley/internal/request"
	"example.org/parley/resolvers"
	"example.org/parley/server/observe"
)

// Limits bound the resources that clients may use.
type Limits struct {
	Connections int           // open at a time: WebSockets and event streams
	PerCaller   int           // those of one caller who has signed in
	Operations  int           // at a time on one WebSocket
	Message     int           // largest WebSocket message, in bytes
	Init        time.Duration // how long a WebSocket client may take to send connection_init
	Ping        time.Duration // interval between pings; a client has as long to answer one
	Write       time.Duration // how long a client may take to accept 64 KiB
	Linger      time.Duration // how long to wait for a client to close the connection
}

// DefaultLimits are used unless a server is given other limits.
var DefaultLimits = Limits{
	Connections: 20_000,
	PerCaller:   1_000,
	Operations:  100,
	Message:     1 << 20,
	Init:        10 * time.Second,
	Ping:        30 * time.Second,
	Write:       10 * time.Second,
	Linger:      5 * time.Second,
}

// Admission is what a client is entitled to.
type Admission struct {
	// Caller is in whose name the client reads and writes.
	Caller parley.Analyst
	// Share names the caller, whose connections are bounded together; empty: they are not.
	Share string
	// Clearance is equal for clients that may see the same. They share executions.
	Clearance string
	// Until ends when the client's rights change or its token expires. Nothing is delivered to it after that. Nil means
	// that the admission does not end.
	Until context.Context
}

func (a Admission) ended() bool { return a.Until != nil && a.Until.Err() != nil }

// Options configure the transports.
type Options struct {
	Resolver *resolvers.Resolver
	Feed     *feed.Feed
	Limits   Limits
	// Admit decides whether a client may stay connected, by the headers of its request and, for a WebSocket, the
	// payload of its connection_init. An error refuses it. Nil means that every client is admitted with the same
	// clearance.
	Admit func(header http.Header, payload json.RawMessage) (Admission, error)
	// Known says that a document was parsed and checked before.
	Known    func(document string) bool
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Observer *observe.Observer // of operations
}

// Transports serve operations and keep track of the connected clients of one handler.
type Transports struct {
	Options
	views   *lru.Cache[viewed, viewText]
	metrics *metrics
	showing chan struct{} // slots for making views

	pending atomic.Int64 // bytes that wait in the outboxes of all clients
	intake  intake

	mu       sync.Mutex
	clients  map[client]string // those that are not admitted yet, by the address of each; "": it is admitted
	waiting  map[string]int    // how many are not admitted yet, by address
	admitted int
	held     map[client]string // the share of each client that has one
	shares   map[string]int    // how many clients have a share
	draining bool
	left     sync.WaitGroup
}

// How many WebSockets may be open at a time that have not said yet who they are: in all, and from one address.
const (
	unadmitted            = 1000
	unadmittedFromAddress = 100
)

// client is a client that stays connected.
type client interface {
	// depart asks the client to reconnect to another server. It does not wait.
	depart()
	// cut ends the connection.
	cut()
}

// New creates the transports.
func New(o Options) *Transports {
	views, err := lru.New[viewed, viewText](1000)
	if err != nil {
		panic(err) // the size is not positive
	}
	t := &Transports{
		Options: o,
		views:   views,
		showing: make(chan struct{}, viewsAtOnce),
		intake:  newIntake(),
		clients: make(map[client]string),
		waiting: make(map[string]int),
		held:    make(map[client]string),
		shares:  make(map[string]int),
	}
	t.metrics = newMetrics(t)
	return t
}

// enter registers a client: one that is admitted or, if it comes from an address, one that will say who it is. It returns false if there
// are too many or the server is about to stop.
func (t *Transports) enter(c client, from string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.draining, from == "" && t.admitted >= t.Limits.Connections:
		return false
	case from == "":
		t.admitted++
	case len(t.clients)-t.admitted >= unadmitted || t.waiting[from] >= unadmittedFromAddress:
		return false
	default:
		t.waiting[from]++
	}
	t.clients[c] = from
	t.left.Add(1)
	return true
}

// settle makes a client one that is admitted, with a share. It returns false if there are too many, or too many with the share.
func (t *Transports) settle(c client, share string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, there := t.clients[c]
	if !there || from != "" && t.admitted >= t.Limits.Connections || share != "" && t.shares[share] >= t.Limits.PerCaller {
		return false
	}
	if from != "" {
		t.clients[c] = ""
		t.admitted++
		t.forget(from)
	}
	if share != "" {
		t.held[c] = share
		t.shares[share]++
	}
	return true
}

// forget counts one less that is not admitted. The caller holds the lock.
func (t *Transports) forget(from string) {
	if t.waiting[from]--; t.waiting[from] == 0 {
		delete(t.waiting, from)
	}
}

func (t *Transports) isDraining() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.draining
}

// exit removes a client.
func (t *Transports) exit(c client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from, there := t.clients[c]; there {
		delete(t.clients, c)
		if share, holds := t.held[c]; holds {
			delete(t.held, c)
			if t.shares[share]--; t.shares[share] == 0 {
				delete(t.shares, share)
			}
		}
		if from == "" {
			t.admitted--
		} else {
			t.forget(from)
		}
		t.left.Done()
	}
}

// Drain accepts no more clients and asks the connected ones to reconnect elsewhere. It returns when they have
// disconnected; when the context ends, it cuts off those that have not.
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

func (t *Transports) admit(header http.Header, payload json.RawMessage) (Admission, error) {
	if t.Admit == nil {
		return Admission{}, nil
	}
	return t.Admit(header, payload)
}

// Carrier is how an operation was sent.
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

// CarrierOf returns how the operation was sent, and whether it can be answered more than once.
func CarrierOf(ctx context.Context) (by Carrier, streams bool) {
	c, _ := ctx.Value(carriedKey{}).(carried)
	return c.by, c.streams
}

// operationOf reads a request's document and variables.
func operationOf(
	ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams,
) (*graphql.OperationContext, gqlerror.List) {
	op, errs := exec.CreateOperationContext(ctx, params)
	return op, errs[:min(len(errs), parley.MaxErrors)]
}

// readParams reads an operation from JSON. A text that stands for no characters somewhere is a *parley.Damage.
func readParams(text []byte, start time.Time) (*graphql.RawParams, error) {
	if hasTooManyValues(text) {
		return nil, tooManyValues{}
	}
	if damage := parley.DamageInJSON(text); damage != nil {
		return nil, damage
	}
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

var (
	errTrailing = errors.New("more text after the operation")
	errNoQuery  = errors.New("no query")
)

// unreadable says what is wrong with the text of an operation.
func unreadable(err error) *gqlerror.Error {
	var damage *parley.Damage
	var long *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	var fault *parley.Fault
	switch {
	case errors.As(err, &fault):
		return Refused(fault.Code, fault.Message)
	case errors.As(err, new(tooManyValues)):
		return Refused(parley.Limit, err.Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Refused(parley.Limit, "The request's body came too slowly; send it again, all at once.")
	case errors.As(err, &damage):
		return Refused(parley.BadRequest, damage.Error()+".")
	case errors.As(err, &long):
		return Refused(parley.Limit, fmt.Sprintf("The request is longer than %d bytes.", long.Limit))
	case errors.As(err, &kind) && kind.Field == "":
		return Refused(parley.BadRequest, fmt.Sprintf("The request is of the JSON type %s; send one operation, as an object with query, "+
			"and variables and operationName where it has them.", kind.Value))
	case errors.As(err, &kind):
		accepted := "an object"
		if kind.Field == "query" || kind.Field == "operationName" {
			accepted = "a text"
		}
		return Refused(parley.BadRequest, fmt.Sprintf("In the request, %s is of the JSON type %s; send %s.", kind.Field, kind.Value, accepted))
	case errors.As(err, &syntax):
		return Refused(parley.BadRequest, fmt.Sprintf("The request can't be read, since it is not JSON from byte %d on; send an object with query.",
			syntax.Offset))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Refused(parley.BadRequest, "The request ends before its JSON does; send an object with query.")
	case errors.Is(err, errNoQuery):
		return Refused(parley.BadRequest, "The request has no query; send a document there.")
	case errors.Is(err, errTrailing):
		return Refused(parley.BadRequest, "The request goes on after the operation; send one object with query.")
	}
	return Refused(parley.BadRequest, "The request could not be read to its end; send it again.")
}

// subscribe starts a subscription. If it is refused, the response says why.
func (t *Transports) subscribe(
	ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, clearance string, to feed.Subscriber,
) (*feed.Subscription, parley.Cursor, *graphql.Response) {
	ctx, followed := resolvers.Following(ctx)
	respond, answering := exec.DispatchOperation(ctx, op)
	if followed.Cursor == "" { // the resolver refused, or did not run
		return nil, "", respond(answering)
	}
	view := feed.View{
		Key: t.viewKey(op, clearance),
		Show: func(ctx context.Context, change parley.ChangeEntry) ([]byte, error) {
			return t.show(t.Resolver.With(graphql.WithOperationContext(ctx, op), followed, change), op, respond)
		},
	}
	subscription, err := t.Feed.Subscribe(followed.Filter, followed.After, view, to)
	if err != nil {
		refusal := Refused(parley.Limit, err.Error()+"; subscribe again elsewhere")
		return nil, "", &graphql.Response{Errors: gqlerror.List{refusal}}
	}
	return subscription, followed.Cursor, nil
}

// A view that fails for now, for example because the database is away, is tried again for as long as a restart may
// take. It is never delivered as an error: a client that receives the change's cursor would not ask for the change
// again.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 10 * time.Second // pauses double: half a minute in all
)

// show makes the view of a change: it answers the subscription with the change in the context.
func (t *Transports) show(
	ctx context.Context, op *graphql.OperationContext, respond graphql.ResponseHandler,
) (payload []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			payload, err = encode(nil, t.panicked(ctx, p)), nil
		}
	}()
	for pause := firstPause; ; pause *= 2 {
		response := t.respondInTurn(ctx, op, respond)
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

// viewsAtOnce is how many views of a handler are made at a time. It leaves capacity for other reads.
var viewsAtOnce = max(4, 2*runtime.GOMAXPROCS(0))

func (t *Transports) respondInTurn(
	ctx context.Context, op *graphql.OperationContext, respond graphql.ResponseHandler,
) *graphql.Response {
	select {
	case t.showing <- struct{}{}:
		defer func() { <-t.showing }()
	case <-ctx.Done():
		return nil
	}
	ctx, seen := t.Observer.Begin(ctx, observe.Feed)
	defer seen.Ensure()
	seen.Is = op
	response := respond(ctx)
	seen.End(errorsOf(response))
	return response
}

// failedForNow reports whether a response failed for a reason that may pass, rather than one that would fail again.
func failedForNow(response *graphql.Response) bool {
	return slices.ContainsFunc(response.Errors, func(err *gqlerror.Error) bool {
		var fault *parley.Fault
		code := err.Extensions["code"]
		return code == string(parley.Unavailable) || code == string(parley.Internal) && !errors.As(err, &fault)
	})
}

// panicked logs a panic and returns an internal error as the response.
func (t *Transports) panicked(ctx context.Context, p any) *graphql.Response {
	t.Log.ErrorContext(ctx, "an operation panicked", "panic", p, "stack", string(debug.Stack()))
	return &graphql.Response{Errors: gqlerror.List{Findable(ctx, Refused(parley.Internal, "Internal error"))}}
}

// Findable has an internal error name its request, by which the log says more of it.
func Findable(ctx context.Context, err *gqlerror.Error) *gqlerror.Error {
	if id := request.ID(ctx); id != "" && err.Extensions["code"] == string(parley.Internal) {
		err.Extensions["requestId"] = id
	}
	return err
}

// encode appends a response as JSON. Its data is JSON already.
func encode(b []byte, response *graphql.Response) []byte {
	b = appendHead(b, response)
	b = append(b, response.Data...)
	return appendTail(b, response)
}

// appendHead appends what comes before the data.
func appendHead(b []byte, response *graphql.Response) []byte {
	b = append(b, '{')
	if len(response.Errors) > 0 {
		b = append(append(append(b, `"errors":`...), encoded(response.Errors)...), ',')
	}
	b = append(b, `"data":`...)
	if response.Data == nil {
		b = append(b, "null"...)
	}
	return b
}

// appendTail appends what comes after the data.
func appendTail(b []byte, response *graphql.Response) []byte {
	if len(response.Extensions) > 0 {
		b = append(append(b, `,"extensions":`...), encoded(response.Extensions)...)
	}
	return append(b, '}')
}

// encoded is a value of strings and numbers, which can always be encoded, as JSON.
func encoded(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
