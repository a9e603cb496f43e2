package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"example.org/parley/internal/postgres"
)

// errExternal is what the commands for the built-in database say of another one.
var errExternal = errors.New("this is for the built-in database; copy and restore one of your own with PostgreSQL's tools, such as pg_basebackup or pg_dump")

type backup struct {
	database
	File string `arg:"" type:"path" help:"File to write, such as parley.backup; an existing one is replaced when the copy is complete."`
}

// Run copies the built-in database, while a server may use it.
func (b backup) Run(r *run) error {
	if b.DatabaseURL != "" {
		return errExternal
	}
	db, err := b.start(r, existing)
	if err != nil {
		return err
	}
	defer db.stop(r)
	err = writing(b.File, 0o600, func(w io.Writer) error {
		said := time.Now()
		return db.cluster.Backup(r.ctx, w, func(done, of int64) {
			if time.Since(said) > time.Second {
				fmt.Fprintf(os.Stderr, "%s: %d of %d MB\n", b.File, done>>20, of>>20)
				said = time.Now()
			}
		})
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s holds all that is on record. Keep it where only you can read it: it is not encrypted.\n", b.File)
	return nil
}

type restore struct {
	database
	File string `arg:"" type:"existingfile" help:"What parley backup wrote."`
}

// Run unpacks a copy into a folder without a database, has PostgreSQL recover it, and renames the feed.
func (c restore) Run(r *run) error {
	if c.DatabaseURL != "" {
		return errExternal
	}
	if err := c.check(); err != nil {
		return err
	}
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := postgres.Restore(r.ctx, c.cluster(r), file); err != nil {
		return fmt.Errorf("%s was not restored: %w", c.File, err)
	}
	changes, err := c.settled(r)
	if err != nil {
		return fmt.Errorf("%s holds the database, but it can't be opened; once it can, its feed gets a new name: %w", c.DataDir, err)
	}
	fmt.Printf("Restored %s into %s: %s. The feed has a new name, so that clients with older cursors read anew.\n", c.File, c.DataDir,
		count(int(changes), "change"))
	return nil
}

// settled opens the restored database, which gives the feed a new name, and returns the number of its changes.
func (c restore) settled(r *run) (changes int64, err error) {
	db, err := c.start(r, alone)
	if err != nil {
		return 0, err
	}
	defer db.stop(r)
	store, err := db.open(r, c.Analyst)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	return store.Head(r.ctx)
}
