package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// startTracing has operations traced where OpenTelemetry's environment variables name a collector, and returns how to end
// it. Without them, the tracer is nil.
func startTracing(r *run) (tracer trace.Tracer, end func(), err error) {
	endpoint := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, func() {}, nil
	}
	name := "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	if os.Getenv(name) == "" {
		name = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
		return nil, nil, fmt.Errorf("%s is %q; traces are sent by http/protobuf only", name, protocol)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { r.log.Warn("traces can't be sent", "error", err) }))
	exporter, err := otlptracehttp.New(r.ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("traces can't be sent to %s: %w", endpoint, err)
	}
	described := []resource.Option{resource.WithAttributes(semconv.ServiceName("parley"))}
	if b, ok := readBuild(); ok {
		described = append(described, resource.WithAttributes(semconv.ServiceVersion(b.version)))
	}
	about, err := resource.New(r.ctx, append(described, resource.WithTelemetrySDK(), resource.WithFromEnv())...)
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES can't be read: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider.Tracer("example.org/parley"), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			r.log.Warn("the last traces can't be sent", "error", err)
		}
	}, nil
}
