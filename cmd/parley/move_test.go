package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"example.org/parley/internal/postgres/pgtest"
)

// When a server stops while changes are recorded, its subscribers resume at another one. Each receives every change
// once and in order.
func TestSubscribersMoveToAnotherServer(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t, "")
	env := []string{"DATABASE_URL=" + dsn}
	stopping, staying := serve(t, env), serve(t, env)
	var begin struct{ Lens struct{ Cursor string } }
	staying.must(`{ lens { cursor } }`, nil, &begin)

	const clients, changes = 30, 300
	var following sync.WaitGroup
	subscribed := make(chan string, clients)
	moved := make([]int, clients)
	got := make([][]string, clients)
	for i := range clients {
		following.Go(func() {
			after := begin.Lens.Cursor
			for server := stopping; len(got[i]) < changes; server = staying {
				if err := server.follow(t.Context(), after, func(cursor string) bool {
					if len(got[i]) == 0 {
						subscribed <- cursor
					}
					got[i], after = append(got[i], cursor), cursor
					return len(got[i]) < changes
				}); err != nil {
					var closed websocket.CloseError
					if errors.As(err, &closed) && closed.Code != 1012 {
						t.Errorf("client %d was closed with %v, want 1012", i, closed)
						return
					}
					moved[i]++
				}
			}
		})
	}
	var want []string
	record := func() {
		var made struct {
			RegisterStakeholder struct{ Cursor string }
		}
		key := "party-" + strconv.Itoa(len(want))
		staying.must(
			`mutation($key: String!) { registerStakeholder(input: {key: $key, name: $key, kind: PERSON}) { cursor } }`,
			map[string]any{"key": key}, &made)
		want = append(want, made.RegisterStakeholder.Cursor)
	}
	record()
	for range clients {
		select {
		case <-subscribed:
		case <-time.After(maxWait):
			t.Fatal("a client does not receive the first change")
		}
	}
	for len(want) < changes {
		if record(); len(want) == changes/3 {
			stopping.signal(syscall.SIGTERM)
		}
	}
	if code := stopping.code(); code != 0 {
		t.Errorf("the server that was stopped ended with code %d", code)
	}
	following.Wait()
	for i, cursors := range got {
		if strings.Join(cursors, " ") != strings.Join(want, " ") {
			t.Errorf("client %d got %d changes %v, want %d %v", i, len(cursors), cursors, len(want), want)
		}
		if moved[i] == 0 {
			t.Errorf("client %d did not move", i)
		}
	}
}

// follow reads the cursors of changes until each returns false or the connection ends.
func (p *program) follow(ctx context.Context, after string, each func(cursor string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, p.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	type message struct {
		Type    string          `json:"type"`
		ID      string          `json:"id,omitempty"`
		Payload json.RawMessage `json:"payload,omitempty"`
	}
	payload := fmt.Appendf(nil,
		`{"query": "subscription($after: Cursor) { changes(after: $after) { cursor } }", "variables": {"after": %q}}`,
		after)
	for _, m := range []message{{Type: "connection_init"}, {Type: "subscribe", ID: "1", Payload: payload}} {
		if err := wsjson.Write(ctx, conn, m); err != nil {
			return err
		}
	}
	for {
		var m message
		var event struct {
			Data struct{ Changes struct{ Cursor string } }
		}
		if err := wsjson.Read(ctx, conn, &m); err != nil {
			return err
		}
		if m.Type != "next" {
			continue
		}
		if err := json.Unmarshal(m.Payload, &event); err != nil || !each(event.Data.Changes.Cursor) {
			return err
		}
	}
}
