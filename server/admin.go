package server

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ProfilesPath is where operators find profiles of the running program.
const ProfilesPath = "/debug/pprof/"

// admin answers operators: with metrics, health and profiles. It answers under the server's names, and refuses pages
// of other origins. The command line, which pprof would show, may have the database's password.
func (h *Handler) admin(o Options) http.Handler {
	mux := http.NewServeMux()
	if o.Metrics != nil {
		mux.Handle("GET "+MetricsPath, promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	}
	h.serveHealth(mux, "", o.Store)
	mux.HandleFunc("GET "+ProfilesPath, pprof.Index)
	mux.HandleFunc("GET "+ProfilesPath+"profile", pprof.Profile)
	mux.HandleFunc("GET "+ProfilesPath+"trace", pprof.Trace)
	return o.Sites.guard(mux)
}

// ServeAdmin answers operators on a listener until stop is called.
func ServeAdmin(listener net.Listener, h *Handler) (stop func()) {
	srv := &http.Server{Handler: h.Admin, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelError), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("operators are no longer served", "error", err)
		}
	}()
	return func() { srv.Close() }
}
