package pgtest

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.org/parley/internal/postgres"
)

// Pair is a database server and another one that follows it by streaming replication and can take over.
type Pair struct {
	Primary, Standby Server

	t       testing.TB
	cluster *postgres.Cluster // the primary
	folder  string            // of its cluster
}

// Server is one of a pair.
type Server struct {
	Socket string // its path
	DSN    string // of the database parley
}

// StartPair starts both.
func StartPair(t testing.TB) *Pair {
	t.Helper()
	dir, err := os.MkdirTemp("", "parley-pair-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // so that the servers' account can reach it
		t.Fatal(err)
	}
	bin := os.Getenv("PARLEY_POSTGRES_BIN")
	p := &Pair{t: t, folder: filepath.Join(dir, "primary")}
	c, err := postgres.Start(t.Context(), postgres.Options{Dir: p.folder, BinDir: bin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	p.cluster = c
	p.Primary.DSN = c.DSN(postgres.Database)
	p.on(p.Primary, `ALTER SYSTEM SET timezone TO '`+timeZone+`'`)
	var folder string
	p.read(p.Primary, &folder, `SELECT split_part(current_setting('unix_socket_directories'), ',', 1)`)
	p.Primary.Socket = filepath.Join(folder, ".s.PGSQL.5432")

	var copied bytes.Buffer
	if err := c.Backup(t.Context(), &copied, func(_, _ int64) {}); err != nil {
		t.Fatal(err)
	}
	follower := filepath.Join(dir, "standby")
	unpack(t, &copied, p.folder, follower)
	p.follow(follower, folder)
	return p
}

// unpack makes a cluster of a backup, which belongs to the owner of another one, without starting it.
func unpack(t testing.TB, backup io.Reader, primary, dir string) {
	t.Helper()
	data := filepath.Join(dir, "cluster")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Mkdir(data, 0o700)); err != nil {
		t.Fatal(err)
	}
	tar := exec.Command("tar", "-xz", "-C", data)
	tar.Stdin = backup
	info, err := os.Stat(filepath.Join(primary, "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	owner := strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid))
	for _, cmd := range []*exec.Cmd{tar, exec.Command("chown", "-R", owner, data)} {
		if says, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", cmd, err, says)
		}
	}
}

// follow starts the standby on a copy of the primary's data.
func (p *Pair) follow(dir, primary string) {
	p.t.Helper()
	data, sockets := filepath.Join(dir, "cluster"), filepath.Join(dir, "s")
	info, err := os.Stat(data)
	if err != nil {
		p.t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	settings := "hot_standby = on\nprimary_conninfo = 'host=" + primary + " port=5432 user=postgres'\n"
	for _, err := range []error{
		os.Mkdir(sockets, 0o700),
		os.WriteFile(filepath.Join(data, "standby.signal"), nil, 0o600),
		os.WriteFile(filepath.Join(data, "postgresql.auto.conf"), []byte(settings), 0o600),
		os.Chown(sockets, int(owner.Uid), int(owner.Gid)),
		os.Chown(filepath.Join(data, "standby.signal"), int(owner.Uid), int(owner.Gid)),
	} {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	var bin string
	p.read(p.Primary, &bin, `SELECT setting FROM pg_config WHERE name = 'BINDIR'`)
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", sockets, "-h", "", "-p", "5432", "-c", "timezone="+timeZone)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGQUIT)
		cmd.Wait()
		if p.t.Failed() {
			p.t.Log("the standby: " + said.String())
		}
	})
	p.Standby = Server{filepath.Join(sockets, ".s.PGSQL.5432"), strings.Replace(p.Primary.DSN, "'"+primary+"'", "'"+sockets+"'", 1)}
	p.until("the standby to follow", func() bool { return p.following("streaming", "") })
}

// CaughtUp says whether the standby has all that is committed.
func (p *Pair) CaughtUp() (is bool) {
	p.t.Helper()
	p.read(p.Primary, &is, `SELECT coalesce(bool_and(replay_lsn >= pg_current_wal_flush_lsn()), false) FROM pg_stat_replication`)
	return is
}

// Disconnect keeps from the standby what the primary writes from then on.
func (p *Pair) Disconnect() {
	p.t.Helper()
	p.on(p.Standby, `ALTER SYSTEM SET primary_conninfo = ''`)
	p.on(p.Standby, `SELECT pg_reload_conf()`)
	p.until("the standby to stop following", func() bool { return !p.following("", "") })
}

// Synchronize lets commits wait for the standby.
func (p *Pair) Synchronize() {
	p.t.Helper()
	p.on(p.Primary, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
	p.on(p.Primary, `SELECT pg_reload_conf()`)
	p.until("the standby to be synchronous", func() bool { return p.following("streaming", "sync") })
}

// Failover has the primary end at once, as in a crash, and the standby take its place.
func (p *Pair) Failover() {
	p.t.Helper()
	if err := Crash(p.cluster, p.folder, syscall.SIGQUIT); err != nil {
		p.t.Fatal(err)
	}
	p.on(p.Standby, `SELECT pg_promote()`)
	p.until("the standby to take over", func() (promoted bool) {
		p.read(p.Standby, &promoted, `SELECT NOT pg_is_in_recovery()`)
		return promoted
	})
}

// Crash has a cluster in a folder end at once by a signal, SIGQUIT or SIGKILL; its next start recovers it.
func Crash(c *postgres.Cluster, folder string, by syscall.Signal) error {
	text, err := os.ReadFile(filepath.Join(folder, "cluster", "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, by); err != nil {
		return err
	}
	<-c.Done()
	return nil
}

// following says whether the standby receives what the primary writes, in that state and that way; empty: in any.
func (p *Pair) following(state, sync string) (is bool) {
	p.read(p.Primary, &is, `SELECT EXISTS (SELECT FROM pg_stat_replication
		WHERE (state = '`+state+`' OR '`+state+`' = '') AND (sync_state = '`+sync+`' OR '`+sync+`' = ''))`)
	return is
}

// on runs a statement.
func (p *Pair) on(s Server, statement string) {
	p.t.Helper()
	db := p.open(s)
	defer db.Close()
	if _, err := db.ExecContext(p.t.Context(), statement); err != nil {
		p.t.Fatal(statement, ": ", err)
	}
}

func (p *Pair) read(s Server, into any, statement string) {
	p.t.Helper()
	db := p.open(s)
	defer db.Close()
	err := db.QueryRowContext(p.t.Context(), statement).Scan(into)
	if err != nil && !errors.Is(err, sql.ErrNoRows) && s != p.Standby {
		p.t.Fatal(statement, ": ", err)
	}
}

func (p *Pair) open(s Server) *sql.DB {
	p.t.Helper()
	db, err := sql.Open("postgres", s.DSN)
	if err != nil {
		p.t.Fatal(err)
	}
	return db
}

// until waits until something is so.
func (p *Pair) until(what string, is func() bool) {
	p.t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for timeout := time.After(maxWait); !is(); {
		select {
		case <-poll.C:
		case <-timeout:
			p.t.Fatal("pgtest: waited in vain for", what)
		}
	}
}
