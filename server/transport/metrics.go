package transport

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are the transports' figures for operators.
type metrics struct{ dropped prometheus.Counter }

func newMetrics(t *Transports) *metrics {
	with := promauto.With(t.Metrics)
	with.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_connections", Help: "WebSockets and streams of events that are open."}, func() float64 {
		t.mu.Lock()
		defer t.mu.Unlock()
		return float64(len(t.clients))
	})
	with.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_pending_bytes", Help: "What clients have yet to take, over all connections, beyond what the system holds for them."}, func() float64 {
		return float64(allPending.Load())
	})
	return &metrics{dropped: with.NewCounter(prometheus.CounterOpts{Name: "parley_slow_clients_total", Help: "Clients let go because they read more slowly than changes came."})}
}
