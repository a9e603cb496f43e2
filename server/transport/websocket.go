package transport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gobwas/ws"

	"example.org/parley"
	"example.org/parley/internal/request"
	"example.org/parley/internal/turns"
	"example.org/parley/server/observe"
)

// protocol is the WebSocket subprotocol, as the graphql-ws library specifies it.
const protocol = "graphql-transport-ws"

// Close codes and reasons: those of graphql-transport-ws, and those of RFC 6455 and its registry after which clients
// reconnect.
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

// Supports reports whether the request asks for a WebSocket.
func (WebSockets) Supports(r *http.Request) bool { return WantsWebSocket(r) }

// WantsWebSocket reports whether a request asks for a WebSocket. Other upgrades may be ignored, for example those of
// clients that offer HTTP/2 with their first request.
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

// Do upgrades the connection and returns at once, so that the memory of the HTTP request can be freed. It refuses clients
// beyond Limits.Connections or during a shutdown (503). Browsers let any page open a WebSocket to any server; the handler
// around this one refuses pages that may not.
func (t WebSockets) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	s := &socket{transports: t.Transports, exec: exec, frames: frames{limit: t.Limits.Message}, header: r.Header,
		caller: turns.Caller(r.Context()), origin: observe.OriginOf(r.Context())}
	from := ""
	if _, known := parley.CallerOf(r.Context()); !known {
		from = cmp.Or(s.caller, "unknown")
		s.frames.limit = maxIntroduction
	}
	if !t.enter(s, from) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "There are too many connections, or the server is about to stop; try again later.",
			http.StatusServiceUnavailable)
		return
	}
	// A client that offers only another subprotocol is accepted with it; otherwise it could not read the close reason.
	wanted := wantedProtocol(r)
	upgrader := ws.HTTPUpgrader{
		Protocol: func(p string) bool { return p == wanted }, Header: http.Header{request.Header: {s.origin.Request}},
	}
	conn, rw, _, err := upgrader.Upgrade(r, w)
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
	return "" // the graphql-ws library refuses this too
}

// socket is a WebSocket connection. While it is idle, it costs one goroutine that waits for input, and no buffer.
type socket struct {
	outbox
	transports *Transports
	exec       graphql.GraphExecutor
	caller     string
	origin     observe.Origin
	conn       net.Conn
	raw        syscall.RawConn // nil for TLS, where reading and writing have to wait
	frames     frames
	until      time.Time   // deadline of a message that has begun to arrive
	timer      *time.Timer // for connection_init, then for pings

	// Guarded by the outbox's lock.
	header      http.Header // of the request; nil after connection_init
	initialised bool
	admission   Admission
	forget      func() bool // stops waiting for the admission's end
	heard       bool        // the client has sent something since the last ping
	isClosing   bool
	closeByPeer bool
	operations  []*operation
	abandoned   int // operations that still run but whose result the client does not want
}

// begin starts to serve the connection. already holds input that HTTP has read; understood says whether the client
// offered this subprotocol.
func (s *socket) begin(conn net.Conn, already []byte, understood bool) {
	conn.SetDeadline(time.Time{}) // removes HTTP's deadline
	s.mu.Lock()
	s.outbox.to, s.pendingOfAll, s.conn = s, &s.transports.pending, conn
	if c, ok := conn.(syscall.Conn); ok {
		s.raw, _ = c.SyscallConn()
	}
	s.timer = time.AfterFunc(s.transports.Limits.Init, s.tick)
	s.mu.Unlock()
	switch {
	case s.transports.isDraining(): // draining began before the connection could be closed
		s.depart()
	case !understood:
		s.close(badProtocol)
	}
	s.frames.in = already
	go s.loop(len(already) > 0)
}

// loop handles the input, and then waits for more on a new goroutine. Otherwise the connection would keep the stack
// that handling a message needed.
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

