package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gobwas/ws"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/feed"
	"example.org/parley/internal/turns"
	"example.org/parley/server/observe"
)

// operation is an operation on a WebSocket. If it is a subscription, it is also the feed's subscriber.
type operation struct {
	socket *socket
	id     string
	head   []byte // beginning of each message that carries an answer

	// Guarded by the socket's lock.
	cancel       context.CancelFunc // nil once it is a subscription
	subscription *feed.Subscription // nil until it is a subscription
	last         parley.Cursor      // everything up to it has been sent
	stopped      bool
	running      bool // until it is answered or has become a subscription
	abandoned    bool // by the client, while it was running
}

var _ feed.Subscriber = (*operation)(nil)

// startTime is how long starting an operation keeps others from being started: the database may be slow.
const startTime = 100 * time.Millisecond

// run executes the operation, and then makes room for others. It ends the turn once a subscription has started, or a
// query is about to be answered. A subscription outlives run and needs no goroutine.
func (o *operation) run(ctx context.Context, params *graphql.RawParams, turn *turns.Turn, leave func()) {
	s := o.socket
	defer leave()
	defer turn.End()
	defer time.AfterFunc(startTime, turn.End).Stop()
	defer func() {
		if p := recover(); p != nil {
			o.refuse(s.transports.panicked(ctx, p).Errors)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if o.running = false; o.abandoned {
			s.abandoned--
		}
	}()
	ctx, seen := s.transports.Observer.Begin(graphql.StartOperationTrace(ctx), observe.WebSocket)
	defer seen.Ensure()
	op, errs := operationOf(ctx, s.exec, params)
	seen.Is = op
	if errs != nil {
		refused := s.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs).Errors
		seen.End(refused)
		o.refuse(refused)
		return
	}
	if op.Operation.Operation != ast.Subscription {
		turn.End()
		respond, answering := s.exec.DispatchOperation(ctx, op)
		response := respond(answering)
		seen.End(errorsOf(response))
		if response != nil {
			o.complete(ctx, encode(nil, response))
		}
		o.stop()
		return
	}
	subscription, cursor, refused := s.transports.subscribe(ctx, s.exec, op, s.clearance(), o)
	seen.End(errorsOf(refused))
	switch {
	case refused != nil && ctx.Err() == nil && failedForNow(refused):
		o.End(feed.ErrNotNow) // clients reconnect after this, but not after an error
		return
	case refused != nil:
		o.refuse(refused.Errors)
		return
	}
	s.mu.Lock()
	o.subscription = subscription
	if o.last == "" {
		o.last = cursor
	}
	stopped, done := o.stopped, o.cancel
	o.cancel = nil
	s.mu.Unlock()
	if stopped {
		subscription.Leave()
	} else {
		done()
	}
}

// complete sends a query's or mutation's only answer, once the client has taken what was sent before.
func (o *operation) complete(ctx context.Context, payload []byte) {
	o.Ready(ctx)
	s := o.socket
	if !o.ends() {
		return // the client has completed the operation
	}
	last := o.lastMessage("complete", "")
	message := o.appendMessage(nil, payload)
	s.closeFor(s.send(append(appendFrame(message, ws.OpText, len(last)), last...)))
}

// ends removes the operation before its last message. It returns false if the client has removed it.
func (o *operation) ends() bool {
	s := o.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(o)
}

// refuse ends the operation with errors.
func (o *operation) refuse(errs gqlerror.List) {
	if o.ends() {
		o.socket.closeFor(o.socket.sendText(o.errorMessage(errs)))
	}
	o.stop()
}

func (o *operation) errorMessage(errs gqlerror.List) []byte {
	return o.lastMessage("error", `,"payload":`+string(encoded(errs)))
}

func (o *operation) lastMessage(kind, rest string) []byte {
	quoted, err := json.Marshal(o.id)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return fmt.Appendf(nil, `{"id":%s,"type":%q%s}`, quoted, kind, rest)
}

// appendMessage appends the frame of a message that carries an answer.
func (o *operation) appendMessage(b, payload []byte) []byte {
	b = append(appendFrame(b, ws.OpText, len(o.head)+len(payload)+1), o.head...)
	return append(append(b, payload...), '}')
}

// stop ends all work for the operation.
func (o *operation) stop() {
	s := o.socket
	s.mu.Lock()
	o.stopped = true
	subscription, cancel := o.subscription, o.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	if subscription != nil {
		subscription.Leave()
	}
}

// messages are buffers in which frames are assembled.
var messages = sync.Pool{New: func() any { return new([]byte) }}

