// Package dataset reads data sets and imports them. A data set is a file in which a person describes negotiations. An
// import creates or corrects records until they agree with the file. docs/data-sets.md describes the format.
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

// MaxFacts is how many facts one file may state. A file is written in one transaction, and other writers wait for it.
const MaxFacts = 20_000

// Set is a data set that was read and is well-formed.
type Set struct {
	name       string // of the file, for errors
	id         uuid.UUID
	recordedAt *parley.Instant // known time of the facts; nil: the time of the import
	steps      []step
	lines      map[uuid.UUID]int // line of each fact, by derived id
}

// step imports one item of the file.
type step struct {
	*item
	run func(context.Context, *importer) error
}

// Facts returns how many facts the set states.
func (s *Set) Facts() int { return len(s.steps) }

// Read reads a data set. Its error lists what is malformed, one line of the file per line.
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

// Outcome is the result of an import.
type Outcome struct {
	Facts   int // in the file
	Changes int // written to the feed; 0: the record agreed with the file already

	written map[uuid.UUID]step // what wrote each record that changed
	skipped []step             // items whose keys lead to other records
}

// Import writes a data set to the record, in one transaction: all of it or nothing. Refusals come back as one error,
// with a line "name:line: message" for each. progress may be nil; it receives the number of facts done, every 500
// facts.
func Import(ctx context.Context, store *storage.Store, s *Set, progress func(done int)) (outcome Outcome, err error) {
	err = store.InBatch(ctx, func(b *storage.Batch) error {
		outcome, err = s.write(ctx, b, progress)
		return err
	})
	return outcome, err
}

// ImportAll writes data sets to the record in this order, in one transaction: all of them or nothing.
func ImportAll(ctx context.Context, store *storage.Store, sets []*Set) (outcomes []Outcome, err error) {
	err = store.InBatch(ctx, func(b *storage.Batch) error {
		for _, s := range sets {
			outcome, err := s.write(ctx, b, nil)
			if err != nil {
				return err
			}
			outcomes = append(outcomes, outcome)
		}
		return nil
	})
	return outcomes, err
}

// write writes a data set in a batch.
func (s *Set) write(ctx context.Context, b *storage.Batch, progress func(done int)) (Outcome, error) {
	b.RecordFrom(s.recordedAt)
	in := &importer{Batch: b, set: s, written: make(map[uuid.UUID]step)}
	for i, step := range s.steps {
		in.step = step
		if err := step.run(ctx, in); err != nil {
			return Outcome{}, s.locate(step, err)
		}
		if progress != nil && i%500 == 499 {
			progress(i + 1)
		}
	}
	return Outcome{Facts: s.Facts(), Changes: in.changes, written: in.written, skipped: in.skipped}, nil
}

// locate adds the file's name and line to the error of an item.
func (s *Set) locate(at step, err error) error {
	var refusal parley.Refusal
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s:%d: %w", s.name, at.line, err)
	}
	located := make([]error, len(refusal))
	for i, e := range refusal {
		located[i] = errors.New(s.place(at, e.Field, e.Message))
	}
	return errors.Join(located...)
}

// place puts the file's name and the line of a field before a message.
func (s *Set) place(at step, field []string, message string) string {
	line := at.line
	for _, part := range field { // the field statement.text is written as text of a statement
		if line = at.lineOfField(part); line != at.line {
			break
		}
	}
	return fmt.Sprintf("%s:%d: %s", s.name, line, message)
}

// importer runs the steps of one import.
type importer struct {
	*storage.Batch
	set     *Set
	step    step // the one that runs
	changes int
	written map[uuid.UUID]step
	skipped []step
}

// did counts a mutation that changed the record.
func (in *importer) did(w storage.Written, err error) error {
	if w.Cursor != nil {
		in.changes++
		in.written[w.ID] = in.step
	}
	return err
}

// factID derives the id of a fact from the set's name and the fact's key in it. So every import of the set finds the
// same fact.
func (s *Set) factID(kind parley.Kind, key ...string) uuid.UUID {
	return uuid.NewSHA1(s.id, []byte(string(kind)+"\x00"+strings.Join(key, "\x00")))
}

