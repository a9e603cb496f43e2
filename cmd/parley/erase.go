package main

import "fmt"

type erase struct {
	database
	Source string `arg:"" help:"Id or key of the source."`
	Note   string `required:"" help:"Why it has to be erased; kept on record."`
}

// Run erases the text, for good.
func (e erase) Run(r *run) error {
	db, err := e.start(r)
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
		fmt.Printf("The text of %s was erased already; its bytes are gone from the disk too.\n", e.Source)
		return nil
	}
	fmt.Printf("The text of %s is erased. Copies of the database made earlier still hold it.\n", e.Source)
	return nil
}
