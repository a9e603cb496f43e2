package main

import (
	"fmt"

	"example.org/parley/storage"
)

type migrate struct {
	database
}

// Run brings the tables up to date.
func (m migrate) Run(r *run) error {
	m.Migrate = "auto" // whatever a configuration file says to servers
	db, err := m.start(r, shared)
	if err != nil {
		return err
	}
	defer db.stop(r)
	if err := storage.Migrate(r.ctx, db.Options); err != nil {
		return err
	}
	fmt.Println("The database's tables are up to date.")
	return nil
}
