package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gobwas/ws"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/feed"
)

// protocol is the subprotocol that is spoken, by the graphql-ws library's specification.
const protocol = "graphql-transport-ws"

// The reasons for which a WebSocket is closed: the protocol's own, and those of RFC 6455 and its registry on which clients
// come back after a while.
var (
	invalidMessage   = func(why string) closing { return closing{4400, why} }
	unauthorized     = closing{4401, "Unauthorized"}
	forbidden        = closing{4403, "Forbidden"}
	badProtocol      = closing{4406, "Subprotocol not acceptable; use " + protocol}
	initTimeout      = closing{4408, "Connection initialisation timeout"}
	tooManyInits     = closing{4429, "Too many initialisation requests"}
	failed           = closing{ws.StatusInternalServerError, "Internal error"}
	serviceRestart   = ws.StatusCode(1012)
	tryAgainLater    = ws.StatusCode(1013)
	subscriberExists = func(id string) closing { return closing{4409, "Subscriber for " + id + " already exists"} }
)

// WebSockets is the transport for graphql-transport-ws.
type WebSockets struct{ *Transports }

var _ graphql.Transport = WebSockets{}

// Supports says whether the request is one for it.
func (WebSockets) Supports(r *http.Request) bool { return WantsWebSocket(r) }

// WantsWebSocket says whether a request asks for a WebSocket. Other upgrades, as to HTTP/2 by clients that try for it with
// their first request, need not be heeded.
func WantsWebSocket(r *http.Request) bool {
	for _, line := range r.Header.Values("Upgrade") {
		for wanted := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(wanted), "websocket") {
				return true
			}
		}
	}
	return false
}

// Do takes the connection over. It returns at once, so that what HTTP needed for the request can go.
func (t WebSockets) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if !sameOrigin(r) {
		http.Error(w, "This page is from elsewhere; WebSockets are for pages of this server.", http.StatusForbidden)
		return
	}
	s := &socket{transports: t.Transports, exec: exec, frames: frames{limit: t.Limits.Message}, header: r.Header}
	if !t.enter(s) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "There are too many connections, or the server is about to stop; try again later.", http.StatusServiceUnavailable)
		return
	}
	// A client of another protocol is taken on in its own terms, since otherwise it could not read why it is let go.
	wanted := wantedProtocol(r)
	conn, rw, _, err := ws.HTTPUpgrader{Protocol: func(p string) bool { return p == wanted }}.Upgrade(r, w)
	if err != nil {
		if conn != nil {
			conn.Close()
		}
		t.exit(s)
		return
	}
	already, _ := rw.Reader.Peek(rw.Reader.Buffered())
	s.begin(conn, bytes.Clone(already), wanted == protocol)
}

func wantedProtocol(r *http.Request) string {
	var offered []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			offered = append(offered, strings.TrimSpace(p))
		}
	}
	switch {
	case slices.Contains(offered, protocol):
		return protocol
	case len(offered) > 0:
		return offered[0]
	}
	return "" // which the protocol's own library does not take for it either
}

// sameOrigin keeps pages from elsewhere from reaching the API in the name of whoever looks at them: browsers let them open
// WebSockets to anywhere, and say where they are from.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	from, err := url.Parse(origin)
	return err == nil && strings.EqualFold(from.Host, r.Host)
}

// socket is a WebSocket. While nothing happens on it, it costs a goroutine that waits for input, and no buffer.
type socket struct {
	outbox
	transports *Transports
	exec       graphql.GraphExecutor
	conn       net.Conn
	raw        syscall.RawConn // nil for TLS, where one has to wait to read or write
	frames     frames
	until      time.Time   // when the message that has begun has to be there
	timer      *time.Timer // for the introduction, and then for pings

	// Guarded by the outbox's lock.
	header      http.Header // until it has introduced itself
	introduced  bool
	admission   Admission
	forget      func() bool // the admission's end
	heard       bool        // something, since the last ping
	isClosing   bool
	closeByPeer bool
	operations  []*operation
	abandoned   int // operations that still run, but are not wanted
}

func (s *socket) begin(conn net.Conn, already []byte, understood bool) {
	conn.SetDeadline(time.Time{}) // HTTP's
	s.mu.Lock()
	s.outbox.to, s.conn = s, conn
	if c, ok := conn.(syscall.Conn); ok {
		s.raw, _ = c.SyscallConn()
	}
	s.timer = time.AfterFunc(s.transports.Limits.Init, s.tick)
	s.mu.Unlock()
	switch {
	case s.transports.isDraining(): // since before there was anything to close
		s.depart()
	case !understood:
		s.close(badProtocol)
	}
	s.frames.in = already
	go s.loop(len(already) > 0)
}

