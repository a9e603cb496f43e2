package feed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"example.org/parley"
	"example.org/parley/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// maxWait is how long a test waits for an expected event before it fails.
const maxWait = 30 * time.Second

// memory is a log in memory. It can hide changes and fail.
type memory struct {
	mu            sync.Mutex
	changes       []parley.ChangeEntry
	hidden        map[int64]bool // left out of reads
	broken        error
	reads         int
	found         int // how many changes had their moves found
	notifications chan struct{}
}

func newMemory(changes int) *memory {
	m := &memory{hidden: make(map[int64]bool), notifications: make(chan struct{}, 1)}
	m.append(changes, parley.ChangeEntry{Kind: parley.ChangeOfRecord})
	return m
}

// append adds copies of a change without a notification.
func (m *memory) append(times int, change parley.ChangeEntry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range times {
		change.Seq = int64(len(m.changes)) + 1
		m.changes = append(m.changes, change)
	}
}

// notify announces that there may be more changes.
func (m *memory) notify() {
	select {
	case m.notifications <- struct{}{}:
	default:
	}
}

// write adds copies of a change and announces them.
func (m *memory) write(times int, change parley.ChangeEntry) {
	m.append(times, change)
	m.notify()
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

// hasBeenRead returns the number of reads.
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

func (m *memory) Continues(_ context.Context, last parley.ChangeEntry) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return last.Seq <= int64(len(m.changes)) && m.changes[last.Seq-1].Cursor == last.Cursor, m.broken
}

func (m *memory) ChangesAfter(
	_ context.Context, seq int64, touching []uuid.UUID, limit int,
) (list []parley.ChangeEntry, err error) {
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
		touches := len(touching) == 0 ||
			slices.ContainsFunc(touching, func(id uuid.UUID) bool { return slices.Contains(c.Touches, id) })
		if !m.hidden[c.Seq] && touches {
			list = append(list, c)
		}
	}
	return list, nil
}

// FindMoves says that a change concerns, as a party, the last record that it touches.
func (m *memory) FindMoves(_ context.Context, changes []parley.ChangeEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	for i := range changes {
		c := &changes[i]
		if c.MovesKnown = true; len(c.Touches) > 0 {
			c.Moves = []parley.PartyMove{{PartyID: c.Touches[len(c.Touches)-1]}}
		}
	}
	m.found += len(changes)
	return nil
}

func (m *memory) Listen(context.Context) <-chan struct{} { return m.notifications }

// logged keeps the log's output.
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

// start starts a feed that reads changes only after a notification.
func start(t *testing.T, m *memory) (*feed.Feed, *logged, context.CancelFunc) {
	t.Helper()
	return startPolling(t, m, 24*time.Hour)
}

func startPolling(t *testing.T, m *memory, poll time.Duration) (*feed.Feed, *logged, context.CancelFunc) {
	t.Helper()
	log := &logged{}
	ctx, end := context.WithCancel(context.Background())
	f, err := feed.Start(ctx, m, feed.Options{Poll: poll, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end()
		<-f.Done()
	})
	return f, log, end
}

// subscriber keeps the delivered changes. It can make the feed wait for room.
type subscriber struct {
	*feed.Subscription
	changes chan int64 // numbers of the delivered changes
	full    atomic.Bool
	why     error
	ended   chan struct{}
}

func newSubscriber() *subscriber {
	return &subscriber{changes: make(chan int64, 100_000), ended: make(chan struct{})}
}

func (s *subscriber) Deliver(messages []feed.Message) {
	for _, m := range messages {
		if want := fmt.Sprint("change ", m.Seq); string(m.Payload) != want {
			panic(fmt.Sprintf("%q is shown for %s", m.Payload, want))
		}
		s.changes <- m.Seq
	}
}

func (s *subscriber) Ready(ctx context.Context) {
	for s.full.Load() && ctx.Err() == nil {
		runtime.Gosched()
	}
}

func (s *subscriber) End(why error) {
	s.why = why
	close(s.ended)
}

// plain shows the number of a change.
var plain = feed.View{Key: "plain", Show: func(_ context.Context, c parley.ChangeEntry) ([]byte, error) {
	return fmt.Append(nil, "change ", c.Seq), nil
}}

// subscribe starts a subscription at the head of the log.
func subscribe(t *testing.T, f *feed.Feed, m *memory, filter parley.FeedFilter) *subscriber {
	t.Helper()
	head, err := m.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return follow(t, f, filter, head)
}

