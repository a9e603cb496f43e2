package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"example.org/parley/feed"
	"example.org/parley/internal/postgres"
	"example.org/parley/server"
	"example.org/parley/server/transport"
	"example.org/parley/storage"
)

type serve struct {
	database
	Addr              string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
	AdminAddr         string   `placeholder:"HOST:PORT" help:"Separate address for operators: metrics, health and profiles."`
	PublicURL         string   `name:"public-url" placeholder:"URL" help:"${public_url_help}"`
	AllowHost         []string `placeholder:"NAME" help:"${allow_host_help}"`
	AllowOrigin       []string `placeholder:"ORIGIN" help:"${allow_origin_help}"`
	TrustedProxy      []string `placeholder:"ADDRESS" help:"${trusted_proxy_help}"`
	BasePath          string   `placeholder:"PATH" help:"${base_path_help}"`
	Documents         string   `type:"path" placeholder:"FILE" help:"${documents_help}"`
	OnlyDocuments     bool     `help:"Refuse all documents that are not in the file of --documents, those of the playground too."`
	Introspection     bool     `default:"true" negatable:"" help:"Describe the schema to clients, and suggest names in messages."`
	Demo              bool     `help:"Load the example data set if the database is empty."`
	TLSCert           string   `name:"tls-cert" placeholder:"FILE" help:"Certificate with its chain (PEM), for TLS."`
	TLSKey            string   `name:"tls-key" placeholder:"FILE" help:"The certificate's private key (PEM)."`
	oidcFlags         `embed:"" prefix:"oidc-"`
	DrainDelay        time.Duration `placeholder:"DURATION" default:"0s" help:"How long /readyz tells proxies that the server is about to stop before it does (${default})."`
	AccessLog         bool          `help:"Log each request: its path, status, time and client."`
	SlowOperations    time.Duration `placeholder:"DURATION" help:"Log operations that take this long or longer, such as 500ms."`
	MaxConnections    int           `default:"20000" help:"Limit of open WebSockets and event streams (${default})."`
	CallerConnections int           `default:"1000" help:"Limit of open WebSockets and event streams of an analyst who has signed in (${default})."`
	CallerCost        int           `default:"0" placeholder:"N" help:"What all operations of an analyst may cost a minute, on this server; not limited if left out."`
}

// pollEvery is how often the feed is read when no notification arrives.
const pollEvery = time.Second

// Run serves until the program is told to stop or the database is lost.
func (s serve) Run(r *run) (err error) {
	set, err := s.settings(r)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("can't listen on %s: %w", s.Addr, err)
	}
	defer listener.Close()
	admin, err := s.listenAdmin(r)
	if err != nil {
		return err
	}
	if admin != nil {
		defer admin.Close()
	}

	tracer, endTracing, err := startTracing(r)
	if err != nil {
		return err
	}
	defer endTracing()
	a := alone
	a.existing = s.DatabaseURL == "" && s.remote() != nil && set.issuer == nil // a new one has no token
	db, err := s.start(r, a)
	switch {
	case errors.Is(err, postgres.ErrNone) && a.existing && !s.options(r).NoMigration:
		return s.remote()
	case err != nil:
		return err
	}
	defer db.stop(r)
	db.Wait = 30 * time.Second // a database that starts together with the server may take its time
	store, err := db.open(r, s.Analyst)
	if err != nil {
		return err
	}
	defer store.Close()
	if s.Demo {
		if err := loadDemo(r.ctx, r, store); err != nil {
			return err
		}
	}
	tailing, endFeed := context.WithCancel(context.WithoutCancel(r.ctx))
	defer endFeed()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if b, ok := readBuild(); ok {
		registry.MustRegister(b.metric())
	}
	changes, err := feed.Start(tailing, store, feed.Options{Poll: pollEvery, Log: r.log, Metrics: registry})
	if err != nil {
		return err
	}
	defer func() { endFeed(); <-changes.Done() }()

	serving, stop := context.WithCancelCause(r.ctx)
	defer stop(nil)
	go func() {
		select {
		case <-db.lost():
			stop(fmt.Errorf("the built-in database ended: %w",
				errors.Join(errors.New("see its last messages above"), db.cluster.Err())))
		case <-serving.Done():
		}
	}()
	gate, err := s.gate(tailing, r, store, set.issuer)
	if err != nil {
		return err
	}
	defer func() { endFeed(); <-gate.Done() }()
	limits := transport.DefaultLimits
	most, subscribed := server.MostConnections(s.MaxConnections)
	limits.Connections, limits.PerCaller = subscribed, s.CallerConnections
	if limits.Connections < s.MaxConnections {
		r.log.Warn("the limit on open files admits fewer subscribers than --max-connections; raise it, as with ulimit -n",
			"subscribers", limits.Connections)
	}
	address := "http://" + listener.Addr().String()
	if set.encrypted != nil {
		address = "https://" + listener.Addr().String()
	}
	address += set.sites.BasePath
	public := cmp.Or(strings.TrimRight(s.PublicURL, "/"), address)
	h := server.New(server.Options{
		Store:     store,
		Feed:      changes,
		Log:       r.log,
		Gate:      gate,
		Sites:     set.sites,
		Documents: set.documents,
		PublicURL: public,
		Limits:    limits,
		Metrics:   registry,
		Admin:     admin != nil,

		NoIntrospection: !s.Introspection,
		CallerCost:      s.CallerCost,

		AccessLog:      s.AccessLog,
		SlowOperations: s.SlowOperations,
		Tracer:         tracer,
		DrainDelay:     s.DrainDelay,
	})
	if admin != nil {
		defer server.ServeAdmin(admin, h)()
		r.log.Info("operators are served", "metrics", "http://"+admin.Addr().String()+server.MetricsPath)
	}
	r.log.Info("ready", "playground", address+server.PlaygroundPath, "graphql", address+server.GraphQLPath)
	err = server.Serve(serving, listener, set.encrypted, most, h)
	if cause := context.Cause(serving); r.ctx.Err() == nil && cause != nil {
		return cause
	}
	if err == nil {
		r.log.Info("stopped")
	}
	return err
}

