// Package archive exports negotiations and imports them into another record. A JSON archive holds a negotiation's whole
// history; CSV tables are for spreadsheets. docs/exchange.md describes both.
package archive

import (
	"context"
	"fmt"
	"io"

	"example.org/parley"
	"example.org/parley/storage"
)

const (
	// format is the version of the archive format.
	format = 1
	// MaxRows is how many rows an archive may have. It is imported in one transaction.
	MaxRows = 1_000_000
	// maxRow is the length of the longest row, in bytes. The longest rows hold a source's body.
	maxRow = 16 << 20
)

// Subject is a negotiation to export, and the lens through which it is seen.
type Subject struct {
	parley.Negotiation
	Store *storage.Store
}

// Unknown means that no such negotiation is known through a lens.
type Unknown string

func (u Unknown) Error() string { return string(u) }

// Find returns a negotiation by its key or id, as seen through the given lens. It returns an Unknown if nothing is known
// under ref at the lens's known time.
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
		return nil, Unknown(fmt.Sprintf("no negotiation is known as %q at %s; give the id or the key of one", ref,
			parley.FormatInstant(lens.KnownAt)))
	}
	found[0].Lens = lens
	return &Subject{Negotiation: *found[0], Store: store}, nil
}

// JSON writes an archive, one row a line: everything on record about the negotiation at the lens's known time. progress
// may be nil; it receives the number of rows written, every 5000 rows.
func (s *Subject) JSON(ctx context.Context, w io.Writer, progress func(rows int)) error {
	out := writer{to: w}
	out.write(fmt.Sprintf("{%q: %d, \"knownAt\": %q, \"negotiation\": %q", opening, format,
		parley.FormatInstant(s.Lens.KnownAt), s.Key))
	section, rows := "", 0
	err := s.Store.Archive(ctx, s.ID, s.Lens.KnownAt, func(of string, row []byte) error {
		if rows++; rows > MaxRows {
			return fmt.Errorf("an archive holds at most %d rows, and %s has more; dump the database instead", MaxRows,
				s.Key)
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
		report(progress, rows)
		return out.err
	})
	if err != nil {
		return err // the output lacks its end, so an import refuses it
	}
	out.write("\n]}\n")
	return out.err
}

// report reports progress every 5000 rows.
func report(progress func(int), rows int) {
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
