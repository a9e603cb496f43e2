package storage

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables of the database up to date, and does nothing else.
func Migrate(ctx context.Context, dsn string, log *slog.Logger) error {
	config, err := configure(dsn)
	if err != nil {
		return err
	}
	db, err := connect(ctx, config)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = migrate(ctx, db.DB, log)
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

// migrate runs what is missing, and returns the version of the tables.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) (int64, error) {
	provider, err := newProvider(db)
	if err != nil {
		return 0, err
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the database's version: %w", err)
	}
	if current > target {
		return 0, fmt.Errorf("the database is at version %d, and this Parley knows versions up to %d: a newer Parley "+
			"has written it; start that one, or another database", current, target)
	}
	if current == target {
		return target, nil
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return 0, fmt.Errorf("bring the database from version %d to %d: %w", current, target, err)
	}
	if len(done) > 0 {
		log.Info("the database is up to date", "version", target)
	}
	return target, nil
}
