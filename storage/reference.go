package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// target is a record that an input refers to.
type target struct {
	ID            uuid.UUID
	Kind          parley.Kind
	Path          *string
	NegotiationID *uuid.UUID
	ParentID      *uuid.UUID
	Name          string
	RecordedAt    parley.Instant
	RetractedAt   *parley.Instant // nil: it is on record
}

var targetColumns = columns[target]{
	id("", "r.id", func(t *target) *uuid.UUID { return &t.ID }),
	text("", "r.kind", func(t *target) *parley.Kind { return &t.Kind }),
	optionalText("", "r.path", func(t *target) **string { return &t.Path }),
	optionalID("", "r.negotiation_id", func(t *target) **uuid.UUID { return &t.NegotiationID }),
	optionalID("", "r.parent_id", func(t *target) **uuid.UUID { return &t.ParentID }),
	text("", "coalesce(n.name, '')", func(t *target) *string { return &t.Name }),
	when("", "r.recorded_at", func(t *target) *parley.Instant { return &t.RecordedAt }),
	optionalWhen("", "r.retracted_at", func(t *target) **parley.Instant { return &t.RetractedAt }),
}

// isKnown says whether it is on record at an instant; the zero one asks for now.
func (t *target) isKnown(at parley.Instant) bool {
	if at.IsZero() {
		return t.RetractedAt == nil
	}
	return !t.RecordedAt.After(at) && (t.RetractedAt == nil || t.RetractedAt.After(at))
}

// negotiation is the negotiation that the target belongs to, or is; nil for what many negotiations share.
func (t *target) negotiation() *uuid.UUID {
	if t.Kind == parley.KindNegotiation {
		return &t.ID
	}
	return t.NegotiationID
}

// references collects what an input refers to, so that one statement finds it all and another locks it.
type references struct{ wanted []want }

type want struct {
	field string
	ref   string
	kinds []parley.Kind
	line  bool // a scenario whose line is to be changed: locked against other writers of it
	found *target
}

// one wants a record of one of the kinds. The target is filled by find.
func (r *references) one(field string, ref string, kinds ...parley.Kind) *target {
	t := &target{}
	r.wanted = append(r.wanted, want{field: field, ref: ref, kinds: kinds, found: t})
	return t
}

// subject wants a record that is to be changed.
func (r *references) subject(field string, ref string, kinds ...parley.Kind) *target {
	t := r.one(field, ref, kinds...)
	r.wanted[len(r.wanted)-1].line = true
	return t
}

// maybe wants a record where the input names one.
func (r *references) maybe(field string, ref *string, kinds ...parley.Kind) *target {
	if ref == nil {
		return nil
	}
	return r.one(field, *ref, kinds...)
}

// every wants all the records of a list.
func (r *references) every(field string, refs []string, kinds ...parley.Kind) []*target {
	targets := make([]*target, len(refs))
	for i, ref := range refs {
		targets[i] = r.one(fmt.Sprintf("%s.%d", field, i), ref, kinds...)
	}
	return targets
}

// patch wants the record that a patch gives, and patchEvery those of a list.
func (r *references) patch(field string, p parley.Patch[string], kinds ...parley.Kind) *target {
	return r.maybe(field, p.Value, kinds...)
}

func (r *references) patchEvery(field string, p parley.Patch[[]string], kinds ...parley.Kind) []*target {
	if p.Value == nil {
		return nil
	}
	return r.every(field, *p.Value, kinds...)
}

// resolved is a patch of references as one of ids.
func resolved(p parley.Patch[string], t *target) parley.Patch[uuid.UUID] {
	return parley.Patch[uuid.UUID]{Set: p.Set, Value: idOf(t)}
}

func resolvedEvery(p parley.Patch[[]string], targets []*target) parley.Patch[[]uuid.UUID] {
	if p.Value == nil {
		return parley.Patch[[]uuid.UUID]{Set: p.Set}
	}
	return parley.To(ids(targets))
}

func idOf(t *target) *uuid.UUID {
	if t == nil {
		return nil
	}
	return &t.ID
}

// ids are those of the targets, each once, in order.
func ids(targets []*target) []uuid.UUID {
	list := make([]uuid.UUID, 0, len(targets))
	for _, t := range targets {
		if !slices.Contains(list, t.ID) {
			list = append(list, t.ID)
		}
	}
	return list
}

// lookUp finds records by id or key, retracted ones left out.
func (r *reader) lookUp(ctx context.Context, refs []string) (map[string]*target, error) {
	found, err := r.everKnown(ctx, refs)
	maps.DeleteFunc(found, func(_ string, t *target) bool { return t.RetractedAt != nil })
	return found, err
}

// everKnown finds records by id or key, retracted ones included.
func (r *reader) everKnown(ctx context.Context, refs []string) (map[string]*target, error) {
	var byID uuids
	var byPath words[string]
	for _, ref := range refs {
		if id, err := uuid.Parse(ref); err == nil {
			byID = append(byID, id)
		} else if !strings.ContainsRune(ref, 0) {
			byPath = append(byPath, ref)
		}
	}
	byName, all := make(map[string]*target, 2*len(refs)), targetColumns.neededFor(nil)
	err := r.rows(ctx, `
		SELECT record_send(ROW(`+strings.Join(targetColumns.sql(all, "r"), ", ")+`))
		FROM records r
		LEFT JOIN record_names n ON n.id = r.id
		WHERE r.id = ANY($1::uuid[]) OR r.path = ANY($2::text[])`, []any{byID, byPath}, func(sent row) {
		t := new(target)
		targetColumns.read(&sent, all, t)
		byName[t.ID.String()] = t
		if t.Path != nil {
			byName[*t.Path] = t
		}
	})
	if err != nil {
		return nil, fmt.Errorf("look up records: %w", err)
	}
	found := make(map[string]*target, len(refs))
	for _, ref := range refs {
		name := ref
		if id, err := uuid.Parse(ref); err == nil {
			name = id.String()
		}
		if t, ok := byName[name]; ok {
			found[ref] = t
		}
	}
	return found, nil
}

