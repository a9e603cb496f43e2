package reading_test

import (
	"encoding/json"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// What following an operation costs: nobody follows it, its statements are counted for the log of slow operations, its trace
// is not sampled, and its trace is kept, up to the exporter.
func BenchmarkTracing(b *testing.B) {
	a := withTalks(b)
	a.bigger(4, 50)
	id := a.Must(`{ scenario(id: "talks/plan-001") { id } }`).Text("scenario.id")
	sampled := func(s sdktrace.Sampler) trace.Tracer {
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(tracetest.NewNoopExporter()), sdktrace.WithSampler(s))
		b.Cleanup(func() { provider.Shutdown(b.Context()) })
		return provider.Tracer("benchmark")
	}
	for _, q := range questions {
		body, err := json.Marshal(map[string]any{"query": q.document, "variables": map[string]any{"id": id}})
		if err != nil {
			b.Fatal(err)
		}
		for _, how := range []struct {
			name   string
			change func(*server.Options)
		}{
			{"off", func(*server.Options) {}},
			{"slow operations", func(o *server.Options) { o.SlowOperations = time.Hour }},
			{"not sampled", func(o *server.Options) { o.Tracer = sampled(sdktrace.NeverSample()) }},
			{"on", func(o *server.Options) { o.Tracer = sampled(sdktrace.AlwaysSample()) }},
		} {
			other := apitest.StartWith(b, storage.Options{DSN: a.DSN}, time.Hour, how.change)
			b.Run(q.name+"/"+how.name, func(b *testing.B) { post(b, other.URL+server.GraphQLPath, string(body)) })
		}
	}
}
