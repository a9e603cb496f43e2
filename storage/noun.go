package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// noun is how the records of one kind are kept: the one page that says so. Reads, inserts, references, retraction,
// search, archives, the feed and nextChangeAt derive from it what they have to know.
type noun[T any] struct {
	traits
	table      *rows.Table[T]
	provenance func(*T) *parley.Provenance
	more       []rows.Extra[T] // columns that are only written
}

// traits are what others have to know of a noun.
type traits struct {
	// changes is the kind of change by which the feed tells of its records.
	changes parley.ChangeKind
	// keyed: a record has a key, below that of its negotiation if it belongs to one.
	keyed bool
	// shared: its records belong to no negotiation.
	shared bool
	// cut: a version may have several rows, since neighbours cut its interval, or what it names is merged into another.
	cut bool
	// copies are columns that repeat what the scenario says on which a fact is: negotiation_id, issue_id.
	copies []string
	// called is the column of a record's name in sentences; empty: it has none.
	called string
	// names and texts are the columns that are searched. Words in names count more, and misspelt ones are found too.
	names, texts []string
	// context are the columns whose words, or the names of the records in them, are searched beside the texts.
	context []string
	// visible is a condition on the row "@": known rows that do not meet it are out of sight through the lens. Empty:
	// none.
	visible string
	// dates are when validity alone changes an answer: what nextChangeAt looks for.
	dates []date
}

// date is a column of instants, with a condition on the row "@" where only some count.
type date struct{ column, condition string }

// nouns are all of them, in an order in which an archive can be restored: what is referred to comes first.
var nouns = []described{
	negotiations, issues, scenarios, stakeholders, affiliations, memberships, participations, sources, statements, events,
	relations, statusChanges, positions, assessments,
}

// described is a noun, whatever the type of its records.
type described interface {
	describe() description
	place(ctx context.Context, s *Snapshot, keys []Key, at []int, nodes []parley.Node, fields *Fields) error
	placeVersions(ctx context.Context, s *Snapshot, keys []Key, at []int, nodes []parley.Node, fields *Fields) error
	first(ctx context.Context, w *writer, id uuid.UUID) (map[string]any, error)
	restore(ctx context.Context, w *writer, subject *target, in parley.RestoreInput) (Written, error)
}

// description is a noun without the type of its records.
type description struct {
	traits
	kind    parley.Kind
	table   string
	columns []describedColumn
}

// describedColumn is a column of a noun's table.
type describedColumn struct {
	rows.Naming
	name   string // empty: an expression
	fields []string
}

func (n *noun[T]) describe() description {
	d := description{traits: n.traits, kind: n.table.Kind, table: n.table.Name}
	for _, c := range n.table.Columns {
		d.columns = append(d.columns, describedColumn{c.Naming, c.Name, c.Fields})
	}
	for _, name := range n.copies {
		d.columns = append(d.columns, describedColumn{name: name, Naming: copied[name]})
	}
	return d
}

// copied are the columns that a fact can repeat from its scenario.
var copied = map[string]rows.Naming{
	"negotiation_id": {Kinds: []parley.Kind{parley.KindNegotiation}},
	"issue_id":       {Kinds: []parley.Kind{parley.KindIssue}},
}

// descriptions are those of all nouns.
var descriptions = func() []description {
	list := make([]description, len(nouns))
	for i, n := range nouns {
		list[i] = n.describe()
	}
	return list
}()

// describe finds the description of a kind.
func describe(kind parley.Kind) description {
	at := slices.IndexFunc(descriptions, func(d description) bool { return d.kind == kind })
	if at < 0 {
		panic(fmt.Sprintf("no noun is of kind %s", kind))
	}
	return descriptions[at]
}

// SelectedFields are the fields of the API that columns are read for, by the kind of record: what a test holds against
// the schema.
func SelectedFields() map[parley.Kind][]string {
	selected := make(map[parley.Kind][]string)
	for _, d := range descriptions {
		for _, c := range d.columns {
			for _, field := range c.fields {
				if !strings.HasPrefix(field, rows.Unselected) {
					selected[d.kind] = append(selected[d.kind], field)
				}
			}
		}
	}
	return selected
}

