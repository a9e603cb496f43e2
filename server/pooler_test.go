package server_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// pooled starts PgBouncer in transaction mode, with so many server processes, before a database, and returns how that is reached.
func pooled(t *testing.T, dsn string, servers int) string {
	t.Helper()
	folder, port, through := reached(t, dsn)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	config := filepath.Join(t.TempDir(), "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
`, folder, port, regexp.MustCompile(`user=(\S+)`).FindStringSubmatch(dsn)[1], strings.TrimPrefix(address, "127.0.0.1:"), servers)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-q", config}
	if os.Geteuid() == 0 { // it does not run as root
		args = append([]string{"-u", "postgres"}, args...)
	}
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path = "/usr/sbin/pgbouncer" // not on everybody's PATH
	}
	cmd := exec.Command(path, args...)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("This test runs PgBouncer, which `make test` installs: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	apitest.Wait(t, "PgBouncer to listen", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return through(address)
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
	folder, port, through := reached(t, direct.DSN)
	network := apitest.NewNetwork(t, "unix", filepath.Join(folder, ".s.PGSQL."+port))
	a := apitest.StartWith(t, storage.Options{DSN: through(network.Address)}, 24*time.Hour)
	for range 2 {
		answersAre(t, a, direct.API)
	}
	place := regexp.MustCompile(`host=(\S+) port=(\S+)`).FindStringSubmatch(pooled(t, direct.DSN, 12))
	network.Cut()
	network.Lead("tcp", place[1]+":"+place[2])
	answersAre(t, a, direct.API)
	if log := a.Logs.String(); strings.Count(log, noticed) != 1 {
		t.Errorf("logged: %s", log)
	}
}

// A pooler that does not pass the search_path of a schema is said to, with what to do.
func TestSchemaBehindAPooler(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t, "")
	if _, err := storage.Open(t.Context(), storage.Options{DSN: pooled(t, dsn, 12), Schema: "desk"}); err == nil || !strings.Contains(err.Error(), `ALTER ROLE "postgres" SET search_path = "desk"`) {
		t.Errorf("it says %v", err)
	}
	name := regexp.MustCompile(`dbname='(\w+)'`).FindStringSubmatch(dsn)[1]
	database(t, dsn).MustExec(`ALTER ROLE postgres IN DATABASE ` + name + ` SET search_path = desk`)
	record(t, apitest.StartWith(t, storage.Options{DSN: pooled(t, dsn, 12), Schema: "desk"}, 24*time.Hour))
}
