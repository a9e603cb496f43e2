package server_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// overNetwork starts a server that reaches its database over a network that can be cut.
func overNetwork(t *testing.T, o storage.Options) (*apitest.API, *apitest.Network, func()) {
	t.Helper()
	dsn := apitest.TalksDatabase(t)
	socket := apitest.Socket(t, dsn)
	n := apitest.NewNetwork(t, "unix", socket)
	o.DSN = apitest.Through(dsn, n.Address)
	a := apitest.StartWith(t, o, 24*time.Hour)
	return a, n, func() { n.Lead("unix", socket) }
}

const retitle = `mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { cursor userErrors { message } } }`

// While the database can't be reached, everything says so, and that nothing was recorded; afterwards all goes on.
func TestOutage(t *testing.T) {
	t.Parallel()
	a, network, restore := overNetwork(t, storage.Options{})
	ready := func(status int, says string) {
		t.Helper()
		if response, text := a.Send(http.MethodGet, "/readyz", nil, nil); response.StatusCode != status || !strings.Contains(text, says) {
			t.Errorf("/readyz: %d %s, want %d and %q", response.StatusCode, text, status, says)
		}
	}
	ready(http.StatusOK, "ready")
	a.Must(`{ scenario(id: "talks/line") { key } }`)
	network.Cut()
	for range 2 { // over connections that were lost, and over new ones
		for document, says := range map[string]string{
			`{ scenario(id: "talks/line") { key } }`: "The database can't be reached at present; try again in a few seconds.",
			retitle:                                  "The database can't be reached at present, so nothing was recorded; try again in a few seconds.",
		} {
			got := a.Ask(document)
			got.Fails("UNAVAILABLE", says)
			if got.Status != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d", document, got.Status)
			}
		}
	}
	response, _ := a.Send(http.MethodGet, "/graphql?query={changes{totalCount}}", nil, nil)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("by GET: %d, %v", response.StatusCode, response.Header)
	}
	// What needs no database is answered.
	got := a.Ask(`{ viewer { name } changes { totalCount } }`)
	got.Want("viewer.name", "Test analyst", "changes", nil)
	if got.Status != http.StatusOK {
		t.Errorf("an answer in part has status %d", got.Status)
	}
	ready(http.StatusServiceUnavailable, "The database can't be reached at present.")
	if !strings.Contains(a.Logs.String(), `msg="the database can't be used"`) || strings.Contains(a.Logs.String(), `level=ERROR msg="a field`) {
		t.Errorf("logged: %s", a.Logs)
	}
	restore()
	a.Must(`{ scenario(id: "talks/line") { key } }`)
	a.Must(retitle)
	ready(http.StatusOK, "ready")
}

// A mutation whose payload can't be read says that it is on record, so that nobody sends it again.
func TestOutageAfterTheCommit(t *testing.T) {
	t.Parallel()
	a, network, restore := overNetwork(t, storage.Options{})
	network.Lead("unix", filepath.Join(t.TempDir(), "nothing")) // so that no connection to read with can be opened
	a.Ask(retitle).Fails("UNAVAILABLE", "This is on record, so do not send it again", "can't be reached")
	restore()
	a.Must(`{ negotiation(id: "talks") { title } }`).Want("negotiation.title", "New")
}

// A server that starts before its database waits for it, and says so.
func TestDatabaseThatStartsLater(t *testing.T) {
	t.Parallel()
	a, network, restore := overNetwork(t, storage.Options{})
	network.Cut()
	logs := &apitest.Logged{}
	o := storage.Options{DSN: a.DSN, Log: logs.Logger()}
	if _, err := storage.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the database can't be reached") {
		t.Errorf("without patience: %v", err)
	}
	opened := make(chan error)
	go func() {
		o.Wait = time.Minute
		store, err := storage.Open(t.Context(), o)
		if err == nil {
			err = store.Close()
		}
		opened <- err
	}()
	apitest.Wait(t, "it to wait", func() bool { return strings.Contains(logs.String(), "waiting for the database") })
	restore()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// Connections that the database has ended are replaced before anybody notices.
