package main

import (
	"cmp"
	"context"
	"errors"
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
		return nil, nil, fmt.Errorf("what sends traces can't be described: %w", err)
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
	endpoint := cmp.Or(os.Getenv(forTraces+"ENDPOINT"), os.Getenv(forAll+"ENDPOINT"))
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return "", nil
	}
	for _, prefix := range []string{forTraces, forAll} { // the library reads both
		if value := os.Getenv(prefix + "ENDPOINT"); value != "" && !isURL(value) {
			return "", fmt.Errorf("%sENDPOINT is not a URL; give one such as http://127.0.0.1:4318", prefix)
		}
		if value := os.Getenv(prefix + "HEADERS"); value != "" && !header.MatchString(value) {
			return "", fmt.Errorf("%sHEADERS is not a list of headers; give one such as name=value,other=value, with special characters of the values "+
				"escaped (%%20 for a blank)", prefix)
		}
	}
	for _, prefix := range []string{forTraces, forAll} {
		if protocol := os.Getenv(prefix + "PROTOCOL"); protocol != "" {
			if protocol != "http/protobuf" {
				return "", fmt.Errorf("%sPROTOCOL is %q; traces are sent by http/protobuf only", prefix, protocol)
			}
			break
		}
	}
	for _, name := range []string{"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"} {
		value, ok := os.LookupEnv(name)
		if n, err := strconv.Atoi(value); ok && (err != nil || n < 1 || n > 1_000_000) {
			return "", fmt.Errorf("%s is %q; give a whole number from 1 to 1000000", name, value)
		}
	}
	if _, err := resource.New(context.Background(), resource.WithFromEnv()); err != nil {
		return "", errors.New("OTEL_RESOURCE_ATTRIBUTES is not a list of attributes; give one such as name=value,other=value")
	}
	return endpoint, nil
}

// Variables for traces, and for everything that OpenTelemetry sends, begin with these.
const (
	forTraces = "OTEL_EXPORTER_OTLP_TRACES_"
	forAll    = "OTEL_EXPORTER_OTLP_"
)

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// header is a list of headers as OpenTelemetry's variables give it.
var header = regexp.MustCompile(`^\s*[\w!#$&'*+.^|~-]+\s*=([^,%]|%[0-9A-Fa-f]{2})*(,\s*[\w!#$&'*+.^|~-]+\s*=([^,%]|%[0-9A-Fa-f]{2})*)*$`)
