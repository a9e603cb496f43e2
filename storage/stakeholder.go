package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// stakeholders are kept in a table of their own.
var stakeholders = &noun[parley.Stakeholder]{
	traits: traits{
		changes: parley.ChangeOfRecord, keyed: true, shared: true, called: "name",
		names: []string{"name", "aliases"},
	},
	table: &rows.Table[parley.Stakeholder]{
		Kind: parley.KindStakeholder, Name: "stakeholders", Alias: "h",
		Self: func(h *parley.Stakeholder) (*uuid.UUID, *parley.Lens) { return &h.ID, &h.Lens },
		Columns: append(rows.Columns[parley.Stakeholder]{
			rows.Text("key", "key", func(h *parley.Stakeholder) *string { return &h.Key }),
			rows.Text("name label", "name", func(h *parley.Stakeholder) *string { return &h.Name }),
			rows.Text("kind", "kind", func(h *parley.Stakeholder) *parley.StakeholderKind { return &h.Kind }),
			rows.Texts("aliases", "aliases", func(h *parley.Stakeholder) *[]string { return &h.Aliases }),
			rows.OptionalText("countryCode", "country_code",
				func(h *parley.Stakeholder) **string { return &h.CountryCode }),
		}, provenance("recorded_at", "", func(h *parley.Stakeholder) *parley.Provenance { return &h.Provenance })...),
	},
	more: []rows.Extra[parley.Stakeholder]{{Name: "names", Arg: func(h *parley.Stakeholder) any {
		return strings.Join(append([]string{h.Name}, h.Aliases...), "\n")
	}}},
	provenance: func(h *parley.Stakeholder) *parley.Provenance { return &h.Provenance },
}

// Stakeholders are those with these ids; nil where there is none.
func (s *Snapshot) Stakeholders(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Stakeholder, error) {
	return rows.Find(ctx, &s.Reader, stakeholders.table, keys, fields)
}

// ListStakeholders lists stakeholders by key: those of the kinds whose name or an alias holds the text.
func (s *Snapshot) ListStakeholders(
	ctx context.Context, asOf *parley.AsOf, text *string, kinds []parley.StakeholderKind, p parley.Page, fields *Fields,
) (*parley.StakeholderConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	c := rows.Conditions{Query: s.Query(keys), List: []string{`{known h}`}}
	c.Contains("h.names", text)
	rows.Among(&c, "h.kind", "stakeholder_kind", kinds)
	return first(rows.Pages(ctx, stakeholders.table, c.Query, rows.List{
		From:  `{stakeholders h}`,
		Where: c.List,
		Order: rows.Order{Columns: []rows.OrderColumn{by("h.path", "text")}},
	}, p, fields))
}

// RegisterStakeholder records a stakeholder. Refusals: INVALID, TAKEN for a key in use, ID_REUSED.
func (m mutations) RegisterStakeholder(ctx context.Context, in parley.RegisterStakeholderInput) (Written, error) {
	return create(ctx, m, "registerStakeholder", in.ID, in, (*writer).registerStakeholder)
}

func (w *writer) registerStakeholder(
	ctx context.Context, in parley.RegisterStakeholderInput, id *clientID,
) (Written, error) {
	h, err := in.Stakeholder()
	if err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	subject := &target{ID: id.newID(), Path: &in.Key}
	return stakeholders.create(ctx, w, id, subject, &h, nil,
		fmt.Sprintf("Registered the stakeholder “%s”.", h.Name))
}

// EditStakeholder changes a stakeholder's fields. Refusals: INVALID, also where a person would become another kind;
// CONFLICT where it has changed since ifUnchangedSince.
func (m mutations) EditStakeholder(ctx context.Context, in parley.EditStakeholder) (Written, error) {
	return perform(ctx, m.run, in, (*writer).editStakeholder)
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