// loop handles what has come, and then waits for more on a new goroutine: the stack that handling a message took would
// otherwise stay with the connection.
func (s *socket) loop(more bool) {
	if !more {
		if err := s.fill(); err != nil {
			s.over()
			return
		}
	}
	if !s.handleAll() {
		s.over()
		return
	}
	go s.loop(false)
}

// handleAll handles the messages that are complete, and returns false if the connection is over.
func (s *socket) handleAll() (goesOn bool) {
	defer func() {
		if p := recover(); p != nil {
			s.transports.Log.Error("a message could not be handled", "panic", p, "stack", string(debug.Stack()))
			s.close(failed)
			goesOn = true
		}
	}()
	for {
		op, payload, ok, err := s.frames.next()
		if ok && !s.frames.fragmented {
			s.until = time.Time{}
		}
		if err == nil && ok {
			err = s.handle(op, payload)
		}
		if why, isClosing := err.(closing); isClosing {
			s.close(why)
		}
		s.mu.Lock()
		byPeer := s.closeByPeer
		s.mu.Unlock()
		if byPeer {
			return false
		}
		if !ok {
			return true
		}
	}
}

// over is the end of the connection.
func (s *socket) over() {
	s.mu.Lock()
	if s.closeByPeer {
		s.mu.Unlock()
		flushed, cancel := context.WithTimeout(context.Background(), s.transports.Limits.Linger)
		s.wait(flushed)
		cancel()
		s.mu.Lock()
	}
	s.fail()
	s.isClosing = true
	s.timer.Stop()
	operations, forget := s.operations, s.forget
	s.operations = nil
	s.mu.Unlock()
	if forget != nil {
		forget()
	}
	for _, o := range operations {
		o.stop()
	}
	s.transports.exit(s)
}

// tick is called when the time for the introduction is over, and then as often as the client is called on.
func (s *socket) tick() {
	s.mu.Lock()
	introduced, heard := s.introduced, s.heard
	s.heard = false
	if introduced && heard && !s.isClosing {
		s.put(appendFrame(nil, ws.OpPing, 0))
		s.timer.Reset(s.transports.Limits.Ping)
	}
	s.mu.Unlock()
	switch {
	case !introduced:
		s.close(initTimeout)
	case !heard:
		// A policy was violated, but the protocol's own library would not come back after that.
		s.close(closing{tryAgainLater, "no answer to a ping; " + s.resume()})
	}
}

// close tells the peer why, after what it was sent before, and waits a while for it to go.
func (s *socket) close(why closing) {
	s.mu.Lock()
	if s.isClosing || s.conn == nil { // which begin sees to
		s.mu.Unlock()
		return
	}
	s.isClosing = true
	s.finish(closeFrame(why))
	operations := s.operations
	s.operations = nil
	until := time.Now().Add(s.transports.Limits.Linger)
	s.conn.SetReadDeadline(until)
	s.mu.Unlock()
	for _, o := range operations {
		o.stop()
	}
}

// depart closes it so that the client goes on elsewhere.
func (s *socket) depart() {
	s.close(closing{serviceRestart, "the server stops; connect again and " + s.resume()})
}

func (s *socket) cut() {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// resume says from where the client is to go on: from the earliest of the cursors up to which its subscriptions have all.
func (s *socket) resume() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var earliest parley.Cursor
	for _, o := range s.operations {
		if o.last != "" && (earliest == "" || o.last < earliest) {
			earliest = o.last
		}
	}
	if earliest == "" {
		return "ask again"
	}
	return "resume from " + string(earliest)
}

// handle handles a message or control frame.
func (s *socket) handle(op ws.OpCode, payload []byte) error {
	s.mu.Lock()
	s.heard = true
	isClosing := s.isClosing
	s.mu.Unlock()
	switch op {
	case ws.OpClose:
		return s.closed(payload)
	case ws.OpPing:
		return s.send(append(appendFrame(nil, ws.OpPong, len(payload)), payload...))
	case ws.OpPong:
		return nil
	}
	if isClosing {
		return nil
	}
	return s.message(payload)
}

// closed is what the peer said last. Its own code comes back to it.
func (s *socket) closed(payload []byte) error {
	why := closing{code: ws.StatusNormalClosure}
	if len(payload) > 0 {
		code, reason := ws.ParseCloseFrameData(payload)
		switch err := ws.CheckCloseFrameData(code, reason); {
		case err == ws.ErrProtocolInvalidUTF8:
			why = closing{ws.StatusInvalidFramePayloadData, "the reason is not UTF-8"}
		case err != nil, code > ws.StatusRangePrivate.Max: // of one byte, the code is 0
			why = closing{ws.StatusProtocolError, "the close frame is malformed"}
		default:
			why.code = code
		}
	}
	s.close(why)
	s.mu.Lock()
	s.closeByPeer = true
	s.mu.Unlock()
	return nil
}

