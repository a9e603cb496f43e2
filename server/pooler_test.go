package server_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// pooled starts a pooler, with so many server processes, before a database, and returns how that is reached.
func pooled(t *testing.T, dsn string, servers int) string {
	t.Helper()
	return apitest.Through(dsn, apitest.StartPooler(t, dsn, servers).Address)
}

// A pooler that gives each transaction another server process is noticed. Behind it, every answer is its own: statements
// that one connection has prepared would be run by others under the same names.
func TestPooler(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{2, 12} {
		t.Run(fmt.Sprint(servers), func(t *testing.T) {
			t.Parallel()
			behindPooler(t, servers)
		})
	}
}

func behindPooler(t *testing.T, servers int) {
	t.Helper()
	direct := startSlowly(t, apitest.TalksDatabase(t))
	a := apitest.StartWith(t, storage.Options{DSN: pooled(t, direct.DSN, servers)}, 24*time.Hour)
	if log := a.Logs.String(); strings.Count(log, noticed) != 1 {
		t.Errorf("logged: %s", log)
	}
	if log := direct.Logs.String(); strings.Contains(log, noticed) {
		t.Errorf("without a pooler: %s", log)
	}
	answersAre(t, a, direct.API)
	a.Must(retitle)
}

const noticed = "a pooler gives each transaction another server process"

// answersAre asks for different lists from many threads, which get the answers that another server gives.
func answersAre(t *testing.T, a, direct *apitest.API) {
	t.Helper()
	var documents, want []string
	for _, list := range []string{"scenarios { nodes { title } }", "stakeholders { nodes { name } }", "sources { nodes { title } }", "negotiations { nodes { title } }",
		"negotiations { nodes { issues { title } } }", "statements { nodes { text } }", "statusChanges { nodes { to } }"} {
		documents = append(documents, "{ "+list+" }")
		want = append(want, fmt.Sprint(direct.Must("{ "+list+" }").Data))
	}
	var asking sync.WaitGroup
	for from := range 8 {
		asking.Go(func() {
			for i := range 40 {
				n := (from + i*3) % len(documents)
				if got := a.Ask(documents[n]); fmt.Sprint(got.Data) != want[n] || len(got.Errs) > 0 {
					t.Errorf("%s: %v %v, want %s", documents[n], got.Data, got.Errs, want[n])
				}
			}
		})
	}
	asking.Wait()
}

// A pooler that is put in between while the server runs is noticed with the first connections that lead to it.
func TestPoolerThatIsPutInBetween(t *testing.T) {
	t.Parallel()
	direct := startSlowly(t, apitest.TalksDatabase(t))
	network := apitest.NewNetwork(t, "unix", apitest.Socket(t, direct.DSN))
	a := apitest.StartWith(t, storage.Options{DSN: apitest.Through(direct.DSN, network.Address)}, 24*time.Hour)
	for range 2 {
		answersAre(t, a, direct.API)
	}
	network.Cut()
	network.Lead("tcp", apitest.StartPooler(t, direct.DSN, 12).Address)
	answersAre(t, a, direct.API)
	if log := a.Logs.String(); strings.Count(log, noticed) != 1 {
		t.Errorf("logged: %s", log)
	}
}

// A pooler that does not pass the search_path of a schema is said to, with what to do.
func TestSchemaBehindAPooler(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t, "")
	_, err := storage.Open(t.Context(), storage.Options{DSN: pooled(t, dsn, 12), Schema: "desk"})
	if err == nil || !strings.Contains(err.Error(), `ALTER ROLE "postgres" SET search_path = "desk"`) {
		t.Errorf("it says %v", err)
	}
	name := regexp.MustCompile(`dbname='(\w+)'`).FindStringSubmatch(dsn)[1]
	database(t, dsn).MustExec(`ALTER ROLE postgres IN DATABASE ` + name + ` SET search_path = desk`)
	record(t, apitest.StartWith(t, storage.Options{DSN: pooled(t, dsn, 12), Schema: "desk"}, 24*time.Hour))
}
