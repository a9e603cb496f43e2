package main

import (
	"context"
	"fmt"

	"example.org/parley/storage"
)

type renameFeed struct{ database }

// Run gives the feed a new name. Running servers notice, and ask their subscribers to connect again.
func (c renameFeed) Run(r *run) error {
	return c.with(r, existing, func(ctx context.Context, store *storage.Store) error {
		if err := store.RenameFeed(ctx); err != nil {
			return err
		}
		fmt.Println("The feed has a new name. Cursors from before are refused with BAD_CURSOR, and clients read anew.")
		return nil
	})
}
