package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"example.org/parley/storage/rows"
)

// eachPort moves the hosts of a URL into parameters, where there are several: the driver reads "a:5432,b:5433" as one host
// with a port, and another one.
func eachPort(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || !strings.Contains(u.Host, ",") {
		return dsn
	}
	var hosts, ports []string
	for host := range strings.SplitSeq(u.Host, ",") {
		name, port, err := net.SplitHostPort(host)
		if err != nil { // without a port
			name, port = strings.Trim(host, "[]"), "5432"
		}
		hosts, ports = append(hosts, name), append(ports, port)
	}
	parameters := u.Query()
	parameters.Set("host", strings.Join(hosts, ","))
	parameters.Set("port", strings.Join(ports, ","))
	u.Host, u.RawQuery = "", parameters.Encode()
	return u.String()
}

// configure reads how the database is reached.
func configure(dsn string) (pq.Config, error) {
	config, err := pq.NewConfig(eachPort(dsn))
	if err != nil {
		// err may show the password
		return pq.Config{},
			errors.New("the database URL can't be read; write it as postgres://user:password@host:5432/parley")
	}
	// A statement with arguments then takes one round trip instead of two.
	config.BinaryParameters = true
	return config, nil
}

// connectWithin opens connections. A database that can't be reached yet, since it is starting too, is tried again.
func connectWithin(ctx context.Context, config pq.Config, o Options) (*sqlx.DB, error) {
	for begun := time.Now(); ; {
		db, err := connect(ctx, config)
		if err == nil || rows.Outage(err) == "" || time.Since(begun) >= o.Wait {
			return db, err
		}
		o.Log.WarnContext(ctx, "waiting for the database", "error", err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(min(time.Second, o.Wait/10)):
		}
	}
}

// idleWriters is how many connections for writes are kept while they are idle.
const idleWriters = 16

// connect opens connections.
func connect(ctx context.Context, config pq.Config) (*sqlx.DB, error) {
	if _, err := pq.NewConnectorConfig(config); err != nil {
		return nil, fmt.Errorf("the database URL can't be used: %w", err)
	}
	db := sqlx.NewDb(sql.OpenDB(writeConnector{config}), "postgres")
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(idleWriters)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("the database can't be reached: %w", err)
	}
	return db, nil
}

// reach connects to a database that can be used, and has every session find the tables, in the schema that it returns.
func reach(ctx context.Context, o Options) (db *sqlx.DB, config pq.Config, schema string, err error) {
	config, err = configure(o.DSN)
	if err != nil {
		return nil, config, "", err
	}
	db, err = connectWithin(ctx, config, o)
	if err != nil {
		return nil, config, "", err
	}
	found, err := check(ctx, db, o)
	switch {
	case err != nil:
		db.Close()
		return nil, config, "", err
	case len(found.Problems) > 0:
		db.Close()
		return nil, config, "", errors.New(strings.Join(found.Problems, "\n"))
	}
	for _, sentence := range found.Warnings {
		o.Log.WarnContext(ctx, sentence)
	}
	if !found.Found {
		_, err := db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+quote(found.Schema))
		if err != nil && violation(err) == nil { // another server creates it at the same time
			db.Close()
			return nil, config, "", fmt.Errorf("create the schema %q: %w", found.Schema, err)
		}
	}
	path := found.searchPath()
	if path == "" {
		return db, config, found.Schema, nil
	}
	db.Close()
	config.Runtime = maps.Clone(config.Runtime)
	if config.Runtime == nil {
		config.Runtime = make(map[string]string)
	}
	config.Runtime["search_path"] = path
	if db, err = connect(ctx, config); err != nil {
		return nil, config, "", fmt.Errorf("a connection can't have the search_path %s (%w); behind a pooler, let the role have it: "+
			"ALTER ROLE %s SET search_path = %s", path, err, quote(found.Role), path)
	}
	return db, config, found.Schema, nil
}
