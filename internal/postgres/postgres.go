// Package postgres finds PostgreSQL's binaries on this machine and runs a private cluster as a child process. It is the
// same engine as in production, on a Unix socket that only its owner can reach, without a port, a password, or
// administration.
//
// The cluster ends with the process that started it. When that process is killed, the kernel (on systems other than
// Linux a small watching shell) tells the server to shut down, and the next Start waits until the server's last process
// has ended.
//
// Sub-package pgtest gives tests their databases.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Database is the name of the database that Start creates if it is missing.
const Database = "parley"

// minMajor is the oldest major version of PostgreSQL that Parley supports.
const minMajor = 15

// Options configure a cluster.
type Options struct {
	// Dir is the parent of the data directory, which is Dir/cluster. It is created if it is missing. For an ephemeral
	// cluster it may be empty, which means a temporary directory.
	Dir string

	// BinDir is the folder of postgres and initdb. If it is empty, the usual folders are searched.
	BinDir string

	// Ephemeral makes a throw-away cluster for tests: nothing is synced to disk, many connections are allowed, and Stop
	// removes the cluster. Start refuses a Dir that already holds a cluster.
	Ephemeral bool

	// Join: if another process runs the cluster, it is used; only that process stops it.
	Join bool

	// Existing: there must be a cluster. Start makes nothing.
	Existing bool

	// Log receives progress, and the server's own log: its warnings and fatal errors as warnings, the rest at debug
	// level. Nil discards all of it.
	Log *slog.Logger

	// The following are for this package's tests. Zero values mean the defaults.
	lockWait time.Duration // how long Start waits for another instance to leave the directory
	stopWait time.Duration // how long Stop waits before it sends the next stronger signal
	locales  [][]string    // initdb's locale arguments, tried in this order
	watched  bool          // use the watching shell instead of the kernel's parent-death signal

	sameVersion bool // Upgrade copies into a cluster of the same version, too

	held *os.File // Upgrade and Restore have locked the directory already

	readOnly bool // Upgrade: nobody who joins the cluster may change what is copied
}

// Cluster is a running PostgreSQL server that belongs to this process. Its methods are safe for concurrent use.
type Cluster struct {
	options   Options
	log       *slog.Logger
	dir       string // Options.Dir, absolute
	data      string // the data directory, dir/cluster
	made      bool   // whether this Start made the data directory
	binaries  binaries
	account   account
	socketDir string

	joined bool     // another process runs the server
	lock   *os.File // held, and inherited by every server process, while the cluster is in use
	server *exec.Cmd
	output *serverLog

	stopping atomic.Bool
	stop     sync.Once
	stopErr  error
	done     chan struct{}
	reason   string // why the server ended, and err for Err: set before done is closed
	err      error
}

// Start starts the cluster in o.Dir and returns when its database named parley accepts connections. It creates the
// cluster if there is none. The context limits the start only; the cluster runs until Stop.
//
// If another process uses the directory, Start waits ten seconds for it. Data that these binaries can't read, or that
// Start does not recognise, are left untouched. Errors are sentences for the operator, except the context's error,
// which is returned unchanged.
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
	if c.joined {
		return c, nil
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
	if !parentDeathSignal {
		o.watched = true
	}
	return o
}

func (c *Cluster) start(ctx context.Context) error {
	if err := c.enter(ctx); err != nil || c.joined {
		return err
	}
	return c.run(ctx)
}

// enter makes this process the only user of the directory, and ends what was interrupted: an upgrade, or a restore.
func (c *Cluster) enter(ctx context.Context) error {
	if err := c.makeDir(); err != nil {
		return err
	}
	if c.lock = c.options.held; c.lock != nil {
		return nil
	}
	var err error
	c.lock, err = acquireLock(ctx, c.dir, c.options.lockWait, c.log, func() bool { return c.options.Join && c.join(ctx) })
	if c.joined || err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(c.dir, restoreFolder)); err != nil {
		return fmt.Errorf("cannot remove what a restore has left: %w", ownAccount().explain(err))
	}
	return c.finishUpgrade()
}