// gate opens the server to those who have a token and, if only this machine reaches it, to everybody until there is one.
func (s serve) gate(ctx context.Context, r *run, store *storage.Store, issuer *server.Issuer) (*server.Gate, error) {
	o := server.GateOptions{Store: store, Log: r.log, Local: &r.analyst, Issuer: issuer}
	if s.remote() != nil {
		o.Local = nil
	}
	gate, err := server.OpenGate(ctx, o)
	if err != nil {
		return nil, err
	}
	switch {
	case gate.Locked():
	case o.Local == nil:
		return nil, s.remote()
	default:
		r.log.Warn("everybody on this machine may read and record, as an administrator; parley token create ends that", "analyst", r.analyst.Name)
	}
	return gate, nil
}

// isAtHome says whether only this machine can reach the address.
func (s serve) isAtHome() bool {
	host, _, _ := net.SplitHostPort(s.Addr)
	return isLocal(host)
}

// remote says that other machines can reach the server, so that it needs a token; nil: they can't.
func (s serve) remote() error {
	public, err := url.Parse(s.PublicURL)
	foreign := slices.IndexFunc(s.AllowHost, func(name string) bool { return !isLocal(name) })
	flag := ""
	switch {
	case !s.isAtHome():
		flag = fmt.Sprintf("--addr %q", s.Addr)
	case err == nil && s.PublicURL != "" && !isLocal(public.Hostname()):
		flag = fmt.Sprintf("--public-url %q", s.PublicURL)
	case foreign >= 0:
		flag = fmt.Sprintf("--allow-host %q", s.AllowHost[foreign])
	case len(s.TrustedProxy) > 0:
		flag = fmt.Sprintf("--trusted-proxy %q", s.TrustedProxy[0])
	default:
		return nil
	}
	return fmt.Errorf("by %s, other machines can reach the server, so it needs a token first; make one, as with parley token create --name NAME --role ADMIN", flag)
}

// settings are what flags say that has to be read and checked.
type settings struct {
	sites     server.Sites
	documents server.Documents
	encrypted *tls.Config    // nil: without TLS
	issuer    *server.Issuer // nil: none
}

func (s serve) settings(r *run) (set settings, err error) {
	if err := cmp.Or(s.check(), s.checkAddresses(), s.checkDurations()); err != nil {
		return set, err
	}
	if _, err := collector(); err != nil {
		return set, err
	}
	if set.sites, err = s.sites(); err != nil {
		return set, err
	}
	if set.documents, err = s.trusted(); err != nil {
		return set, err
	}
	if set.issuer, err = s.issuer(); err != nil {
		return set, err
	}
	if s.CallerCost < 0 {
		return set, fmt.Errorf("--caller-cost %d is negative; give 0 for no limit, or more", s.CallerCost)
	}
	if s.CallerConnections < 1 {
		return set, fmt.Errorf("--caller-connections %d is too small; give 1 or more", s.CallerConnections)
	}
	if s.MaxConnections < 1 {
		return set, fmt.Errorf("--max-connections %d is too small; give 1 or more", s.MaxConnections)
	}
	set.encrypted, err = s.encryption(r.log)
	return set, err
}

// encryption reads the certificate, if one is given.
func (s serve) encryption(log *slog.Logger) (*tls.Config, error) {
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return nil, errors.New("TLS needs both --tls-cert and --tls-key")
	case s.TLSCert == "":
		return nil, nil
	}
	c, err := readCertificate(s.TLSCert, s.TLSKey, log)
	if err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}, nil
}

