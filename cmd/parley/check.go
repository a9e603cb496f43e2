package main

import (
	"errors"
	"fmt"

	"example.org/parley/internal/postgres"
	"example.org/parley/storage"
)

// check has the flags of serve, since it says whether that would start.
type check struct{ serve }

// Run says what is wrong with the settings and the database. It changes nothing.
func (c check) Run(r *run) error {
	set, err := c.settings(r)
	if err != nil {
		return err
	}
	remote := c.remote()
	if set.issuer != nil { // then everybody needs a token from the beginning
		remote = nil
	}
	if c.DatabaseURL == "" {
		builtIn := c.cluster(r)
		builtIn.Existing = c.options(r).NoMigration || remote != nil
		sentence, err := postgres.Check(r.ctx, builtIn)
		if errors.Is(err, postgres.ErrNone) && !c.options(r).NoMigration {
			err = remote
		}
		if err == nil {
			fmt.Println(sentence)
		}
		return err
	}
	found, err := storage.Check(r.ctx, c.options(r))
	if err != nil {
		return err
	}
	tables := "no tables that the role can read"
	if found.Version > 0 {
		tables = fmt.Sprintf("tables of version %d", found.Version)
	}
	fmt.Printf("Database %q on PostgreSQL %d, schema %q, role %q: %s; this Parley knows version %d.\n",
		found.Database, found.Server/10000, found.Schema, found.Role, tables, found.Newest)
	for _, sentence := range found.Warnings {
		fmt.Println("Warning:", sentence)
	}
	if remote != nil && !found.Locked {
		found.Problems = append(found.Problems, remote.Error())
	}
	for _, sentence := range found.Problems {
		fmt.Println("Problem:", sentence)
	}
	if len(found.Problems) > 0 {
		return errors.New("the database can't be used as it is; see above")
	}
	return nil
}
