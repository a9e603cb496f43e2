// Package archive takes negotiations out of a record and, as archives, into another: a JSON archive that holds a whole
// history, and tables in CSV for spreadsheets. docs/exchange.md tells what is in them.
package archive

import (
	"context"
	"fmt"
	"io"

	"example.org/parley"
	"example.org/parley/storage"
)

const (
	// format is the number of the form that archives have.
	format = 1
	// MaxRows bounds an archive: it is imported in one transaction.
	MaxRows = 1_000_000
	// maxRow bounds one row, the longest of which holds a source's body, in bytes.
	maxRow = 16 << 20
)

// Subject is what is exported: a negotiation, and the lens through which it is seen.
type Subject struct {
	parley.Negotiation
	Store *storage.Store
}

// Find finds a negotiation by its key or id, as seen through the lens that is asked for.
func Find(ctx context.Context, store *storage.Store, ref string, asOf *parley.AsOf) (*Subject, error) {
	snapshot := store.Snapshot()
	lens, err := snapshot.Through(ctx, asOf)
	if err != nil {
		return nil, err
	}
	key := storage.KeyOf(ref)
	key.Lens = lens
	found, err := snapshot.Negotiations(ctx, []storage.Key{key}, nil)
	if err != nil {
		return nil, err
	}
	if found[0] == nil {
		return nil, fmt.Errorf("no negotiation is known as %q at %s; give the id or the key of one", ref, parley.FormatInstant(lens.KnownAt))
	}
	found[0].Lens = lens
	return &Subject{Negotiation: *found[0], Store: store}, nil
}

// JSON writes an archive: everything on record about the negotiation as known at the lens's instant, a row a line. Every
// so often it reports how many rows it has written.
func (s *Subject) JSON(ctx context.Context, w io.Writer, progress func(rows int)) error {
	out := writer{to: w}
	out.write(fmt.Sprintf("{%q: %d, \"knownAt\": %q, \"negotiation\": %q", opening, format, parley.FormatInstant(s.Lens.KnownAt), s.Key))
	section, rows := "", 0
	err := s.Store.Archive(ctx, s.ID, s.Lens.KnownAt, func(of string, row []byte) error {
		if rows++; rows > MaxRows {
			return fmt.Errorf("an archive holds at most %d rows, and %s has more; dump the database instead", MaxRows, s.Key)
		}
		switch section {
		case of:
			out.write(",\n")
		case "":
			out.write(fmt.Sprintf(",\n%q: [\n", of))
		default:
			out.write(fmt.Sprintf("\n],\n%q: [\n", of))
		}
		section = of
		out.write(string(row))
		tell(progress, rows)
		return out.err
	})
	if err != nil {
		return err // without the end, what was written is no archive
	}
	out.write("\n]}\n")
	return out.err
}

// tell reports progress every few thousand rows.
func tell(progress func(int), rows int) {
	if progress != nil && rows%5000 == 0 {
		progress(rows)
	}
}

// writer keeps the first error.
type writer struct {
	to  io.Writer
	err error
}

func (w *writer) write(text string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.to, text)
	}
}
