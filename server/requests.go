package server

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// requests watches HTTP requests and their answers.
type requests struct {
	answered *prometheus.CounterVec
	base     string
}

func newRequests(o Options) *requests {
	return &requests{
		answered: promauto.With(o.registerer()).NewCounterVec(prometheus.CounterOpts{
			Name: "parley_http_requests_total", Help: "Requests that were answered, by their route and the class of the status.",
		}, []string{"route", "status"}),
		base: o.Sites.BasePath,
	}
}

// request is one that is being answered.
type request struct {
	http.ResponseWriter
	route  string // the pattern of its path
	status int
}

type requestKey struct{}

// watch watches the requests to a handler.
func (q *requests) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := &request{ResponseWriter: w, route: "other", status: http.StatusOK}
		defer func() {
			q.answered.WithLabelValues(own.route, fmt.Sprintf("%dxx", own.status/100)).Inc()
		}()
		next.ServeHTTP(own, r.WithContext(context.WithValue(r.Context(), requestKey{}, own)))
	})
}

// routed notes by which of its patterns a handler answers a request.
func (q *requests) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, _ := r.Context().Value(requestKey{}).(*request)
		defer func() {
			if _, path, found := strings.Cut(r.Pattern, "/"); found && own != nil {
				own.route = strings.TrimPrefix("/"+path, q.base)
			}
		}()
		mux.ServeHTTP(w, r)
	})
}

// WriteHeader notes the status.
func (w *request) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Hijack takes the connection over, for a WebSocket.
func (w *request) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap gives http.ResponseController the writer beneath.
func (w *request) Unwrap() http.ResponseWriter { return w.ResponseWriter }
