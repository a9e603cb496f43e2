// Package postgres finds PostgreSQL's binaries on this machine and runs a private cluster of them as a
// child process: the same engine as in production, on a Unix socket only its owner can reach, with no
// port, no password and nothing to administer.
//
// The cluster lives and dies with the process that started it. When that process is killed the kernel
// (on other systems than Linux a small watching shell) tells the server to shut down, and the next
// Start waits until the last of its processes is gone.
//
// Sub-package pgtest gives tests their databases.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Database is the name of the database that Start makes sure exists.
const Database = "parley"

// minMajor is the oldest major version of PostgreSQL that Parley runs on.
const minMajor = 15

// Options says where a cluster lives and how it is run.
type Options struct {
	// Dir is the parent of the data directory, which is Dir/cluster. It is created when missing.
	// An ephemeral cluster may leave it empty and gets a temporary directory.
	Dir string

	// BinDir is the folder that holds postgres and initdb; when empty the usual places are searched.
	BinDir string

	// Ephemeral makes a throw-away cluster for tests: nothing is synced to disk, many connections are
	// allowed, and Stop removes it. Start refuses a Dir that already holds a cluster.
	Ephemeral bool

	// Log receives progress, and the server's own log: its warnings and fatal errors as warnings,
	// the rest at debug level. Nil discards it all.
	Log *slog.Logger

	// What follows is for this package's tests; zero values mean the defaults.
	lockWait time.Duration // how long Start waits for another instance to let go of the directory
	stopWait time.Duration // how long Stop waits before it becomes less polite
	locales  [][]string    // initdb's locale arguments, tried in this order
	watched  bool          // use the watching shell instead of the kernel's parent-death signal
}

// Cluster is a running PostgreSQL server that belongs to this process. Its methods may be called from
// several goroutines.
type Cluster struct {
	options   Options
	log       *slog.Logger
	dir       string // Options.Dir, absolute
	data      string // the data directory, dir/cluster
	made      bool   // the data directory was made by this Start
	binaries  binaries
	account   account
	socketDir string

	lock   *os.File // held, and inherited by every server process, as long as the cluster is in use
	server *exec.Cmd
	output *serverLog

	stopping atomic.Bool
	stop     sync.Once
	stopErr  error
	done     chan struct{}
	reason   string // why the server ended, and err for Err: set before done is closed
	err      error
}

// Start runs the cluster in o.Dir, making it first if there is none, and returns when its database
// named parley accepts connections. The context limits the start only; the cluster runs until Stop.
//
// A directory in use by another process is waited for, for ten seconds. Data that these binaries
// cannot read, or that Start does not recognise, is left as it is. Every error is a sentence for the
// operator, except the context's, which is returned as it is.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	begun := time.Now()
	c := &Cluster{options: o.withDefaults(), done: make(chan struct{})}
	c.log = c.options.Log
	if err := c.start(ctx); err != nil {
		c.abandon()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	c.log.Info("database is ready in "+time.Since(begun).Round(time.Millisecond).String(),
		"postgresql", c.binaries.major, "dir", c.data)
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.lockWait == 0 {
		o.lockWait = 10 * time.Second
	}
	if o.stopWait == 0 {
		o.stopWait = 30 * time.Second
	}
	if o.locales == nil {
		o.locales = defaultLocales
	}
	if !kernelTellsOfDeath {
		o.watched = true
	}
	return o
}

// start takes the steps in the order in which each makes the next one safe: with the lock held nobody
// else changes the directory, and only then its owner, version and left-overs mean anything.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.makeDir(); err != nil {
		return err
	}
	var err error
	if c.lock, err = acquireLock(ctx, c.dir, c.options.lockWait, c.log); err != nil {
		return err
	}
	madeBy, err := dataDirMajor(c.data)
	if err != nil {
		return ownAccount().explain(err)
	}
	if c.account, err = serverAccount(c.data, madeBy != 0); err != nil {
		return err
	}
	if madeBy != 0 && c.options.Ephemeral {
		return fmt.Errorf("%s already holds a database cluster: a throw-away one needs a directory of its own", c.dir)
	}
	if c.binaries, err = findBinaries(ctx, c.options.BinDir, madeBy, c.data, c.account); err != nil {
		return err
	}
	if err := c.account.own(c.lock.Name()); err != nil {
		return err
	}
	if c.socketDir, err = makeSocketDir(c.dir, c.account); err != nil {
		return err
	}
	if err := checkEnvironment(c.DSN(Database), c.socketDir); err != nil {
		return err
	}
	if madeBy == 0 {
		c.log.Info("creating the database cluster…", "postgresql", c.binaries.major, "dir", c.data)
		if err := c.initialise(ctx); err != nil {
			return err
		}
	}
	if err := c.clearLeftovers(); err != nil {
		return err
	}
	if err := c.launch(); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return err
	}
	return c.ensureDatabase(ctx)
}

func (c *Cluster) makeDir() (err error) {
	if c.options.Dir == "" {
		if !c.options.Ephemeral {
			return errors.New("the built-in database needs a data directory")
		}
		sweepTemporaryDirs(os.TempDir(), c.log)
		c.dir, err = makeTemporaryDir()
	} else if c.dir, err = filepath.Abs(c.options.Dir); err == nil {
		err = os.MkdirAll(c.dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("cannot make the data directory: %w", err)
	}
	// One directory reached by two names must be one lock and one socket.
	if c.dir, err = filepath.EvalSymlinks(c.dir); err != nil {
		return fmt.Errorf("cannot make the data directory: %w", err)
	}
	c.data = filepath.Join(c.dir, "cluster")
	return nil
}

// abandon undoes a start that failed half way.
func (c *Cluster) abandon() {
	if c.server != nil {
		_ = c.Stop()
		return
	}
	if c.socketDir != "" {
		removeSocketDir(c.socketDir)
	}
	if c.options.Ephemeral && c.made {
		_ = os.RemoveAll(c.data)
	}
	if c.lock != nil {
		_ = c.lock.Close()
	}
	if c.options.Ephemeral && c.options.Dir == "" && c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

// DSN is how lib/pq reaches a database of the cluster. Parameters travel in binary, without a
// prepared statement's extra round trip.
func (c *Cluster) DSN(database string) string {
	return "host=" + quoteDSN(c.socketDir) + " port=" + socketPort + " user=" + superuser +
		" dbname=" + quoteDSN(database) + " sslmode=disable binary_parameters=yes"
}

func quoteDSN(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// Done is closed when the server process has ended, whether Stop asked for it or not.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err says why the server ended: nil after Stop or while it still runs, an error when it ended by itself.
func (c *Cluster) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}