// follow starts a subscription after a change.
func follow(t *testing.T, f *feed.Feed, filter parley.FeedFilter, after int64) *subscriber {
	t.Helper()
	s := newSubscriber()
	var err error
	if s.Subscription, err = f.Subscribe(filter, after, plain, s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Leave)
	return s
}

// next returns the number of the next change. The test fails if none arrives.
func next(t *testing.T, s *subscriber) int64 {
	t.Helper()
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case seq := <-s.changes:
		return seq
	case <-timer.C:
		t.Fatal("no change arrives")
	}
	return 0
}

// expect fails the test unless exactly these changes arrive next.
func expect(t *testing.T, s *subscriber, from, to int64) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		if got := next(t, s); got != seq {
			t.Fatalf("got change %d, want %d", got, seq)
		}
	}
}

// end waits until the subscription ends, and returns the reason.
func (s *subscriber) end(t *testing.T) error {
	t.Helper()
	select {
	case <-s.ended:
		return s.why
	case <-time.After(maxWait):
		t.Fatal("the subscription does not end")
		return nil
	}
}

// wait returns once a condition holds.
func wait(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	deadline := time.NewTimer(maxWait)
	defer deadline.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !isSo() {
		select {
		case <-deadline.C:
			t.Fatal("timed out waiting for " + what)
		case <-again.C:
		}
	}
}

func TestChangesComeInOrderFromTheHeadOn(t *testing.T) {
	t.Parallel()
	m := newMemory(1000)
	f, _, _ := start(t, m)
	first := subscribe(t, f, m, parley.FeedFilter{})
	m.write(10, parley.ChangeEntry{})
	expect(t, first, 1001, 1010)

	// These are in the log before the second subscription starts, though the feed has not read them yet.
	m.append(5, parley.ChangeEntry{})
	second := subscribe(t, f, m, parley.FeedFilter{})
	m.write(3, parley.ChangeEntry{})
	expect(t, first, 1011, 1018)
	expect(t, second, 1016, 1018)

	// More than one batch at once.
	m.write(1000, parley.ChangeEntry{})
	expect(t, first, 1019, 2018)
	expect(t, second, 1019, 2018)
}

// A subscriber that is ahead of the feed does not need views of the changes in between.
func TestNoViewsOfChangesThatAllHave(t *testing.T) {
	t.Parallel()
	m := newMemory(10)
	f, _, _ := start(t, m)
	m.append(5, parley.ChangeEntry{})
	var shown []int64
	view := feed.View{Key: "noting", Show: func(ctx context.Context, c parley.ChangeEntry) ([]byte, error) {
		shown = append(shown, c.Seq)
		return plain.Show(ctx, c)
	}}
	s := newSubscriber()
	var err error
	if s.Subscription, err = f.Subscribe(parley.FeedFilter{}, 14, view, s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Leave)
	m.write(2, parley.ChangeEntry{})
	expect(t, s, 15, 17)
	if !slices.Equal(shown, []int64{15, 16, 17}) {
		t.Errorf("views are made of the changes %v, want those after 14", shown)
	}
}

// Followers of a party get the changes that concern it, live and after the fact. As long as nobody follows any, nobody
// looks whom a change concerns.
func TestFollowersOfParties(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	party, other := uuid.New(), uuid.New()
	of := func(id uuid.UUID) parley.ChangeEntry { return parley.ChangeEntry{Touches: []uuid.UUID{id}} }
	all := follow(t, f, parley.FeedFilter{}, 0)
	m.write(1, of(party))
	m.write(1, of(other))
	expect(t, all, 1, 2)
	m.mu.Lock()
	if m.found != 0 {
		t.Errorf("the moves of %d changes were found for nobody", m.found)
	}
	m.mu.Unlock()
	filter := parley.FeedFilter{Following: &parley.Following{Parties: []uuid.UUID{party}}}
	live, late := follow(t, f, filter, 2), follow(t, f, filter, 0)
	expect(t, late, 1, 1)
	m.write(1, of(other))
	m.write(2, of(party))
	expect(t, live, 4, 5)
	expect(t, late, 4, 5)
	expect(t, all, 3, 5)
	// Of the changes that are still in memory, whom the first two concern is not known.
	later := follow(t, f, filter, 0)
	expect(t, later, 1, 1)
	expect(t, later, 4, 5)
}

