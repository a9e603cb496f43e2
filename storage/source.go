package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// sources are kept in a table of their own.
var sources = &noun[parley.Source]{
	traits: traits{
		changes: parley.ChangeOfRecord, keyed: true, shared: true, called: "title",
		names: []string{"title"}, texts: []string{"publisher", "author"},
	},
	table: &rows.Table[parley.Source]{
		Kind: parley.KindSource, Name: "sources", Alias: "o",
		Self: func(o *parley.Source) (*uuid.UUID, *parley.Lens) { return &o.ID, &o.Lens },
		Columns: append(rows.Columns[parley.Source]{
			rows.Text("key", "key", func(o *parley.Source) *string { return &o.Key }),
			rows.Text("title label", "title", func(o *parley.Source) *string { return &o.Title }),
			rows.OptionalText("publisher", "publisher", func(o *parley.Source) **string { return &o.Publisher }),
			rows.OptionalText("author", "author", func(o *parley.Source) **string { return &o.Author }),
			rows.OptionalText("url", "url", func(o *parley.Source) **string { return &o.URL }),
			rows.OptionalTime("publishedAt", "published_at",
				func(o *parley.Source) **parley.Instant { return &o.PublishedAt }),
			rows.OptionalTime("retrievedAt", "retrieved_at",
				func(o *parley.Source) **parley.Instant { return &o.RetrievedAt }),
			rows.OptionalText("language", "language", func(o *parley.Source) **string { return &o.Language }),
			rows.Text("reliability", "reliability",
				func(o *parley.Source) *parley.SourceReliability { return &o.Reliability }),
			rows.Text("marking", "marking", func(o *parley.Source) *parley.Marking { return &o.Marking }),
			rows.OptionalText("contentHash body bodyErasure", "content_hash", func(o *parley.Source) **string { return &o.ContentHash }),
		}, provenance("recorded_at", "", func(o *parley.Source) *parley.Provenance { return &o.Provenance })...),
	},
	provenance: func(o *parley.Source) *parley.Provenance { return &o.Provenance },
}

// Sources are those with these ids; nil where there is none.
func (s *Snapshot) Sources(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Source, error) {
	return rows.Find(ctx, &s.Reader, sources.table, keys, fields)
}

// ListSources lists sources by key: those whose title, publisher or author holds the text.
func (s *Snapshot) ListSources(
	ctx context.Context, asOf *parley.AsOf, text *string, p parley.Page, fields *Fields,
) (*parley.SourceConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	c := rows.Conditions{Query: s.Query(keys), List: []string{`{known o}`}}
	c.Contains("o.title || ' ' || coalesce(o.publisher, '') || ' ' || coalesce(o.author, '')", text)
	return first(rows.Pages(ctx, sources.table, c.Query, rows.List{
		From:  `{sources o}`,
		Where: c.List,
		Order: rows.Order{Columns: []rows.OrderColumn{by("o.path", "text")}},
	}, p, fields))
}

// Bodies are the texts kept of sources; nil where none is.
func (s *Snapshot) Bodies(ctx context.Context, sources []Key, _ *Fields) ([]*string, error) {
	kept, err := bodies(ctx, &s.Reader, rows.RecordIDs(sources))
	if err != nil {
		return nil, err
	}
	aligned := make([]*string, len(sources))
	for i, k := range sources {
		aligned[i] = kept[k.ID]
	}
	return aligned, nil
}

func bodies(ctx context.Context, r *rows.Reader, sources []uuid.UUID) (map[uuid.UUID]*string, error) {
	bodies := make(map[uuid.UUID]*string)
	// Not shared, since a text may be erased meanwhile.
	err := r.RowsUnshared(ctx,
		`SELECT record_send(ROW(source_id, body)) FROM {source_bodies} WHERE source_id = ANY($1) AND body IS NOT NULL`,
		[]any{rows.IDs(sources)}, func(sent rows.Row) {
			id, body := sent.Next().ID(), sent.Next().Text()
			bodies[id] = &body
		})
	if err != nil {
		return nil, fmt.Errorf("read the bodies of sources: %w", err)
	}
	return bodies, nil
}

