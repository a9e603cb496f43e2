package main_test

import (
	"database/sql"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.org/parley/internal/postgres/pgtest"
)

func TestServeDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, nil, "--demo", "--data-dir", dir)
	for _, path := range []string{"/healthz", "/readyz", "/playground", "/"} {
		if status := p.get(path); status != 200 {
			t.Errorf("%s answers with status %d", path, status)
		}
	}
	var viewer struct{ Viewer struct{ Name string } }
	p.must(`{ viewer { name } }`, nil, &viewer)
	if viewer.Viewer.Name != "Local analyst" {
		t.Errorf("the viewer is %q", viewer.Viewer.Name)
	}
	loaded := p.changes()
	if loaded == 0 {
		t.Error("the demo data is not there")
	}
	p.stop(syscall.SIGINT)

	again := serve(t, nil, "--demo", "--data-dir", dir)
	if got := again.changes(); got != loaded || !strings.Contains(again.said(), "the example data set was not loaded") {
		t.Errorf("%d changes after the restart, %d before:\n%s", got, loaded, again.said())
	}
	again.stop(syscall.SIGTERM)
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"PARLEY_ADDR=127.0.0.1:0", "PARLEY_ANALYST=Ada", "DATABASE_URL=" + pgtest.Database(t)},
		"serve")
	p.awaitReady()
	var viewer struct{ Viewer struct{ Name string } }
	p.must(`{ viewer { name } }`, nil, &viewer)
	if viewer.Viewer.Name != "Ada" {
		t.Errorf("the viewer is %q", viewer.Viewer.Name)
	}
	p.stop(syscall.SIGINT)
	if left, err := os.ReadDir(p.cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("with a database URL the working directory must stay empty, but has %v (%v)", left, err)
	}
}

func TestDataDirIsInTheWorkingDirectory(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "migrate")
	p.dir = filepath.Join(p.cmd.Dir, ".data")
	if code := p.code(); code != 0 {
		t.Fatal(p.said())
	}
	if _, err := os.Stat(filepath.Join(p.dir, "cluster")); err != nil {
		t.Error(err)
	}
}

func TestConfigFile(t *testing.T) {
	t.Parallel()
	path := file(t, "parley.yaml", "addr: 127.0.0.1:0\ndatabase-url: "+pgtest.Database(t)+"\n")
	p := start(t, nil, "serve", "--config", path)
	p.awaitReady()
	if status := p.get("/readyz"); status != 200 {
		t.Errorf("it answers with status %d", status)
	}
	p.stop(syscall.SIGTERM)
	start(t, nil, "serve", "--config", path+"x").fails("the configuration file can't be read", path+"x")
	typo := file(t, "parley.yaml", "database-ur: postgres://parley:s3cret@127.0.0.1/parley\n")
	start(t, []string{"PARLEY_CONFIG=" + typo}, "migrate").fails(typo + `:1: "database-ur" is not a setting; did you mean "database-url"?`)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	p := serve(t, []string{"DATABASE_URL=" + pgtest.Database(t)})
	url := strings.TrimSuffix(p.url, "graphql")
	if got := does(t, nil, "health", url); got != "ready\n" {
		t.Errorf("it printed %q", got)
	}
	p.stop(syscall.SIGTERM)
	start(t, nil, "health", url).fails("the server can't be asked", "connection refused")
	for _, url := range []string{"127.0.0.1:8080", "http://127.0.0.1:8080/?x=1", "ftp://127.0.0.1"} {
		start(t, nil, "health", url).fails(`this is not the URL of a server; give one such as http://127.0.0.1:8080`)
	}
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.URL.Path+": the database is full", http.StatusServiceUnavailable)
	}))
	t.Cleanup(ill.Close)
	start(t, nil, "health", ill.URL).fails("status 503: /readyz: the database is full")
	for says, handler := range map[string]http.Handler{
		`status 200: "<html>\x1b[31m\n</html>"`: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>\x1b[31m\n</html>") }),
		"status 302: ":                          http.RedirectHandler(p.url, http.StatusFound),
	} {
		other := httptest.NewServer(handler)
		t.Cleanup(other.Close)
		start(t, nil, "health", other.URL).fails("the server answers with " + says)
	}
}

func TestSecondInstanceOnOneDataDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := serve(t, nil, "--data-dir", dir)
	second := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
	second.dir = ""
	second.fails("in use by process "+strconv.Itoa(first.cmd.Process.Pid),
		"stop that one, or choose another data directory")
	if status := first.get("/readyz"); status != 200 {
		t.Errorf("the first one answers with status %d", status)
	}
	first.stop(syscall.SIGINT)
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for address, says := range map[string][]string{
		"0.0.0.0:0":              {`by --addr "0.0.0.0:0", other machines can reach the server, so it needs a token first; make one, as with parley token create`},
		"[::]:0":                 {`so it needs a token first`},
		":0":                     {`so it needs a token first`},
		"8080":                   {`"8080" is not an address; give a host and a port from 0 to 65535, such as 127.0.0.1:8080`},
		taken.Addr().String():    {"can't listen on " + taken.Addr().String()},
		"127.0.0.1:not-a-number": {`"127.0.0.1:not-a-number" is not an address; give a host and a port from 0 to 65535`},
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, "serve", "--addr", address)
			p.fails(says...)
			if left, err := os.ReadDir(p.cmd.Dir); err != nil || len(left) > 0 {
				t.Errorf("no database may be created, but there is %v (%v)", left, err)
			}
		})
	}
}

// A server without its database ends, so that a service manager can restart it.
func TestLostDatabaseEndsTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, nil, "--data-dir", dir)
	text, err := os.ReadFile(filepath.Join(dir, "cluster", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 1 || !strings.Contains(p.said(), "parley: the built-in database ended") {
		t.Errorf("it ended with code %d:\n%s", code, p.said())
	}
	serve(t, nil, "--data-dir", dir).stop(syscall.SIGINT)
}

func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
	awaitLog(t, p, "creating the database cluster")
	p.signal(syscall.SIGINT)
	p.code()
	if strings.Contains(p.said(), "msg=ready") {
		t.Errorf("it became ready all the same:\n%s", p.said())
	}
	serve(t, nil, "--data-dir", dir).stop(syscall.SIGINT)
}

// awaitLog waits until the log contains some words.
func awaitLog(t testing.TB, p *program, words string) {
	t.Helper()
	timeout := time.After(maxWait)
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for !strings.Contains(p.said(), words) {
		select {
		case <-poll.C:
		case <-p.ended:
			t.Fatalf("it ended before it said %q:\n%s", words, p.said())
		case <-timeout:
			t.Fatalf("it did not say %q:\n%s", words, p.said())
		}
	}
}

func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestServersStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	for _, demo := range []bool{false, true} {
		t.Run("demo "+strconv.FormatBool(demo), func(t *testing.T) {
			t.Parallel()
			args := []string{"serve", "--addr", "127.0.0.1:0"}
			if demo {
				args = append(args, "--demo")
			}
			env := []string{"DATABASE_URL=" + pgtest.Empty(t, "")}
			servers := make([]*program, 4)
			for i := range servers {
				servers[i] = start(t, env, args...)
			}
			for _, p := range servers {
				p.awaitReady()
			}
			before := servers[0].changes()
			if demo == (before == 0) {
				t.Errorf("%d changes are in the feed", before)
			}
			for i, p := range servers {
				p.register("server-" + strconv.Itoa(i))
			}
			for _, p := range servers {
				if got := p.changes(); got != before+len(servers) {
					t.Errorf("a server finds %d changes, want %d and %d", got, before, len(servers))
				}
			}
			for _, p := range servers {
				p.stop(syscall.SIGINT)
			}
		})
	}
}

// register registers a stakeholder.
func (p *program) register(key string) {
	p.t.Helper()
	var got struct {
		RegisterStakeholder struct {
			Cursor     *string
			UserErrors []struct{ Message string }
		}
	}
	p.must(
		`mutation($key: String!) { registerStakeholder(input: {key: $key, name: $key, kind: GROUP}) { cursor `+
			`userErrors { message } } }`,
		map[string]any{"key": key}, &got)
	if got.RegisterStakeholder.Cursor == nil {
		p.t.Fatalf("%s was not registered: %+v", key, got)
	}
}