// handleAll handles the complete messages. It returns false if the connection is over.
func (s *socket) handleAll() (open bool) {
	defer func() {
		if p := recover(); p != nil {
			s.transports.Log.ErrorContext(s.origin.Context(""), "a message could not be handled", "panic", p, "stack", string(debug.Stack()))
			s.close(failed)
			open = true
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
		s.closeFor(err)
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

// over ends the connection and its operations.
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

// tick runs when the time for connection_init is over, and then at every ping interval.
func (s *socket) tick() {
	s.mu.Lock()
	initialised, heard := s.initialised, s.heard
	s.heard = false
	if initialised && heard && !s.isClosing {
		s.put(appendFrame(nil, ws.OpPing, 0))
		s.timer.Reset(s.transports.Limits.Ping)
	}
	s.mu.Unlock()
	switch {
	case !initialised:
		s.close(initTimeout)
	case !heard:
		// The code for a policy violation would fit, but the graphql-ws library does not reconnect after it.
		s.close(closing{tryAgainLater, "no answer to a ping; " + s.resume()})
	}
}

// close sends a close frame after what was sent before, and gives the peer some time (Limits.Linger) to answer it.
func (s *socket) close(why closing) {
	s.mu.Lock()
	if s.isClosing || s.conn == nil { // begin closes a connection that it has not started yet
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

// depart closes the connection so that the client reconnects.
func (s *socket) depart() {
	s.close(closing{serviceRestart, "the server stops; connect again and " + s.resume()})
}

// cut ends the connection without a close frame.
func (s *socket) cut() {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// resume tells the client where to resume: after the earliest of the cursors up to which its subscriptions have
// received everything.
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

// handle handles a message or a control frame.
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

// closed handles the peer's close frame. The answer repeats the peer's code.
func (s *socket) closed(payload []byte) error {
	why := closing{code: ws.StatusNormalClosure}
	if len(payload) > 0 {
		code, reason := ws.ParseCloseFrameData(payload)
		switch err := ws.CheckCloseFrameData(code, reason); {
		case errors.Is(err, ws.ErrProtocolInvalidUTF8):
			why = closing{ws.StatusInvalidFramePayloadData, "the reason is not UTF-8"}
		case err != nil, code > ws.StatusRangePrivate.Max: // a one-byte body yields code 0
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

// message handles a message of graphql-transport-ws.
func (s *socket) message(text []byte) error {
	var m struct {
		ID      *string         `json:"id"`
		Type    *string         `json:"type"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Type == nil {
		return invalidMessage("Invalid message: it is not a JSON object with a type")
	}
	switch *m.Type {
	case "connection_init":
		return s.initialise(m.Payload)
	case "ping", "pong":
		if !isObject(m.Payload) {
			return invalidMessage("Invalid message: the payload of a " + *m.Type + " must be an object, or left out")
		}
		if *m.Type == "pong" {
			return nil
		}
		pong := []byte(`{"type":"pong"}`)
		s.mu.Lock()
		initialised := s.initialised
		s.mu.Unlock()
		if len(m.Payload) > 0 && initialised { // whoever has not said who they are gets no long answers
			pong = fmt.Appendf(nil, `{"type":"pong","payload":%s}`, m.Payload)
		}
		return s.sendText(pong)
	case "subscribe":
		if m.ID == nil || *m.ID == "" || len(*m.ID) > maxID {
			return invalidMessage(fmt.Sprintf("Invalid message: subscribe needs an id of at most %d bytes", maxID))
		}
		return s.subscribe(*m.ID, m.Payload)
	case "complete":
		if m.ID == nil || *m.ID == "" {
			return invalidMessage("Invalid message: complete needs an id")
		}
		s.abandon(*m.ID)
		return nil
	}
	return invalidMessage(fmt.Sprintf("Invalid message: %.40q is not a type of "+protocol, *m.Type))
}

const maxID = 256

// maxIntroduction is how long a message may be before a client has said who it is, in bytes.
const maxIntroduction = 16 << 10

// isObject reports whether a payload is an object, null, or left out.
func isObject(payload json.RawMessage) bool {
	return len(payload) == 0 || payload[0] == '{' || string(payload) == "null"
}

func (s *socket) initialise(payload json.RawMessage) error {
	if !isObject(payload) {
		return invalidMessage("Invalid message: the payload of connection_init must be an object, or left out")
	}
	s.mu.Lock()
	header, again := s.header, s.initialised
	s.initialised, s.heard, s.header = true, true, nil
	s.mu.Unlock()
	if again {
		return tooManyInits
	}
	admission, err := s.transports.admit(header, payload)
	if err != nil {
		return forbidden
	}
	if !s.transports.settle(s, admission.Share) {
		return closing{tryAgainLater, "there are too many connections; try again later"}
	}
	s.frames.limit = s.transports.Limits.Message
	s.mu.Lock()
	s.admission = admission
	if admission.Until != nil {
		s.forget = context.AfterFunc(admission.Until, func() { s.close(forbidden) })
	}
	s.timer.Reset(s.transports.Limits.Ping)
	s.mu.Unlock()
	return s.sendText([]byte(`{"type":"connection_ack"}`))
}

// send sends bytes, unless the connection is closing. It returns the reason to close the connection if the client is
// too slow or has lost its admission.
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

// closeFor closes the connection if the error is a reason to.
func (s *socket) closeFor(err error) {
	if why, ok := errors.AsType[closing](err); ok {
		s.close(why)
	}
}

func (s *socket) sendText(text []byte) error {
	return s.send(append(appendFrame(nil, ws.OpText, len(text)), text...))
}

// tooSlow counts a slow client and returns the reason to close its connection.
func (s *socket) tooSlow() closing {
	s.transports.metrics.dropped.Inc()
	return closing{tryAgainLater, "you read more slowly than changes come; " + s.resume()}
}

func (s *socket) clearance() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admission.Clearance
}
