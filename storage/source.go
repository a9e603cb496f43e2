package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"parley"
)

type sourceRow struct {
	listed
	parley.Source
	Path string `db:"path"`
}

func (r sourceRow) noun(lens parley.Lens) *parley.Source {
	r.Source.Lens = lens
	return &r.Source
}

var sourceColumns = `o.id, o.path, o.key, o.title, o.publisher, o.author, o.url, o.published_at, o.retrieved_at, o.language,
	o.reliability, o.marking, o.content_hash, ` + provenanceOf("o", "recorded_at")

var sources = noun[parley.Source]{
	table: "sources", kind: parley.KindSource, changeKind: parley.ChangeOfRecord,
	provenance: func(o *parley.Source) *parley.Provenance { return &o.Provenance },
	read: func(ctx context.Context, r *reader, keys []Key) ([]*parley.Source, error) {
		return one[sourceRow](ctx, r, keys, `
			SELECT k.n, `+sourceColumns+`
			FROM {keys}
			JOIN sources o ON o.id = k.id AND {known o}`)
	},
	insert: func(ctx context.Context, w *writer, subject *target, o *parley.Source) error {
		o.ID = subject.ID
		return w.insert(ctx, "sources",
			`id, version, path, key, title, publisher, author, url, published_at, retrieved_at, language, reliability, marking,
				content_hash, recorded_by, recorded_at, correction_note`,
			sourceRow{Source: *o, Path: *subject.Path})
	},
}

// Sources are those with these ids; nil where there is none.
func (s *Snapshot) Sources(ctx context.Context, keys []Key) ([]*parley.Source, error) {
	return sources.read(ctx, &s.reader, keys)
}

// ListSources lists sources by key: those whose title, publisher or author holds the text.
func (s *Snapshot) ListSources(ctx context.Context, lens parley.Lens, text *string, p parley.Page) (*parley.SourceConnection, error) {
	c := conditions{query: newQuery([]Key{{Lens: lens}}), list: []string{`{known o}`}}
	c.contains("o.title || ' ' || coalesce(o.publisher, '') || ' ' || coalesce(o.author, '')", text)
	return first(pages[sourceRow](ctx, &s.reader, c.query, list{
		columns: sourceColumns,
		from:    `sources o`,
		where:   c.list,
		order:   order{columns: []orderColumn{{"path", "o.path", "text"}}},
	}, p))
}

// Bodies are the texts kept of sources; nil where none is.
func (s *Snapshot) Bodies(ctx context.Context, sources []Key) ([]*string, error) {
	bodies, err := s.bodies(ctx, recordIDs(sources))
	if err != nil {
		return nil, err
	}
	aligned := make([]*string, len(sources))
	for i, k := range sources {
		aligned[i] = bodies[k.ID]
	}
	return aligned, nil
}

func (r *reader) bodies(ctx context.Context, sources []uuid.UUID) (map[uuid.UUID]*string, error) {
	var rows []struct {
		ID   uuid.UUID `db:"source_id"`
		Body string    `db:"body"`
	}
	if err := r.all(ctx, &rows, `SELECT source_id, body FROM source_bodies WHERE source_id = ANY($1)`, uuids(sources)); err != nil {
		return nil, fmt.Errorf("read the bodies of sources: %w", err)
	}
	bodies := make(map[uuid.UUID]*string, len(rows))
	for i := range rows {
		bodies[rows[i].ID] = &rows[i].Body
	}
	return bodies, nil
}

// foldedBodies are the texts kept of sources, ready for quotes to be looked up in them.
func (r *reader) foldedBodies(ctx context.Context, sources []uuid.UUID) (map[uuid.UUID]*parley.FoldedText, error) {
	bodies, err := r.bodies(ctx, sources)
	if err != nil {
		return nil, err
	}
	folded := make(map[uuid.UUID]*parley.FoldedText, len(bodies))
	for id, body := range bodies {
		folded[id] = parley.Fold(*body)
	}
	return folded, nil
}

// RegisterSource puts a source on record.
func (m mutations) RegisterSource(ctx context.Context, in parley.RegisterSourceInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).registerSource)
}

func (w *writer) registerSource(ctx context.Context, in parley.RegisterSourceInput, id *clientID) (Written, error) {
	o, err := in.Source()
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	subject := &target{ID: id.newID(), Path: &in.Key}
	written, err := sources.create(ctx, w, id, subject, &o, nil, fmt.Sprintf("Registered the source “%s”.", o.Title))
	if err != nil || in.Body == nil {
		return written, err
	}
	if err := w.exec(ctx, `INSERT INTO source_bodies (source_id, body) VALUES ($1, $2)`, subject.ID, *in.Body); err != nil {
		return Written{}, fmt.Errorf("keep the body of a source: %w", err)
	}
	return written, nil
}

// EditSource changes a source's fields.
func (m mutations) EditSource(ctx context.Context, in parley.EditSource) (Written, error) {
	return perform(ctx, m, in, (*writer).editSource)
}

func (w *writer) editSource(ctx context.Context, in parley.EditSource) (Written, error) {
	var refs references
	subject := refs.subject("source", in.Source, parley.KindSource)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	return sources.edit(ctx, w, edition[parley.Source]{
		subject: subject, since: in.IfUnchangedSince,
		apply: func(o *parley.Source) ([]string, error) { return o.Edit(in) },
	})
}
