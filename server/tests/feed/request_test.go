package feed_test

import (
	"net/http"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
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
	p.hears(`{"id":"first","type":"error","payload":[{"message":"Internal error","path":["changes"],"locations":[{"line":1,"column":16}],` +
		`"extensions":{"code":"INTERNAL","requestId":"r1"}}]}`)
	if log := logs.String(); !strings.Contains(log, `msg="a resolver panicked"`) || !strings.Contains(log, "request=r1 operation=first\n") {
		t.Errorf("logged: %s", log)
	}
}

// The operations on a WebSocket belong to the trace of the request that opened it. The view of a change is a trace of its
// own, since it is made for all its subscribers.
func TestOperationsOnWebSocketsAreTraced(t *testing.T) {
	t.Parallel()
	kept := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept)).Tracer("test")
	l := startLine(t, func(o *server.Options) { o.Tracer = tracer }).overHTTP()
	p := l.dial(t)
	p.send(append(l.handshake(http.MethodGet, "HTTP/1.1", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
		says(`{"type":"connection_init"}`)...))
	p.response()
	p.hears(`{"type":"connection_ack"}`)
	p.send(asks("1", `subscription mine { changes { cursor node: negotiation { title } } }`))
	spanOf := func(kind trace.SpanKind) (found tracetest.SpanStub) {
		t.Helper()
		apitest.Wait(t, "a span", func() bool {
			for _, s := range kept.GetSpans() {
				if s.Name == "subscription mine" && s.SpanKind == kind {
					found = s
				}
			}
			return found.Name != ""
		})
		return found
	}
	if begun := spanOf(trace.SpanKindServer); begun.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("the subscription began beneath %v", begun.Parent)
	}
	l.retitle()
	p.hears(`{"id":"1","type":"next"`)
	view := spanOf(trace.SpanKindInternal)
	if view.Parent.IsValid() {
		t.Errorf("the view of a change was made beneath %v", view.Parent)
	}
	levels := 0
	for _, s := range kept.GetSpans() {
		if s.SpanContext.TraceID() == view.SpanContext.TraceID() && strings.HasPrefix(s.Name, "changes") {
			levels++
		}
	}
	if levels != 2 {
		t.Errorf("the view has %d levels", levels)
	}
}