func TestWithoutNotificationsTheFeedPolls(t *testing.T) {
	t.Parallel()
	m := newMemory(1)
	f, _, _ := startPolling(t, m, time.Millisecond)
	s := subscribe(t, f, m, parley.FeedFilter{})
	m.append(3, parley.ChangeEntry{})
	expect(t, s, 2, 4)
	m.append(1, parley.ChangeEntry{})
	expect(t, s, 5, 5)
}

func TestALateFeedCatchesUp(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	kept := subscribe(t, f, m, parley.FeedFilter{Kinds: []parley.ChangeKind{parley.ChangeOfPosition}})
	// Several batches at once. Few of their changes match.
	for range 4 {
		m.append(256, parley.ChangeEntry{Kind: parley.ChangeOfRecord})
		m.append(1, parley.ChangeEntry{Kind: parley.ChangeOfPosition})
	}
	m.notify()
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
		1: {
			Kind:        parley.ChangeOfStatus,
			SubjectKind: parley.KindStatusChange,
			Cause:       &moved,
			Lines:       []uuid.UUID{a},
			Touches:     []uuid.UUID{a},
		},
		2: {
			Kind:        parley.ChangeOfPosition,
			SubjectKind: parley.KindPosition,
			Cause:       &moved,
			Lines:       []uuid.UUID{a},
			Touches:     []uuid.UUID{a, b},
		},
		// As when evidence is added to a position.
		3: {
			Kind:        parley.ChangeOfRecord,
			SubjectKind: parley.KindPosition,
			Touches:     []uuid.UUID{a, b},
		},
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
		{
			parley.FeedFilter{Touching: [][]uuid.UUID{{a}}, Kinds: []parley.ChangeKind{parley.ChangeOfRecord}},
			[]int64{3},
		},
		{parley.FeedFilter{Moves: parley.KindPosition}, []int64{2}},
		{parley.FeedFilter{Moves: parley.KindStatusChange, Touching: [][]uuid.UUID{{a}}}, []int64{1}},
		{parley.FeedFilter{Touching: [][]uuid.UUID{{uuid.New()}}}, nil},
	}
	subscriptions := make([]*subscriber, len(cases))
	for i, tt := range cases {
		subscriptions[i] = subscribe(t, f, m, tt.filter)
	}
	for _, c := range written[1:] {
		m.write(1, c)
	}
	expect(t, subscriptions[0], 1, 5)
	for i, tt := range cases {
		late := follow(t, f, tt.filter, 0)
		for _, want := range tt.want {
			if i > 0 {
				if got := next(t, subscriptions[i]); got != want {
					t.Errorf("%+v: got %d, want %d", tt.filter, got, want)
				}
			}
			if got := next(t, late); got != want {
				t.Errorf("%+v, from the beginning: got %d, want %d", tt.filter, got, want)
			}
		}
	}
	// A change that matches most filters shows that the subscriptions received nothing else in between.
	all := parley.WorldChanged
	m.write(1, parley.ChangeEntry{
		Kind:        parley.ChangeOfStatus,
		SubjectKind: parley.KindStatusChange,
		Cause:       &all,
		Lines:       []uuid.UUID{a},
		Touches:     []uuid.UUID{a, b, c},
	})
	for i, tt := range cases {
		matches := tt.filter.Matches(m.changes[len(m.changes)-1])
		if matches && next(t, subscriptions[i]) != 6 {
			t.Errorf("%+v: something came that does not match", tt.filter)
		}
	}
}

// A subscriber that catches up sets its own pace and delays no other.
func TestASubscriberCatchesUpAtItsOwnPace(t *testing.T) {
	t.Parallel()
	for _, missed := range []int{100, 10_000} { // from the recent window, and from the log
		t.Run(strconv.Itoa(missed), func(t *testing.T) {
			t.Parallel()
			m := newMemory(0)
			f, _, _ := start(t, m)
			fast := subscribe(t, f, m, parley.FeedFilter{})
			m.write(missed, parley.ChangeEntry{})
			expect(t, fast, 1, int64(missed))

			slow := newSubscriber()
			slow.full.Store(true)
			var err error
			if slow.Subscription, err = f.Subscribe(parley.FeedFilter{}, 50, plain, slow); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(slow.Leave)
			for range 10 {
				m.write(10, parley.ChangeEntry{})
				missed += 10
				expect(t, fast, int64(missed-9), int64(missed))
			}
			if len(slow.changes) > 0 {
				t.Errorf("%d changes were delivered to a subscriber without room", len(slow.changes))
			}
			slow.full.Store(false)
			expect(t, slow, 51, int64(missed))
			m.write(3, parley.ChangeEntry{})
			expect(t, slow, int64(missed+1), int64(missed+3))
		})
	}
}

