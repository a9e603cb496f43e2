package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
)

// served starts a real server over a handler's requests, with so many connections at a time.
func served(t *testing.T, most int) (address string) {
	a := start(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener, nil, most, a.Handler.(*server.Handler)) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// dial opens a connection and says something on it.
func dial(t *testing.T, address, says string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(apitest.Patience))
	if _, err := io.WriteString(conn, says); err != nil {
		t.Fatal(err)
	}
	return conn
}

const beginning = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"

// Whoever connects and sends nothing, half a request, or a body that does not end, shuts nobody out.
func TestIdleConnectionsMakeWay(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{"nothing": "", "half a header": "GET /healthz HTTP/1.1\r\nHost: loc", "half a body": beginning,
		"one request": "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := served(t, 20)
			var first net.Conn
			for range 100 {
				if conn := dial(t, address, says); first == nil {
					first = conn
				}
			}
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: apitest.Patience}
			for range 30 {
				response, err := client.Get("http://" + address + "/healthz")
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Fatalf("it is answered with %d", response.StatusCode)
				}
			}
			if _, err := io.Copy(io.Discard, first); strings.Contains(fmt.Sprint(err), "timeout") {
				t.Error("the oldest connection is still open")
			}
		})
	}
}

// A body that trickles in is given up.
func TestSlowBodiesAreGivenUp(t *testing.T) {
	t.Parallel()
	address := served(t, 100)
	conn := dial(t, address, beginning)
	begun := time.Now()
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := io.WriteString(conn, " "); err != nil {
				return
			}
		}
	}()
	text, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(text), "HTTP/1.1 408 ") || !strings.Contains(string(text), "came too slowly") || time.Since(begun) > 20*time.Second {
		t.Errorf("after %v it is answered with %q", time.Since(begun), text)
	}
}

// A body of unknown length may come in pieces, and has to come to its end.
func TestBodiesInPieces(t *testing.T) {
	t.Parallel()
	address := served(t, 100)
	long := `{"query": "{ viewer { name } }", "variables": {"unused": "` + strings.Repeat("x", 200_000) + `"}}`
	const head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, test := range map[string]struct{ sent, answered string }{
		"whole": {fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(long), long), `{"data":{"viewer":{"name":`},
		// the last piece is missing although the JSON is complete
		"cut off": {fmt.Sprintf("%x\r\n%s\r\n", len(long), long), "HTTP/1.1 400 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address, head+test.sent)
			if name == "cut off" {
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			if text, _ := io.ReadAll(conn); !strings.Contains(string(text), test.answered) {
				t.Errorf("it is answered with %q", text)
			}
		})
	}
}
