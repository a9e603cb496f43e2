package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
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
	Absences      []parley.Instant
	MergedInto    *uuid.UUID // from RetractedAt on
	Of            string     // for sentences: the names of those that a record without a name is about
}

var targetColumns = rows.Columns[target]{
	rows.ID("", "id", func(t *target) *uuid.UUID { return &t.ID }),
	rows.Text("", "kind", func(t *target) *parley.Kind { return &t.Kind }),
	rows.OptionalText("", "path", func(t *target) **string { return &t.Path }),
	rows.OptionalID("", "negotiation_id", func(t *target) **uuid.UUID { return &t.NegotiationID }),
	rows.OptionalID("", "parent_id", func(t *target) **uuid.UUID { return &t.ParentID }),
	rows.Text("", "coalesce(@n.name, '')", func(t *target) *string { return &t.Name }),
	rows.Time("", "recorded_at", func(t *target) *parley.Instant { return &t.RecordedAt }),
	rows.OptionalTime("", "retracted_at", func(t *target) **parley.Instant { return &t.RetractedAt }),
	rows.Times("", "absences", func(t *target) *[]parley.Instant { return &t.Absences }),
	rows.OptionalID("", "merged_into", func(t *target) **uuid.UUID { return &t.MergedInto }),
}

// recordNames are the names that records have in sentences, as a relation n: id, name.
var recordNames = func() string {
	var names []string
	for _, d := range descriptions {
		if d.called != "" {
			names = append(names, `SELECT id, `+d.called+` AS name FROM {`+d.table+`} WHERE superseded_at = 'infinity'`)
		}
	}
	return `(` + strings.Join(names, " UNION ALL ") + `)`
}()

// isKnown says whether it is on record at an instant; nil asks for now.
func (t *target) isKnown(at *parley.Instant) bool {
	if at == nil {
		return t.RetractedAt == nil
	}
	changes := 0
	for _, absence := range t.Absences {
		if !absence.After(*at) {
			changes++
		}
	}
	return !t.RecordedAt.After(*at) && (t.RetractedAt == nil || t.RetractedAt.After(*at)) && changes%2 == 0
}

// wasRetracted says whether it had been on record by an instant and was off it then; nil asks for now.
func (t *target) wasRetracted(at *parley.Instant) bool {
	return !t.isKnown(at) && (at == nil || !t.RecordedAt.After(*at))
}