func TestASubscriberThatLeavesReceivesNothingMore(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	leaving, staying := subscribe(t, f, m, parley.FeedFilter{}), subscribe(t, f, m, parley.FeedFilter{})
	m.write(1, parley.ChangeEntry{})
	expect(t, leaving, 1, 1)
	expect(t, staying, 1, 1)
	leaving.Leave()
	leaving.Leave() // leaving twice is harmless
	m.write(2, parley.ChangeEntry{})
	expect(t, staying, 2, 3)
	if len(leaving.changes) > 0 {
		t.Error("a change arrived after it had left")
	}
	select {
	case <-leaving.ended:
		t.Error("End is called for a subscriber that left by itself")
	default:
	}
}

// A view that many subscribe to is made once, whatever their filters are and whenever they join.
func TestAViewIsMadeOnce(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	var made atomic.Int64
	counting := feed.View{Key: "counting", Show: func(ctx context.Context, c parley.ChangeEntry) ([]byte, error) {
		made.Add(1)
		return plain.Show(ctx, c)
	}}
	record := uuid.New()
	var all []*subscriber
	join := func(filter parley.FeedFilter, after int64) {
		s := newSubscriber()
		var err error
		if s.Subscription, err = f.Subscribe(filter, after, counting, s); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Leave)
		all = append(all, s)
	}
	for i := range 200 {
		join(parley.FeedFilter{}, 0)
		join(parley.FeedFilter{Touching: [][]uuid.UUID{{record}, {record, uuid.New()}}}, 0)
		if i == 100 {
			m.write(5, parley.ChangeEntry{Touches: []uuid.UUID{record}})
			expect(t, all[0], 1, 5)
		}
	}
	for i, s := range all {
		if i > 0 {
			expect(t, s, 1, 5)
		}
	}
	if got := made.Load(); got != 5 {
		t.Errorf("5 changes were shown %d times", got)
	}
}

func TestShutdownEndsAllSubscriptions(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, log, end := start(t, m)
	var all []*subscriber
	for range 3 {
		all = append(all, subscribe(t, f, m, parley.FeedFilter{}))
	}
	m.write(1, parley.ChangeEntry{})
	expect(t, all[0], 1, 1)
	waiting := newSubscriber() // never has room
	waiting.full.Store(true)
	if _, err := f.Subscribe(parley.FeedFilter{}, 0, plain, waiting); err != nil {
		t.Fatal(err)
	}
	end()
	<-f.Done()
	for i, s := range append(all, waiting) {
		if why := s.end(t); !errors.Is(why, feed.ErrEnded) {
			t.Errorf("subscription %d ended with %v", i, why)
		}
	}
	if _, err := f.Subscribe(parley.FeedFilter{}, 1, plain, newSubscriber()); !errors.Is(err, feed.ErrEnded) {
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
			s := subscribe(t, f, m, parley.FeedFilter{})
			m.hide(hole, true)
			m.append(6, parley.ChangeEntry{})
			expect(t, s, 1, hole-1)
			// However often the feed reads, and whatever else arrives,
			wait(t, "errors in the log", func() bool { return log.count("ERROR") >= 3 })
			m.append(4, parley.ChangeEntry{})
			reads := m.hasBeenRead()
			wait(t, "later reads", func() bool { return m.hasBeenRead() > reads+3 })
			select {
			case seq := <-s.changes:
				t.Fatalf("change %d was delivered across the hole", seq)
			default:
			}
			if log.count(fmt.Sprintf("change %d follows change %d", hole+1, hole-1)) == 0 {
				t.Error("the log does not say which change is missing")
			}
			// no change passes the hole until it is filled.
			m.hide(hole, false)
			expect(t, s, hole, 10)
		})
	}
}

func TestABrokenLogIsTriedAgain(t *testing.T) {
	t.Parallel()
	m := newMemory(5000)
	f, log, _ := startPolling(t, m, time.Millisecond)
	s := subscribe(t, f, m, parley.FeedFilter{})
	m.fail(errors.New("the database is away"))
	m.append(2, parley.ChangeEntry{})
	wait(t, "errors in the log", func() bool { return log.count("the database is away") >= 3 })
	late := follow(t, f, parley.FeedFilter{}, 0) // reads changes from before the recent window
	options := feed.Options{Poll: time.Hour, Log: slog.New(slog.DiscardHandler)}
	if _, err := feed.Start(t.Context(), m, options); err == nil {
		t.Error("a second feed starts")
	}
	m.fail(nil)
	expect(t, s, 5001, 5002)
	expect(t, late, 1, 5002)
}

