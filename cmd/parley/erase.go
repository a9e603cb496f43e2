package main

import "fmt"

type erase struct {
	database
	Source string `arg:"" help:"Id or key of the source."`
	Note   string `required:"" help:"Reason for the erasure; it is recorded."`
}

// Run erases the text permanently.
func (e erase) Run(r *run) error {
	db, err := e.start(r, existing)
	if err != nil {
		return err
	}
	defer db.stop(r)
	store, err := db.open(r, e.Analyst)
	if err != nil {
		return err
	}
	defer store.Close()
	written, err := store.EraseBody(r.ctx, e.Source, e.Note)
	if err != nil {
		return err
	}
	if written.Cursor == nil {
		fmt.Printf("The text of %s had already been erased; it is also removed from the database's files.\n", e.Source)
	} else {
		fmt.Printf("The text of %s is erased. Earlier backups of the database still contain it.\n", e.Source)
	}
	if db.cluster != nil {
		for _, folder := range db.cluster.Replaced() {
			fmt.Printf("The files from before an upgrade may contain it too; remove %s.\n", folder)
		}
	}
	return nil
}
