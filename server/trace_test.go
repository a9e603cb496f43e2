package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// traced is a server whose spans are kept.
type traced struct {
	*api
	kept *tracetest.InMemoryExporter
}

func startTraced(t *testing.T) traced {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept)).Tracer("test")
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, apitest.Patience,
		func(o *server.Options) { o.Tracer = tracer })
	return traced{&api{a}, kept}
}

// spans are those kept since they were asked for last, by their names. There may be several of one name.
func (a traced) spans() map[string][]tracetest.SpanStub {
	a.T.Helper()
	named := make(map[string][]tracetest.SpanStub)
	for _, s := range a.kept.GetSpans() {
		named[s.Name] = append(named[s.Name], s)
	}
	a.kept.Reset()
	return named
}

func value(s tracetest.SpanStub, key attribute.Key) attribute.Value {
	for _, kv := range s.Attributes {
		if kv.Key == key {
			return kv.Value
		}
	}
	return attribute.Value{}
}

// A query has a span, which belongs to the trace of the request; beneath it each level and each statement has one.
func TestQueriesAreTraced(t *testing.T) {
	t.Parallel()
	a := startTraced(t)
	a.Must(`mutation {
		recordPosition(input: {holder: "north", scenario: "talks/line", stance: SUPPORTS}) { cursor userErrors { code message field } }
	}`)
	a.kept.Reset()
	const document = `query find($id: ID!) {
		mine: scenario(id: $id) { key positions { nodes { stance holder { key } } } } other: scenario(id: "confidential") { key }
	}`
	response, text := a.Send(http.MethodPost, server.GraphQLPath, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"r1"},
		"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
		strings.NewReader(fmt.Sprintf(`{"query": %q, "variables": {"id": "talks/line"}}`, document)))
	if response.StatusCode != http.StatusOK || !strings.Contains(text, `"SUPPORTS"`) {
		t.Fatalf("%d %s", response.StatusCode, text)
	}
	spans := a.spans()
	operation := only(t, spans, "query find")
	if operation.Parent.SpanID().String() != "b7ad6b7169203331" || operation.SpanKind != trace.SpanKindServer || operation.Status.Code != codes.Unset ||
		value(operation, "graphql.operation.name").AsString() != "find" || value(operation, "parley.outcome").AsString() != "ok" ||
		value(operation, "parley.request.id").AsString() != "r1" || value(operation, "parley.transport").AsString() != "post" {
		t.Errorf("the operation's span is %+v", operation)
	}
	levels := map[string]trace.SpanID{"query find": operation.SpanContext.SpanID()}
	for _, l := range []struct {
		name, beneath, of string
	}{
		{"Query", "query find", "Query"},
		{"scenario", "Query", "Scenario"},
		{"scenario.positions", "scenario", "PositionConnection"},
		{"scenario.positions.nodes", "scenario.positions", "Position"},
		{"scenario.positions.nodes.holder", "scenario.positions.nodes", "Stakeholder"},
	} {
		span := only(t, spans, l.name)
		if span.Parent.SpanID() != levels[l.beneath] || value(span, "parley.type").AsString() != l.of || value(span, "parley.objects").AsInt64() < 1 {
			t.Errorf("the span %s is %+v", l.name, span)
		}
		levels[l.name] = span.SpanContext.SpanID()
	}
	if len(spans["SELECT"]) < 2 {
		t.Errorf("%d statements are traced", len(spans["SELECT"]))
	}
	rows := int64(0)
	for _, s := range spans["SELECT"] {
		rows += value(s, "db.response.returned_rows").AsInt64()
		if !slices.Contains([]trace.SpanID{levels["Query"], levels["scenario"]}, s.Parent.SpanID()) || s.SpanKind != trace.SpanKindClient ||
			value(s, "db.system.name").AsString() != "postgresql" || !strings.Contains(value(s, "db.query.text").AsString(), "$1") {
			t.Errorf("a statement's span is %+v", s)
		}
	}
	if rows < 2 {
		t.Errorf("the statements returned %d rows", rows)
	}
	for _, list := range spans {
		for _, s := range list {
			if s.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
				t.Errorf("%s belongs to the trace %s", s.Name, s.SpanContext.TraceID())
			}
			if said := fmt.Sprint(s.Name, s.Attributes, s.Events); strings.Contains(said, "talks/line") || strings.Contains(said, "confidential") {
				t.Errorf("%s shows values: %s", s.Name, said)
			}
		}
	}
}

func only(t *testing.T, spans map[string][]tracetest.SpanStub, name string) tracetest.SpanStub {
	t.Helper()
	if len(spans[name]) != 1 {
		t.Fatalf("%d spans are called %s, of %d names", len(spans[name]), name, len(spans))
	}
	return spans[name][0]
}

// The spans of a mutation have its statements up to the commit; what fails says so.
func TestMutationsAreTraced(t *testing.T) {
	t.Parallel()
	a := startTraced(t)
	a.Must(`mutation { editNegotiation(input: {negotiation: "talks", title: "New"}) { cursor userErrors { code message field } } }`)
	spans := a.spans()
	commit, root := only(t, spans, "COMMIT"), only(t, spans, "Mutation")
	if commit.Parent.SpanID() != root.SpanContext.SpanID() || root.Parent.SpanID() != only(t, spans, "mutation").SpanContext.SpanID() {
		t.Errorf("the commit is beneath %s", commit.Parent.SpanID())
	}
	if len(spans["UPDATE"]) == 0 || len(spans["INSERT"]) == 0 {
		t.Errorf("statements that write are not traced: %d updates, %d inserts", len(spans["UPDATE"]), len(spans["INSERT"]))
	}
	a.Ask(`{ scenario(id: "talks/line") { nothing } }`).Fails("BAD_REQUEST")
	if refused := only(t, a.spans(), "unknown"); value(refused, "parley.outcome").AsString() != "BAD_REQUEST" || refused.Status.Code != codes.Unset {
		t.Errorf("the refused operation's span is %+v", refused)
	}
	if err := a.Store.Close(); err != nil {
		t.Fatal(err)
	}
	a.Ask(`{ scenario(id: "talks/line") { key } }`).Fails("INTERNAL")
	if failed := only(t, a.spans(), "query"); failed.Status.Code != codes.Error || value(failed, "error.type").AsString() != "INTERNAL" {
		t.Errorf("the failed operation's span is %+v", failed)
	}
}

// An operation whose trace is not sampled has no spans.
func TestSampling(t *testing.T) {
	t.Parallel()
	a := startTraced(t)
	for flags, want := range map[string]int{"00": 0, "01": 1} {
		a.Send(http.MethodGet, server.GraphQLPath+"?query={viewer{name}}",
			http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-" + flags}}, nil)
		if spans := a.spans(); len(spans["query"]) != want || want == 0 && len(spans) > 0 {
			t.Errorf("with the flags %s, there are spans %v", flags, spans)
		}
	}
}
