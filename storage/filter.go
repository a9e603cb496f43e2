package storage

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// filterRefs collects the records that filters name, so that one statement finds them all.
type filterRefs struct{ wanted []filterWant }

type filterWant struct {
	field string
	refs  []string
	kinds []parley.Kind
	into  *[]uuid.UUID
}

func (f *filterRefs) want(into *[]uuid.UUID, field string, refs []string, kinds ...parley.Kind) {
	if len(refs) > 0 {
		f.wanted = append(f.wanted, filterWant{field, refs, kinds, into})
	}
}

// resolve finds them for a query. One that is not known through the lens of a key is a fault of that key: a slip of the
// pen must not read as "nothing found".
func (s *Snapshot) resolve(ctx context.Context, q *rows.Query, f *filterRefs) error {
	var refs []string
	for _, w := range f.wanted {
		refs = append(refs, w.refs...)
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := everKnown(ctx, &s.Reader, refs)
	if err != nil {
		return err
	}
	var at *parley.Instant // at which the references are looked up, for all keys that agree on them
	if len(q.Keys) > 0 {
		at = s.KnownThrough(q.Keys[0])
	}
	for _, w := range f.wanted {
		for _, ref := range w.refs {
			if t := found.at(ref, at); t != nil {
				*w.into = append(*w.into, t.ID)
			}
		}
	}
	faults, faulty := make(rows.KeyFaults, len(q.Keys)), 0
	for i, k := range q.Keys {
		if faults[i] = f.fault(found, s.KnownThrough(k), at); faults[i] != nil {
			faulty++
		}
	}
	switch faulty {
	case 0:
	case len(q.Keys):
		return faults[0]
	default:
		q.Faults = faults
	}
	return nil
}

// fault is the first of what is wanted that is not known at an instant, or is of another kind, or is another record than
// at the instant at which it was looked up.
func (f *filterRefs) fault(found namedRecords, at, lookedUp *parley.Instant) error {
	for _, w := range f.wanted {
		for _, ref := range w.refs {
			t := found.at(ref, at)
			if t != nil && !t.isKnown(at) && !t.wasRetracted(at) {
				t = nil
			}
			if t == nil || !t.isKnown(at) || !slices.Contains(w.kinds, t.Kind) {
				return parley.NewFault(parley.BadRequest, "%s: %s", w.field,
					notFound(want{ref: ref, kinds: w.kinds}, t, at).Message)
			}
			if other := found.at(ref, lookedUp); other.ID != t.ID {
				return parley.NewFault(parley.BadRequest, "%s: %q leads to different records at the instants that this "+
					"asks for, since it was merged, or its key was given anew; ask for one instant at a time.", w.field, ref)
			}
		}
	}
	return nil
}