// foldedBodies are the texts kept of sources, ready for quotes to be looked up in them.
func (w *writer) foldedBodies(ctx context.Context, sources []uuid.UUID) (map[uuid.UUID]*parley.FoldedText, error) {
	kept, err := bodies(ctx, &w.Reader, sources)
	if err != nil {
		return nil, err
	}
	folded := make(map[uuid.UUID]*parley.FoldedText, len(kept))
	for id, body := range kept {
		folded[id] = parley.Fold(*body)
	}
	return folded, nil
}

// RegisterSource records a source, with its text if that is to be kept. Refusals: INVALID, TAKEN for a key in use,
// ID_REUSED.
func (m mutations) RegisterSource(ctx context.Context, in parley.RegisterSourceInput) (Written, error) {
	return create(ctx, m, "registerSource", in.ID, in, (*writer).registerSource)
}

func (w *writer) registerSource(ctx context.Context, in parley.RegisterSourceInput, id *clientID) (Written, error) {
	o, err := in.Source()
	if err != nil {
		return Written{}, err
	}
	subject := &target{ID: id.newID(), Path: &in.Key}
	if in.Body != nil {
		if err := w.keepBody(ctx, subject.ID, *in.Body); err != nil {
			return Written{}, err
		}
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	return sources.create(ctx, w, id, subject, &o, nil, fmt.Sprintf("Registered the source “%s”.", o.Title))
}

// EditSource changes a source's fields, and takes a body where there is none. Refusals: INVALID; QUOTE_NOT_FOUND where
// a quote on record does not stand in that body; CONFLICT where it has changed since ifUnchangedSince.
func (m mutations) EditSource(ctx context.Context, in parley.EditSource) (Written, error) {
	return perform(ctx, m.run, in, (*writer).editSource)
}

func (w *writer) editSource(ctx context.Context, in parley.EditSource) (Written, error) {
	var refs references
	subject := refs.subject("source", in.Source, parley.KindSource)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	var quotes []*parley.Statement // that a body supplied now verifies
	return sources.edit(ctx, w, edition[parley.Source]{
		subject: subject, since: in.IfUnchangedSince,
		apply: func(o *parley.Source) ([]string, error) {
			fields, err := o.Edit(in)
			if err == nil && slices.Contains(fields, "body") {
				quotes, err = w.supplyBody(ctx, subject.ID, *in.Body.Value)
			}
			return fields, err
		},
		settle: func(*parley.Source) error { return w.verify(ctx, quotes) },
	})
}

// supplyBody keeps the body of a source that had none, and returns the quotes on record that stand in it.
func (w *writer) supplyBody(ctx context.Context, source uuid.UUID, body string) ([]*parley.Statement, error) {
	lists, err := rows.Each(ctx, statements.table, w.Query(rows.KeysOf(source)), nil,
		`{statements st} ON st.source_id = k.id AND st.form = 'DIRECT_QUOTE' AND {known st}`, `st.id`)
	if err != nil {
		return nil, fmt.Errorf("read the quotes of a source: %w", err)
	}
	if err := parley.Quoted(lists[0], body); err != nil {
		return nil, err
	}
	return lists[0], w.keepBody(ctx, source, body)
}

// keepBody keeps the body of a source. It may be long, so this comes before others have to wait.
func (w *writer) keepBody(ctx context.Context, source uuid.UUID, body string) error {
	if err := w.exec(ctx, `INSERT INTO source_bodies (source_id, body) VALUES ($1, $2)`, source, body); err != nil {
		return fmt.Errorf("keep the body of a source: %w", err)
	}
	return nil
}

// verify writes new versions of quotes that have got locators. Older versions stay unverified through older lenses.
func (w *writer) verify(ctx context.Context, quotes []*parley.Statement) error {
	if len(quotes) == 0 {
		return nil
	}
	verified := make(rows.IDs, len(quotes))
	for i, s := range quotes {
		verified[i], s.Provenance = s.ID, w.provenance(nil)
	}
	err := w.exec(ctx, `
		UPDATE statements SET superseded_at = $2, closed_by = 'EDITED'
		WHERE id = ANY($1) AND superseded_at = 'infinity'`, verified, w.at)
	if err != nil {
		return fmt.Errorf("close the rows of quotes: %w", err)
	}
	return statements.insert(ctx, w, nil, quotes...)
}

// BodyErasures tell of each source whether the text kept of it was erased; nil where it was not.
func (s *Snapshot) BodyErasures(ctx context.Context, sources []Key, _ *Fields) ([]*parley.BodyErasure, error) {
	erased := make(map[uuid.UUID]parley.BodyErasure)
	err := s.Rows(ctx, `
		SELECT record_send(ROW(source_id, erased_at, erased_by, erasure_note))
		FROM {source_bodies}
		WHERE source_id = ANY($1) AND body IS NULL`, []any{rows.RecordIDs(sources)}, func(sent rows.Row) {
		id := sent.Next().ID()
		erased[id] = parley.BodyErasure{ErasedAt: sent.Next().Time(), ErasedByID: sent.Next().ID(),
			Note: sent.Next().Text()}
	})
	if err != nil {
		return nil, fmt.Errorf("read what was erased of sources: %w", err)
	}
	aligned := make([]*parley.BodyErasure, len(sources))
	for i, k := range sources {
		if e, ok := erased[k.ID]; ok {
			e.Lens = k.Lens
			aligned[i] = &e
		}
	}
	return aligned, nil
}

// EraseBody erases the text kept of a source, and notes why. Statements quoted from it stay. Refusals: INVALID without
// a note, or where no text is kept.
func (s *Store) EraseBody(ctx context.Context, source, note string) (Written, error) {
	written, err := perform(ctx, s.run, parley.EraseBody{Source: source, Note: note}, (*writer).eraseBody)
	if err != nil {
		return written, err
	}
	if err := s.rewriteBodies(ctx); err != nil {
		return written, fmt.Errorf("the text can't be read any more, but its bytes are still on the disk: %w", err)
	}
	return written, nil
}

// rewriteBodies writes the tables of texts anew, so that what was deleted from them is gone from the disk. The database
// skips tables that the role does not own, and keeps what open transactions may still read, without an error for either.
func (s *Store) rewriteBodies(ctx context.Context) error {
	const files = `SELECT pg_relation_filenode('source_bodies') AS bodies, pg_relation_filenode('source_passages') AS passages`
	var before, after struct{ Bodies, Passages int64 }
	if err := s.db.GetContext(ctx, &before, files); err != nil {
		return err
	}
	var open int
	err := s.db.GetContext(ctx, &open, `
		SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND state LIKE 'idle in transaction%'`)
	switch {
	case err != nil:
		return err
	case open > 0:
		return fmt.Errorf("open transactions may still read it (%d); end them, and erase it again", open)
	}
	if _, err := s.db.ExecContext(ctx, `VACUUM FULL source_bodies, source_passages`); err != nil {
		return err
	}
	if err := s.db.GetContext(ctx, &after, files); err != nil {
		return err
	}
	if after.Bodies == before.Bodies || after.Passages == before.Passages {
		return errors.New("this database role may not rewrite the tables; have their owner run VACUUM FULL source_bodies, source_passages")
	}
	return nil
}

func (w *writer) eraseBody(ctx context.Context, in parley.EraseBody) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	var refs references
	subject := refs.subject("source", in.Source, parley.KindSource)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	source, err := sources.current(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	kept, err := bodies(ctx, &w.Reader, rows.IDs{subject.ID})
	if err != nil {
		return Written{}, err
	}
	switch {
	case source.ContentHash == nil:
		return Written{},
			parley.Refuse(parley.Invalid, "source", "No text is kept of “%s”, so there is none to erase.",
				source.Title)
	case kept[subject.ID] == nil:
		return Written{ID: subject.ID}, errUnchanged
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	err = w.exec(ctx, `
		UPDATE source_bodies SET body = NULL, erased_at = $2, erased_by = $3, erasure_note = $4
		WHERE source_id = $1`, subject.ID, w.at, w.analyst.ID, in.Note)
	if err != nil {
		return Written{}, fmt.Errorf("erase the body of a source: %w", err)
	}
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: parley.ChangeOfRecord, Action: parley.Updated, SubjectKind: parley.KindSource, SubjectID: subject.ID,
		Version: &source.Version, PreviousVersion: &source.Version, Fields: []string{"body"}, Note: &in.Note,
		Summary: fmt.Sprintf("Erased the text kept of “%s”.", source.Title),
	})
	return Written{ID: subject.ID, Cursor: cursor}, err
}