// message is one of graphql-transport-ws.
func (s *socket) message(text []byte) error {
	var m struct {
		ID      *string         `json:"id"`
		Type    *string         `json:"type"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Type == nil {
		return invalidMessage("Invalid message: it is no JSON object with a type")
	}
	switch *m.Type {
	case "connection_init":
		return s.introduce(m.Payload)
	case "ping", "pong":
		if !isObject(m.Payload) {
			return invalidMessage("Invalid message: the payload of a " + *m.Type + " is an object, if there is one")
		}
		if *m.Type == "pong" {
			return nil
		}
		pong := []byte(`{"type":"pong"}`)
		if len(m.Payload) > 0 {
			pong = fmt.Appendf(nil, `{"type":"pong","payload":%s}`, m.Payload)
		}
		return s.sendText(pong)
	case "subscribe":
		if m.ID == nil || *m.ID == "" || len(*m.ID) > maxID {
			return invalidMessage(fmt.Sprintf("Invalid message: subscribe needs an id, of %d bytes at most", maxID))
		}
		return s.subscribe(*m.ID, m.Payload)
	case "complete":
		if m.ID == nil || *m.ID == "" {
			return invalidMessage("Invalid message: complete needs an id")
		}
		s.abandon(*m.ID)
		return nil
	}
	return invalidMessage(fmt.Sprintf("Invalid message: %.40q is no type of it", *m.Type))
}

const maxID = 256

// isObject says whether a payload is left out, null, or an object.
func isObject(payload json.RawMessage) bool {
	return len(payload) == 0 || payload[0] == '{' || string(payload) == "null"
}

func (s *socket) introduce(payload json.RawMessage) error {
	if !isObject(payload) {
		return invalidMessage("Invalid message: the payload of connection_init is an object, if there is one")
	}
	s.mu.Lock()
	header, again := s.header, s.introduced
	s.introduced, s.heard, s.header = true, true, nil
	s.mu.Unlock()
	if again {
		return tooManyInits
	}
	admission, err := s.transports.admit(header, payload)
	if err != nil {
		return forbidden
	}
	s.mu.Lock()
	s.admission = admission
	if admission.Until != nil {
		s.forget = context.AfterFunc(admission.Until, func() { s.close(forbidden) })
	}
	s.timer.Reset(s.transports.Limits.Ping)
	s.mu.Unlock()
	return s.sendText([]byte(`{"type":"connection_ack"}`))
}

func (s *socket) subscribe(id string, payload json.RawMessage) error {
	params, err := readParams(payload, graphql.Now())
	if err != nil || params.Query == "" {
		return invalidMessage("Invalid message: the payload of subscribe is an object with a query")
	}
	quoted, err := json.Marshal(id)
	if err != nil {
		return failed
	}
	ctx, cancel := context.WithCancel(withCarrier(context.Background(), OverWebSocket, true))
	o := &operation{socket: s, id: id, head: fmt.Appendf(nil, `{"id":%s,"type":"next","payload":`, quoted), cancel: cancel, running: true}
	s.mu.Lock()
	introduced, exists, many := s.introduced, s.find(id) != nil, len(s.operations)+s.abandoned >= s.transports.Limits.Operations
	if introduced && !exists && !many && !s.isClosing {
		s.operations = append(s.operations, o)
		s.mu.Unlock()
		go o.run(ctx, params)
		return nil
	}
	s.mu.Unlock()
	cancel()
	switch {
	case !introduced:
		return unauthorized
	case exists:
		return subscriberExists(id)
	case many:
		return s.sendText(o.errorMessage(gqlerror.List{{
			Message:    fmt.Sprintf("There are %d operations on this connection already; end one of them, or open another connection.", s.transports.Limits.Operations),
			Extensions: map[string]any{"code": string(parley.Limit)},
		}}))
	}
	return nil // it closes
}

// find is an operation; nil: there is none of that id. The outbox is locked.
func (s *socket) find(id string) *operation {
	i := slices.IndexFunc(s.operations, func(o *operation) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return s.operations[i]
}

// take takes an operation out, so that nothing more comes of it, and returns false if it was out. (By now its id may be that
// of another.) The outbox is locked.
func (s *socket) take(o *operation) bool {
	i := slices.Index(s.operations, o)
	if i < 0 {
		return false
	}
	s.operations = slices.Delete(s.operations, i, i+1)
	return true
}

// abandon ends an operation that the client wants no more of. It counts as long as it runs: ending takes a moment.
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

// send sends bytes, unless it closes. The error is why it has to: the client is too slow for them, or may not have them
// any more.
func (s *socket) send(b []byte) error {
	s.mu.Lock()
	revoked := s.admission.ended()
	sent := revoked || s.isClosing || s.put(b) || s.broke
	s.mu.Unlock()
	switch {
	case revoked:
		return forbidden
	case !sent:
		return s.tooSlow()
	}
	return nil
}

func (s *socket) sendText(text []byte) error {
	return s.send(append(appendFrame(nil, ws.OpText, len(text)), text...))
}

// tooSlow closes it, since more waits for the client than may.
func (s *socket) tooSlow() closing {
	s.transports.metrics.dropped.Inc()
	return closing{tryAgainLater, "you read more slowly than changes come; " + s.resume()}
}

// operation is one that runs on a WebSocket, and the subscriber to the feed if it is a subscription.
type operation struct {
	socket *socket
	id     string
	head   []byte // of each message with an answer

	// Guarded by the socket's lock.
	cancel       context.CancelFunc // until it is a subscription
	subscription *feed.Subscription // once it is one
	last         parley.Cursor      // up to which the client has been sent all
	stopped      bool
	running      bool // until it has been answered, or is a subscription
	abandoned    bool // while it was running
}

var _ feed.Subscriber = (*operation)(nil)

// run runs the operation. A subscription goes on after that, without a goroutine.
func (o *operation) run(ctx context.Context, params *graphql.RawParams) {
	s := o.socket
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
	ctx = graphql.StartOperationTrace(ctx)
	op, errs := s.exec.CreateOperationContext(ctx, params)
	if errs != nil {
		o.refuse(s.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs).Errors)
		return
	}
	if op.Operation.Operation != ast.Subscription {
		respond, answering := s.exec.DispatchOperation(ctx, op)
		if response := respond(answering); response != nil {
			o.complete(ctx, encode(nil, response))
		}
		o.stop()
		return
	}
	subscription, cursor, refused := s.transports.subscribe(ctx, s.exec, op, s.clearance(), o)
	switch {
	case refused != nil && ctx.Err() == nil && failedForNow(refused):
		o.End(feed.ErrNotNow) // clients come back after that, as they do not after an error
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

func (s *socket) clearance() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admission.Clearance
}

// complete answers with the one answer there is, once the client has taken what was sent before.
func (o *operation) complete(ctx context.Context, payload []byte) {
	o.Ready(ctx)
	s := o.socket
	if !o.ends() {
		return // the client does not want it any more
	}
	last := o.lastMessage("complete", "")
	message := o.appendMessage(nil, payload)
	if why := s.send(append(appendFrame(message, ws.OpText, len(last)), last...)); why != nil {
		s.close(why.(closing))
	}
}

// ends takes the operation out before its last message, and returns false if the client did.
func (o *operation) ends() bool {
	s := o.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(o)
}

// refuse ends the operation with errors.
func (o *operation) refuse(errs gqlerror.List) {
	if o.ends() {
		if why := o.socket.sendText(o.errorMessage(errs)); why != nil {
			o.socket.close(why.(closing))
		}
	}
	o.stop()
}

func (o *operation) errorMessage(errs gqlerror.List) []byte {
	return o.lastMessage("error", `,"payload":`+string(encodeErrors(errs)))
}

func (o *operation) lastMessage(kind, rest string) []byte {
	quoted, err := json.Marshal(o.id)
	if err != nil {
		panic(err) // it is a text
	}
	return fmt.Appendf(nil, `{"id":%s,"type":%q%s}`, quoted, kind, rest)
}

// appendMessage appends the frame of a message with an answer.
func (o *operation) appendMessage(b, payload []byte) []byte {
	b = append(appendFrame(b, ws.OpText, len(o.head)+len(payload)+1), o.head...)
	return append(append(b, payload...), '}')
}

// stop ends what is still done for the operation.
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

// messages are buffers that frames are put together in.
var messages = sync.Pool{New: func() any { return new([]byte) }}

// Deliver sends changes.
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

// Ready returns when the client has taken what it was sent.
func (o *operation) Ready(ctx context.Context) { o.socket.wait(ctx) }

// End closes the connection: the feed has nothing more for it.
func (o *operation) End(why error) {
	code := tryAgainLater
	if errors.Is(why, feed.ErrEnded) {
		code = serviceRestart
	}
	o.socket.close(closing{code, why.Error() + "; " + o.socket.resume()})
}
