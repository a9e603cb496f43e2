package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"parley"
)

// sourceRow is what is written of a version.
type sourceRow struct {
	parley.Source
	Path string `db:"path"`
}

var sourceTable = &table[parley.Source]{
	name: "sources", alias: "o",
	self: func(o *parley.Source) (*uuid.UUID, *parley.Lens) { return &o.ID, &o.Lens },
	columns: append([]column[parley.Source]{
		text("key", "@.key", func(o *parley.Source) *string { return &o.Key }),
		text("title label", "@.title", func(o *parley.Source) *string { return &o.Title }),
		optionalText("publisher", "@.publisher", func(o *parley.Source) **string { return &o.Publisher }),
		optionalText("author", "@.author", func(o *parley.Source) **string { return &o.Author }),
		optionalText("url", "@.url", func(o *parley.Source) **string { return &o.URL }),
		optionalWhen("publishedAt", "@.published_at", func(o *parley.Source) **parley.Instant { return &o.PublishedAt }),
		optionalWhen("retrievedAt", "@.retrieved_at", func(o *parley.Source) **parley.Instant { return &o.RetrievedAt }),
		optionalText("language", "@.language", func(o *parley.Source) **string { return &o.Language }),
		text("reliability", "@.reliability", func(o *parley.Source) *parley.SourceReliability { return &o.Reliability }),
		text("marking", "@.marking", func(o *parley.Source) *parley.Marking { return &o.Marking }),
		optionalText("contentHash", "@.content_hash", func(o *parley.Source) **string { return &o.ContentHash }),
	}, provenance("recorded_at", func(o *parley.Source) *parley.Provenance { return &o.Provenance })...),
}

var sources = noun[parley.Source]{
	table: sourceTable, kind: parley.KindSource, changeKind: parley.ChangeOfRecord,
	provenance: func(o *parley.Source) *parley.Provenance { return &o.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, o *parley.Source) error {
		o.ID = subject.ID
		return w.insert(ctx, "sources",
			`id, version, path, key, title, publisher, author, url, published_at, retrieved_at, language, reliability, marking,
				content_hash, recorded_by, recorded_at, correction_note`,
			sourceRow{Source: *o, Path: *subject.Path})
	},
}

// Sources are those with these ids; nil where there is none.
func (s *Snapshot) Sources(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Source, error) {
	return find(ctx, &s.reader, sourceTable, keys, fields)
}

// ListSources lists sources by key: those whose title, publisher or author holds the text.
func (s *Snapshot) ListSources(ctx context.Context, asOf *parley.AsOf, text *string, p parley.Page, fields *Fields) (*parley.SourceConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	c := conditions{query: s.newQuery(keys), list: []string{`{known o}`}}
	c.contains("o.title || ' ' || coalesce(o.publisher, '') || ' ' || coalesce(o.author, '')", text)
	return first(pages(ctx, &s.reader, sourceTable, c.query, list{
		from:  `sources o`,
		where: c.list,
		order: order{columns: []orderColumn{{"o.path", "text"}}},
	}, p, fields))
}

// Bodies are the texts kept of sources; nil where none is.
func (s *Snapshot) Bodies(ctx context.Context, sources []Key, _ *Fields) ([]*string, error) {
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
	bodies := make(map[uuid.UUID]*string)
	err := r.rows(ctx, `SELECT record_send(ROW(source_id, body)) FROM source_bodies WHERE source_id = ANY($1)`, []any{binaryIDs(sources)}, func(sent row) {
		id, body := sent.next().id(), sent.next().text()
		bodies[id] = &body
	})
	if err != nil {
		return nil, fmt.Errorf("read the bodies of sources: %w", err)
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
