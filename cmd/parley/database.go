package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

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
	NoPreparedStatements bool   `help:"Let the database plan each statement anew. A pooler that does not keep sessions is noticed without it."`
	Analyst              string `default:"Local analyst" help:"Name of the analyst who is recorded as the author of changes."`
}

// opened is a database in use.
type opened struct {
	dsn        string
	wait       time.Duration     // how long it is waited for where it can't be reached yet
	unprepared bool              // statements
	cluster    *postgres.Cluster // nil for an existing server
}

// start makes the database ready for connections.
func (d database) start(r *run) (*opened, error) {
	if d.DatabaseURL != "" {
		return &opened{dsn: d.DatabaseURL, unprepared: d.NoPreparedStatements}, d.checkURL()
	}
	cluster, err := postgres.Start(r.ctx, postgres.Options{Dir: d.DataDir, BinDir: d.PostgresBin, Log: r.log})
	if err != nil {
		return nil, err
	}
	return &opened{dsn: cluster.DSN(postgres.Database), cluster: cluster, unprepared: d.NoPreparedStatements}, nil
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
	store, err := storage.Open(r.ctx, storage.Options{DSN: o.dsn, Wait: o.wait, NoPreparedStatements: o.unprepared, Log: r.log})
	if err != nil {
		return nil, err
	}
	r.analyst, err = store.Introduce(r.ctx, name)
	if err != nil {
		store.Close()
		return nil, err
	}
	r.ctx = parley.WithCaller(r.ctx, r.analyst)
	return store, nil
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

type migrate struct {
	database
}

// Run brings the tables up to date.
func (m migrate) Run(r *run) error {
	db, err := m.start(r)
	if err != nil {
		return err
	}
	defer db.stop(r)
	if err := storage.Migrate(r.ctx, db.dsn, r.log); err != nil {
		return err
	}
	fmt.Println("The database's tables are up to date.")
	return nil
}
