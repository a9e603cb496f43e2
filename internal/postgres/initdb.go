package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// defaultLocales are tried in turn until initdb accepts one. The user's locale is not among them: the sort order must
// not depend on who made the database. Plain C is not among them, since lower('É') would not work.
var defaultLocales = [][]string{
	{"--locale=C.UTF-8"},                                        // Linux, recent macOS
	{"--locale=C", "--lc-ctype=en_US.UTF-8"},                    // the same order and case rules on older systems
	{"--locale=C", "--locale-provider=icu", "--icu-locale=und"}, // linguistic order, but correct case
}

// persistentSettings and ephemeralSettings are appended to the cluster's postgresql.conf. On the command line they
// could not be overridden by ALTER SYSTEM.
const persistentSettings = `
# Parley's choices, for a modest machine. Edit them here, or use ALTER SYSTEM.
max_connections = 100
shared_buffers = 128MB
effective_cache_size = 512MB
work_mem = 8MB
maintenance_work_mem = 64MB
random_page_cost = 1.1
jit = off
`

const ephemeralSettings = `
# A throw-away cluster: fast, and gone after a crash.
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
checkpoint_timeout = 1h
max_wal_size = 256MB
max_connections = 300
shared_buffers = 64MB
random_page_cost = 1.1
jit = off
`

// initialise makes the data directory under a temporary name and renames it when it is complete. So a killed initdb
// leaves nothing that looks like a cluster.
func (c *Cluster) initialise(ctx context.Context) error {
	draft := c.data + ".init"
	defer os.RemoveAll(draft)
	if err := c.initdb(ctx, draft); err != nil {
		return err
	}
	settings := persistentSettings
	if c.options.Ephemeral {
		settings = ephemeralSettings
	}
	if err := appendSynced(filepath.Join(draft, "postgresql.conf"), settings); err != nil {
		return fmt.Errorf("cannot configure the database cluster: %w", err)
	}
	return c.place(draft)
}

// place makes a complete draft the data directory.
func (c *Cluster) place(draft string) error {
	// os.Rename needs a free name; this removes only an empty directory, such as one made for a mount.
	if err := os.Remove(c.data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot put the database cluster in place: %w", err)
	}
	if err := os.Rename(draft, c.data); err != nil {
		return fmt.Errorf("cannot put the database cluster in place: %w", err)
	}
	c.made = true
	if err := syncDir(c.dir); err != nil {
		return fmt.Errorf("cannot put the database cluster in place: %w", err)
	}
	return nil
}

// initdb fills draft, with the first locale that the system knows.
func (c *Cluster) initdb(ctx context.Context, draft string) (err error) {
	for _, locale := range c.options.locales {
		if err := os.RemoveAll(draft); err != nil {
			return fmt.Errorf("cannot remove a half-made database cluster: %w", c.account.explain(err))
		}
		if err := os.Mkdir(draft, 0o700); err != nil {
			return fmt.Errorf("cannot create the database cluster: %w", c.account.explain(err))
		}
		if err := c.account.own(draft); err != nil {
			return err
		}
		var output string
		output, err = c.runInitdb(ctx, draft, locale)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, new(*privilegeError)):
			return err
		case strings.Contains(output, "could not look up effective user ID"):
			return fmt.Errorf("PostgreSQL cannot run as user id %d, which has no entry in the system's list of users: "+
				"add one to /etc/passwd, or run Parley as a user that has one", c.account.uid)
		}
		problem := c.complaint(output, err)
		err = fmt.Errorf("cannot create the database cluster: %s", problem)
		if !strings.Contains(problem, "locale") && !strings.Contains(problem, "encoding") &&
			!strings.Contains(problem, "ICU") {
			return err
		}
		c.log.Debug("initdb refused a locale", "arguments", locale, "error", problem)
	}
	return err
}

func (c *Cluster) runInitdb(ctx context.Context, draft string, locale []string) (output string, err error) {
	args := append(
		[]string{"--username=" + superuser, "--auth=trust", "--encoding=UTF8", "--no-instructions"},
		locale...)
	if c.options.Ephemeral {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums")
	}
	cmd, closeFiles, err := c.command("initdb", draft, syscall.SIGKILL, args...)
	if err != nil {
		return "", err
	}
	defer closeFiles()
	var buffer bytes.Buffer
	cmd.Stdout, cmd.Stderr = &buffer, &buffer
	ended, err := startProcess(cmd)
	if err != nil {
		return "", c.account.explainExec(err)
	}
	select {
	case err = <-ended:
	case <-ctx.Done():
		// initdb runs the server through a shell, and both hold the lock; so the whole process group is killed.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		err = <-ended
	}
	return buffer.String(), err
}

func appendSynced(path, text string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
