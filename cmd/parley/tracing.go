package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
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
	endpoint, err := collector()
	if endpoint == "" || err != nil {
		return nil, func() {}, err
	}
	otel.SetLogger(logr.FromSlogHandler(r.log.Handler()))
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

// collector is the URL to which OpenTelemetry's environment variables have traces sent; empty: they name none. It refuses values that the
// library would panic on, take otherwise, or show in the log although they are secret.
func collector() (string, error) {
	endpoint, name := either("ENDPOINT")
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return "", nil
	}
	if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%s is not a URL; give one such as http://127.0.0.1:4318", name)
	}
	if protocol, name := either("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return "", fmt.Errorf("%s is %q; traces are sent by http/protobuf only", name, protocol)
	}
	if headers, name := either("HEADERS"); headers != "" && !header.MatchString(headers) {
		return "", fmt.Errorf("%s is not a list of headers; give one such as name=value,other=value, with special characters of the values escaped "+
			"(%%20 for a blank)", name)
	}
	for _, name := range []string{"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"} {
		value, ok := os.LookupEnv(name)
		if n, err := strconv.Atoi(value); ok && (err != nil || n < 1 || n > 1_000_000) {
			return "", fmt.Errorf("%s is %q; give a whole number from 1 to 1000000", name, value)
		}
	}
	return endpoint, nil
}

// header is a list of headers as OpenTelemetry's variables give it.
var header = regexp.MustCompile(`^\s*[\w!#$&'*+.^|~-]+\s*=([^,%]|%[0-9A-Fa-f]{2})*(,\s*[\w!#$&'*+.^|~-]+\s*=([^,%]|%[0-9A-Fa-f]{2})*)*$`)

// either is the variable for traces, or the one for everything that OpenTelemetry sends.
func either(of string) (value, name string) {
	for _, name = range []string{"OTEL_EXPORTER_OTLP_TRACES_" + of, "OTEL_EXPORTER_OTLP_" + of} {
		if value = os.Getenv(name); value != "" {
			break
		}
	}
	return value, name
}
