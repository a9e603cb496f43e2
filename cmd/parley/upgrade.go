package main

import (
	"fmt"

	"example.org/parley/internal/postgres"
)

type upgradeDatabase struct{ database }

// Run brings the built-in database to the newest version of PostgreSQL that is installed.
func (c upgradeDatabase) Run(r *run) error {
	if c.DatabaseURL != "" {
		return errExternal
	}
	kept, err := postgres.Upgrade(r.ctx, c.cluster(r))
	switch {
	case err != nil:
		return err
	case kept == "":
		fmt.Println("The built-in database is of the newest version of PostgreSQL that is installed.")
	default:
		fmt.Printf("The built-in database is upgraded. The old files are in %s; remove them once the upgraded database works.\n", kept)
	}
	return nil
}