// goneSince is when it was retracted, as known at an instant, at which it was off record; nil asks for now.
func (t *target) goneSince(at *parley.Instant) parley.Instant {
	if t.RetractedAt != nil && (at == nil || !t.RetractedAt.After(*at)) {
		return *t.RetractedAt
	}
	since := t.RecordedAt
	for _, absence := range t.Absences {
		if !absence.After(*at) {
			since = absence
		}
	}
	return since
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

// given are the targets that an input names.
func given(targets ...*target) []*target {
	return slices.DeleteFunc(targets, func(t *target) bool { return t == nil })
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

// lookUp finds records by id or key. Retracted ones are left out.
func (w *writer) lookUp(ctx context.Context, refs []string) (map[string]*target, error) {
	named, err := everKnown(ctx, &w.Reader, refs)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*target, len(refs))
	for _, ref := range refs {
		if t := named.at(ref, nil); t != nil && t.RetractedAt == nil {
			found[ref] = t
		}
	}
	return found, nil
}

// namedRecords are records by what ids and keys ever led to. Several may have had one key, one after the other.
type namedRecords map[parley.Ref][]*target

// at is the record to which an id or key leads at an instant; nil asks for now. Where the record had been merged by
// then, it is the one that it was merged into. Where none was on record, it is the last one that had been, or was to be.
func (n namedRecords) at(text string, at *parley.Instant) *target {
	return n.leadsTo(parley.ReadRef(text), at)
}

func (n namedRecords) leadsTo(ref parley.Ref, at *parley.Instant) (last *target) {
	for _, t := range n[ref] {
		switch {
		case t.isKnown(at):
			return t
		case t.MergedInto != nil && t.wasRetracted(at):
			return n.leadsTo(parley.Ref{ID: *t.MergedInto}, at)
		case last == nil || !t.RecordedAt.Before(last.RecordedAt) && (at == nil || !t.RecordedAt.After(*at)):
			last = t
		}
	}
	return last
}

// everKnown finds records by id or key, retracted ones included, with those that they were merged into.
func everKnown(ctx context.Context, r *rows.Reader, refs []string) (namedRecords, error) {
	var byID rows.IDs
	var byKey rows.Words[string]
	for _, text := range refs {
		switch ref := parley.ReadRef(text); {
		case ref.ID != uuid.Nil:
			byID = append(byID, ref.ID)
		case ref.Key != "":
			byKey = append(byKey, ref.Key)
		}
	}
	named, all := make(namedRecords, 2*len(refs)), targetColumns.NeededFor(nil)
	for len(byID)+len(byKey) > 0 {
		var merged rows.IDs
		err := r.Rows(ctx, `
			SELECT record_send(ROW(`+strings.Join(targetColumns.SQL(all, "r"), ", ")+`))
			FROM {records r}
			LEFT JOIN `+recordNames+` rn ON rn.id = r.id
			WHERE r.id = ANY($1::uuid[]) OR r.path = ANY($2::text[])`, []any{byID, byKey}, func(sent rows.Row) {
			t := new(target)
			targetColumns.Read(&sent, all, t)
			byOwnID := parley.Ref{ID: t.ID}
			if named[byOwnID] != nil {
				return
			}
			named[byOwnID] = []*target{t}
			if t.Path != nil {
				named[parley.Ref{Key: *t.Path}] = append(named[parley.Ref{Key: *t.Path}], t)
			}
			if t.MergedInto != nil {
				merged = append(merged, *t.MergedInto)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("look up records: %w", err)
		}
		byID, byKey = merged, nil
	}
	return named, nil
}

// targets are the records with these ids; retracted ones are left out.
func (w *writer) targets(ctx context.Context, ids []uuid.UUID) ([]*target, error) {
	refs := make([]string, len(ids))
	for i, id := range ids {
		refs[i] = id.String()
	}
	found, err := w.lookUp(ctx, refs)
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
	found, err := everKnown(ctx, &w.Reader, refs)
	if err != nil {
		return err
	}
	var refusal parley.Refusal
	var subjects, others rows.IDs
	for _, want := range r.wanted {
		t := found.at(want.ref, nil)
		if t == nil || t.RetractedAt != nil || !slices.Contains(want.kinds, t.Kind) {
			refusal = append(refusal, notFound(want, t, nil))
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
func (w *writer) lock(ctx context.Context, list rows.IDs, strength string) error {
	slices.SortFunc(list, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	list = slices.Compact(list)
	if len(list) == 0 {
		return nil
	}
	var locked []uuid.UUID
	err := w.all(ctx, &locked, `
		SELECT id FROM {records}
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

// notFound says why what is wanted can't be had: t is the record to which it leads at an instant; nil asks for now.
func notFound(w want, t *target, at *parley.Instant) parley.UserError {
	accepted := make([]string, len(w.kinds))
	for i, k := range w.kinds {
		accepted[i] = k.Noun()
	}
	kinds := strings.Join(accepted, " or ")
	message := fmt.Sprintf("Nothing is known as %q; give the id or the key of %s.", w.ref, kinds)
	switch {
	case t == nil:
	case t.wasRetracted(at):
		message = fmt.Sprintf("%q was retracted on %s; give the id or the key of %s that is on record.", w.ref,
			parley.Day(t.goneSince(at)), kinds)
	default:
		message = fmt.Sprintf("%q is %s; give the id or the key of %s.", w.ref, t.Kind.Noun(), kinds)
	}
	return parley.UserError{Code: parley.NotFound, Message: message, Field: strings.Split(w.field, ".")}
}