// listenAdmin opens the address for operators; nil: they have none of their own.
func (s serve) listenAdmin(r *run) (net.Listener, error) {
	if s.AdminAddr == "" {
		return nil, nil
	}
	if host, _, err := net.SplitHostPort(s.AdminAddr); err == nil && !isLocal(host) {
		r.log.Warn("everybody who reaches the admin address reads metrics and profiles, and may slow the server down by taking profiles; "+
			"keep it where only operators reach it", "address", s.AdminAddr)
	}
	listener, err := net.Listen("tcp", s.AdminAddr)
	if err != nil {
		return nil, fmt.Errorf("can't listen on %s: %w", s.AdminAddr, err)
	}
	return listener, nil
}

// isLocal reports whether only this machine can reach a host.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// trusted reads the documents that clients may name by their ids.
func (s serve) trusted() (server.Documents, error) {
	if s.Documents == "" {
		if s.OnlyDocuments {
			return server.Documents{}, errors.New("--only-documents needs --documents, the file of those that are answered")
		}
		return server.Documents{}, nil
	}
	text, err := os.ReadFile(s.Documents)
	if err != nil {
		return server.Documents{}, fmt.Errorf("--documents: %w", err)
	}
	byID, err := server.ReadDocuments(text)
	if err != nil {
		return server.Documents{}, fmt.Errorf("--documents %s: %w", s.Documents, err)
	}
	return server.Documents{ByID: byID, Only: s.OnlyDocuments}, nil
}

// sites are the names under which the server is reached, and the pages that may use it.
func (s serve) sites() (sites server.Sites, err error) {
	for _, address := range []string{s.Addr, s.AdminAddr} {
		if host, _, _ := net.SplitHostPort(address); host != "" {
			sites.Hosts = append(sites.Hosts, strings.ToLower(host))
		}
	}
	if s.PublicURL != "" {
		public, err := url.Parse(s.PublicURL)
		if err != nil || public.Host == "" || public.Scheme != "http" && public.Scheme != "https" {
			return sites, fmt.Errorf("--public-url %q is not a URL; give one such as https://parley.example", s.PublicURL)
		}
		sites.Hosts = append(sites.Hosts, strings.ToLower(public.Hostname()))
		sites.Origins = append(sites.Origins, strings.ToLower(public.Scheme+"://"+public.Host))
		sites.BasePath = strings.TrimRight(public.Path, "/")
	}
	if s.BasePath != "" {
		sites.BasePath = strings.TrimRight(s.BasePath, "/")
	}
	switch plain := basePath.MatchString(sites.BasePath) && (sites.BasePath == "" || path.Clean(sites.BasePath) == sites.BasePath); {
	case !plain && s.BasePath != "":
		return sites, fmt.Errorf("--base-path %q is not a path; give one such as /parley", s.BasePath)
	case !plain:
		return sites, fmt.Errorf("--public-url %q has a path that can't be served; give one such as https://parley.example/parley", s.PublicURL)
	}
	for _, name := range s.AllowHost {
		if strings.ContainsAny(name, "/:* ") || name == "" {
			return sites, fmt.Errorf("--allow-host %q is not a name; give one without a port, such as parley.example", name)
		}
		sites.Hosts = append(sites.Hosts, strings.ToLower(name))
	}
	for _, text := range s.AllowOrigin {
		origin, err := server.ReadOrigin(text)
		if err != nil {
			return sites, fmt.Errorf("--allow-origin: %w", err)
		}
		sites.Origins = append(sites.Origins, origin)
	}
	for _, text := range s.TrustedProxy {
		proxy, err := server.ReadProxy(text)
		if err != nil {
			return sites, fmt.Errorf("--trusted-proxy: %w", err)
		}
		sites.Proxies = append(sites.Proxies, proxy)
	}
	return sites, nil
}

var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

// checkAddresses refuses addresses that can't be listened on.
func (s serve) checkAddresses() error {
	host, port, err := hostAndPort("--addr", s.Addr)
	if err != nil {
		return err
	}
	if s.AdminAddr == "" {
		return nil
	}
	adminHost, adminPort, err := hostAndPort("--admin-addr", s.AdminAddr)
	if err == nil && adminHost == host && adminPort == port && port != 0 {
		return fmt.Errorf("--admin-addr %q is --addr too; give another port", s.AdminAddr)
	}
	return err
}

// hostAndPort reads the address that a flag gives.
func hostAndPort(flag, address string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(address)
	if err == nil {
		port, err = net.LookupPort("tcp", service)
	}
	if err != nil {
		return "", 0, fmt.Errorf("%s %q is not an address; give a host and a port from 0 to 65535, such as 127.0.0.1:8080", flag, address)
	}
	return host, port, nil
}

// checkDurations refuses negative ones.
func (s serve) checkDurations() error {
	for flag, d := range map[string]time.Duration{"--drain-delay": s.DrainDelay, "--slow-operations": s.SlowOperations} {
		if d < 0 {
			return fmt.Errorf("%s %s is negative; give a duration of 0s or longer, such as 500ms", flag, d)
		}
	}
	return nil
}