// run starts the server. Each of its steps makes the next one safe: since the lock is held, nobody else changes the
// directory, and its owner, version, and left-over files can be trusted.
func (c *Cluster) run(ctx context.Context) error {
	madeBy, err := dataDirMajor(c.data)
	if err != nil {
		return ownAccount().explain(err)
	}
	if madeBy == 0 {
		if err := mayCreate(c.data, c.options.Existing); err != nil {
			return err
		}
	}
	if c.account, err = serverAccount(c.data, madeBy != 0); err != nil {
		return err
	}
	if madeBy != 0 && c.options.Ephemeral {
		return fmt.Errorf("%s already holds a database cluster; a throw-away cluster needs an empty directory", c.dir)
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

// mayCreate refuses to make a data directory where none is expected to be missing.
func mayCreate(dataDir string, existing bool) error {
	switch replaced := replacedBy(dataDir); {
	case len(replaced) > 0:
		return fmt.Errorf("there is no database in %s, but an upgrade has left the one before in %s; move that to %[1]s to go on with it, or move it "+
			"away to begin anew", dataDir, replaced[0])
	case existing:
		return errNone(filepath.Dir(dataDir))
	}
	return nil
}

// replacedBy are data directories that upgrades have replaced.
func replacedBy(dataDir string) []string {
	found, _ := filepath.Glob(dataDir + ".postgresql-*")
	return found
}

// Replaced returns the folders with the files from before upgrades.
func (c *Cluster) Replaced() []string { return replacedBy(c.data) }

// ErrNone is the error where a database has to be there and is not.
var ErrNone = errors.New("there is no database")

func errNone(dir string) error {
	return fmt.Errorf("%w in %s; name its folder with --data-dir", ErrNone, dir)
}

// makeDir makes the directory, or finds it where it has to be there. Where it holds no cluster then, it is not touched.
func (c *Cluster) makeDir() (err error) {
	if c.options.Dir == "" {
		if !c.options.Ephemeral {
			return errors.New("the built-in database needs a data directory")
		}
		parent := temporaryParent()
		sweepTemporaryDirs(parent, c.log)
		c.dir, err = makeTemporaryDir(parent)
	} else if c.dir, err = filepath.Abs(c.options.Dir); err == nil && !c.options.Existing {
		err = os.MkdirAll(c.dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("cannot make the data directory: %w", err)
	}
	// A directory that has two names must have one lock and one socket.
	named := c.dir
	switch c.dir, err = filepath.EvalSymlinks(named); {
	case c.options.Existing && errors.Is(err, fs.ErrNotExist):
		return errNone(named)
	case err != nil:
		return fmt.Errorf("cannot use the data directory: %w", err)
	}
	c.data = filepath.Join(c.dir, "cluster")
	if c.options.Existing && missing(c.data) && missing(c.completeUpgrade()) {
		return mayCreate(c.data, true)
	}
	return nil
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// abandon undoes a failed start.
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
	c.unlock()
	if c.options.Ephemeral && c.options.Dir == "" && c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

// unlock lets other processes use the directory, unless the lock is another cluster's.
func (c *Cluster) unlock() {
	if c.lock != nil && c.lock != c.options.held {
		_ = c.lock.Close()
	}
}

// DSN returns the connection string of a database for lib/pq. Parameters are sent in binary, which saves the round trip
// of a prepared statement.
func (c *Cluster) DSN(database string) string {
	return "host=" + quoteDSN(c.socketDir) + " port=" + socketPort + " user=" + superuser +
		" dbname=" + quoteDSN(database) + " sslmode=disable binary_parameters=yes"
}

func quoteDSN(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// Done returns a channel that is closed when the server process has ended, for whatever reason.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Err returns why the server ended: nil while it runs or after Stop, an error if it ended by itself.
func (c *Cluster) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}
