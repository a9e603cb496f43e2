package main

import "fmt"

type renameFeed struct{ database }

// Run gives the feed a new name. Running servers notice, and ask their subscribers to connect again.
func (c renameFeed) Run(r *run) error {
	db, err := c.start(r, existing)
	if err != nil {
		return err
	}
	defer db.stop(r)
	store, err := db.open(r, c.Analyst)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.RenameFeed(r.ctx); err != nil {
		return err
	}
	fmt.Println("The feed has a new name. Cursors from before are refused with BAD_CURSOR, and clients read anew.")
	return nil
}
