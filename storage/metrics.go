package storage

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// metrics are the store's metrics for operators. Children of vectors are looked up once: statements are many.
type metrics struct {
	registry                 *prometheus.Registry
	reads, feedReads, writes rows.Took // of statements, by the pool of their connection
	headWait                 prometheus.Histogram
	retries                  prometheus.Counter
	recorded, unchanged      prometheus.Observer // of writes, by their outcome
	refused, failed          prometheus.Observer
	queue                    queue // of writers
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	with := promauto.With(m.registry)
	statements := with.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "parley_sql_statement_seconds",
		Help:    "How long SQL statements took, without the wait for a connection, by the pool of their connections.",
		Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"pool"})
	failures := with.NewCounterVec(prometheus.CounterOpts{
		Name: "parley_sql_failures_total",
		Help: "SQL statements that failed or were cancelled, those included that a constraint refused.",
	}, []string{"pool"})
	of := func(pool string) rows.Took {
		took, failed := statements.WithLabelValues(pool), failures.WithLabelValues(pool)
		return func(d time.Duration, err error) {
			took.Observe(d.Seconds())
			if err != nil {
				failed.Inc()
			}
		}
	}
	m.reads, m.feedReads, m.writes = of(poolOfReads), of(poolOfFeed), of(poolOfWrites)
	writeBuckets := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m.headWait = with.NewHistogram(prometheus.HistogramOpts{
		Name: "parley_feed_head_wait_seconds", Help: "How long writers waited for the feed head.", Buckets: writeBuckets,
	})
	m.retries = with.NewCounter(prometheus.CounterOpts{
		Name: "parley_write_retries_total",
		Help: "Attempts to write that were begun again, since they lost a race or were cut off.",
	})
	outcomes := with.NewHistogramVec(prometheus.HistogramOpts{
		Name: "parley_write_seconds", Help: "How long writes took, by their outcome.", Buckets: writeBuckets,
	}, []string{"outcome"})
	m.recorded, m.unchanged = outcomes.WithLabelValues("recorded"), outcomes.WithLabelValues("unchanged")
	m.refused, m.failed = outcomes.WithLabelValues("refused"), outcomes.WithLabelValues("failed")
	return m
}

// observed has a runner's writes counted.
func (m *metrics) observed(run runner) runner {
	return func(ctx context.Context, mutation func(context.Context, *writer) (Written, error)) (Written, error) {
		begun := time.Now()
		written, err := run(ctx, mutation)
		outcome := m.failed
		switch {
		case err == nil && written.Cursor != nil:
			outcome = m.recorded
		case err == nil:
			outcome = m.unchanged
		case errors.As(err, new(parley.Refusal)):
			outcome = m.refused
		}
		outcome.Observe(time.Since(begun).Seconds())
		return written, err
	}
}

// queue counts those who wait.
type queue struct{ waiting, waits, nanoseconds atomic.Int64 }

// wait counts somebody who waits, until over is called.
func (q *queue) wait() (over func()) {
	begun := time.Now()
	q.waiting.Add(1)
	q.waits.Add(1)
	return func() {
		q.waiting.Add(-1)
		q.nanoseconds.Add(int64(time.Since(begun)))
	}
}

// The names of the pools of connections.
const (
	poolOfReads  = "read"
	poolOfFeed   = "feed"
	poolOfWrites = "write"
)

var (
	poolConnections = poolMetric("parley_pool_connections", "Connections to the database, by their pool and whether they are in use.", "state")
	poolWaiting     = poolMetric("parley_pool_waiting", "Statements and writers that wait for a connection.")
	poolWaits       = poolMetric("parley_pool_waits_total", "How often a statement or a writer had to wait for a connection.")
	poolWaitTime    = poolMetric("parley_pool_wait_seconds_total", "How long statements and writers waited for a connection, all together.")
	resyncs         = prometheus.NewDesc("parley_feed_resyncs_total",
		"Times that the connection for notifications was lost and the feed was read for missed changes.", nil, nil)
)

func poolMetric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"pool"}, labels...), nil)
}

// Describe sends nothing: what is collected is not known before.
func (s *Store) Describe(chan<- *prometheus.Desc) {}

// Collect sends the store's metrics.
func (s *Store) Collect(to chan<- prometheus.Metric) {
	s.metrics.registry.Collect(to)
	to <- prometheus.MustNewConstMetric(resyncs, prometheus.CounterValue, float64(s.resyncs.Load()))
	collectPool(to, poolOfReads, s.source.Pool.Use())
	collectPool(to, poolOfFeed, s.feedReads.Use())
	db, q := s.db.Stats(), &s.metrics.queue
	writes := rows.PoolUse{Idle: db.Idle}
	writes.Taken, writes.Waiting = db.InUse, int(q.waiting.Load())
	writes.Waits, writes.Waited = int(db.WaitCount+q.waits.Load()), db.WaitDuration+time.Duration(q.nanoseconds.Load())
	collectPool(to, poolOfWrites, writes)
}

func collectPool(to chan<- prometheus.Metric, pool string, use rows.PoolUse) {
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), append([]string{pool}, labels...)...)
	}
	gauge(poolConnections, use.Taken, "in_use")
	gauge(poolConnections, use.Idle, "idle")
	gauge(poolWaiting, use.Waiting)
	to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(use.Waits), pool)
	to <- prometheus.MustNewConstMetric(poolWaitTime, prometheus.CounterValue, use.Waited.Seconds(), pool)
}
