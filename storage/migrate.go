package storage

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables of the database up to date, and does nothing else.
func Migrate(ctx context.Context, o Options) error {
	o = o.withLog()
	o.NoMigration = false
	db, _, _, err := reach(ctx, o)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = migrate(ctx, db.DB, o)
	return err
}

// newProvider makes what runs migrations, one server at a time: others that start meanwhile wait for the advisory lock.
func newProvider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120)) // a try a second, for two minutes
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true))
}

// migrate runs what is missing, and returns the newest version that is known.
func migrate(ctx context.Context, db *sql.DB, o Options) (int64, error) {
	target, err := newestVersion()
	if err != nil || o.NoMigration {
		return target, err
	}
	provider, err := newProvider(db)
	if err != nil {
		return 0, err
	}
	current, _, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the database's version: %w", err)
	}
	if current >= target {
		return target, nil
	}
	done, err := provider.Up(ctx)
	for tries := 1; pq.As(err, pqerror.LockNotAvailable) != nil && tries < 30; tries++ {
		o.Log.WarnContext(ctx, "the tables are in use, such as by a dump; they are brought up to date as soon as they can be locked")
		done, err = provider.Up(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("bring the database from version %d to %d: %w", current, target, err)
	}
	if len(done) > 0 {
		o.Log.Info("the database is up to date", "version", target)
	}
	return target, nil
}

// newestVersion is the version of the tables that this Parley brings about.
func newestVersion() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(files[len(files)-1])
}