// provenance are the columns of parley.Provenance. content is the column that says when the version's content was
// recorded, and shown are the fields of the API that need one of them. A version is superseded when its last row is
// closed by anything but a cut.
func provenance[T any](content, shown string, of func(*T) *parley.Provenance) []rows.Column[T] {
	needed := func(fields ...string) string {
		fields = slices.DeleteFunc(fields, func(f string) bool { return !slices.Contains(strings.Fields(shown), f) })
		return cmp.Or(strings.Join(fields, " "), rows.Unselected)
	}
	return []rows.Column[T]{
		rows.ID(needed("version", "dissenting"), "version", func(t *T) *uuid.UUID { return &of(t).Version }),
		rows.Time(needed("recordedAt"), content, func(t *T) *parley.Instant { return &of(t).RecordedAt }),
		rows.ID(needed("recordedBy"), "recorded_by", func(t *T) *uuid.UUID { return &of(t).RecordedByID }),
		rows.OptionalText(needed("correctionNote"), "correction_note",
			func(t *T) **string { return &of(t).CorrectionNote }),
		rows.OptionalTime(needed("supersededAt"),
			"CASE WHEN @.closed_by NOT IN ('RECUT', 'MERGED') AND @.superseded_at <= k.known_at THEN @.superseded_at END",
			func(t *T) **parley.Instant { return &of(t).SupersededAt }),
	}
}

// place reads the records of a kind and puts them at their places among others.
func (n *noun[T]) place(
	ctx context.Context, s *Snapshot, keys []Key, at []int, nodes []parley.Node, fields *Fields,
) error {
	return place(ctx, n.read(s), keys, at, nodes, fields)
}

// placeVersions reads the versions of a kind that are replaced, and puts them at their places among others.
func (n *noun[T]) placeVersions(
	ctx context.Context, s *Snapshot, keys []Key, at []int, nodes []parley.Node, fields *Fields,
) error {
	if !slices.ContainsFunc(n.describe().columns, func(c describedColumn) bool { return slices.Contains(c.fields, "supersededAt") }) {
		return nil // no list shows such a version, so no id names one
	}
	return place(ctx, func(ctx context.Context, keys []Key, fields *Fields) ([]*T, error) {
		found, err := rows.Versions(ctx, &s.Reader, n.table, keys, fields)
		for i, version := range found {
			if version != nil && n.provenance(version).Replaced() == uuid.Nil {
				found[i] = nil
			}
		}
		return found, err
	}, keys, at, nodes, fields)
}

// read reads the records that keys name, whatever their place in valid time; nil where there is none.
func (n *noun[T]) read(s *Snapshot) func(context.Context, []Key, *Fields) ([]*T, error) {
	return func(ctx context.Context, keys []Key, fields *Fields) ([]*T, error) {
		return rows.Find(ctx, &s.Reader, n.table, keys, fields)
	}
}

// first are the fields of the API that the first version of a record has; nil where there is none.
func (n *noun[T]) first(ctx context.Context, w *writer, id uuid.UUID) (map[string]any, error) {
	lists, err := rows.Each(ctx, n.table, w.Query(rows.KeysOf(id)), nil, `LATERAL (
		SELECT * FROM {`+n.table.Name+`} WHERE id = k.id ORDER BY recorded_at LIMIT 1) `+n.table.Alias+` ON true`, "")
	if err != nil || len(lists[0]) == 0 {
		return nil, err
	}
	values := n.table.Columns.Values(lists[0][0])
	if asserted, ok := values["assertedTo"]; ok {
		values["validTo"] = asserted // what was said, and not the cut that came of it
	}
	return values, nil
}

// insert writes rows. The subject is the record that they are versions of, or, for facts that are cut, the scenario.
func (n *noun[T]) insert(ctx context.Context, w *writer, subject *target, list ...*T) error {
	if len(list) == 0 {
		return nil
	}
	extra := slices.Clone(n.more)
	add := func(name string, value any) {
		extra = append(extra, rows.Extra[T]{Name: name, Arg: func(*T) any { return value }})
	}
	if n.keyed {
		add("path", *subject.Path)
	}
	for _, name := range n.copies {
		add(name, rows.IDArg(*map[string]*uuid.UUID{"negotiation_id": subject.NegotiationID,
			"issue_id": subject.ParentID}[name]))
	}
	if n.cut {
		add("recorded_at", rows.InstantArg(w.at))
	}
	text, args := n.table.Insert(list, extra...)
	if err := w.exec(ctx, text, args...); err != nil {
		return fmt.Errorf("insert into %s: %w", n.table.Name, err)
	}
	return nil
}

// create writes a new record and its change. The subject carries the record's identity; the sentence says what was
// done.
func (n *noun[T]) create(
	ctx context.Context, w *writer, id *clientID, subject *target, value *T, touches []uuid.UUID, sentence string,
) (Written, error) {
	return n.createAfter(ctx, w, id, subject, nil, value, touches, sentence)
}

