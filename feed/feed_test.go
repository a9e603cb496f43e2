package feed_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"parley"
	"parley/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to come before it fails.
const patience = 30 * time.Second

// memory is a log that is kept in memory. It can lose changes, and fail.
type memory struct {
	mu      sync.Mutex
	changes []parley.ChangeEntry
	hidden  map[int64]bool // not shown to who reads
	broken  error
	reads   int
	hints   chan struct{}
}

func newMemory(changes int) *memory {
	m := &memory{hidden: make(map[int64]bool), hints: make(chan struct{}, 1)}
	m.append(changes, parley.ChangeEntry{Kind: parley.ChangeOfRecord})
	return m
}

// append adds copies of a change and does not tell anyone.
func (m *memory) append(times int, change parley.ChangeEntry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range times {
		change.Seq = int64(len(m.changes)) + 1
		m.changes = append(m.changes, change)
	}
}

// hint tells that there may be more.
func (m *memory) hint() {
	select {
	case m.hints <- struct{}{}:
	default:
	}
}

// write adds copies of a change and tells.
func (m *memory) write(times int, change parley.ChangeEntry) {
	m.append(times, change)
	m.hint()
}

func (m *memory) hide(seq int64, hidden bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hidden[seq] = hidden
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// hasBeenRead counts how often.
func (m *memory) hasBeenRead() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

func (m *memory) Head(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.changes)), m.broken
}

func (m *memory) ChangesAfter(_ context.Context, seq int64, limit int) (list []parley.ChangeEntry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.broken != nil {
		return nil, m.broken
	}
	for _, c := range m.changes[seq:] {
		if len(list) == limit {
			break
		}
		if !m.hidden[c.Seq] {
			list = append(list, c)
		}
	}
	return list, nil
}

func (m *memory) Listen(context.Context) <-chan struct{} { return m.hints }

// logged keeps what is logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

// start begins a feed that looks for changes only when it is told to.
func start(t *testing.T, m *memory) (*feed.Feed, *logged, context.CancelFunc) {
	t.Helper()
	return startPolling(t, m, 24*time.Hour)
}

func startPolling(t *testing.T, m *memory, poll time.Duration) (*feed.Feed, *logged, context.CancelFunc) {
	t.Helper()
	log := &logged{}
	ctx, end := context.WithCancel(context.Background())
	f, err := feed.Start(ctx, m, poll, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end()
		<-f.Done()
	})
	return f, log, end
}

func subscribe(t *testing.T, ctx context.Context, f *feed.Feed, filter parley.FeedFilter) *feed.Subscription {
	t.Helper()
	s, err := f.Subscribe(ctx, filter)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// next is the change that comes next; there has to be one.
func next(t *testing.T, s *feed.Subscription) parley.ChangeEntry {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case c, ok := <-s.Changes:
		if !ok {
			t.Fatalf("the subscription ended: %v", s.Err())
		}
		return c
	case <-timer.C:
		t.Fatal("no change comes")
	}
	return parley.ChangeEntry{}
}

// expect wants these changes next.
func expect(t *testing.T, s *feed.Subscription, from, to int64) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		if got := next(t, s); got.Seq != seq {
			t.Fatalf("got change %d, want %d", got.Seq, seq)
		}
	}
}

// ended waits for the end of a subscription and returns how many changes came before it.
func ended(t *testing.T, s *feed.Subscription) (changes int64) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case _, ok := <-s.Changes:
			if !ok {
				return changes
			}
			changes++
		case <-timer.C:
			t.Fatal("the subscription does not end")
		}
	}
}

// wait returns once something is so.
func wait(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !isSo() {
		select {
		case <-deadline.C:
			t.Fatal("waited in vain for " + what)
		case <-again.C:
		}
	}
}

func TestChangesComeInOrderFromTheHeadOn(t *testing.T) {
	t.Parallel()
	m := newMemory(1000)
	f, _, _ := start(t, m)
	first := subscribe(t, t.Context(), f, parley.FeedFilter{})
	m.write(10, parley.ChangeEntry{})
	expect(t, first, 1001, 1010)

	// These are in the log before the second one subscribes, though the feed has not read them yet.
	m.append(5, parley.ChangeEntry{})
	second := subscribe(t, t.Context(), f, parley.FeedFilter{})
	m.write(3, parley.ChangeEntry{})
	expect(t, first, 1011, 1018)
	expect(t, second, 1016, 1018)

	// More than are read at once, in one go: the queue takes 256, so they have to be fetched meanwhile.
	taken := make(chan int64)
	go func() {
		defer close(taken)
		for range 1000 {
			taken <- (<-first.Changes).Seq
		}
	}()
	go func() {
		for range second.Changes {
		}
	}()
	for written := int64(0); written < 1000; written += 200 {
		m.write(200, parley.ChangeEntry{})
		for seq := 1019 + written; seq < 1219+written; seq++ {
			if got := <-taken; got != seq {
				t.Fatalf("got change %d, want %d", got, seq)
			}
		}
	}
}

