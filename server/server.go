// Package server is Parley's HTTP handler: the GraphQL API, the playground, health checks, and metrics. Tests use the
// same handler.
package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"

	"example.org/parley"
	"example.org/parley/briefing"
	"example.org/parley/examples"
	"example.org/parley/feed"
	"example.org/parley/graph"
	"example.org/parley/resolvers"
	"example.org/parley/server/observe"
	"example.org/parley/server/playground"
	"example.org/parley/server/transport"
	"example.org/parley/storage"
)

// The paths that are served.
const (
	GraphQLPath    = "/graphql"
	PlaygroundPath = "/playground"
	MetricsPath    = "/metrics"
	SchemaPath     = "/schema.graphql"
)

// Options configure the handler.
type Options struct {
	Store *storage.Store
	Feed  *feed.Feed
	Log   *slog.Logger
	// Gate says who is asking.
	Gate *Gate
	// Sites say under which names the server is reached, and whose pages may use it.
	Sites Sites
	// PublicURL is the URL under which clients reach the server, without a slash at its end. Links that readers pass on
	// begin with it.
	PublicURL string
	// Documents are those that clients may name by their ids, maybe the only ones that are answered.
	Documents Documents
	// NoIntrospection: the schema is not described to clients, and no message suggests names.
	NoIntrospection bool
	// Limits bound the resources that clients may use. The zero value means transport.DefaultLimits.
	Limits transport.Limits
	// Bounds are what an operation may cost, and how long a query or a briefing may take. The zero value means
	// resolvers.DefaultBounds.
	Bounds resolvers.Bounds
	// CallerCost is what all operations of a caller may cost in a minute; 0: that is not bounded.
	CallerCost int
	// Admit decides whether a client may stay connected; see transport.Options. Nil means that the gate does.
	Admit func(header http.Header, payload json.RawMessage) (transport.Admission, error)
	// AccessLog: each request is logged.
	AccessLog bool
	// SlowOperations is how long an operation may take before it is logged. Zero means that none is.
	SlowOperations time.Duration
	// Tracer traces operations, with their levels and statements. Nil means that none is traced.
	Tracer trace.Tracer
	// DrainDelay is how long /readyz says that the server is about to stop before it does.
	DrainDelay time.Duration
	// Metrics are served under MetricsPath, together with the handler's own. Nil means that no metrics are served.
	Metrics *prometheus.Registry
	// Admin: operators have an address of their own, which ServeAdmin serves. Metrics are served there only.
	Admin bool
}

// Handler answers Parley's HTTP requests.
type Handler struct {
	http.Handler
	// Admin answers operators; nil: they have no address of their own.
	Admin      http.Handler
	transports *transport.Transports
	log        *slog.Logger
	stopping   atomic.Bool
	drainDelay time.Duration
}

// Drain accepts no more subscribers and asks the connected ones to reconnect elsewhere. It returns when they have
// disconnected; when the context ends, it cuts off those that have not.
func (h *Handler) Drain(ctx context.Context) { h.transports.Drain(ctx) }

