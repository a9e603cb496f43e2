package feed_test

import (
	"bytes"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/parley/server/apitest"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/storage"
)

// Writers may hold the head of the feed for longer here than elsewhere, since the machine may be busy. A test that
// waits allows for five attempts; what holds the head would hold it for longer still.
const (
	headTimeout = 2 * time.Second
	soon        = 20 * time.Second
	long        = 30 * time.Second
)

func startBounded(t *testing.T, dsn string) *api {
	t.Helper()
	return startWith(t, storage.Options{DSN: dsn, HeadTimeout: headTimeout}, 50*time.Millisecond)
}

func (a *api) register(name string) apitest.Answer {
	return a.Ask(`mutation($key: String!, $name: String!) { registerStakeholder(input: {key: $key, name: $name, kind: STATE}) { cursor userErrors { code message field } } }`,
		map[string]any{"key": strings.ToLower(name), "name": name})
}

// registersSoon expects a write to be done while another holds the head.
func (a *api) registersSoon(name string) {
	a.T.Helper()
	done := make(chan apitest.Answer, 1)
	go func() { done <- a.register(name) }()
	select {
	case got := <-done:
		if len(got.Errs) > 0 || len(apitest.Refusals(got.Data)) > 0 {
			a.T.Errorf("%s: %v %v", name, got.Errs, apitest.Refusals(got.Data))
		}
	case <-time.After(soon):
		a.T.Errorf("%s has to wait", name)
	}
}

// isDense expects every number of the feed to be there, and so many changes that name a thing.
func (a *api) isDense(name string, times int) {
	a.T.Helper()
	if n := a.Number(`SELECT (SELECT seq FROM feed_head) - count(*) + (max(seq) - count(*)) FROM changes`); n != 0 {
		a.T.Errorf("%d numbers are missing from the feed", n)
	}
	if n := a.Number(`SELECT count(*) FROM changes WHERE summary LIKE '%“' || $1 || '”%'`, name); n != times {
		a.T.Errorf("%d changes name %s, want %d", n, name, times)
	}
}

// delay lets inserts into a table wait where the condition is met, the first so many times.
func (a *api) delay(table, condition string, by time.Duration, times int) {
	a.T.Helper()
	a.SQL(fmt.Sprintf(`
		CREATE SEQUENCE delays_%[1]s;
		CREATE FUNCTION delay_%[1]s() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF nextval('delays_%[1]s') <= %[3]d THEN PERFORM pg_sleep(%[4]f); END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER delay BEFORE INSERT ON %[1]s FOR EACH ROW WHEN (%[2]s) EXECUTE FUNCTION delay_%[1]s()`,
		table, condition, times, by.Seconds()))
}

