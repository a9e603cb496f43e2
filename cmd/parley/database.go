package main

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"example.org/parley"
	"example.org/parley/internal/postgres"
	"example.org/parley/storage"
)

// database configures where records are stored: on an existing PostgreSQL server, or in a private one that the program
// starts.
type database struct {
	DatabaseURL          string `env:"PARLEY_DATABASE_URL,DATABASE_URL" placeholder:"URL" help:"${database_url_help}"`
	DataDir              string `default:"./.data" type:"path" help:"Folder of the built-in database."`
	PostgresBin          string `type:"path" help:"${postgres_bin_help}"`
	Schema               string `placeholder:"NAME" help:"Schema of the tables in the database of --database-url; the first one of search_path if left out."`
	Migrate              string `enum:"auto,never" default:"auto" placeholder:"WHEN" help:"Bring the database's tables up to date: auto or never (${default})."`
	NoPreparedStatements bool   `help:"Let the database plan each statement anew. A pooler that does not keep sessions is noticed without it."`
	Analyst              string `default:"Local analyst" help:"Name of the analyst who is recorded as the author of changes."`
}

// opened is a database in use.
type opened struct {
	storage.Options
	cluster *postgres.Cluster // nil for an existing server
}

// What start takes for a database.
type accepted struct {
	join     bool // a built-in one that another process runs will do
	existing bool // it must have tables already
}

var (
	alone    = accepted{}
	shared   = accepted{join: true}
	existing = accepted{join: true, existing: true}
)

// start makes the database ready for connections.
func (d database) start(r *run, a accepted) (*opened, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	o := d.options(r)
	o.Existing = a.existing
	if d.DatabaseURL != "" {
		return &opened{Options: o}, nil
	}
	builtIn := d.cluster(r)
	builtIn.Join, builtIn.Existing = a.join, a.existing || o.NoMigration
	cluster, err := postgres.Start(r.ctx, builtIn)
	if err != nil {
		return nil, err
	}
	o.DSN, o.Schema = cluster.DSN(postgres.Database), "public"
	return &opened{o, cluster}, nil
}

func (d database) options(r *run) storage.Options {
	return storage.Options{DSN: d.DatabaseURL, Schema: d.Schema, NoMigration: d.Migrate == "never", NoPreparedStatements: d.NoPreparedStatements, Log: r.log}
}

func (d database) cluster(r *run) postgres.Options {
	return postgres.Options{Dir: d.DataDir, BinDir: d.PostgresBin, Log: r.log}
}

// check refuses what the flags must not say.
func (d database) check() error {
	if strings.TrimSpace(d.Analyst) == "" {
		return errors.New("--analyst is empty; give the name of who is recorded as the author of changes")
	}
	return d.checkURL()
}

// checkURL refuses a malformed database URL. The message does not quote the URL or the parser's error, since they may
// contain the password. A DSN of the form "host=… dbname=…" is left to the driver.
func (d database) checkURL() error {
	if !strings.Contains(d.DatabaseURL, "://") {
		return nil
	}
	u, err := url.Parse(d.DatabaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New(
			"the database URL can't be read; write it as postgres://user:password@host:5432/parley, with special " +
				"characters of the password escaped (%40 for @, %2F for /)")
	}
	return nil
}

// open opens the store on the database. From then on the command acts in the name of the analyst.
func (o *opened) open(r *run, name string) (*storage.Store, error) {
	store, err := storage.Open(r.ctx, o.Options)
	if err != nil {
		return nil, err
	}
	r.analyst, err = store.Introduce(r.ctx, name)
	if err != nil {
		store.Close()
		return nil, err
	}
	r.ctx = parley.WithCaller(r.ctx, r.analyst)
	if err := o.settle(r, store); err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

// settle gives the feed a new name where a backup was restored, before anybody reads it: cursors from before would name other changes.
func (o *opened) settle(r *run, store *storage.Store) error {
	if o.cluster == nil || !o.cluster.Restored() {
		return nil
	}
	if err := store.RenameFeed(r.ctx); err != nil {
		return err
	}
	r.log.Info("the database comes from a backup, so the feed has a new name; clients with older cursors read anew")
	return o.cluster.Settle()
}

// openToRead opens the store for a command that records nothing, so that a standby or a role that may only read will do.
func (o *opened) openToRead(r *run) (*storage.Store, error) {
	o.ReadOnly = true
	return storage.Open(r.ctx, o.Options)
}

// lost returns a channel that is closed when the built-in database has ended by itself. For an existing server it is
// nil, which blocks for ever.
func (o *opened) lost() <-chan struct{} {
	if o.cluster == nil {
		return nil
	}
	return o.cluster.Done()
}

func (o *opened) stop(r *run) {
	if o.cluster == nil {
		return
	}
	if err := o.cluster.Stop(); err != nil {
		r.log.Error("the built-in database did not stop cleanly; it recovers at the next start", "error", err)
	}
}

// with runs a task on the store of a database, and closes both.
func (d database) with(r *run, a accepted, do func(context.Context, *storage.Store) error) error {
	db, err := d.start(r, a)
	if err != nil {
		return err
	}
	defer db.stop(r)
	store, err := db.open(r, d.Analyst)
	if err != nil {
		return err
	}
	return errors.Join(do(r.ctx, store), store.Close())
}
