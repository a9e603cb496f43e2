// Package pgtest gives every test its own PostgreSQL database, migrated and empty, in milliseconds.
//
// A package's tests share one throw-away cluster, which starts when the first of them asks for a database:
//
//	func TestMain(m *testing.M) { pgtest.Main(m, storage.Migrate) }
//
//	func TestScenario(t *testing.T) {
//		t.Parallel()
//		db := sqlx.MustConnect("postgres", pgtest.Database(t))
//		...
//	}
//
// Sessions use a time zone 5:45 hours from UTC, so that code that confuses the two fails. The cluster starts goroutines
// of its own. So a test that looks for leaked goroutines (goleak) has to call Database first and ignore the goroutines
// that run by then.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"example.org/parley/internal/postgres"
)

const (
	// timeZone is east of UTC by an odd amount, and unlikely to be a developer's own.
	timeZone = "Asia/Kathmandu"

	// maxWait is how long a test waits for the cluster or its database before it fails.
	maxWait = 2 * time.Minute
)

// cluster is this test process's cluster. Nil functions mean that Main was not called.
var cluster struct {
	start   func() (*server, error) // once
	started atomic.Pointer[server]  // nil until a test has asked for a database
	clones  atomic.Int64
}

// server is a running cluster whose template is ready, with connections for making clones.
type server struct {
	*postgres.Cluster
	admin  *sql.DB
	filled sync.Map // by content: the function that makes the template once
}

// Main runs a package's tests and exits; call it from TestMain. prepare migrates the template of all test databases. It
// is called once, and only if a test calls Database. The cluster is stopped when the tests are done, and by the kernel
// when they panic, time out, or are killed.
//
// The binaries are those in PARLEY_POSTGRES_BIN, or the first that are found.
func Main(m *testing.M, prepare func(ctx context.Context, dsn string) error) {
	os.Exit(run(m, prepare))
}

func run(m *testing.M, prepare func(ctx context.Context, dsn string) error) (code int) {
	cluster.start = sync.OnceValues(func() (*server, error) { return start(prepare) })
	defer func() {
		s := cluster.started.Load()
		if s == nil {
			return
		}
		if err := errors.Join(s.admin.Close(), s.Stop()); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}()
	return m.Run()
}

func start(prepare func(ctx context.Context, dsn string) error) (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	c, err := postgres.Start(ctx, postgres.Options{Ephemeral: true, BinDir: os.Getenv("PARLEY_POSTGRES_BIN")})
	if err != nil {
		return nil, err
	}
	admin, err := sql.Open("postgres", c.DSN("postgres"))
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	s := &server{Cluster: c, admin: admin}
	if err := s.prepareTemplate(ctx, prepare); err != nil {
		return nil, errors.Join(err, admin.Close(), c.Stop())
	}
	cluster.started.Store(s)
	return s, nil
}

func (s *server) prepareTemplate(ctx context.Context, prepare func(ctx context.Context, dsn string) error) error {
	if err := s.setTimeZone(ctx, postgres.Database); err != nil {
		return err
	}
	if err := prepare(ctx, s.DSN(postgres.Database)); err != nil {
		return fmt.Errorf("prepare the template database: %w", err)
	}
	return s.close(ctx, postgres.Database)
}

// close makes a database a template, which must have no connections while it is cloned: it forbids new ones, then ends
// those that are left.
func (s *server) close(ctx context.Context, name string) error {
	if _, err := s.admin.ExecContext(ctx, "ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS false"); err != nil {
		return err
	}
	_, err := s.admin.ExecContext(ctx,
		`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1`, name)
	return err
}

func (s *server) setTimeZone(ctx context.Context, database string) error {
	_, err := s.admin.ExecContext(ctx,
		"ALTER DATABASE "+pq.QuoteIdentifier(database)+" SET timezone TO "+pq.QuoteLiteral(timeZone))
	return err
}

// Database clones the template for one test and returns the clone's DSN. At the end of the test it drops the clone,
// even if there are still connections to it. It is safe to call from parallel tests.
func Database(t testing.TB) string {
	t.Helper()
	return running(t).clone(t, postgres.Database)
}

// Filled is like Database for a template with content. The first call for a content, which is a word, has fill write
// it to a clone of the template; that clone is the template of all databases with this content.
func Filled(t testing.TB, content string, fill func(ctx context.Context, dsn string) error) string {
	t.Helper()
	s := running(t)
	made, _ := s.filled.LoadOrStore(content, sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), maxWait)
		defer cancel()
		return s.fill(ctx, "with_"+content, fill)
	}))
	if err := made.(func() error)(); err != nil {
		t.Fatalf("pgtest: prepare the template database with %s: %v", content, err)
	}
	return s.clone(t, "with_"+content)
}

// Empty creates a database without tables and returns its DSN. options are those of CREATE DATABASE, such as "ENCODING 'LATIN1'".
func Empty(t testing.TB, options string) string {
	t.Helper()
	s := running(t)
	name := fmt.Sprintf("test_%d", cluster.clones.Add(1))
	if _, err := s.admin.ExecContext(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 "+options); err != nil {
		t.Fatal("pgtest: create an empty database:", err)
	}
	t.Cleanup(func() { s.drop(t, name) })
	if err := s.setTimeZone(t.Context(), name); err != nil {
		t.Fatal("pgtest: set the time zone:", err)
	}
	return s.DSN(name)
}

// Role creates a role that may log in, of that name and a number, and returns its name. It is for all databases of the process.
func Role(t testing.TB, name string) string {
	t.Helper()
	s := running(t)
	name = fmt.Sprintf("%s_%d", name, cluster.clones.Add(1))
	if _, err := s.admin.ExecContext(t.Context(), "CREATE ROLE "+name+" LOGIN"); err != nil {
		t.Fatal("pgtest: create a role:", err)
	}
	return name
}

// fill makes a template with content.
func (s *server) fill(ctx context.Context, name string, fill func(ctx context.Context, dsn string) error) error {
	if err := s.create(ctx, name, postgres.Database); err != nil {
		return err
	}
	if err := fill(ctx, s.DSN(name)); err != nil {
		return err
	}
	return s.close(ctx, name)
}

// running returns the cluster, which the first call starts.
func running(t testing.TB) *server {
	t.Helper()
	if cluster.start == nil {
		t.Fatal("pgtest.Database: call pgtest.Main from TestMain")
	}
	s, err := cluster.start()
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	return s
}

// create makes a database from a template.
func (s *server) create(ctx context.Context, name, template string) error {
	// Copying files is faster than logging every page, which is the default.
	clone := "CREATE DATABASE " + name + " TEMPLATE " + template + " STRATEGY FILE_COPY"
	if _, err := s.admin.ExecContext(ctx, clone); err != nil {
		return fmt.Errorf("clone the template: %w", errors.Join(err, s.Err()))
	}
	if err := s.setTimeZone(ctx, name); err != nil {
		return fmt.Errorf("set the time zone: %w", err)
	}
	return nil
}

func (s *server) clone(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", cluster.clones.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	if err := s.create(ctx, name, template); err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() { s.drop(t, name) })
	return s.DSN(name)
}

func (s *server) drop(t testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	if _, err := s.admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		t.Error("pgtest: drop the test's database:", errors.Join(err, s.Err()))
	}
}
