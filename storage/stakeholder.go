package storage

import (
	"context"
	"fmt"
	"strings"

	"parley"
)

type stakeholderRow struct {
	listed
	parley.Stakeholder
	Path    string        `db:"path"`
	Aliases words[string] `db:"aliases"`
	Names   string        `db:"names"`
}

func (r stakeholderRow) noun(lens parley.Lens) *parley.Stakeholder {
	r.Stakeholder.Lens, r.Stakeholder.Aliases = lens, r.Aliases
	return &r.Stakeholder
}

var stakeholderColumns = `h.id, h.path, h.key, h.name, h.kind, h.aliases, h.country_code, ` + provenanceOf("h", "recorded_at")

var stakeholders = noun[parley.Stakeholder]{
	table: "stakeholders", kind: parley.KindStakeholder, changeKind: parley.ChangeOfRecord,
	provenance: func(h *parley.Stakeholder) *parley.Provenance { return &h.Provenance },
	read: func(ctx context.Context, r *reader, keys []Key) ([]*parley.Stakeholder, error) {
		return one[stakeholderRow](ctx, r, keys, `
			SELECT k.n, `+stakeholderColumns+`
			FROM {keys}
			JOIN stakeholders h ON h.id = k.id AND {known h}`)
	},
	insert: func(ctx context.Context, w *writer, subject *target, h *parley.Stakeholder) error {
		h.ID = subject.ID
		return w.insert(ctx, "stakeholders",
			`id, version, path, key, name, kind, aliases, names, country_code, recorded_by, recorded_at, correction_note`,
			stakeholderRow{Stakeholder: *h, Path: *subject.Path, Aliases: h.Aliases, Names: strings.Join(append([]string{h.Name}, h.Aliases...), "\n")})
	},
}

// Stakeholders are those with these ids; nil where there is none.
func (s *Snapshot) Stakeholders(ctx context.Context, keys []Key) ([]*parley.Stakeholder, error) {
	return stakeholders.read(ctx, &s.reader, keys)
}

// ListStakeholders lists stakeholders by key: those of the kinds whose name or an alias holds the text.
func (s *Snapshot) ListStakeholders(ctx context.Context, lens parley.Lens, text *string, kinds []parley.StakeholderKind, p parley.Page) (*parley.StakeholderConnection, error) {
	c := conditions{query: newQuery([]Key{{Lens: lens}}), list: []string{`{known h}`}}
	c.contains("h.names", text)
	among(&c, "h.kind", "stakeholder_kind", kinds)
	return first(pages[stakeholderRow](ctx, &s.reader, c.query, list{
		columns: stakeholderColumns,
		from:    `stakeholders h`,
		where:   c.list,
		order:   order{columns: []orderColumn{{"path", "h.path", "text"}}},
	}, p))
}

// RegisterStakeholder puts a stakeholder on record.
func (m mutations) RegisterStakeholder(ctx context.Context, in parley.RegisterStakeholderInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).registerStakeholder)
}

func (w *writer) registerStakeholder(ctx context.Context, in parley.RegisterStakeholderInput, id *clientID) (Written, error) {
	h, err := in.Stakeholder()
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	subject := &target{ID: id.newID(), Path: &in.Key}
	return stakeholders.create(ctx, w, id, subject, &h, nil, fmt.Sprintf("Registered the stakeholder “%s”.", h.Name))
}

// EditStakeholder changes a stakeholder's fields.
func (m mutations) EditStakeholder(ctx context.Context, in parley.EditStakeholder) (Written, error) {
	return perform(ctx, m, in, (*writer).editStakeholder)
}

func (w *writer) editStakeholder(ctx context.Context, in parley.EditStakeholder) (Written, error) {
	var refs references
	subject := refs.subject("stakeholder", in.Stakeholder, parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	return stakeholders.edit(ctx, w, edition[parley.Stakeholder]{
		subject: subject, since: in.IfUnchangedSince,
		apply: func(h *parley.Stakeholder) ([]string, error) { return h.Edit(in) },
	})
}
