package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"example.org/parley/internal/postgres/pgtest"
)

// The standard environment variables have traces sent to a collector; the last ones are sent when the server stops.
func TestTracesAreSent(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	spans := make(map[string]int) // by service and name
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			t.Errorf("%s received what is no trace: %v", r.URL.Path, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, of := range sent.ResourceSpans {
			service := ""
			for _, kv := range of.Resource.Attributes {
				if kv.Key == "service.name" {
					service = kv.Value.GetStringValue()
				}
			}
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					spans[service+": "+s.Name]++
				}
			}
		}
	}))
	t.Cleanup(srv.Close)
	sends := func(name string, want int, variables ...string) {
		t.Helper()
		p := serve(t, append(variables, "DATABASE_URL="+pgtest.Database(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+srv.URL))
		p.must(`query mine { viewer { name } }`, nil, nil)
		p.stop(syscall.SIGINT)
		mu.Lock()
		defer mu.Unlock()
		if spans[name] != want {
			t.Errorf("with %v, %d spans %q were sent, want %d; all are %v", variables, spans[name], name, want, spans)
		}
		clear(spans)
	}
	sends("parley: query mine", 1)
	sends("desk: query mine", 1, "OTEL_SERVICE_NAME=desk")
	sends("parley: query mine", 0, "OTEL_TRACES_SAMPLER=always_off")
	sends("parley: query mine", 0, "OTEL_SDK_DISABLED=true")

	for variable, says := range map[string]string{
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                       `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"; traces are sent by http/protobuf only`,
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=s3cret%zz":           `OTEL_EXPORTER_OTLP_HEADERS is not a list of headers`,
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=s3cret":               `OTEL_EXPORTER_OTLP_TRACES_HEADERS is not a list of headers`,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=u:s3cret@there:4318": `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not a URL`,
		"OTEL_RESOURCE_ATTRIBUTES=s3cret":                        `OTEL_RESOURCE_ATTRIBUTES is not a list of attributes`,
		"OTEL_BSP_MAX_QUEUE_SIZE=-1":                             `OTEL_BSP_MAX_QUEUE_SIZE is "-1"; give a whole number from 1 to 1000000`,
	} {
		for _, command := range []string{"serve", "check"} {
			p := start(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + srv.URL, "OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=b", variable}, command)
			p.fails(says)
			if strings.Contains(p.said(), "s3cret") {
				t.Errorf("it shows the value: %s", p.said())
			}
		}
	}
	sends("parley: query mine", 1, "OTEL_EXPORTER_OTLP_HEADERS=api-key=s3cret%20, x = y=z", "OTEL_BSP_MAX_QUEUE_SIZE=100")

	srv.Close()
	p := serve(t, []string{"DATABASE_URL=" + pgtest.Database(t), "OTEL_EXPORTER_OTLP_ENDPOINT=" + srv.URL})
	p.must(`{ viewer { name } }`, nil, nil)
	p.stop(syscall.SIGINT)
	if log := p.said(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "traces can't be sent") {
		t.Errorf("without its collector, the server said:\n%s", log)
	}
}