// Subscribers join, leave, and resume where they left, with and without filters, while changes are written. Each
// receives the matching changes once and in order.
func TestManySubscribers(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	records := make([]uuid.UUID, 7)
	for i := range records {
		records[i] = uuid.New()
	}
	const changes = 10_000
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			filter, step := parley.FeedFilter{}, int64(1)
			if n%2 == 0 {
				filter, step = parley.FeedFilter{Touching: [][]uuid.UUID{{records[0]}}}, 7
			}
			last := int64(0)
			for last < changes-7 {
				s := newSubscriber()
				var err error
				if s.Subscription, err = f.Subscribe(filter, last, plain, s); err != nil {
					t.Error(err)
					return
				}
				for range 20 + n*20 {
					seq := next(t, s)
					if want := last + step - last%step; seq != want {
						t.Errorf("change %d arrives after %d, want %d", seq, last, want)
						return
					}
					if last = seq; last >= changes-7 {
						break
					}
				}
				s.Leave()
			}
		})
	}
	for seq := int64(1); seq <= changes; seq++ {
		m.append(1, parley.ChangeEntry{Touches: []uuid.UUID{records[seq%7]}})
		if seq%3 == 0 {
			m.notify()
		}
	}
	m.notify()
	all.Wait()
}

// A view that can't be made ends its subscriptions before the change, so that subscribers can resume there.
func TestAChangeThatCannotBeShownIsNotSkipped(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	var away atomic.Bool
	weak := feed.View{Key: "weak", Show: func(ctx context.Context, c parley.ChangeEntry) ([]byte, error) {
		if away.Load() {
			return nil, feed.ErrNotNow
		}
		return plain.Show(ctx, c)
	}}
	join := func(after int64) *subscriber {
		s := newSubscriber()
		var err error
		if s.Subscription, err = f.Subscribe(parley.FeedFilter{}, after, weak, s); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Leave)
		return s
	}
	live := join(0)
	m.write(1, parley.ChangeEntry{})
	expect(t, live, 1, 1)
	away.Store(true)
	m.write(1, parley.ChangeEntry{})
	if why := live.end(t); !errors.Is(why, feed.ErrNotNow) {
		t.Errorf("it ends with %v", why)
	}
	if why := join(1).end(t); !errors.Is(why, feed.ErrNotNow) {
		t.Errorf("a subscriber that resumes ends with %v", why)
	}
	away.Store(false)
	expect(t, join(1), 2, 2)
	if len(live.changes) > 0 {
		t.Error("the change was delivered all the same")
	}
}

func TestNoViewIsMadeForAnEmptyCohort(t *testing.T) {
	t.Parallel()
	m := newMemory(0)
	f, _, _ := start(t, m)
	begun, goOn := make(chan struct{}, 1), make(chan struct{})
	var shown atomic.Int64
	held := feed.View{Key: "held", Show: func(ctx context.Context, c parley.ChangeEntry) ([]byte, error) {
		if shown.Add(1) == 1 {
			begun <- struct{}{}
			<-goOn
		}
		return plain.Show(ctx, c)
	}}
	s := newSubscriber()
	subscription, err := f.Subscribe(parley.FeedFilter{}, 0, held, s)
	if err != nil {
		t.Fatal(err)
	}
	witness := subscribe(t, f, m, parley.FeedFilter{})
	m.write(1000, parley.ChangeEntry{})
	<-begun
	subscription.Leave()
	close(goOn)
	expect(t, witness, 1, 1000)
	m.write(1000, parley.ChangeEntry{})
	expect(t, witness, 1001, 2000)
	if n := shown.Load(); n > 16 {
		t.Errorf("%d changes were shown without a subscriber", n)
	}
}

// Clients that reconnect to a freshly started server share the views of the changes that they missed.
func TestAFreshFeedHasRecentChanges(t *testing.T) {
	t.Parallel()
	m := newMemory(200)
	f, _, _ := start(t, m)
	reads := m.hasBeenRead()
	for range 50 {
		expect(t, follow(t, f, parley.FeedFilter{}, 100), 101, 200)
	}
	if again := m.hasBeenRead() - reads; again > 0 {
		t.Errorf("the log was read %d more times", again)
	}
}
