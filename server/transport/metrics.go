package transport

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are the transports' metrics for operators.
type metrics struct{ dropped prometheus.Counter }

func newMetrics(t *Transports) *metrics {
	with := promauto.With(t.Metrics)
	with.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "parley_connections", Help: "Open WebSockets and event streams."},
		func() float64 {
			t.mu.Lock()
			defer t.mu.Unlock()
			return float64(len(t.clients))
		})
	with.NewGaugeFunc(
		prometheus.GaugeOpts{
			Name: "parley_pending_bytes",
			Help: "Bytes that wait for clients, over all connections, without those in the operating system's buffers.",
		},
		func() float64 {
			return float64(t.pending.Load())
		},
	)
	return &metrics{
		dropped: with.NewCounter(prometheus.CounterOpts{
			Name: "parley_slow_clients_total",
			Help: "Connections closed because the client read more slowly than changes arrived.",
		}),
	}
}