// createAfter is create for a record that takes the place of another, of which previous is the version.
func (n *noun[T]) createAfter(
	ctx context.Context, w *writer, id *clientID, subject *target, previous *uuid.UUID, value *T, touches []uuid.UUID,
	sentence string,
) (Written, error) {
	if err := w.record(ctx, subject.ID, n.table.Kind, subject.Path, subject.NegotiationID,
		subject.ParentID); err != nil {
		return Written{}, err
	}
	*n.provenance(value) = w.provenance(nil)
	own, _ := n.table.Self(value)
	*own = subject.ID
	if err := n.insert(ctx, w, subject, value); err != nil {
		return Written{}, err
	}
	if err := w.keep(ctx, id, subject.ID); err != nil {
		return Written{}, err
	}
	version := n.provenance(value).Version
	subject.Kind = n.table.Kind
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: n.changes, Action: parley.Created, SubjectKind: n.table.Kind, SubjectID: subject.ID, Version: &version,
		PreviousVersion: previous, NegotiationID: subject.negotiation(), Touches: touches, Summary: sentence,
	})
	return Written{ID: subject.ID, Previous: previous, Cursor: cursor}, err
}

// edition is a change of a record's fields.
type edition[T any] struct {
	subject *target
	since   *parley.Cursor
	note    *string // why the record was wrong; nil for an edit that corrects nothing
	touches []uuid.UUID
	// sentence says what was done, where that is more than that fields were edited, and remark is the analyst's note on
	// it.
	sentence string
	remark   *string
	// negotiation that the change belongs to, for a subject that belongs to none.
	negotiation *uuid.UUID
	// apply changes the fields and names those that it really changed.
	apply func(*T) ([]string, error)
	// settle checks and sets what depends on the change's own recordedAt, which is known by then; nil: nothing.
	settle func(*T) error
}

// edit writes a new version of a record and its change; with nothing changed it ends with errUnchanged.
func (n *noun[T]) edit(ctx context.Context, w *writer, e edition[T]) (Written, error) {
	if err := w.unchangedSince(ctx, e.since, e.subject.ID); err != nil {
		return Written{}, err
	}
	value, err := n.current(ctx, w, e.subject.ID)
	if err != nil {
		return Written{}, err
	}
	previous := n.provenance(value).Version
	fields, err := e.apply(value)
	if err != nil {
		return Written{}, err
	}
	if len(fields) == 0 {
		return Written{ID: e.subject.ID}, errUnchanged
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if e.settle != nil {
		if err := e.settle(value); err != nil {
			return Written{}, err
		}
	}
	why, verb := "EDITED", "Edited"
	if e.note != nil {
		why, verb = "CORRECTED", "Corrected"
	}
	if e.sentence == "" {
		if err := w.nameByOthers(ctx, e.subject); err != nil {
			return Written{}, err
		}
		e.sentence = fmt.Sprintf("%s %s: %s.", verb, called(e.subject), strings.Join(fields, ", "))
	}
	if err := w.close(ctx, n.table.Name, e.subject.ID, why); err != nil {
		return Written{}, err
	}
	*n.provenance(value) = w.provenance(e.note)
	if err := n.insert(ctx, w, e.subject, value); err != nil {
		return Written{}, err
	}
	version := n.provenance(value).Version
	if e.negotiation == nil {
		e.negotiation = e.subject.negotiation()
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: n.changes, Action: parley.Updated, SubjectKind: n.table.Kind, SubjectID: e.subject.ID,
		Version: &version, PreviousVersion: &previous, NegotiationID: e.negotiation, Touches: e.touches,
		Fields: fields, Note: cmp.Or(e.note, e.remark), Summary: e.sentence,
	})
	return Written{ID: e.subject.ID, Previous: &previous, Cursor: cursor}, err
}

// current is a record as it stands. One that was retracted meanwhile sends the writer back to look again.
func (n *noun[T]) current(ctx context.Context, w *writer, id uuid.UUID) (*T, error) {
	values, err := rows.Find(ctx, &w.Reader, n.table, rows.KeysOf(id), nil)
	if err != nil {
		return nil, err
	}
	if values[0] == nil {
		return nil, errMoved
	}
	return values[0], nil
}

// nameByOthers has sentences call a record that has no name of its own by those that it is about.
func (w *writer) nameByOthers(ctx context.Context, subject *target) error {
	if subject.Name != "" || subject.Of != "" {
		return nil
	}
	_, related, err := w.lastVersion(ctx, subject)
	if err != nil {
		return err
	}
	subject.Of = namesOf(related)
	return nil
}

func namesOf(targets []*target) string {
	names := make([]string, len(targets))
	for i, t := range targets {
		if names[i] = t.Name; t.Kind != parley.KindStakeholder {
			names[i] = "“" + t.Name + "”"
		}
	}
	return parley.Enumerated(names)
}

// called names a record in a sentence.
func called(t *target) string {
	noun := strings.TrimPrefix(strings.TrimPrefix(t.Kind.Noun(), "an "), "a ")
	switch {
	case t.Name != "":
		return fmt.Sprintf("%s “%s”", noun, t.Name)
	case t.Of != "":
		return fmt.Sprintf("the %s of %s", noun, t.Of)
	}
	return t.Kind.Noun()
}
