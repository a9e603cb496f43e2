package feed

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are the feed's metrics for operators.
type metrics struct {
	delivered prometheus.Counter
	lag       prometheus.Histogram
}

func newMetrics(f *Feed) *metrics {
	with := promauto.With(f.options.Metrics)
	gauge := func(name, help string, value func() int) {
		with.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			f.mu.Lock()
			defer f.mu.Unlock()
			return float64(value())
		})
	}
	gauge("parley_feed_subscribers", "Open subscriptions.", func() int {
		n := 0
		for _, v := range f.views {
			n += len(v.subscriptions)
		}
		return n
	})
	gauge("parley_feed_views", "Distinct views that are subscribed to. One change is executed at most once for each.",
		func() int { return len(f.views) })
	gauge("parley_feed_cohorts", "Groups of live subscriptions with the same filter and the same view.",
		func() int { return len(f.index.cohorts) })
	gauge("parley_feed_due", "Changes that wait for delivery, over all cohorts.", func() int {
		n := 0
		for _, c := range f.index.cohorts {
			c.mu.Lock()
			n += len(c.due)
			c.mu.Unlock()
		}
		return n
	})
	gauge("parley_feed_head", "The number of the last change that this server has passed to subscribers.",
		func() int { return int(f.head) })
	return &metrics{
		delivered: with.NewCounter(prometheus.CounterOpts{
			Name: "parley_feed_deliveries_total",
			Help: "Changes delivered, counted once for each subscriber.",
		}),
		lag: with.NewHistogram(prometheus.HistogramOpts{
			Name:    "parley_feed_lag_seconds",
			Help:    "From the recording of a change to its delivery to all members of a cohort.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
}

// handedOn records a delivery to a cohort.
func (m *metrics) handedOn(members int, changes []*change, now time.Time) {
	m.delivered.Add(float64(members * len(changes)))
	for _, c := range changes {
		m.lag.Observe(max(0, now.Sub(c.RecordedAt).Seconds()))
	}
}
