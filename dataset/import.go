// Package dataset reads data sets, files in which a person describes negotiations, and brings what is on record in step
// with them. docs/data-sets.md tells how such a file is written.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage"
)

// MaxFacts bounds one file: it is written in one transaction, for which other writers wait.
const MaxFacts = 20_000

// Set is a data set that was read and has the right form.
type Set struct {
	name       string // of the file
	id         uuid.UUID
	recordedAt *parley.Instant // since when its facts are to be on record; nil: from now on
	steps      []step
	lines      map[uuid.UUID]int // where each fact stands, by its derived id
}

// step brings one record in step with one item of the file.
type step struct {
	*item
	run func(context.Context, *importer) error
}

// Facts is how many facts the set states.
func (s *Set) Facts() int { return len(s.steps) }

// Read reads a data set. The error tells, line by line, what is wrong with its form.
func Read(name string, text []byte) (*Set, error) {
	d := &document{name: name}
	root := d.parse(text)
	if root == nil {
		return nil, d.err()
	}
	s := &Set{name: name, lines: make(map[uuid.UUID]int)}
	s.id = uuid.NewSHA1(uuid.NameSpaceURL, []byte("parley:dataset:"+needed(root, "dataset")))
	s.read(root)
	if len(s.steps) > MaxFacts {
		d.refuse(1, "The file states %d facts; at most %d are imported at once, so split it.", len(s.steps), MaxFacts)
	}
	return s, d.err()
}

// Outcome is what an import did.
type Outcome struct {
	Facts   int // stated by the file
	Changes int // made to the record
}

// Import brings what is on record in step with a data set, all of it or nothing. Every so often it reports how many
// facts it has been through.
func Import(ctx context.Context, store *storage.Store, s *Set, progress func(done int)) (Outcome, error) {
	outcome := Outcome{Facts: s.Facts()}
	err := store.InBatch(ctx, s.recordedAt, func(b *storage.Batch) error {
		in := &importer{Batch: b, set: s}
		for i, step := range s.steps {
			if err := step.run(ctx, in); err != nil {
				return s.locate(step, err)
			}
			if progress != nil && i%500 == 499 {
				progress(i + 1)
			}
		}
		outcome.Changes = in.changes
		return nil
	})
	if err != nil {
		return Outcome{}, err
	}
	return outcome, nil
}

// locate says where in the file a refused item stands.
func (s *Set) locate(at step, err error) error {
	var refusal parley.Refusal
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s:%d: %w", s.name, at.line, err)
	}
	located := make([]error, len(refusal))
	for i, e := range refusal {
		line := at.line
		for _, part := range e.Field { // "statement.text" is the field text of a statement
			if line = at.lineOfField(part); line != at.line {
				break
			}
		}
		located[i] = fmt.Errorf("%s:%d: %s", s.name, line, e.Message)
	}
	return errors.Join(located...)
}

// importer runs the steps of one import.
type importer struct {
	*storage.Batch
	set     *Set
	changes int
}

// did counts what a mutation changed.
func (in *importer) did(w storage.Written, err error) error {
	if w.Cursor != nil {
		in.changes++
	}
	return err
}

// factID is the identity of a fact that has none of its own in the world: derived from the set's name and the fact's key in
// it, so that it is the same at every import.
func (s *Set) factID(kind parley.Kind, key ...string) uuid.UUID {
	return uuid.NewSHA1(s.id, []byte(string(kind)+"\x00"+strings.Join(key, "\x00")))
}

// once refuses a fact that the file has stated before: the later one would pass for a correction of the earlier.
func (s *Set) once(it *item, id uuid.UUID, advice string) uuid.UUID {
	if line, twice := s.lines[id]; twice && !it.refused {
		it.refuse(it.line, "This %s stands in line %d already; %s.", it.what, line, advice)
	}
	s.lines[id] = it.line
	return id
}

const (
	keepOne = "each key stands once in a file, so keep one or choose another key"
	giveKey = "keep one, or tell the two apart by giving one of them a key of its own"
)

