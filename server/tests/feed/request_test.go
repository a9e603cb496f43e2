package feed_test

import (
	"net/http"
	"strings"
	"testing"
)

// An error on a WebSocket names the request that led to it, and so do the lines of the log, with the operation.
func TestOperationsOnWebSocketsAreFoundInTheLog(t *testing.T) {
	t.Parallel()
	a, logs := panicking(t)
	l := a.overHTTP()
	p := l.dial(t)
	p.send(append(l.handshake(http.MethodGet, "HTTP/1.1", "X-Request-Id", "r1"), says(`{"type":"connection_init"}`)...))
	if response, _ := p.response(); response.Header.Get("X-Request-Id") != "r1" {
		t.Errorf("the handshake is answered with %v", response.Header)
	}
	p.hears(`{"type":"connection_ack"}`)
	p.send(asks("first", `subscription { changes { cursor } }`))
	p.hears(`{"id":"first","type":"error","payload":[{"message":"Internal error","path":["changes"],"locations":[{"line":1,"column":16}],"extensions":{"code":"INTERNAL","requestId":"r1"}}]}`)
	if log := logs.String(); !strings.Contains(log, `msg="a resolver panicked"`) || !strings.Contains(log, "request=r1 operation=first\n") {
		t.Errorf("logged: %s", log)
	}
}
