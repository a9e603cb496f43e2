package main_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.org/parley/internal/postgres/pgtest"
)

// with asks who the viewer is, with a token, and returns the status.
func (p *program) with(token string) int {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"?query={viewer{name}}", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func (p *program) awaitStatus(token string, status int) {
	p.t.Helper()
	for deadline := time.Now().Add(maxWait); p.with(token) != status; {
		if time.Now().After(deadline) {
			p.t.Fatalf("with %q, the status is not %d", token, status)
		}
	}
}

// Tokens are made and revoked while a server runs on the folder, and everybody may do everything again after parley auth open.
func TestTokens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, nil, "--data-dir", dir)
	if log := p.said(); !strings.Contains(log, "everybody on this machine may read and record, as an administrator") {
		t.Errorf("it says %s", log)
	}
	if got := does(t, nil, "auth", "status", "--data-dir", dir); !strings.HasPrefix(got, "Everybody on a server's own machine may use it without a token") ||
		!strings.HasSuffix(got, "Tokens that count: 0.\n") {
		t.Errorf("it printed %q", got)
	}
	p.awaitStatus("", http.StatusOK)
	token := strings.TrimSuffix(does(t, nil, "token", "create", "--name", "Ann's laptop", "--for", "Ann", "--role", "ANALYST", "--data-dir", dir), "\n")
	if len(token) != 50 || !strings.HasPrefix(token, "parley_") {
		t.Errorf("it printed %q", token)
	}
	p.awaitStatus("", http.StatusUnauthorized)
	p.awaitStatus(token, http.StatusOK)
	if got := does(t, nil, "auth", "status", "--data-dir", dir); got != "Everybody needs a token. Tokens that count: 1.\n" {
		t.Errorf("it printed %q", got)
	}
	start(t, nil, "token", "create", "--name", "Ann's laptop", "--data-dir", dir).fails(`There is a token "Ann's laptop" already`)
	start(t, nil, "token", "create", "--data-dir", dir).fails("--name is missing; give the name of the token to create")
	start(t, nil, "token", "create", "--name", "x", "--valid=-1h", "--data-dir", dir).fails("--valid -1h0m0s is negative")
	start(t, nil, "token", "revoke", "--name", "nobody's", "--data-dir", dir).fails("There is no token nobody's that counts; parley token list names all that do.")
	start(t, nil, "token", "create", "--name", "second", "--for", "Ann", "--data-dir", dir).fails("Ann has the role ANALYST by another token")
	short := does(t, nil, "token", "create", "--name", "short", "--valid", "2160h", "--data-dir", dir)
	p.awaitStatus(strings.TrimSpace(short), http.StatusOK)
	p.stop(syscall.SIGINT) // which records when tokens were used
	if log := does(t, nil, "auth", "log", "--data-dir", dir); !strings.Contains(log, "TOKEN_CREATED  Local analyst  a command  Ann's laptop\n") ||
		!strings.Contains(log, "REFUSED        nobody known   127.0.0.1  requests: ") {
		t.Errorf("it printed\n%s", log)
	}
	list := does(t, nil, "token", "list", "--data-dir", dir)
	lines := strings.Split(list, "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "NAME") || strings.Contains(lines[1], "never  never") || !strings.Contains(lines[1], "Ann's laptop  Ann      ANALYST") ||
		!strings.Contains(lines[2], "READER") || strings.Contains(lines[2], "never") {
		t.Errorf("it printed\n%s", list)
	}

	p = serve(t, nil, "--data-dir", dir, "--addr", "0.0.0.0:0")
	p.url = strings.Replace(p.url, "[::]", "127.0.0.1", 1)
	p.awaitStatus(token, http.StatusOK)
	does(t, nil, "token", "revoke", "--name", "Ann's laptop", "--data-dir", dir)
	p.awaitStatus(token, http.StatusUnauthorized)
	does(t, nil, "auth", "open", "--data-dir", dir)
	p.awaitStatus(strings.TrimSpace(short), http.StatusOK)
	if status := p.with(""); status != http.StatusUnauthorized {
		t.Errorf("on all addresses, the server is open: %d", status)
	}
	p.stop(syscall.SIGINT)
	p = serve(t, nil, "--data-dir", dir)
	p.awaitStatus("", http.StatusOK)
	p.stop(syscall.SIGINT)
}

// A token can be made before the first start, in a new database.
func TestFirstTokenBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Empty(t, "")}
	token := strings.TrimSpace(does(t, env, "token", "create", "--name", "admin", "--role", "ADMIN"))
	p := serve(t, env, "--trusted-proxy", "10.0.0.1")
	p.awaitStatus(token, http.StatusOK)
	p.awaitStatus("", http.StatusUnauthorized)
	p.stop(syscall.SIGINT)
	if strings.Contains(p.said(), "everybody") {
		t.Errorf("it says %s", p.said())
	}
}
