// Package observe shows operators how operations fare.
package observe

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"

	"example.org/parley"
	"example.org/parley/graph/level"
	"example.org/parley/storage"
)

// Options say what is shown.
type Options struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil: metrics are registered nowhere
	Slow    time.Duration         // how long an operation may take before it is logged; 0: none is
	Tracer  trace.Tracer          // nil: operations are not traced
}

// Observer watches the operations of one handler.
type Observer struct {
	Options
	seconds    *prometheus.HistogramVec
	operations *prometheus.CounterVec
	errors     *prometheus.CounterVec
}

// New makes an observer.
func New(o Options) *Observer {
	with := promauto.With(o.Metrics)
	return &Observer{
		Options: o,
		seconds: with.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "parley_operation_seconds",
			Help:    "How long operations took, from when they were read until their answer was ready; of a subscription, until it began.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"kind", "transport"}),
		operations: with.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_operations_total",
			Help: "Operations, by their outcome: ok, cancelled, or the code of their first error.",
		}, []string{"kind", "transport", "outcome"}),
		errors: with.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_errors_total", Help: "Errors in answers to operations, by their code.",
		}, []string{"code"}),
	}
}

// Transport is how an operation came, and how it is answered.
type Transport string

// The transports.
const (
	POST      Transport = "post"
	GET       Transport = "get"
	WebSocket Transport = "websocket"
	Events    Transport = "events"
	Feed      Transport = "feed" // the view of a change, for all its subscribers
)

// Operation is one that is being answered.
type Operation struct {
	By Transport
	Is *graphql.OperationContext // nil, or without an operation, where it could not be read

	ctx        context.Context
	observer   *Observer
	begun      time.Time
	statements atomic.Int64
	span       trace.Span // nil: it is not traced
	ended      bool
}

var (
	_ storage.Watch = (*Operation)(nil)
	_ level.Watch   = (*Operation)(nil)
)

// Begin begins to watch an operation that came in some way. It has to be ended.
func (o *Observer) Begin(ctx context.Context, by Transport) (context.Context, *Operation) {
	own := &Operation{By: by, ctx: ctx, observer: o, begun: time.Now()}
	if o.Tracer != nil {
		ctx = own.trace(ctx)
	}
	if o.Slow > 0 || own.span != nil {
		ctx = context.WithValue(ctx, storage.WatchKey{}, own)
	}
	return ctx, own
}

// Statement counts an SQL statement, and traces it.
func (o *Operation) Statement(ctx context.Context, text string) func(rows int, err error) {
	o.statements.Add(1)
	if o.span == nil {
		return func(int, error) {}
	}
	return o.traceStatement(ctx, text)
}

// End ends an operation with the errors of its answer.
func (o *Operation) End(errs gqlerror.List) {
	took := time.Since(o.begun)
	o.ended = true
	kind := "unknown"
	if o.Is != nil && o.Is.Operation != nil {
		kind = string(o.Is.Operation.Operation)
		o.observer.seconds.WithLabelValues(kind, string(o.By)).Observe(took.Seconds())
	}
	outcome := "ok"
	switch {
	case o.ctx.Err() != nil:
		outcome = "cancelled"
	case len(errs) > 0:
		outcome = codeOf(errs[0])
		for _, err := range errs {
			o.observer.errors.WithLabelValues(codeOf(err)).Inc()
		}
	}
	o.observer.operations.WithLabelValues(kind, string(o.By), outcome).Inc()
	if o.observer.Slow > 0 && took >= o.observer.Slow {
		o.logSlow(kind, outcome, took)
	}
	if o.span != nil {
		o.endTrace(kind, outcome)
	}
}

// Ensure ends an operation that was not ended, since it panicked.
func (o *Operation) Ensure() {
	if !o.ended {
		o.End(gqlerror.List{{Extensions: map[string]any{"code": string(parley.Internal)}}})
	}
}

// codeOf is the code of an error. Errors get theirs from the server, so there are few.
func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return cmp.Or(code, string(parley.Internal))
}
