package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	_ "github.com/lib/pq" // registers ensureDatabase's driver
)

// command prepares one of PostgreSQL's programs to work on a data directory. The caller closes the files once the
// program runs.
func (c *Cluster) command(
	program, dataDir string, onOurDeath syscall.Signal, args ...string,
) (*exec.Cmd, func(), error) {
	dir, err := os.Open(dataDir)
	if err != nil {
		return nil, nil, c.account.explain(err)
	}
	name := dataDir
	if c.account.dropped && descriptorPath != "" {
		// The account may be unable to reach the path, for example through root's home; a descriptor needs no path.
		name = descriptorPath
	}
	cmd := exec.Command(filepath.Join(c.binaries.bin, program), append([]string{"-D", name}, args...)...)
	cmd.Dir = "/" // our own may be closed to the account
	cmd.Env = childEnvironment()
	cmd.ExtraFiles = []*os.File{dir, c.lock} // descriptors 3 and 4
	cmd.SysProcAttr = childAttributes(c.account.credential(), onOurDeath)
	cmd.WaitDelay = time.Second // a child's child may keep the output open for ever
	return cmd, func() { _ = dir.Close() }, nil
}

// childEnvironment is minimal, so that no PG… or LC_… variable of the user affects the cluster.
func childEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=/"}
}

// startProcess starts cmd and returns a channel that receives Wait's result. One goroutine, locked to its thread, does
// both: Linux sends the parent-death signal when the thread that forked ends, not when the process does.
func startProcess(cmd *exec.Cmd) (ended <-chan error, err error) {
	started := make(chan error)
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			result <- cmd.Wait()
		}
	}()
	return result, <-started
}

// launch starts the server and watches it.
func (c *Cluster) launch() error {
	onOurDeath := syscall.SIGINT // fast shutdown
	if c.options.Ephemeral {
		onOurDeath = syscall.SIGQUIT // no shutdown at all
	}
	if c.options.watched {
		onOurDeath = 0
	}
	settings := []string{
		"-k", c.socketDir, "-h", "", "-p", socketPort,
		"-c", "unix_socket_permissions=0700",
		"-c", "timezone=UTC",
		"-c", "logging_collector=off", "-c", "log_destination=stderr",
		"-c", "log_line_prefix=", "-c", "lc_messages=C",
	}
	if c.options.readOnly {
		settings = append(settings, "-c", "default_transaction_read_only=on")
	}
	cmd, closeFiles, err := c.command("postgres", c.data, onOurDeath, settings...)
	if err != nil {
		return err
	}
	defer closeFiles()
	c.output = &serverLog{log: c.log, quiet: &c.stopping}
	cmd.Stdout, cmd.Stderr = c.output, c.output
	ended, err := startProcess(cmd)
	if err != nil {
		return c.account.explainExec(err)
	}
	c.server = cmd
	unwatch := func() {}
	// A root without the capability KILL may not signal the server; then the kernel can't on our behalf either.
	if c.options.watched || errors.Is(cmd.Process.Signal(syscall.Signal(0)), syscall.EPERM) {
		if unwatch, err = watch(cmd.Process.Pid, c.account); err != nil {
			_ = cmd.Process.Kill()
		}
	}
	go func() {
		exit := <-ended
		unwatch()
		c.output.flush()
		if exit == nil {
			exit = errors.New("exit status 0")
		}
		c.reason = c.complaint(c.output.tail(), exit)
		if !c.stopping.Load() {
			c.err = fmt.Errorf("the database server ended unexpectedly: %w", exit)
			if c.reason != exit.Error() {
				c.err = fmt.Errorf("%w: %s", c.err, c.reason)
			}
		}
		// In this order: the next instance uses the same folder as soon as the lock is free.
		removeSocketDir(c.socketDir)
		c.unlock()
		close(c.done)
	}()
	return err
}

// awaitReady returns when the server accepts connections, according to its pid file. Trying to connect would fill the
// log with refusals during a long recovery.
func (c *Cluster) awaitReady(ctx context.Context) error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		if pid, ready := postmaster(c.data); ready && pid == c.server.Process.Pid {
			return nil
		}
		select {
		case <-c.done:
			return fmt.Errorf("the database server did not start: %s", c.reason)
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
}

// ensureDatabase creates the database if it is missing: in a new cluster, or if an earlier process was killed before it
// created it.
func (c *Cluster) ensureDatabase(ctx context.Context) error {
	db, err := sql.Open("postgres", c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	var exists bool
	find := `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`
	if err := db.QueryRowContext(ctx, find, Database).Scan(&exists); err != nil {
		return fmt.Errorf("cannot connect to the built-in database: %w", err)
	}
	if !exists {
		if _, err := db.ExecContext(ctx, "CREATE DATABASE "+Database); err != nil {
			return fmt.Errorf("cannot create the database: %w", err)
		}
	}
	parley, err := sql.Open("postgres", c.DSN(Database))
	if err != nil {
		return err
	}
	defer parley.Close()
	if err := parley.PingContext(ctx); err != nil {
		return fmt.Errorf("cannot connect to the built-in database: %w", err)
	}
	return nil
}
