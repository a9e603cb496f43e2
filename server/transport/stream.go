package transport

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/feed"
	"example.org/parley/resolvers"
	"example.org/parley/server/observe"
)

// events is a stream of server-sent events, by graphql-sse's mode of distinct connections: each operation has its own
// stream. The id of each event is the change's cursor, so that browsers reconnect with it in the header Last-Event-ID.
type events struct {
	outbox
	transports *Transports
	w          http.ResponseWriter
	control    *http.ResponseController
	admission  Admission
	end        context.CancelFunc // cancels the request's context

	// Guarded by the outbox's lock.
	last  parley.Cursor
	isCut bool
	over  bool // the handler has returned, so the response must not be written to
}

var (
	_ feed.Subscriber = (*events)(nil)
	_ wire            = (*events)(nil)
)

// stream answers an operation with a stream of events.
func stream(
	ctx context.Context, t *Transports, w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor,
	op *graphql.OperationContext, errs gqlerror.List, seen *observe.Operation,
) {
	admission, err := t.admit(r.Header, nil)
	if err != nil {
		seen.End(gqlerror.List{Refused(parley.BadRequest, notAdmitted)})
		Refuse(w, http.StatusForbidden, parley.BadRequest, notAdmitted)
		return
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	s := &events{transports: t, w: w, control: http.NewResponseController(w), admission: admission, end: end}
	s.to, s.pendingOfAll = s, &t.pending
	s.mu.Lock() // so that draining can't write before the header
	if !t.enter(s, "") {
		s.mu.Unlock()
		seen.End(gqlerror.List{Refused(parley.Limit, notNow)})
		later(w, r)
		return
	}
	defer t.exit(s)
	if !t.settle(s, admission.Share) {
		s.mu.Unlock()
		seen.End(gqlerror.List{Refused(parley.Limit, notNow)})
		later(w, r)
		return
	}
	if admission.Until != nil {
		defer context.AfterFunc(admission.Until, end)()
	}
	s.control.SetReadDeadline(time.Time{}) // the request's deadline would end the stream
	s.control.SetWriteDeadline(time.Time{})
	header := w.Header()
	header.Set("Content-Type", mediaEvents)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // tells proxies not to buffer events
	w.WriteHeader(http.StatusOK)
	s.mu.Unlock()
	defer s.close()

	if id := r.Header.Get("Last-Event-ID"); id != "" {
		ctx = resolvers.Resuming(ctx, parley.Cursor(id))
	}
	ctx = withCarrier(ctx, ByPOST, true)
	if errs != nil {
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		seen.End(response.Errors)
		s.answer(response)
		return
	}
	if op.Operation.Operation != ast.Subscription {
		respond, ctx := exec.DispatchOperation(ctx, op)
		response := respond(ctx)
		seen.End(errorsOf(response))
		if response != nil {
			s.answer(response)
		}
		return
	}
	subscription, cursor, refused := t.subscribe(ctx, exec, op, admission.Clearance, s)
	seen.End(errorsOf(refused))
	switch {
	case refused != nil && ctx.Err() == nil && failedForNow(refused):
		s.End(feed.ErrNotNow)
		return
	case refused != nil:
		s.answer(refused)
		return
	}
	defer subscription.Leave()
	s.begin(cursor)
	beat := time.NewTicker(t.Limits.Ping / 2)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			s.say(":\n\n")
		}
	}
}

// Why a stream is refused.
const (
	notAdmitted = "This client may not subscribe."
	notNow      = "There are too many connections, or the server is about to stop; try again later."
)

// later refuses a stream that may be had in a few seconds, maybe from another server. A browser's EventSource gives up for
// good on any status but 200, so it gets a stream that ends at once: it then connects again.
func later(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	if r.Method != http.MethodGet {
		w.Header().Set("Retry-After", "5")
		Refuse(w, http.StatusServiceUnavailable, parley.Limit, notNow)
		return
	}
	w.Header().Set("Content-Type", mediaEvents)
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, "retry: 5000\n: "+notNow+"\n\n")
}

// begin sends the cursor at which the stream starts, so that a client that loses the connection before the first change
// can resume.
func (s *events) begin(cursor parley.Cursor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == "" {
		s.last = cursor
		s.put([]byte("id: " + string(cursor) + "\n\n"))
	}
}

func (s *events) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put([]byte(text))
}

// answer sends a single answer and the event that completes the stream.
func (s *events) answer(response *graphql.Response) {
	text := append(encode([]byte("event: next\ndata: "), response), "\n\nevent: complete\ndata:\n\n"...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.admission.ended() {
		s.finish(text)
	}
}

// close ends the stream, once the client has taken what it was sent or Limits.Linger has passed. The response must not
// be written to after that.
func (s *events) close() {
	s.mu.Lock()
	s.done = true
	s.mu.Unlock()
	lingering, cancel := context.WithTimeout(context.Background(), s.transports.Limits.Linger)
	defer cancel()
	s.wait(lingering)
	if lingering.Err() != nil {
		s.cut()
	}
	s.work.Wait()
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
}

// Deliver sends changes to the client. It ends the stream if the client is too slow or has lost its admission.
func (s *events) Deliver(changes []feed.Message) {
	if s.admission.ended() {
		s.end()
		return
	}
	var b []byte
	for _, m := range changes {
		b = append(append(b, "id: "...), m.Cursor...)
		b = append(append(b, "\nevent: next\ndata: "...), m.Payload...)
		b = append(b, "\n\n"...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.put(b):
		s.last = changes[len(changes)-1].Cursor
	case !s.done:
		s.transports.metrics.dropped.Inc()
		s.leave("you read more slowly than changes come")
	}
}

// leave ends the stream without a complete event, so that the client reconnects. The caller holds the outbox's lock.
func (s *events) leave(why string) {
	if s.last != "" {
		why += "; resume from " + string(s.last)
	}
	s.finish([]byte(": " + why + "\n\n"))
	s.end()
}

// Ready returns when the client has taken what it was sent, or the context ends.
func (s *events) Ready(ctx context.Context) { s.wait(ctx) }

// End ends the stream, since the feed delivers nothing more.
func (s *events) End(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(why.Error())
}

func (s *events) depart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave("the server stops; connect again")
}

func (s *events) cut() {
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.isCut = true
		s.control.SetWriteDeadline(time.Now())
	}
}

// allow sets the deadline for the client to take what is written; the zero time means none. It returns false if the
// client has been cut off.
func (s *events) allow(until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isCut {
		s.control.SetWriteDeadline(until)
	}
	return !s.isCut
}

// try writes nothing: HTTP offers no write that does not wait.
func (s *events) try([]byte) (int, error) { return 0, nil }

func (s *events) write(b []byte) error {
	defer s.allow(time.Time{}) // a deadline would end an idle HTTP/2 stream
	for len(b) > 0 {
		if !s.allow(time.Now().Add(s.transports.Limits.Write)) {
			return os.ErrDeadlineExceeded
		}
		n, err := s.w.Write(b[:min(chunk, len(b))])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return s.control.Flush()
}

func (s *events) broken() { s.end() }
