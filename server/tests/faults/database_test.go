package faults_test

import (
	"cmp"
	"context"
	"database/sql"
	"os"
	"os/exec"
	"strings"

	"example.org/parley/internal/postgres"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server/apitest"
)

// own is a database server of the row's own, that writes to the disk.
func own(r *row) { r.startIn(r.TempDir()) }

// startIn starts a database server in a folder.
func (r *row) startIn(folder string) {
	r.folder = folder
	r.start()
	r.Cleanup(func() { r.cluster.Stop() })
	r.dsn = r.cluster.DSN(postgres.Database)
}

// start starts the database server, or starts it again.
func (r *row) start() {
	r.Helper()
	c, err := postgres.Start(r.Context(), postgres.Options{Dir: r.folder, BinDir: os.Getenv("PARLEY_POSTGRES_BIN")})
	if err != nil {
		r.Fatal(err)
	}
	r.cluster = c
}

// pair is a database server and a standby that lags behind.
func pair(r *row) {
	r.pair = pgtest.StartPair(r)
	r.dsn = r.pair.Primary.DSN
}

// synchronousPair is a pair whose commits wait for the standby.
func synchronousPair(r *row) {
	pair(r)
	r.pair.Synchronize()
}

// pooled is a database server with PgBouncer before it.
func pooled(r *row) {
	own(r)
	r.pooler = apitest.StartPooler(r, r.dsn, 20)
}

// onSmallDisk is a database server on a disk that can be filled.
func onSmallDisk(r *row) {
	folder := r.TempDir()
	mount := exec.CommandContext(r.Context(), "mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", folder)
	if said, err := mount.CombinedOutput(); err != nil {
		r.untried = "not tried, since no small disk can be mounted here: " + cmp.Or(strings.TrimSpace(string(said)), err.Error())
		return
	}
	r.Cleanup(func() {
		if said, err := exec.CommandContext(context.Background(), "umount", "--lazy", folder).CombinedOutput(); err != nil {
			r.Errorf("umount: %v %s", err, said)
		}
	})
	r.startIn(folder)
}

// admin is a connection past the networks, to the database that an administrator uses.
func (r *row) admin() *sql.DB {
	r.Helper()
	db, err := sql.Open("postgres", strings.Replace(r.dsn, "dbname='"+postgres.Database+"'", "dbname='postgres'", 1))
	if err != nil {
		r.Fatal(err)
	}
	return db
}

// sql runs an administrator's statements.
func (r *row) sql(statements ...string) {
	r.Helper()
	db := r.admin()
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(r.Context(), statement); err != nil {
			r.Fatal(statement, ": ", err)
		}
	}
}

// endSessions ends all that use Parley's database.
const endSessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + postgres.Database + `'`