func TestSlowWritersLetOthersGoOn(t *testing.T) {
	t.Parallel()
	const always = 1000
	for name, test := range map[string]struct {
		delay    func(*api)
		recorded int
	}{
		"one statement, always": {func(a *api) {
			a.delay("stakeholders", `NEW.name = 'Slow'`, long, always)
		}, 0},
		"one statement, twice": {func(a *api) {
			a.delay("stakeholders", `NEW.name = 'Slow'`, long, 2)
		}, 1},
		"all statements together": {func(a *api) {
			a.delay("records", `NEW.path = 'slow'`, headTimeout/4, always)
			a.delay("stakeholders", `NEW.name = 'Slow'`, headTimeout/4, always)
			a.delay("changes", `NEW.summary LIKE '%Slow%'`, headTimeout/4, always)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startBounded(t, pgtest.Database(t))
			test.delay(a)
			var writing sync.WaitGroup
			writing.Go(func() {
				got := a.register("Slow")
				if test.recorded == 0 {
					got.Fails("LIMIT", "while other writers wait", "nothing was recorded")
				} else if len(got.Errs) > 0 || len(apitest.Refusals(got.Data)) > 0 {
					t.Errorf("%v %v", got.Errs, apitest.Refusals(got.Data))
				}
			})
			for i := range 4 {
				writing.Go(func() {
					for j := range 5 {
						a.registersSoon(fmt.Sprintf("Other-%d-%d", i, j))
					}
				})
			}
			writing.Wait()
			a.isDense("Slow", test.recorded)
			a.isDense("Other-3-4", 1)
			if n := a.Number(`SELECT count(*) FROM changes`); n != 20+test.recorded {
				t.Errorf("%d changes are on record, want %d", n, 20+test.recorded)
			}
			if log := a.Logs.String(); !strings.Contains(log, "cut off") || strings.Contains(log, "level=ERROR") {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// The database keeps the rule for whoever takes the head past Parley too, for that transaction only.
func TestTheHeadIsNotHeldAtAConsole(t *testing.T) {
	t.Parallel()
	a := start(t)
	db := a.DB()
	defer db.Close()
	db.SetMaxOpenConns(1)
	var before, within, after string
	show := func(into *string) {
		if err := db.Get(into,
			`SELECT current_setting('statement_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout')`); err != nil {
			t.Fatal(err)
		}
	}
	show(&before)
	tx := db.MustBegin()
	tx.MustExec(`SET LOCAL parley.hold = 60000`)
	tx.MustExec(`UPDATE feed_head SET seq = seq`)
	if err := tx.Get(&within, `SHOW idle_in_transaction_session_timeout`); err != nil || within != "1min" {
		t.Errorf("the one who holds the head may be silent for %s, %v", within, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if show(&after); after != before {
		t.Errorf("after the commit the session has %s, and had %s", after, before)
	}

	tx = db.MustBegin()
	defer tx.Rollback()
	tx.MustExec(`UPDATE feed_head SET seq = seq + 1`)
	a.registersSoon("North")
	if err := tx.Commit(); err == nil {
		t.Error("who held the head in silence could commit")
	}
	a.isDense("North", 1)
}

func TestOpenTransactionsElsewhereDoNotStallTheFeed(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	a.SQL(`CREATE TABLE notes (note text)`)
	for _, dsn := range []string{a.DSN, pgtest.Database(t)} {
		db := (&apitest.API{T: t, DSN: dsn}).DB()
		defer db.Close()
		tx := db.MustBegin()
		defer tx.Rollback()
		tx.MustExec(`CREATE TABLE mine (n int)`)
		if dsn == a.DSN {
			tx.MustExec(`INSERT INTO notes VALUES ('unfinished')`)
		}
	}
	s := a.subscribe(`subscription { changes { cursor } }`, a.retitle)
	want := a.retitle()
	if got := s.event().Change(); got["cursor"] != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// While the head is held, a hundred statements that come along are written with as much SQL as two.
func TestEvidenceIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	with := func(stance string, n int) int64 {
		said := make([]string, n)
		for i := range said {
			said[i] = fmt.Sprintf(`{source: "rumour", text: "Said %d times", form: REPORTED, about: ["south"]}`, i)
		}
		return a.Statements(`mutation { recordPosition(input: {holder: "south", scenario: "talks/line", stance: ` +
			stance + `, newEvidence: [` + strings.Join(said, ", ") +
			`]}) { cursor userErrors { code message field } } }`)
	}
	with("NEUTRAL", 1)
	few, many := with("SUPPORTS", 2), with("OPPOSES", 100)
	if few != many {
		t.Errorf("%d statements with little evidence, %d with much", few, many)
	}
	if n := a.Number(`SELECT count(*) FROM statements WHERE text LIKE 'Said % times'`); n != 103 {
		t.Errorf("%d statements are kept", n)
	}
}

// A text is written before the head is taken: where the same is sent twice at once, one waits for the other there.
func TestTheSameTextSentAtOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	var sending sync.WaitGroup
	for range 6 {
		sending.Go(func() {
			got := a.Ask(`mutation { registerSource(input: {id: "6f0f2a52-6d5c-4a35-9a0c-5b1c3ad0e0a1", key: "tome", title: "A tome", body: "All work and no play."}) { source { body } userErrors { code message field } } }`)
			if len(got.Errs) > 0 || len(apitest.Refusals(got.Data)) > 0 {
				t.Errorf("%v %v", got.Errs, apitest.Refusals(got.Data))
			}
		})
	}
	sending.Wait()
	a.isDense("A tome", 1)
}

// outage is what a network does to a message.
type outage int

const (
	none outage = iota
	// lostBefore loses the connection before the message arrives.
	lostBefore
	// lostAfter loses it when the message has arrived and was answered; the answer is lost too.
	lostAfter
	// silent delivers nothing any more, not even that one of the two has hung up.
	silent
)

// However the network fails, a change is made once, and nobody waits for it for long.
func TestWritesOverABadNetwork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		words  string
		outage outage
	}{
		"lost while the head is held":   {"INSERT INTO stakeholders", lostBefore},
		"silent while the head is held": {"INSERT INTO stakeholders", silent},
		"lost before the commit":        {"COMMIT\x00", lostBefore},
		"lost after the commit":         {"COMMIT\x00", lostAfter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Database(t)
			n, through := between(t, dsn)
			a, b := startBounded(t, through), startBounded(t, dsn)
			n.expect(test.words, test.outage)
			a.registersSoon("North")
			if n.expects() {
				t.Error("the network did not fail")
			}
			b.registersSoon("South")
			a.registersSoon("West")
			for _, name := range []string{"North", "South", "West"} {
				a.isDense(name, 1)
			}
			if log := a.Logs.String(); strings.Contains(log, "level=ERROR") {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// network is what is between a server and its database.
type network struct {
	net.Listener
	t        *testing.T
	database string // the path of its socket

	mu     sync.Mutex
	words  string // the next message to the database that holds them meets the outage; empty: none does
	outage outage
}

// between puts a network between a server and a database, and returns where the server finds it.
func between(t *testing.T, dsn string) (*network, string) {
	t.Helper()
	address := regexp.MustCompile(`host='([^']+)' port=(\d+)`)
	parts := address.FindStringSubmatch(dsn)
	if parts == nil {
		t.Fatalf("no socket in %s", dsn)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{Listener: listener, t: t, database: parts[1] + "/.s.PGSQL." + parts[2]}
	go n.run()
	t.Cleanup(func() { n.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return n, address.ReplaceAllString(dsn, "host=127.0.0.1 port="+port)
}

func (n *network) expect(words string, o outage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.words, n.outage = words, o
}

func (n *network) expects() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.words != ""
}

func (n *network) meets(message []byte) outage {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.words == "" || !bytes.Contains(message, []byte(n.words)) {
		return none
	}
	n.words = ""
	return n.outage
}

func (n *network) run() {
	for {
		server, err := n.Accept()
		if err != nil {
			return
		}
		database, err := net.Dial("unix", n.database)
		if err != nil {
			n.t.Error(err)
			server.Close()
			return
		}
		go n.relay(server, database)
	}
}

func (n *network) relay(server, database net.Conn) {
	defer server.Close()
	defer database.Close()
	var cut atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		answer := make([]byte, 1<<16)
		for {
			size, err := database.Read(answer)
			if cut.Load() {
				return
			}
			server.Write(answer[:size])
			if err != nil {
				server.Close()
				return
			}
		}
	}()
	message := make([]byte, 1<<16)
	for {
		size, err := server.Read(message)
		if err != nil {
			return
		}
		o := n.meets(message[:size])
		cut.Store(o != none)
		if o == none || o == lostAfter {
			database.Write(message[:size])
		}
		if o == lostAfter || o == silent { // the database answers, or loses its patience
			select {
			case <-ended:
			case <-time.After(long):
			}
		}
		if o != none {
			return
		}
	}
}
