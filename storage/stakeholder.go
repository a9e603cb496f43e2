package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// stakeholderRow is what is written of a version.
type stakeholderRow struct {
	parley.Stakeholder
	Path    string        `db:"path"`
	Aliases words[string] `db:"aliases"`
	Names   string        `db:"names"`
}

var stakeholderTable = &table[parley.Stakeholder]{
	name: "stakeholders", alias: "h",
	self: func(h *parley.Stakeholder) (*uuid.UUID, *parley.Lens) { return &h.ID, &h.Lens },
	columns: append([]column[parley.Stakeholder]{
		text("key", "@.key", func(h *parley.Stakeholder) *string { return &h.Key }),
		text("name label", "@.name", func(h *parley.Stakeholder) *string { return &h.Name }),
		text("kind", "@.kind", func(h *parley.Stakeholder) *parley.StakeholderKind { return &h.Kind }),
		textList("aliases", "@.aliases", func(h *parley.Stakeholder) *[]string { return &h.Aliases }),
		optionalText("countryCode", "@.country_code", func(h *parley.Stakeholder) **string { return &h.CountryCode }),
	}, provenance("recorded_at", func(h *parley.Stakeholder) *parley.Provenance { return &h.Provenance })...),
}

var stakeholders = noun[parley.Stakeholder]{
	table: stakeholderTable, kind: parley.KindStakeholder, changeKind: parley.ChangeOfRecord,
	provenance: func(h *parley.Stakeholder) *parley.Provenance { return &h.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, h *parley.Stakeholder) error {
		h.ID = subject.ID
		return w.insert(ctx, "stakeholders",
			`id, version, path, key, name, kind, aliases, names, country_code, recorded_by, recorded_at, correction_note`,
			stakeholderRow{Stakeholder: *h, Path: *subject.Path, Aliases: h.Aliases, Names: strings.Join(append([]string{h.Name}, h.Aliases...), "\n")})
	},
}

// Stakeholders are those with these ids; nil where there is none.
func (s *Snapshot) Stakeholders(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Stakeholder, error) {
	return find(ctx, &s.reader, stakeholderTable, keys, fields)
}

// ListStakeholders lists stakeholders by key: those of the kinds whose name or an alias holds the text.
func (s *Snapshot) ListStakeholders(ctx context.Context, asOf *parley.AsOf, text *string, kinds []parley.StakeholderKind, p parley.Page, fields *Fields) (*parley.StakeholderConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	c := conditions{query: s.newQuery(keys), list: []string{`{known h}`}}
	c.contains("h.names", text)
	among(&c, "h.kind", "stakeholder_kind", kinds)
	return first(pages(ctx, &s.reader, stakeholderTable, c.query, list{
		from:  `stakeholders h`,
		where: c.list,
		order: order{columns: []orderColumn{{"h.path", "text"}}},
	}, p, fields))
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