// once refuses a fact that the file has already stated: the second would be imported as a correction of the first.
func (s *Set) once(it *item, id uuid.UUID, advice string) uuid.UUID {
	if line, twice := s.lines[id]; twice && !it.refused {
		it.refuse(it.line, "This %s is already in line %d; %s.", it.what, line, advice)
	}
	s.lines[id] = it.line
	return id
}

const (
	keepOne = "a key may occur once in a file, so keep one or choose another key"
	giveKey = "keep one, or give one of them a key to tell them apart"
)

// keyed creates or edits a record that has a key. A record that was retracted stays retracted, also where its key has
// been given to another one since.
func (in *importer) keyed(
	ctx context.Context, id uuid.UUID, key string, create, edit func() (storage.Written, error),
) error {
	named, met, err := in.Named(ctx, id)
	if err != nil || named.Merged {
		return err
	}
	known := met
	if !met || named.Retracted {
		if _, known, err = in.FindKey(ctx, key); err != nil {
			return err
		}
	}
	if named.Retracted {
		if known {
			in.skipped = append(in.skipped, in.step)
		}
		return nil
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

// derived creates a fact under its derived id, or corrects the fact that is on record under it and adds evidence to it.
// A fact that was retracted stays retracted, and its evidence is not looked up.
func (in *importer) derived(
	ctx context.Context, id uuid.UUID, evidence []string,
	create func(id *string, evidence []string) (storage.Written, error),
	correct func(ref string) (storage.Written, error),
) error {
	named, known, err := in.Named(ctx, id)
	if err != nil || named.Retracted {
		return err
	}
	statements, err := in.refs(ctx, parley.KindStatement, "evidence", evidence)
	if err != nil {
		return err
	}
	if !known {
		chosen := id.String()
		return in.did(create(&chosen, statements))
	}
	// Evidence comes first: adding it makes a version without a correction note, and the last version has to carry the
	// note.
	if err := in.addEvidence(ctx, named.Record.String(), statements); err != nil {
		return err
	}
	return in.did(correct(named.Record.String()))
}

// positionID returns the derived id of a position. A position that repeated another one was recorded as evidence of
// that one, under its own first id. If it differs from that one in a later import, it becomes a position of its own,
// under the next id.
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

// refs returns the ids of the records that keys of the set refer to. It refuses unknown keys and retracted records.
func (in *importer) refs(ctx context.Context, kind parley.Kind, field string, keys []string) ([]string, error) {
	refs := make([]string, len(keys))
	for i, key := range keys {
		named, known, err := in.Named(ctx, in.set.factID(kind, key))
		switch {
		case err != nil:
			return nil, err
		case !known:
			return nil, parley.Refuse(parley.NotFound, field,
				"Nothing in the data set is called %q; give the key of %s in it.", key, kind.Noun())
		case named.Retracted:
			return nil, parley.Refuse(parley.NotFound, field,
				"%q was retracted; give the key of %s that is on record, or leave it out.", key, kind.Noun())
		}
		refs[i] = named.Record.String()
	}
	return refs, nil
}

// addEvidence adds evidence to a fact. Evidence that it already has changes nothing.
func (in *importer) addEvidence(ctx context.Context, fact string, evidence []string) error {
	if len(evidence) == 0 {
		return nil
	}
	return in.did(in.AddEvidence(ctx, parley.AddEvidenceInput{To: fact, Evidence: evidence}))
}

// nothing corrects nothing: such facts can't be corrected by a file.
func nothing(string) (storage.Written, error) { return storage.Written{}, nil }

// within returns the path of a key in a negotiation. A path or an id is returned unchanged.
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

// nameFirstStatus registers the derived id of a scenario's first status, which was recorded together with the scenario.
func (in *importer) nameFirstStatus(ctx context.Context, id, scenario uuid.UUID) error {
	first, err := in.FirstStatus(ctx, scenario)
	if err != nil {
		return err
	}
	return in.Name(ctx, id, first)
}