// What serve refuses to start with, check refuses too. Neither makes a database.
func TestFlagsAreChecked(t *testing.T) {
	t.Parallel()
	for flag, says := range map[string]string{
		"--addr=127.0.0.1:99999":               `--addr "127.0.0.1:99999" is not an address; give a host and a port from 0 to 65535`,
		"--admin-addr=127.0.0.1:8080":          `--admin-addr "127.0.0.1:8080" is --addr too; give another port`,
		"--drain-delay=-1s":                    `--drain-delay -1s is negative; give a duration of 0s or longer`,
		"--slow-operations=-500ms":             `--slow-operations -500ms is negative`,
		"--caller-connections=0":               `--caller-connections 0 is too small; give 1 or more`,
		"--caller-cost=-1":                     `--caller-cost -1 is negative; give 0 for no limit`,
		"--analyst= ":                          `--analyst is empty; give the name`,
		"--trusted-proxy=10.0.0.1":             `by --trusted-proxy "10.0.0.1", other machines can reach the server, so it needs a token first`,
		"--public-url=https://x.example":       `by --public-url "https://x.example", other machines can reach the server, so it needs a token first`,
		"--oidc-issuer=idp.example":            `--oidc-issuer "idp.example" is not the URL of an issuer; give one that begins with https://`,
		"--oidc-issuer=http://idp.example":     `is not the URL of an issuer`,
		"--oidc-issuer=https://idp.example":    `--oidc-client-id is missing; give what the issuer calls this server`,
		"--oidc-role=ANALYST=desk":             `--oidc-issuer is missing; give the issuer's URL`,
		"--migrate=never":                      `there is no database in `,
		"--base-path=/a/../b":                  `is not a path`,
		"--base-path=//a":                      `is not a path`,
		"--public-url=https://x.example/a//b":  `--public-url "https://x.example/a//b" has a path that can't be served`,
		"--public-url=https://x.example/{a}":   `has a path that can't be served`,
		"--public-url=parley.example":          `--public-url "parley.example" is not a URL`,
		"--base-path=parley":                   `--base-path "parley" is not a path; give one such as /parley`,
		"--base-path=/a b":                     `is not a path`,
		"--allow-host=parley.example:80":       `--allow-host "parley.example:80" is not a name; give one without a port`,
		"--allow-origin=*":                     `--allow-origin: "*" is not an origin; give a scheme, a host`,
		"--allow-origin=https://desk.example/": `is not an origin`,
		"--trusted-proxy=proxy":                `--trusted-proxy: "proxy" is not an address`,
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			for _, command := range []string{"serve", "check"} {
				p := start(t, nil, command, flag)
				p.fails(says)
				if left, err := os.ReadDir(p.cmd.Dir); err != nil || len(left) > 0 {
					t.Errorf("%s leaves %v (%v)", command, left, err)
				}
			}
		})
	}
}

func TestIssuersAreChecked(t *testing.T) {
	t.Parallel()
	for role, says := range map[string]string{
		"":             "--oidc-role is missing, so nobody would have a role; give one such as ANALYST=desk, or READER=* for everybody",
		"KING=desk":    `--oidc-role "KING=desk" is no role with a value; give one such as ANALYST=desk, with READER, ANALYST or ADMIN`,
		"ANALYST":      `--oidc-role "ANALYST" is no role`,
		"ANALYST=":     `--oidc-role "ANALYST=" is no role`,
		"analyst=desk": `--oidc-role "analyst=desk" is no role`,
	} {
		args := []string{"serve", "--oidc-issuer=https://idp.example", "--oidc-client-id=parley"}
		if role != "" {
			args = append(args, "--oidc-role="+role)
		}
		start(t, nil, args...).fails(says)
	}
	start(t, nil, "serve", "--addr=0.0.0.0:0", "--oidc-issuer=https://idp.example", "--oidc-client-id=parley", "--oidc-role=READER=*").
		fails("--public-url is missing; give the URL under which browsers come back from the issuer")
	// With an issuer, everybody needs a token from the beginning, on any address.
	p := serve(t, []string{"DATABASE_URL=" + pgtest.Database(t), "PARLEY_OIDC_CLIENT_SECRET=s3cret"}, "--addr", "0.0.0.0:0",
		"--public-url=http://127.0.0.1:1", "--oidc-issuer=http://127.0.0.1:1", "--oidc-client-id=parley", "--oidc-role=READER=*")
	p.url = strings.Replace(p.url, "[::]", "127.0.0.1", 1)
	if status := p.with(""); status != http.StatusUnauthorized {
		t.Errorf("without a token, the status is %d", status)
	}
	if status := p.with("a.b.c"); status != http.StatusServiceUnavailable {
		t.Errorf("while the issuer can't be reached, the status is %d", status)
	}
	p.stop(syscall.SIGINT)
	if strings.Contains(p.said(), "s3cret") {
		t.Errorf("the secret is logged:\n%s", p.said())
	}
}