func TestWithoutHintsTheFeedPolls(t *testing.T) {
	t.Parallel()
	m := newMemory(1)
	f, _, _ := startPolling(t, m, time.Millisecond)
	s := subscribe(t, t.Context(), f, parley.FeedFilter{})
	m.append(3, parley.ChangeEntry{})
	expect(t, s, 2, 4)
	m.append(1, parley.ChangeEntry{})
	expect(t, s, 5, 5)
}

func TestALateFeedCatchesUp(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	kept := subscribe(t, t.Context(), f, parley.FeedFilter{Kinds: []parley.ChangeKind{parley.ChangeOfPosition}})
	// Some batches at once, of which few concern the subscriber.
	for range 4 {
		m.append(256, parley.ChangeEntry{Kind: parley.ChangeOfRecord})
		m.append(1, parley.ChangeEntry{Kind: parley.ChangeOfPosition})
	}
	m.hint()
	for _, seq := range []int64{257, 514, 771, 1028} {
		expect(t, kept, seq, seq)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	a, b, c := uuid.New(), uuid.New(), uuid.New()
	moved := parley.WorldChanged
	written := []parley.ChangeEntry{
		1: {Kind: parley.ChangeOfStatus, SubjectKind: parley.KindStatusChange, Cause: &moved, Lines: []uuid.UUID{a}, Touches: []uuid.UUID{a}},
		2: {Kind: parley.ChangeOfPosition, SubjectKind: parley.KindPosition, Cause: &moved, Lines: []uuid.UUID{a}, Touches: []uuid.UUID{a, b}},
		3: {Kind: parley.ChangeOfRecord, SubjectKind: parley.KindPosition, Touches: []uuid.UUID{a, b}}, // as when evidence is added
		4: {Kind: parley.ChangeOfRecord, SubjectKind: parley.KindScenario, Touches: []uuid.UUID{c}},
		5: {Kind: parley.ChangeOfEvent, SubjectKind: parley.KindEvent},
	}
	cases := []struct {
		filter parley.FeedFilter
		want   []int64
	}{
		{parley.FeedFilter{}, []int64{1, 2, 3, 4, 5}},
		{parley.FeedFilter{Kinds: []parley.ChangeKind{parley.ChangeOfStatus, parley.ChangeOfEvent}}, []int64{1, 5}},
		{parley.FeedFilter{Touching: [][]uuid.UUID{{a}}}, []int64{1, 2, 3}},
		{parley.FeedFilter{Touching: [][]uuid.UUID{{b, c}}}, []int64{2, 3, 4}},
		{parley.FeedFilter{Touching: [][]uuid.UUID{{a}, {b, c}}}, []int64{2, 3}},
		{parley.FeedFilter{Touching: [][]uuid.UUID{{a}}, Kinds: []parley.ChangeKind{parley.ChangeOfRecord}}, []int64{3}},
		{parley.FeedFilter{Moves: parley.KindPosition}, []int64{2}},
		{parley.FeedFilter{Moves: parley.KindStatusChange, Touching: [][]uuid.UUID{{a}}}, []int64{1}},
		{parley.FeedFilter{Touching: [][]uuid.UUID{{uuid.New()}}}, nil},
	}
	subscriptions := make([]*feed.Subscription, len(cases))
	ctx, leave := context.WithCancel(t.Context())
	for i, tt := range cases {
		subscriptions[i] = subscribe(t, ctx, f, tt.filter)
	}
	for _, c := range written[1:] {
		m.write(1, c)
	}
	// By the time that the one without a filter has the last one, a later round has been through all of them.
	expect(t, subscriptions[0], 1, 5)
	m.write(1, parley.ChangeEntry{})
	expect(t, subscriptions[0], 6, 6)
	leave()
	for i, tt := range cases[1:] {
		var got []int64
		for c := range subscriptions[i+1].Changes {
			got = append(got, c.Seq)
		}
		if want := tt.want; !equal(got, want) {
			t.Errorf("%+v: got %v, want %v", tt.filter, got, want)
		}
	}
}

func equal(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestASlowSubscriberHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	slow := subscribe(t, t.Context(), f, parley.FeedFilter{})
	fast := subscribe(t, t.Context(), f, parley.FeedFilter{})
	for seq := int64(1); seq <= 2000; seq++ {
		m.write(1, parley.ChangeEntry{})
		expect(t, fast, seq, seq)
	}
	// It still gets what was queued for it, without a gap, and then hears why there is no more.
	expect(t, slow, 1, 256)
	if rest := ended(t, slow); rest != 0 || !errors.Is(slow.Err(), feed.ErrLagging) {
		t.Errorf("%d changes more than the queue holds, and then %v", rest, slow.Err())
	}
	// One that merely stops for a while, but within its queue, goes on.
	m.write(200, parley.ChangeEntry{})
	expect(t, fast, 2001, 2200)
	again := subscribe(t, t.Context(), f, parley.FeedFilter{})
	m.write(1, parley.ChangeEntry{})
	expect(t, again, 2201, 2201)
	expect(t, fast, 2201, 2201)
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	ctx, leave := context.WithCancel(t.Context())
	leaving, staying := subscribe(t, ctx, f, parley.FeedFilter{}), subscribe(t, t.Context(), f, parley.FeedFilter{})
	m.write(1, parley.ChangeEntry{})
	expect(t, leaving, 1, 1)
	leave()
	if more := ended(t, leaving); more != 0 || leaving.Err() != nil {
		t.Errorf("%d changes more, and then %v", more, leaving.Err())
	}
	m.write(1, parley.ChangeEntry{})
	expect(t, staying, 1, 2)

	gone := subscribe(t, ctx, f, parley.FeedFilter{})
	if more := ended(t, gone); more != 0 || gone.Err() != nil {
		t.Errorf("one that is gone before it begins: %d changes, and then %v", more, gone.Err())
	}
}

func TestShutdownEndsAllSubscriptions(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, log, end := start(t, m)
	var all []*feed.Subscription
	for range 3 {
		all = append(all, subscribe(t, t.Context(), f, parley.FeedFilter{}))
	}
	m.write(1, parley.ChangeEntry{})
	expect(t, all[0], 1, 1)
	end()
	<-f.Done()
	for i, s := range all {
		ended(t, s)
		if !errors.Is(s.Err(), feed.ErrEnded) {
			t.Errorf("subscription %d ended with %v", i, s.Err())
		}
	}
	if _, err := f.Subscribe(t.Context(), parley.FeedFilter{}); !errors.Is(err, feed.ErrEnded) {
		t.Errorf("subscribing afterwards: %v", err)
	}
	if log.count("ERROR") != 0 {
		t.Error("an orderly end is logged as an error")
	}
}

func TestAHoleIsNeverSkipped(t *testing.T) {
	t.Parallel()
	for _, hole := range []int64{1, 3, 5} {
		t.Run(strconv.FormatInt(hole, 10), func(t *testing.T) {
			t.Parallel()
			m := newMemory(0)
			f, log, _ := startPolling(t, m, time.Millisecond)
			s := subscribe(t, t.Context(), f, parley.FeedFilter{})
			m.hide(hole, true)
			m.append(6, parley.ChangeEntry{})
			expect(t, s, 1, hole-1)
			// However often it looks again, and whatever else comes,
			wait(t, "errors in the log", func() bool { return log.count("ERROR") >= 3 })
			m.append(4, parley.ChangeEntry{})
			reads := m.hasBeenRead()
			wait(t, "later reads", func() bool { return m.hasBeenRead() > reads+3 })
			select {
			case c := <-s.Changes:
				t.Fatalf("change %d comes across the hole", c.Seq)
			default:
			}
			if log.count("change "+strconv.FormatInt(hole+1, 10)+" follows "+strconv.FormatInt(hole-1, 10)) == 0 {
				t.Error("the log does not say where the hole is")
			}
			// nothing gets past it, until it is filled.
			m.hide(hole, false)
			expect(t, s, hole, 10)
		})
	}
}

func TestABrokenLogIsTriedAgain(t *testing.T) {
	t.Parallel()
	m := newMemory(2)
	f, log, _ := startPolling(t, m, time.Millisecond)
	s := subscribe(t, t.Context(), f, parley.FeedFilter{})
	m.fail(errors.New("the database is away"))
	m.append(2, parley.ChangeEntry{})
	wait(t, "errors in the log", func() bool { return log.count("the database is away") >= 3 })
	if _, err := f.Subscribe(t.Context(), parley.FeedFilter{}); err == nil {
		t.Error("one can subscribe though nobody knows from where on")
	}
	if _, err := feed.Start(t.Context(), m, time.Hour, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("another feed starts")
	}
	m.fail(nil)
	expect(t, s, 3, 4)
}

// Subscribers come and go while changes are written: each gets a stretch of the feed without a gap.
func TestManySubscribers(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	paced := subscribe(t, t.Context(), f, parley.FeedFilter{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 20 {
				each, done := context.WithCancel(t.Context())
				s, err := f.Subscribe(each, parley.FeedFilter{})
				if err != nil {
					t.Error(err)
					done()
					return
				}
				last := int64(0)
				for c := range s.Changes {
					if last != 0 && c.Seq != last+1 {
						t.Errorf("change %d comes after %d", c.Seq, last)
					}
					if last = c.Seq; last%7 == 0 {
						done()
					}
				}
				if err := s.Err(); err != nil && !errors.Is(err, feed.ErrLagging) {
					t.Error(err)
				}
				done()
			}
		})
	}
	finished := make(chan struct{})
	go func() {
		all.Wait()
		close(finished)
	}()
	for written := int64(0); ; written += 3 {
		select {
		case <-finished:
			return
		default:
			m.write(3, parley.ChangeEntry{})
			expect(t, paced, written+1, written+3)
		}
	}
}