// Deliver sends changes to the client. It closes the connection if the client is too slow or has lost its admission.
func (o *operation) Deliver(changes []feed.Message) {
	buffer := messages.Get().(*[]byte)
	b := (*buffer)[:0]
	for _, m := range changes {
		b = o.appendMessage(b, m.Payload)
	}
	s := o.socket
	s.mu.Lock()
	revoked, taken := s.admission.ended(), false
	if !o.stopped && !s.isClosing && !revoked {
		if taken = s.put(b); taken {
			o.last = changes[len(changes)-1].Cursor
		}
	}
	gone := o.stopped || s.isClosing || s.broke
	s.mu.Unlock()
	if cap(b) <= maxPending {
		*buffer = b
		messages.Put(buffer)
	}
	switch {
	case gone:
	case revoked:
		s.close(forbidden)
	case !taken:
		s.close(s.tooSlow())
	}
}

// Ready returns when the client has taken what it was sent, or the context ends.
func (o *operation) Ready(ctx context.Context) { o.socket.wait(ctx) }

// End closes the connection, since the feed delivers nothing more. The close reason says where to resume.
func (o *operation) End(why error) {
	code := tryAgainLater
	if errors.Is(why, feed.ErrEnded) {
		code = serviceRestart
	}
	o.socket.close(closing{code, why.Error() + "; " + o.socket.resume()})
}

// subscribe handles a subscribe message: it starts an operation, or refuses it. It waits for its turn, and so does
// what the client sends next.
func (s *socket) subscribe(id string, payload json.RawMessage) error {
	base := withCarrier(turns.WithCaller(s.origin.Context(id), s.caller), OverWebSocket, true)
	var params *graphql.RawParams
	leave, err := s.transports.intake.room(base, int64(len(payload)))
	if leave == nil {
		leave = func() {}
	}
	turn, started := (*turns.Turn)(nil), false
	defer func() {
		if !started {
			turn.End()
			leave()
		}
	}()
	if err == nil {
		turn, err = s.transports.intake.starting.Take(base, 0)
	}
	if err == nil {
		params, err = readParams(payload, graphql.Now())
	}
	var refused *gqlerror.Error // alone, while the connection goes on
	if errors.As(err, new(*parley.Fault)) || errors.As(err, new(*parley.Damage)) || errors.As(err, new(tooManyValues)) {
		refused = unreadable(err)
	}
	if refused == nil && (err != nil || params.Query == "" && params.Extensions["persistedQuery"] == nil) {
		return invalidMessage("Invalid message: the payload of subscribe must be an object with a query")
	}
	quoted, err := json.Marshal(id)
	if err != nil {
		return failed
	}
	ctx, cancel := context.WithCancel(base)
	o := &operation{
		socket:  s,
		id:      id,
		head:    fmt.Appendf(nil, `{"id":%s,"type":"next","payload":`, quoted),
		cancel:  cancel,
		running: true,
	}
	s.mu.Lock()
	initialised, exists, many := s.initialised, s.find(
		id) != nil, len(s.operations)+s.abandoned >= s.transports.Limits.Operations
	if initialised && !exists && !many && refused == nil && !s.isClosing {
		s.operations = append(s.operations, o)
		ctx = parley.WithAddress(parley.WithCaller(ctx, s.admission.Caller), s.caller)
		s.mu.Unlock()
		started = true
		go o.run(ctx, params, turn, leave)
		return nil
	}
	s.mu.Unlock()
	cancel()
	switch {
	case !initialised:
		return unauthorized
	case exists:
		return subscriberExists(id)
	case refused != nil:
	case many:
		refused = Refused(parley.Limit, fmt.Sprintf(
			"There are %d operations on this connection already; end one of them, or open another connection.",
			s.transports.Limits.Operations))
	default:
		return nil // the connection is closing
	}
	_, seen := s.transports.Observer.Begin(base, observe.WebSocket)
	seen.End(gqlerror.List{refused})
	return s.sendText(o.errorMessage(gqlerror.List{refused}))
}

// find returns the operation with an id, or nil. The caller holds the outbox's lock.
func (s *socket) find(id string) *operation {
	i := slices.IndexFunc(s.operations, func(o *operation) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return s.operations[i]
}

// take removes an operation, so that it sends nothing more. It returns false if the operation was already removed; its
// id may belong to another operation by then. The caller holds the outbox's lock.
func (s *socket) take(o *operation) bool {
	i := slices.Index(s.operations, o)
	if i < 0 {
		return false
	}
	s.operations = slices.Delete(s.operations, i, i+1)
	return true
}

// abandon ends an operation that the client has completed. The operation counts against the limit until it has stopped
// running.
func (s *socket) abandon(id string) {
	s.mu.Lock()
	o := s.find(id)
	if o != nil && s.take(o) && o.running {
		o.abandoned = true
		s.abandoned++
	}
	s.mu.Unlock()
	if o != nil {
		o.stop()
	}
}