// keyed makes or edits a record that has a key in the world. What was retracted stays so: it is not for a file to bring it
// back.
func (in *importer) keyed(ctx context.Context, id uuid.UUID, key string, create, edit func() (storage.Written, error)) error {
	named, met, err := in.Named(ctx, id)
	if err != nil || named.Retracted {
		return err
	}
	known := met
	if !met {
		if _, known, err = in.FindKey(ctx, key); err != nil {
			return err
		}
	}
	write := create
	if known {
		write = edit
	}
	written, err := write()
	if err := in.did(written, err); err != nil || met {
		return err
	}
	return in.Name(ctx, id, written.ID)
}

// derived makes a fact under its derived id, or corrects the one that is on record under it, and adds its evidence. What
// was retracted stays so, and with it what it rested on.
func (in *importer) derived(ctx context.Context, id uuid.UUID, evidence []string, create func(id *string, evidence []string) (storage.Written, error), correct func(ref string) (storage.Written, error)) error {
	named, known, err := in.Named(ctx, id)
	if err != nil || named.Retracted {
		return err
	}
	rests, err := in.refs(ctx, parley.KindStatement, "evidence", evidence)
	if err != nil {
		return err
	}
	if !known {
		chosen := id.String()
		return in.did(create(&chosen, rests))
	}
	// Evidence first: adding it makes a version that corrects nothing, and the last version bears the correction's note.
	if err := in.addEvidence(ctx, named.Record.String(), rests); err != nil {
		return err
	}
	return in.did(correct(named.Record.String()))
}

// positionID is the derived id of a position. One that said what another said already became evidence of that, under its
// first id; when it says something else one day, it is a position of its own, under the next.
func (in *importer) positionID(ctx context.Context, key string) (uuid.UUID, error) {
	id := in.set.factID(parley.KindPosition, key)
	for n := 1; ; n++ {
		named, known, err := in.Named(ctx, id)
		if err != nil || !known || named.Retracted || named.Record == id {
			return id, err
		}
		id = in.set.factID(parley.KindPosition, key, fmt.Sprint(n))
	}
}

// refs are the records that keys of the set stand for.
func (in *importer) refs(ctx context.Context, kind parley.Kind, field string, keys []string) ([]string, error) {
	refs := make([]string, len(keys))
	for i, key := range keys {
		named, known, err := in.Named(ctx, in.set.factID(kind, key))
		switch {
		case err != nil:
			return nil, err
		case !known:
			return nil, parley.Refuse(parley.NotFound, field, "Nothing in the data set is called %q; give the key of %s in it.", key, kind.Noun())
		case named.Retracted:
			return nil, parley.Refuse(parley.NotFound, field, "%q was retracted; give the key of another %s, or leave it out.", key, kind.Noun())
		}
		refs[i] = named.Record.String()
	}
	return refs, nil
}

// addEvidence adds what a fact rests on; what it rests on already is no change.
func (in *importer) addEvidence(ctx context.Context, fact string, evidence []string) error {
	if len(evidence) == 0 {
		return nil
	}
	return in.did(in.AddEvidence(ctx, parley.AddEvidenceInput{To: fact, Evidence: evidence}))
}

// nothing is a correction of facts that can't be corrected from a file.
func nothing(string) (storage.Written, error) { return storage.Written{}, nil }

// within is the path of a key in a negotiation; what is a path or an id stays as it is.
func within(negotiation, key string) string {
	if strings.Contains(key, "/") || uuid.Validate(key) == nil {
		return key
	}
	return negotiation + "/" + key
}

func allWithin(negotiation string, keys []string) []string {
	refs := slices.Clone(keys)
	for i := range refs {
		refs[i] = within(negotiation, refs[i])
	}
	return refs
}

// nameFirstStatus lets a scenario's first status be found under its derived id: it came with the scenario.
func (in *importer) nameFirstStatus(ctx context.Context, id, scenario uuid.UUID) error {
	first, err := in.FirstStatus(ctx, scenario)
	if err != nil {
		return err
	}
	return in.Name(ctx, id, first)
}
