package feed_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/parley/internal/longtest"
	"example.org/parley/server/apitest"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"example.org/parley"
	"example.org/parley/feed"
)

// The feed against the plainest model of it, the table of changes: while writers commit, roll back, and take their time
// between taking a number and committing, while connections for hints are killed, and one foreign transaction stays
// open all the time, subscribers with all sorts of filters come, go, and go on where they left, on either of two
// servers. In the end each has exactly what the table says, in its order; and what WebSockets were told of a change was
// the same bytes for all, live or later, by whichever server.
func TestNothingIsLostOrRepeatedOrOutOfOrder(t *testing.T) {
	t.Parallel()
	const followers, sockets = 1000, 16
	deliveries := int64(longtest.Times(1_000_000))
	if testing.Short() {
		deliveries = 50_000
	}
	dsn := apitest.TalksDatabase(t)
	a := startPolling(t, dsn, 200*time.Millisecond)
	db := a.DB()
	defer db.Close()
	for random := rand.New(rand.NewPCG(5, 0)); a.Changes() < 600; { // which the second server is too late to remember
		if err := writePast(db, random); err != nil {
			t.Fatal(err)
		}
	}
	servers := []*api{a, startPolling(t, dsn, 200*time.Millisecond)}
	foreign, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Rollback()
	if _, err := foreign.Exec(`SELECT pg_current_xact_id()`); err != nil {
		t.Fatal(err)
	}

	filters := a.someFilters(db)
	list := make([]*follower, followers)
	var delivered atomic.Int64
	for i := range list {
		list[i] = &follower{filter: filters[i%len(filters)], delivered: &delivered}
		if i%3 > 0 { // the others want all there ever was
			if err := db.Get(&list[i].from, `SELECT seq FROM feed_head`); err != nil {
				t.Fatal(err)
			}
		}
	}

	var writing, following sync.WaitGroup
	enough := make(chan struct{}) // when this is closed, writers stop
	for i := range 6 {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		writing.Go(func() {
			for !isClosed(enough) {
				for _, problem := range writeSomething(servers, db, random) {
					t.Error(problem)
					return
				}
			}
		})
	}
	writing.Go(func() {
		for random := rand.New(rand.NewPCG(2, 0)); !isClosed(enough); pause(enough,
			time.Duration(random.IntN(400))*time.Millisecond) {
			_, err := db.Exec(`
				SELECT pg_terminate_backend(pid)
				FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %' ORDER BY random() LIMIT 1) one`)
			if err != nil {
				t.Error(err)
			}
		}
	})

	settled := make(chan struct{}) // when this is closed, nobody leaves any more
	for i, f := range list {
		random := rand.New(rand.NewPCG(3, uint64(i)))
		following.Go(func() {
			for !isClosed(settled) {
				if err := f.visit(servers[random.IntN(2)].Feed, settled, random.IntN(2000)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	told := &bytesOfChanges{of: make(map[string][]byte)}
	// before all changes
	begin := parley.Cursor(a.Must(`{ lens(asOf: {knownAt: "0001-01-01T00:00:00Z"}) { cursor } }`).Text("lens.cursor"))
	clients := make([]*wanderer, sockets)
	for i := range clients {
		clients[i] = &wanderer{told: told, begin: begin}
		random := rand.New(rand.NewPCG(4, uint64(i)))
		following.Go(func() {
			for !isClosed(settled) {
				if err := clients[i].visit(servers[random.IntN(2)], settled, random.IntN(200)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}

	for delivered.Load() < deliveries && !t.Failed() {
		pause(nil, 10*time.Millisecond)
	}
	close(enough)
	writing.Wait()
	var log []parley.ChangeEntry
	for after := int64(0); ; after = log[len(log)-1].Seq {
		page, err := a.Store.ChangesAfter(t.Context(), after, nil, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if log = append(log, page...); len(page) < 1000 {
			break
		}
	}
	for i, c := range log {
		if c.Seq != int64(i)+1 {
			t.Fatalf("change %d stands at place %d of the feed", c.Seq, i+1)
		}
	}
	want := make([][]int64, followers)
	for i, f := range list {
		for _, c := range log[f.from:] {
			if f.filter.Matches(c) {
				want[i] = append(want[i], c.Seq)
			}
		}
	}
	apitest.Wait(t, "everybody to have everything", func() bool {
		for i, f := range list {
			if f.count() < len(want[i]) && !t.Failed() {
				return false
			}
		}
		for _, c := range clients {
			if c.count() < len(log) && !t.Failed() {
				return false
			}
		}
		return true
	})
	close(settled)
	following.Wait()
	for i, f := range list {
		if problem := difference(f.got, want[i]); problem != "" {
			t.Fatalf("follower %d, after %d with filter %+v: %s", i, f.from, f.filter, problem)
		}
	}
	for i, c := range clients {
		if len(c.got) != len(log) {
			t.Fatalf("client %d got %d of %d changes", i, len(c.got), len(log))
		}
		for n, cursor := range c.got {
			if cursor != log[n].Cursor {
				t.Fatalf("client %d got %s at place %d, want %s", i, cursor, n+1, log[n].Cursor)
			}
		}
	}
	t.Logf("%d changes, %d deliveries, %d resyncs", len(log), delivered.Load(),
		servers[0].Store.Resyncs()+servers[1].Store.Resyncs())
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pause passes time, unless it is cut short.
func pause(short <-chan struct{}, d time.Duration) {
	select {
	case <-short:
	case <-time.After(d):
	}
}

// difference says where two lists of numbers part.
func difference(got, want []int64) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("change %d never came, the last of %d", want[i], len(want))
		case i >= len(want):
			return fmt.Sprintf("change %d came after all", got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("change %d came at place %d of %d, want %d", got[i], i+1, len(want), want[i])
		}
	}
	return ""
}

// someFilters are filters of every form over the talks.
func (a *api) someFilters(db *sqlx.DB) []parley.FeedFilter {
	a.T.Helper()
	ids := make(map[string]uuid.UUID)
	for _, path := range []string{"talks", "talks/line", "talks/strip", "talks/border", "north", "south"} {
		var id uuid.UUID
		if err := db.Get(&id, `SELECT id FROM records WHERE path = $1`, path); err != nil {
			a.T.Fatal(path, err)
		}
		ids[path] = id
	}
	return []parley.FeedFilter{
		{},
		{Touching: [][]uuid.UUID{{ids["talks"]}}},
		{Touching: [][]uuid.UUID{{ids["talks/line"], ids["talks/strip"]}}},
		{Kinds: []parley.ChangeKind{parley.ChangeOfPosition, parley.ChangeOfStatus}},
		{Touching: [][]uuid.UUID{{ids["talks"]}, {ids["north"]}}},
		{Touching: [][]uuid.UUID{{ids["north"], ids["south"]}}, Kinds: []parley.ChangeKind{parley.ChangeOfPosition}},
		{Moves: parley.KindPosition, Touching: [][]uuid.UUID{{ids["talks/line"]}, {ids["south"]}}},
		{Moves: parley.KindPosition},
	}
}

// writeSomething makes a change or some, by the API or past it, and returns what went wrong that should not.
func writeSomething(servers []*api, db *sqlx.DB, random *rand.Rand) []string {
	server := servers[random.IntN(len(servers))]
	if random.IntN(3) > 0 {
		return server.try(`mutation($holder: ID!, $scenario: ID!, $unless: String!) {
			recordPosition(input: {holder: $holder, scenario: $scenario, stance: OPPOSES, conditions: [$unless]}) { cursor userErrors { code message field } }
		}`, map[string]any{"holder": []string{"north", "south"}[random.IntN(2)], "scenario": []string{"talks/line", "talks/strip"}[random.IntN(2)], "unless": another()})
	}
	if err := writePast(db, random); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// writePast takes numbers as other programs might: some in one transaction, under savepoints of which some are rolled
// back, with time passing before it commits, or does not.
func writePast(db *sqlx.DB, random *rand.Rand) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for range 1 + random.IntN(4) {
		_, err := tx.Exec(`SAVEPOINT one`)
		if err != nil {
			return unlessEnded(err)
		}
		_, err = tx.Exec(`
			WITH model AS (SELECT * FROM changes WHERE subject_kind = 'POSITION' OR seq < 4 ORDER BY random() LIMIT 1),
			head AS (UPDATE feed_head SET seq = seq + 1, recorded_at = greatest(clock_timestamp(), recorded_at + interval '1 microsecond') RETURNING seq, recorded_at),
			made AS (
				INSERT INTO changes (seq, recorded_at, recorded_by, kind, action, subject_kind, subject_id, version, negotiation_id, cause, lines, fields, summary)
				SELECT head.seq, head.recorded_at, m.recorded_by, m.kind, m.action, m.subject_kind, m.subject_id, m.version, m.negotiation_id, m.cause, m.lines, m.fields, 'Once more.'
				FROM head CROSS JOIN model m
				RETURNING seq)
			INSERT INTO change_touches (record_id, seq)
			SELECT DISTINCT t.record_id, made.seq FROM change_touches t JOIN model m ON m.seq = t.seq CROSS JOIN made`)
		if err == nil && random.IntN(3) == 0 {
			_, err = tx.Exec(`ROLLBACK TO SAVEPOINT one`)
		}
		if err != nil {
			return unlessEnded(err)
		}
	}
	pause(nil, time.Duration(random.IntN(3000))*time.Microsecond)
	if random.IntN(4) == 0 {
		return nil
	}
	return unlessEnded(tx.Commit())
}

// unlessEnded leaves out what comes of holding the head too long: the database ends the statement, or the session.
func unlessEnded(err error) error {
	if pq.As(err, pqerror.QueryCanceled) != nil || errors.Is(err, driver.ErrBadConn) || errors.As(err, new(net.Error)) {
		return nil
	}
	return err
}

// follower is a subscriber who comes and goes.
type follower struct {
	filter    parley.FeedFilter
	from      int64
	delivered *atomic.Int64

	mu  sync.Mutex
	got []int64
}

func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.got)
}

// visit is one subscription, which ends after so many changes, or when all have what they want.
func (f *follower) visit(of *feed.Feed, settled <-chan struct{}, changes int) error {
	v := &visit{follower: f, left: changes, enough: make(chan struct{})}
	after := f.from
	if len(f.got) > 0 {
		after = f.got[len(f.got)-1]
	}
	subscription, err := of.Subscribe(f.filter, after, numbered, v)
	if err != nil {
		return err
	}
	select {
	case <-v.enough:
	case <-settled:
	}
	f.mu.Lock()
	v.over = true
	f.mu.Unlock()
	subscription.Leave()
	return v.problem
}

// numbered shows the number of a change.
var numbered = feed.View{Key: "numbered",
	Show: func(_ context.Context, c parley.ChangeEntry) ([]byte, error) { return fmt.Append(nil, c.Seq), nil }}

type visit struct {
	*follower
	left    int
	over    bool
	enough  chan struct{}
	problem error
}

func (v *visit) Deliver(messages []feed.Message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range messages {
		if v.over {
			return
		}
		if string(m.Payload) != fmt.Sprint(m.Seq) {
			v.problem = fmt.Errorf("change %d comes with the text of another: %s", m.Seq, m.Payload)
		}
		v.got = append(v.got, m.Seq)
		v.delivered.Add(1)
		if v.left--; v.left <= 0 {
			v.over = true
			close(v.enough)
		}
	}
}

func (v *visit) Ready(context.Context) {}

func (v *visit) End(why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problem = why
	if !v.over {
		v.over = true
		close(v.enough)
	}
}

// bytesOfChanges are what was told of each change, by cursor.
type bytesOfChanges struct {
	mu sync.Mutex
	of map[string][]byte
}

func (b *bytesOfChanges) add(cursor string, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if before, known := b.of[cursor]; known && !bytes.Equal(before, payload) {
		return fmt.Errorf("of change %s one is told\n%s\nand another\n%s", cursor, before, payload)
	}
	b.of[cursor] = payload
	return nil
}

// wanderer is a client on a WebSocket who comes and goes.
type wanderer struct {
	told  *bytesOfChanges
	begin parley.Cursor

	mu  sync.Mutex
	got []parley.Cursor
}

func (w *wanderer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.got)
}

func (w *wanderer) visit(server *api, settled <-chan struct{}, changes int) error {
	s := server.connect()
	defer s.leave()
	after := w.begin
	if len(w.got) > 0 {
		after = w.got[len(w.got)-1]
	}
	s.ask("1", `subscription($after: Cursor) { changes(after: $after) { ...change } }`+received,
		map[string]any{"after": after})
	for range changes + 1 {
		var m message
		select {
		case m = <-s.messages:
		case <-settled:
			return nil
		}
		if m.err != nil || m.Type != "next" {
			return fmt.Errorf("a client got %s %s: %w", m.Type, m.Payload, m.err)
		}
		var got struct {
			Data struct {
				Changes struct{ Cursor parley.Cursor }
			}
		}
		if err := json.Unmarshal(m.Payload, &got); err != nil {
			return err
		}
		if err := w.told.add(string(got.Data.Changes.Cursor), m.Payload); err != nil {
			return err
		}
		w.mu.Lock()
		w.got = append(w.got, got.Data.Changes.Cursor)
		w.mu.Unlock()
	}
	return nil
}
