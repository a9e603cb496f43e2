package server

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.org/parley/server/transport"
)

// cacheMetrics are those of a handler's caches.
type cacheMetrics struct {
	with     promauto.Factory
	requests *prometheus.CounterVec
}

func newCacheMetrics(o Options) cacheMetrics {
	with := promauto.With(o.registerer())
	return cacheMetrics{with, with.NewCounterVec(prometheus.CounterOpts{
		Name: "parley_cache_requests_total", Help: "What caches were asked for, and whether they had it: hit or miss.",
	}, []string{"cache", "result"})}
}

// cache keeps the documents used last, or what was made of them. Long documents are not kept: they carry texts and seldom
// repeat.
type cache[T any] struct {
	kept         *lru.Cache[string, T]
	length       func(key string, value T) int // of the document
	hits, misses prometheus.Counter
}

// keptDocuments is how many documents a cache keeps. None is longer than transport.MaxKept.
const keptDocuments = 1_000

func newCache[T any](name string, length func(string, T) int, m cacheMetrics) cache[T] {
	kept, err := lru.New[string, T](keptDocuments)
	if err != nil {
		panic(err) // the size is not positive
	}
	m.with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "parley_cache_entries", Help: "Entries of caches.", ConstLabels: prometheus.Labels{"cache": name},
	}, func() float64 { return float64(kept.Len()) })
	return cache[T]{kept, length, m.requests.WithLabelValues(name, "hit"), m.requests.WithLabelValues(name, "miss")}
}

// Get returns what is kept under a key.
func (c cache[T]) Get(_ context.Context, key string) (T, bool) {
	value, known := c.kept.Get(key)
	if known {
		c.hits.Inc()
	} else {
		c.misses.Inc()
	}
	return value, known
}

// look is Get, and is not counted.
func (c cache[T]) look(key string) (T, bool) { return c.kept.Get(key) }

// Add keeps a value, unless its document is long.
func (c cache[T]) Add(_ context.Context, key string, value T) {
	if c.length(key, value) <= transport.MaxKept {
		c.kept.Add(key, value)
	}
}
