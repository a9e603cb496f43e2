package main_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"example.org/parley/internal/postgres/pgtest"
)

// Operators with an address of their own find metrics and profiles there, and nobody finds them elsewhere.
func TestAdminAddress(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.Database(t)}
	p := serve(t, env, "--admin-addr", "127.0.0.1:0")
	_, metrics, _ := strings.Cut(p.said(), "metrics=")
	metrics, _, _ = strings.Cut(metrics, "\n")
	admin := strings.TrimSuffix(metrics, "/metrics")
	for path, says := range map[string]string{
		"/metrics": "parley_operations_total", "/healthz": "ok", "/readyz": "ready", "/debug/pprof/": "heap",
		"/debug/pprof/goroutine?debug=1": "goroutine profile", "/debug/pprof/profile?seconds=1": "",
	} {
		if path == "/metrics" {
			p.changes()
		}
		if status, text := fetch(t, admin+path, ""); status != http.StatusOK || !strings.Contains(text, says) {
			t.Errorf("the admin address answers %s with %d %.200s", path, status, text)
		}
	}
	if status, text := fetch(t, admin+"/debug/pprof/cmdline", ""); status != http.StatusNotFound {
		t.Errorf("the command line is shown: %d %s", status, text)
	}
	if status, _ := fetch(t, admin+"/graphql?query={viewer{name}}", ""); status != http.StatusNotFound {
		t.Errorf("the admin address answers operations with %d", status)
	}
	if status, text := fetch(t, admin+"/metrics", "elsewhere.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("a page elsewhere reads %d %.100s", status, text)
	}
	for path, want := range map[string]int{
		"/metrics": http.StatusNotFound, "/debug/pprof/": http.StatusNotFound, "/healthz": http.StatusOK, "/readyz": http.StatusOK,
	} {
		if status := p.get(path); status != want {
			t.Errorf("the public address answers %s with %d, want %d", path, status, want)
		}
	}
	if strings.Contains(p.said(), "admin address") {
		t.Errorf("it warns of an address that only this machine reaches:\n%s", p.said())
	}
	p.stop(syscall.SIGINT)

	alone := serve(t, env)
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/debug/pprof/": http.StatusNotFound} {
		if status := alone.get(path); status != want {
			t.Errorf("without an admin address, %s is answered with %d, want %d", path, status, want)
		}
	}
	alone.stop(syscall.SIGINT)

	open := serve(t, env, "--admin-addr", "0.0.0.0:0")
	if log := open.said(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "address=0.0.0.0:0") {
		t.Errorf("it does not warn:\n%s", log)
	}
	open.stop(syscall.SIGINT)
}

func TestAdminAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	start(t, nil, "serve", "--addr", "127.0.0.1:0", "--admin-addr", "9090").
		fails(`--admin-addr "9090" is not an address; give a host and a port from 0 to 65535, such as 127.0.0.1:8080`)
	start(t, nil, "serve", "--addr", "127.0.0.1:0", "--admin-addr", taken.Addr().String()).fails("can't listen on " + taken.Addr().String())
}

// fetch asks for a page, under the name that it has in its URL or another one.
func fetch(t *testing.T, url, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
