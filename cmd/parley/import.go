package main

import (
	"context"
	"fmt"
	"os"

	"parley/dataset"
	"parley/examples"
	"parley/storage"
)

type load struct {
	database
	Files []string `arg:"" name:"file" help:"Data sets, imported in this order." type:"existingfile"`
}

// Run imports the files, each wholly or not at all; it ends at the first that can't be.
func (l load) Run(r *run) error {
	sets := make([]*dataset.Set, len(l.Files))
	for i, name := range l.Files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if sets[i], err = dataset.Read(name, text); err != nil {
			return err
		}
	}
	db, err := l.start(r)
	if err != nil {
		return err
	}
	defer db.stop(r)
	store, err := db.open(r, l.Analyst)
	if err != nil {
		return err
	}
	defer store.Close()
	for i, set := range sets {
		outcome, err := dataset.Import(r.ctx, store, set, func(done int) {
			fmt.Fprintf(os.Stderr, "%s: %d of %d facts\n", l.Files[i], done, set.Facts())
		})
		if err != nil {
			return fmt.Errorf("nothing of %s was imported:\n%w", l.Files[i], err)
		}
		fmt.Printf("%s: %d facts, %d changes to the record\n", l.Files[i], outcome.Facts, outcome.Changes)
	}
	return nil
}

// loadDemo imports the example data set into an empty database, and leaves any other alone.
func loadDemo(ctx context.Context, r *run, store *storage.Store) error {
	head, err := store.Head(ctx)
	if err != nil {
		return err
	}
	if head > 0 {
		r.log.Info("the database is not empty; the example data set was not loaded")
		return nil
	}
	for _, example := range examples.Demo() {
		set, err := dataset.Read(example.Name, example.Text)
		if err != nil {
			return err
		}
		outcome, err := dataset.Import(ctx, store, set, nil)
		if err != nil {
			if now, unknown := store.Head(ctx); unknown == nil && now > head {
				r.log.Info("another server was faster to fill the database; the example data set was not loaded", "name", example.Name)
				return nil
			}
			return err
		}
		head += int64(outcome.Changes)
		r.log.Info("loaded an example data set", "name", example.Name, "changes", outcome.Changes)
	}
	return nil
}
