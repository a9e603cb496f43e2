package observe

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.org/parley"
	"example.org/parley/graph/level"
	"example.org/parley/internal/request"
)

// Parented returns a context whose operations belong to the trace that a request's headers name.
func Parented(ctx context.Context, header http.Header) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(header))
}

// Origin is the request that opened a WebSocket. It holds nothing else of the request.
type Origin struct {
	Request string // its id
	span    trace.SpanContext
}

// OriginOf is the origin for a request with a context.
func OriginOf(ctx context.Context) Origin {
	return Origin{request.ID(ctx), trace.SpanContextFromContext(ctx)}
}

// Context is the context of one of the operations on a WebSocket; "": of none.
func (o Origin) Context(operation string) context.Context {
	return trace.ContextWithSpanContext(request.WithOperation(context.Background(), o.Request, operation), o.span)
}

// trace begins the operation's span, unless the trace is not sampled.
func (o *Operation) trace(ctx context.Context) context.Context {
	kind := trace.SpanKindServer
	if o.By == Feed {
		kind = trace.SpanKindInternal
	}
	ctx, span := o.observer.Tracer.Start(ctx, "operation", trace.WithSpanKind(kind), trace.WithAttributes(
		attribute.String("parley.request.id", request.ID(ctx))))
	if !span.IsRecording() {
		return ctx
	}
	o.span = span
	return context.WithValue(ctx, level.WatchKey{}, o)
}

// endTrace ends the operation's span. Of its document it has the name only.
func (o *Operation) endTrace(kind, outcome string) {
	name := kind
	if o.Is != nil && o.Is.Operation != nil {
		o.span.SetAttributes(semconv.GraphQLOperationTypeKey.String(kind))
		if own := parley.Clip(o.Is.Operation.Name, maxName); own != "" {
			name += " " + own
			o.span.SetAttributes(semconv.GraphQLOperationName(own))
		}
	}
	o.span.SetName(name)
	o.span.SetAttributes(attribute.String("parley.transport", string(o.By)), attribute.String("parley.outcome", outcome))
	if outcome == string(parley.Internal) || outcome == string(parley.Unavailable) { // others are the client's
		o.span.SetStatus(codes.Error, outcome)
		o.span.SetAttributes(semconv.ErrorTypeKey.String(outcome))
	}
	o.span.End()
}

// Level traces a level.
func (o *Operation) Level(ctx context.Context, object string, objects int) (context.Context, func()) {
	ctx, span := o.observer.Tracer.Start(ctx, pathOf(ctx, object), trace.WithAttributes(
		attribute.String("parley.type", object), attribute.Int("parley.objects", objects)))
	return ctx, func() { span.End() }
}

// pathOf names a level by the fields that lead to it, as the schema calls them, or by its type if there are none.
func pathOf(ctx context.Context, object string) string {
	var names []string
	for f := graphql.GetFieldContext(ctx); f != nil; f = f.Parent {
		if f.Field.Field != nil {
			names = append(names, f.Field.Name)
		}
	}
	if names == nil {
		return object
	}
	slices.Reverse(names)
	return strings.Join(names, ".")
}

// traceStatement traces an SQL statement. Its text has placeholders for values; what the database says of an error may
// repeat some, so only its code is kept.
func (o *Operation) traceStatement(ctx context.Context, text string) func(rows int, err error) {
	text = strings.TrimSpace(text)
	verb := text[:strings.IndexAny(text+" ", " \n\t")]
	_, span := o.observer.Tracer.Start(ctx, verb, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.DBSystemNamePostgreSQL, semconv.DBQueryText(text)))
	return func(rows int, err error) {
		span.SetAttributes(semconv.DBResponseReturnedRows(rows))
		if err != nil {
			kind := "other"
			var database interface{ SQLState() string }
			switch {
			case errors.As(err, &database):
				kind = database.SQLState()
			case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
				kind = "cancelled"
			}
			span.SetStatus(codes.Error, kind)
			span.SetAttributes(semconv.ErrorTypeKey.String(kind))
		}
		span.End()
	}
}
