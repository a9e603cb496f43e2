package server

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.org/parley"
	"example.org/parley/internal/request"
	"example.org/parley/internal/turns"
	"example.org/parley/server/observe"
)

// requests watches HTTP requests and their answers.
type requests struct {
	answered *prometheus.CounterVec
	sites    Sites
	log      *slog.Logger // nil: requests are not logged
	traced   bool
}

func newRequests(o Options) *requests {
	q := &requests{
		answered: promauto.With(o.registerer()).NewCounterVec(prometheus.CounterOpts{
			Name: "parley_http_requests_total", Help: "Requests that were answered, by their route and the class of the status.",
		}, []string{"route", "status"}),
		sites: o.Sites, traced: o.Tracer != nil,
	}
	if o.AccessLog {
		q.log = o.Log
	}
	return q
}

// answering is the answer to a request that is being written.
type answering struct {
	http.ResponseWriter
	route  string // the pattern of the request's path
	status int
	bytes  int64
}

type answeringKey struct{}

// watch watches the requests to a handler, and gives each an id.
func (q *requests) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, id := time.Now(), request.IDFor(r.Header.Get(request.Header))
		w.Header().Set(request.Header, id)
		own := &answering{ResponseWriter: w, route: "other", status: http.StatusOK}
		r = q.sites.behindProxy(r)
		ctx := request.With(r.Context(), id)
		if q.traced {
			ctx = observe.Parented(ctx, r.Header)
		}
		defer func() {
			q.answered.WithLabelValues(own.route, fmt.Sprintf("%dxx", own.status/100)).Inc()
			if q.log != nil {
				q.log.LogAttrs(ctx, slog.LevelInfo, "answered a request",
					slog.String("method", parley.Clip(r.Method, maxLogged)), slog.String("path", parley.Clip(r.URL.Path, maxLogged)),
					slog.Int("status", own.status), slog.Int64("bytes", own.bytes),
					slog.Float64("seconds", time.Since(begun).Seconds()), slog.String("client", clientOf(r)))
			}
		}()
		next.ServeHTTP(own, r.WithContext(context.WithValue(ctx, answeringKey{}, own)))
	})
}

// maxLogged is how much of a request's method or path is logged, in code points.
const maxLogged = 200

// clientOf is the address that a request comes from, as it shares turns: of an IPv6 address, the first half.
func clientOf(r *http.Request) string {
	return cmp.Or(turns.Caller(r.Context()), turns.CallerAt(r.RemoteAddr))
}

// routed notes by which of its patterns a handler answers a request.
func (q *requests) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, _ := r.Context().Value(answeringKey{}).(*answering)
		defer func() {
			if _, path, found := strings.Cut(r.Pattern, "/"); found && own != nil {
				own.route = strings.TrimPrefix("/"+path, q.sites.BasePath)
			}
		}()
		mux.ServeHTTP(w, r)
	})
}

// Write counts what is written.
func (w *answering) Write(part []byte) (int, error) {
	n, err := w.ResponseWriter.Write(part)
	w.bytes += int64(n)
	return n, err
}

// WriteHeader notes the status.
func (w *answering) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Hijack takes the connection over, for a WebSocket.
func (w *answering) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap gives http.ResponseController the writer beneath.
func (w *answering) Unwrap() http.ResponseWriter { return w.ResponseWriter }
