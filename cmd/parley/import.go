package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"example.org/parley"
	"example.org/parley/archive"
	"example.org/parley/dataset"
	"example.org/parley/examples"
	"example.org/parley/storage"
)

type load struct {
	database
	Files []string `arg:"" name:"file" help:"Data sets or archives, imported in this order." type:"existingfile"`
}

// Run imports the files in order, each completely or not at all. It stops at the first file that fails.
func (l load) Run(r *run) error {
	imports := make([]func(*storage.Store) (string, error), len(l.Files))
	for i, name := range l.Files {
		var err error
		if imports[i], err = reading(r, name); err != nil {
			return err
		}
	}
	return l.with(r, shared, func(_ context.Context, store *storage.Store) error {
		for i, name := range l.Files {
			done, err := imports[i](store)
			if err != nil {
				return fmt.Errorf("nothing of %s was imported:\n%w", name, err)
			}
			fmt.Printf("%s: %s\n", name, done)
		}
		return nil
	})
}

// reading checks a file and returns a function that imports it and returns a summary. A data set is read at once; an
// archive may be long and is read during the import.
func reading(r *run, name string) (func(*storage.Store) (string, error), error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	beginning := make([]byte, 1<<10)
	n, err := io.ReadFull(file, beginning)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(beginning[:n]), file)
	if archive.Is(beginning[:n]) {
		return func(store *storage.Store) (string, error) {
			defer file.Close()
			outcome, err := archive.Import(r.ctx, store, name, whole, func(rows int) {
				fmt.Fprintf(os.Stderr, "%s: %d rows\n", name, rows)
			})
			return fmt.Sprintf("%s as known at %s, %d rows", outcome.Negotiation, parley.FormatInstant(outcome.KnownAt),
				outcome.Rows), err
		}, nil
	}
	defer file.Close()
	text, err := io.ReadAll(whole)
	if err != nil {
		return nil, err
	}
	set, err := dataset.Read(name, text)
	if err != nil {
		return nil, err
	}
	return func(store *storage.Store) (string, error) {
		outcome, err := dataset.Import(r.ctx, store, set, func(done int) {
			fmt.Fprintf(os.Stderr, "%s: %d of %d facts\n", name, done, set.Facts())
		})
		if err != nil {
			return "", err
		}
		warnings, err := dataset.Warnings(r.ctx, store, set, outcome)
		if err != nil {
			return "", fmt.Errorf("everything was imported, but not compared with the rest of the record: %w", err)
		}
		warn(warnings)
		return fmt.Sprintf("%s, %s to the record, %s", count(outcome.Facts, "fact"), count(outcome.Changes, "change"),
			count(len(warnings), "warning")), nil
	}, nil
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// warn prints the first warnings, and how many more there are.
func warn(warnings []string) {
	const shown = 20
	for _, line := range warnings[:min(shown, len(warnings))] {
		fmt.Fprintf(os.Stderr, "%s\n", line)
	}
	if more := len(warnings) - shown; more > 0 {
		fmt.Fprintf(os.Stderr, "and %s\n", count(more, "further warning"))
	}
}

// loadDemo imports the example data sets if the database is empty: all of them, or none.
func loadDemo(ctx context.Context, r *run, store *storage.Store) error {
	head, err := store.Head(ctx)
	if err != nil {
		return err
	}
	if head > 0 {
		r.log.Info("the database is not empty; the example data set was not loaded")
		return nil
	}
	r.log.Info("loading the example data sets…")
	var sets []*dataset.Set
	for _, example := range examples.Demo() {
		set, err := dataset.Read(example.Name, example.Text)
		if err != nil {
			return err
		}
		sets = append(sets, set)
	}
	outcomes, err := dataset.ImportAll(ctx, store, sets)
	if err != nil {
		if now, unknown := store.Head(ctx); unknown == nil && now > 0 {
			r.log.Info("another server has filled the database meanwhile; the example data set was not loaded")
			return nil
		}
		return err
	}
	changes := 0
	for _, outcome := range outcomes {
		changes += outcome.Changes
	}
	r.log.Info("loaded the example data sets", "changes", changes)
	return nil
}