// targets are the records with these ids; retracted ones are left out.
func (r *reader) targets(ctx context.Context, ids []uuid.UUID) ([]*target, error) {
	refs := make([]string, len(ids))
	for i, id := range ids {
		refs[i] = id.String()
	}
	found, err := r.lookUp(ctx, refs)
	if err != nil {
		return nil, err
	}
	var list []*target
	for _, ref := range refs {
		if t := found[ref]; t != nil {
			list = append(list, t)
		}
	}
	return list, nil
}

// find fills all targets and locks them until the commit: subjects against other writers, the rest against being
// retracted. What is not there is refused, all of it at once.
func (w *writer) find(ctx context.Context, r *references) error {
	if len(r.wanted) == 0 {
		return nil
	}
	refs := make([]string, len(r.wanted))
	for i, want := range r.wanted {
		refs[i] = want.ref
	}
	found, err := w.lookUp(ctx, refs)
	if err != nil {
		return err
	}
	var refusal parley.Refusal
	var subjects, others uuids
	for _, want := range r.wanted {
		t := found[want.ref]
		if t == nil || !slices.Contains(want.kinds, t.Kind) {
			refusal = append(refusal, notFound(want, t))
			continue
		}
		*want.found = *t
		if want.line {
			subjects = append(subjects, t.ID)
		} else {
			others = append(others, t.ID)
		}
	}
	if refusal != nil {
		return refusal
	}
	if err := w.lock(ctx, subjects, "FOR NO KEY UPDATE"); err != nil {
		return err
	}
	return w.lock(ctx, others, "FOR KEY SHARE")
}

// lock locks records, in the order of their ids. One retracted meanwhile sends the writer back to look again.
func (w *writer) lock(ctx context.Context, list uuids, strength string) error {
	slices.SortFunc(list, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	list = slices.Compact(list)
	if len(list) == 0 {
		return nil
	}
	var locked []uuid.UUID
	err := w.all(ctx, &locked, `
		SELECT id FROM records
		WHERE id = ANY($1) AND retracted_at = 'infinity'
		ORDER BY id `+strength, list)
	if err != nil {
		return fmt.Errorf("lock records: %w", err)
	}
	if len(locked) < len(list) {
		return errMoved
	}
	return nil
}

func notFound(w want, t *target) parley.UserError {
	accepted := make([]string, len(w.kinds))
	for i, k := range w.kinds {
		accepted[i] = k.Noun()
	}
	kinds := strings.Join(accepted, " or ")
	message := fmt.Sprintf("Nothing is known as %q; give the id or the key of %s.", w.ref, kinds)
	if t != nil {
		message = fmt.Sprintf("%q is %s; give the id or the key of %s.", w.ref, t.Kind.Noun(), kinds)
	}
	return parley.UserError{Code: parley.NotFound, Message: message, Field: strings.Split(w.field, ".")}
}

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

// resolve finds them for a query. One that is not known through the lens of a key is a fault of that key: a slip of the pen
// must not read as "nothing found".
func (s *Snapshot) resolve(ctx context.Context, q *query, f *filterRefs) error {
	var refs []string
	for _, w := range f.wanted {
		refs = append(refs, w.refs...)
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := s.everKnown(ctx, refs)
	if err != nil {
		return err
	}
	for _, w := range f.wanted {
		for _, ref := range w.refs {
			if t := found[ref]; t != nil {
				*w.into = append(*w.into, t.ID)
			}
		}
	}
	faults, faulty := make(keyFaults, len(q.keys)), 0
	for i, k := range q.keys {
		if faults[i] = f.fault(found, s.knownThrough(k)); faults[i] != nil {
			faulty++
		}
	}
	switch faulty {
	case 0:
	case len(q.keys):
		return faults[0]
	default:
		q.faults = faults
	}
	return nil
}

// fault is the first of what is wanted that is not known at an instant, or is of another kind.
func (f *filterRefs) fault(found map[string]*target, at parley.Instant) error {
	for _, w := range f.wanted {
		for _, ref := range w.refs {
			t := found[ref]
			if t != nil && !t.isKnown(at) {
				t = nil
			}
			if t == nil || !slices.Contains(w.kinds, t.Kind) {
				return parley.NewFault(parley.BadRequest, "%s: %s", w.field, notFound(want{ref: ref, kinds: w.kinds}, t).Message)
			}
		}
	}
	return nil
}

// knownThrough is the known instant of a key's lens; the zero one where that is the snapshot's own and not settled.
func (s *Snapshot) knownThrough(k Key) parley.Instant {
	if k.Lens != (parley.Lens{}) {
		return k.Lens.KnownAt
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.lens == nil {
		return parley.Instant{}
	}
	return s.lens.KnownAt
}

// keyFaults are those of some keys of a read, the rest of which is answered.
type keyFaults []error

func (f keyFaults) Error() string { return errors.Join(f...).Error() }

// Errors are the fault of each key; nil where there is none.
func (f keyFaults) Errors() []error { return f }

// refused are the faults of keys that a filter has; nil where it has none.
func (q *query) refused() error {
	if q.faults == nil {
		return nil
	}
	return q.faults
}