func TestEndedConnections(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	for range 3 {
		a.Must(`{ scenario(id: "talks/line") { key } }`)
		a.SQL(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		a.Must(`{ scenario(id: "talks/line") { key } }`)
		a.SQL(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		a.Must(retitle)
	}
}

// Once writing is switched on again, a server records, although sessions that began before stay read-only.
func TestReadOnlyForAWhile(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	const database = `DO $$BEGIN EXECUTE format('ALTER DATABASE %I ', current_database()) || `
	ready := func() bool {
		response, _ := a.Send(http.MethodGet, "/readyz", nil, nil)
		return response.StatusCode == http.StatusOK
	}
	a.SQL(database + `'SET default_transaction_read_only = on'; END$$`)
	a.SQL(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	a.Ask(retitle).Fails("UNAVAILABLE", "read-only")
	if ready() {
		t.Error("it is ready")
	}
	a.SQL(`SET transaction_read_only = off; ` + database + `'RESET default_transaction_read_only'; END$$`)
	a.Must(retitle)
	if !ready() {
		t.Error("it is not ready")
	}
}

// A server whose database has a locked head, or tables of a newer version, is not ready.
func TestNotReady(t *testing.T) {
	t.Parallel()
	a := startSlowly(t, apitest.TalksDatabase(t))
	is := func(says string) {
		t.Helper()
		if response, text := a.Send(http.MethodGet, "/readyz", nil, nil); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, says) {
			t.Errorf("/readyz: %d %s, want %q", response.StatusCode, text, says)
		}
	}
	db := a.DB()
	tx := db.MustBegin()
	tx.MustExec(`SELECT FROM feed_head FOR UPDATE`)
	is("The feed head is locked")
	tx.Rollback()

	// A newer Parley has migrated the tables: this one goes on as long as that one says so.
	db.MustExec(`INSERT INTO goose_db_version (version_id, is_applied) SELECT max(version_id) + 1, true FROM goose_db_version`)
	a.Must(retitle)
	if response, text := a.Send(http.MethodGet, "/readyz", nil, nil); response.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %d %s", response.StatusCode, text)
	}
	db.MustExec(`UPDATE feed_head SET oldest_version = (SELECT max(version_id) FROM goose_db_version)`)
	is("A newer Parley has changed the database's tables")
	a.Ask(strings.ReplaceAll(retitle, "New", "Newer")).Fails("UNAVAILABLE", "so nothing was recorded; send it again to a server of the newer Parley")
	if err := a.TryLoad("d.yaml", "dataset: d\nstakeholders:\n  - {key: north-1, name: North, kind: STATE}\n"); err == nil ||
		!strings.Contains(err.Error(), "A newer Parley") {
		t.Errorf("imported: %v", err)
	}
	a.Must(`{ scenario(id: "talks/line") { key } }`)
}

// Whoever waits for locks of others is told so, and not to ask for less.
func TestLocks(t *testing.T) {
	t.Parallel()
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t), LockTimeout: 200 * time.Millisecond}, 24*time.Hour)
	tx := a.DB().MustBegin()
	defer tx.Rollback()
	tx.MustExec(`SELECT pg_advisory_xact_lock($1)`, 0x7061726c6579) // as an import does
	a.Ask(retitle).Fails("UNAVAILABLE", "locked by an import", "so nothing was recorded")
	a.Must(`{ scenario(id: "talks/line") { key } }`)
	tx.MustExec(`LOCK TABLE scenarios IN ACCESS EXCLUSIVE MODE`)
	a.Ask(`{ scenario(id: "talks/line") { key } }`).Fails("UNAVAILABLE", "locked by an import", "try again")
	tx.Rollback()
	a.Must(retitle)
}

// A database whose clock is far ahead of the server's records nothing, since that could never be taken back.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	behind := 48 * time.Hour
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t), Clock: func() time.Time { return time.Now().Add(-behind) }}, 24*time.Hour)
	got := a.Must(`{ lens { knownAt validAt } }`)
	before := got.Text("lens.knownAt")
	a.Ask(retitle).Fails("UNAVAILABLE", "The database's clock says", "5m0s ahead of the server's", "nothing was recorded")
	a.Ask(`{ scenario(id: "talks/line", asOf: {knownAt: "`+got.Text("lens.validAt")+`"}) { key } }`).
		Fails("UNAVAILABLE", "The database's clock says")
	if response, text := a.Send(http.MethodGet, "/readyz", nil, nil); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "clock") {
		t.Errorf("/readyz: %d %s", response.StatusCode, text)
	}
	a.Must(`{ lens { knownAt } }`).Want("lens.knownAt", before)
	behind = 0
	a.Must(retitle)
}