// New creates the handler.
func New(o Options) *Handler {
	if o.Limits == (transport.Limits{}) {
		o.Limits = transport.DefaultLimits
	}
	if o.Bounds == (resolvers.Bounds{}) {
		o.Bounds = resolvers.DefaultBounds
	}
	o.Bounds.PerMinute = o.CallerCost
	mux := http.NewServeMux()
	h := &Handler{log: o.Log, drainDelay: o.DrainDelay}
	base := o.Sites.BasePath
	r := resolvers.New(o.Store, o.Bounds)
	caches := newCacheMetrics(o)
	parsed := newCache("documents", func(text string, _ *ast.QueryDocument) int { return len(text) }, caches)
	known := func(document string) bool {
		_, is := parsed.look(document)
		return is
	}
	transports := transport.Options{
		Resolver: r, Feed: o.Feed, Limits: o.Limits, Admit: o.Admit, Known: known, Log: o.Log,
		Metrics: o.registerer(), Observer: observe.New(observe.Options{Log: o.Log, Metrics: o.registerer(), Slow: o.SlowOperations, Tracer: o.Tracer}),
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(o.Store)
		if !o.Admin {
			mux.Handle("GET "+base+MetricsPath, promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
		}
	}
	if o.Admin {
		h.Admin = h.admin(o)
	}
	if o.Admit == nil {
		transports.Admit = o.Gate.Admit
	}
	h.transports = transport.New(transports)
	mux.Handle(base+GraphQLPath, checkRequest(graphQL(o, r, h.transports, parsed, newPersisted(o.Documents, caches))))
	page := playground.Handler(base+PlaygroundPath, base+GraphQLPath, tabs())
	mux.Handle(base+PlaygroundPath, page)
	mux.Handle(base+PlaygroundPath+"/", page)
	mux.HandleFunc("GET "+base+briefing.Path+"{negotiation}", serveBriefing(o))
	mux.HandleFunc("GET "+base+TablesPath+"{negotiation}/{table}", serveTable(o))
	mux.Handle("GET "+base+"/{$}", http.RedirectHandler(base+PlaygroundPath, http.StatusFound))
	h.serveHealth(mux, base, o.Store)
	if !o.NoIntrospection {
		mux.HandleFunc("GET "+base+SchemaPath, serveSchema())
	}
	watched := newRequests(o)
	o.Gate.behindProxies = len(o.Sites.Proxies) > 0
	in := newSignIn(o)
	mux.HandleFunc("GET "+base+SignInPath, in.page)
	mux.HandleFunc("POST "+base+SignInPath, in.enter)
	mux.HandleFunc("POST "+base+SignOutPath, in.leave)
	if o.Gate.issuer != nil {
		mux.HandleFunc("GET "+base+LeavePath, in.toIssuer)
		mux.HandleFunc("GET "+base+ReturnPath, in.fromIssuer)
	}
	h.Handler = watched.watch(secured(o, o.Sites.handle(o.Gate.handle(base, in, watched.routed(mux)))))
	return h
}

// registerer is where metrics are registered; nil: nowhere.
func (o Options) registerer() prometheus.Registerer {
	if o.Metrics == nil {
		return nil
	}
	return o.Metrics
}

// tabs returns the example operations with which the playground opens.
func tabs() []playground.Example {
	var list []playground.Example
	for _, o := range examples.Operations() {
		list = append(list, playground.Example{Query: o.Text})
	}
	return list
}

func graphQL(
	o Options, r *resolvers.Resolver, transports *transport.Transports, parsed cache[*ast.QueryDocument], named persisted,
) http.Handler {
	schema := graph.NewSchema(graph.Config{Resolvers: r})
	srv := handler.New(schema)
	srv.AddTransport(transport.WebSockets{Transports: transports})
	srv.AddTransport(transport.HTTP{Transports: transports})
	srv.AddTransport(gqltransport.Options{})
	srv.SetQueryCache(parsed)
	srv.SetParserTokenLimit(maxTokens)
	if o.NoIntrospection {
		srv.Use(noIntrospection{})
	} else {
		srv.Use(extension.Introspection{})
	}
	srv.Use(named) // first, since the others look at the document
	srv.Use(operationCheck{schema.Schema(), parsed})
	srv.Use(costLimit{})
	srv.AroundResponses(r.OneSnapshot)
	srv.AroundRootFields(r.FreshSnapshot)
	present := resolvers.PresentError(o.Log)
	srv.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error {
		presented := present(ctx, err)
		if o.NoIntrospection {
			presented.Message, _, _ = strings.Cut(presented.Message, " Did you mean ")
		}
		return transport.Findable(ctx, presented)
	})
	srv.SetRecoverFunc(func(ctx context.Context, panicked any) error {
		o.Log.ErrorContext(ctx, "a resolver panicked", "panic", panicked, "path", graphql.GetPath(ctx).String(),
			"stack", string(debug.Stack()))
		return errPanicked
	})
	return srv
}

// errPanicked is what a client sees of a panic. The panic itself is logged.
var errPanicked = &parley.Fault{Code: parley.Internal, Message: "Internal error"}

// serveHealth says whether the server runs, and whether it is ready.
func (h *Handler) serveHealth(mux *http.ServeMux, base string, store *storage.Store) {
	mux.HandleFunc("GET "+base+"/healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET "+base+"/readyz", h.ready(store))
}

// ready says whether the server can read and record, and why not.
func (h *Handler) ready(store *storage.Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch err := store.Ready(r.Context()); {
		case h.stopping.Load():
			say(w, http.StatusServiceUnavailable, "the server is about to stop")
		case err != nil:
			say(w, http.StatusServiceUnavailable, err.Error())
		default:
			say(w, http.StatusOK, "ready")
		}
	}
}

func say(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(sentence + "\n"))
}
