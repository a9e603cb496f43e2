package faults_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// subscriber follows the feed from the last cursor that it has received, over one connection after another.
type subscriber struct {
	*row
	server int // to which it connects
	random *rand.Rand

	mu    sync.Mutex
	after string
	heard []change
}

// change is one of the feed.
type change struct{ cursor, text string }

func (s *subscriber) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.after
}

// reached says whether the last change has been heard.
func (s *subscriber) reached(cursor string) bool { return s.last() == cursor }

func (s *subscriber) hear(c change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after, s.heard = c.cursor, append(s.heard, c)
}

// anew forgets what was heard, to read anew.
func (s *subscriber) anew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after, s.heard = s.row.begin, nil
}

// follow connects again whenever a connection ends.
func (s *subscriber) follow(ctx context.Context) {
	for s.connection(ctx) && ctx.Err() == nil {
		pause(ctx, between(s.random, 20*time.Millisecond, 200*time.Millisecond))
	}
}

type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

const followChanges = `subscription($after: Cursor) {
	changes(after: $after) { cursor ...what }
}
` + what

// what is recognised of a change.
const what = `fragment what on RecordChanged { node { ... on Statement { text } } }`

// node is what the fragment selects.
type node struct {
	Cursor string
	Node   struct{ Text string }
}

// connection follows the feed until the connection ends, and says whether to connect again. After some changes it leaves by
// itself, for the other server.
func (s *subscriber) connection(ctx context.Context) (again bool) {
	conn, _, err := websocket.Dial(ctx, s.servers[s.server].URL+graphQL,
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return s.ended(ctx)
	}
	defer conn.CloseNow()
	payload, err := json.Marshal(map[string]any{"query": followChanges, "variables": map[string]any{"after": s.last()}})
	if err != nil {
		s.Error(err)
		return false
	}
	if wsjson.Write(ctx, conn, message{Type: "connection_init"}) != nil {
		return s.ended(ctx)
	}
	for left := 20 + s.random.IntN(100); left > 0; {
		var m message
		if wsjson.Read(ctx, conn, &m) != nil {
			return s.ended(ctx)
		}
		switch m.Type {
		case "connection_ack":
			err = wsjson.Write(ctx, conn, message{Type: "subscribe", ID: "1", Payload: payload})
		case "ping":
			err = wsjson.Write(ctx, conn, message{Type: "pong"})
		case "next":
			var next struct {
				Data   struct{ Changes *node }
				Errors []told
			}
			if json.Unmarshal(m.Payload, &next) != nil || len(next.Errors) > 0 || next.Data.Changes == nil {
				s.Errorf("a subscriber was sent %s", m.Payload)
				return false
			}
			s.hear(change{next.Data.Changes.Cursor, next.Data.Changes.Node.Text})
			left--
		case "error":
			return s.refused(m.Payload)
		default:
			s.Errorf("a subscriber was sent %s %s", m.Type, m.Payload)
			return false
		}
		if err != nil {
			return s.ended(ctx)
		}
	}
	s.server = 1 - s.server
	return true
}

// ended takes note that the server, or what is between, has ended the connection.
func (s *subscriber) ended(ctx context.Context) (again bool) {
	if ctx.Err() == nil {
		s.tally.add(reconnected)
	}
	return true
}

// refused takes note of why a subscription is refused, and says whether to ask again.
func (s *subscriber) refused(payload json.RawMessage) bool {
	var errors []told
	code := ""
	if json.Unmarshal(payload, &errors) == nil && len(errors) == 1 {
		code = errors[0].Extensions.Code
	}
	switch {
	case code == "UNAVAILABLE":
		s.tally.add(notRead)
	case code == "BAD_CURSOR" && s.fault.loses:
		s.tally.add(badCursor)
		s.anew()
	default:
		s.Errorf("a subscriber was refused with %s", payload)
		return false
	}
	return true
}
