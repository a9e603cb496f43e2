package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"parley"
)

type affiliationRow struct {
	numbered
	parley.Affiliation
}

func (r affiliationRow) noun(lens parley.Lens) *parley.Affiliation {
	r.Affiliation.Lens = lens
	return &r.Affiliation
}

var affiliationColumns = `a.id, a.person_id, a.organization_id, a.office, a.speaks_for, a.valid_from, a.valid_to, ` + provenanceOf("a", "recorded_at")

var affiliations = noun[parley.Affiliation]{
	table: "affiliations", kind: parley.KindAffiliation, changeKind: parley.ChangeOfRecord,
	provenance: func(a *parley.Affiliation) *parley.Provenance { return &a.Provenance },
	read: func(ctx context.Context, r *reader, keys []Key) ([]*parley.Affiliation, error) {
		return one[affiliationRow](ctx, r, keys, `
			SELECT k.n, `+affiliationColumns+`
			FROM {keys}
			JOIN affiliations a ON a.id = k.id AND {known a}`)
	},
	insert: func(ctx context.Context, w *writer, subject *target, a *parley.Affiliation) error {
		a.ID = subject.ID
		return w.insert(ctx, "affiliations",
			`id, version, person_id, organization_id, office, speaks_for, valid_from, valid_to, recorded_by, recorded_at, correction_note`,
			affiliationRow{Affiliation: *a})
	},
}

// Affiliations are those with these ids; nil where there is none.
func (s *Snapshot) Affiliations(ctx context.Context, keys []Key) ([]*parley.Affiliation, error) {
	return affiliations.read(ctx, &s.reader, keys)
}

// AffiliationsOf are the offices that each person holds at the lens's valid instant.
func (s *Snapshot) AffiliationsOf(ctx context.Context, persons []Key) ([][]*parley.Affiliation, error) {
	return affiliationsInForce(ctx, &s.reader, persons, "person_id")
}

// MembersOf are the offices held with each organization at the lens's valid instant.
func (s *Snapshot) MembersOf(ctx context.Context, organizations []Key) ([][]*parley.Affiliation, error) {
	return affiliationsInForce(ctx, &s.reader, organizations, "organization_id")
}

func affiliationsInForce(ctx context.Context, r *reader, keys []Key, side string) ([][]*parley.Affiliation, error) {
	return each[affiliationRow](ctx, r, newQuery(keys), `
		SELECT k.n, `+affiliationColumns+`
		FROM {keys}
		JOIN affiliations a ON a.`+side+` = k.id AND {known a}
			AND tstzrange(a.valid_from, a.valid_to) @> k.valid_at
		ORDER BY a.valid_from NULLS FIRST, a.id`)
}

// officesWith are all offices ever held with an organization, as on record now.
func (w *writer) officesWith(ctx context.Context, organization uuid.UUID) ([]*parley.Affiliation, error) {
	lists, err := each[affiliationRow](ctx, &w.reader, newQuery(current(organization)), `
		SELECT k.n, `+affiliationColumns+`
		FROM {keys}
		JOIN affiliations a ON a.organization_id = k.id AND {known a}`)
	if err != nil {
		return nil, err
	}
	return lists[0], nil
}

// Affiliate puts an office on record.
func (m mutations) Affiliate(ctx context.Context, in parley.AffiliateInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).affiliate)
}

func (w *writer) affiliate(ctx context.Context, in parley.AffiliateInput, id *clientID) (Written, error) {
	a, err := in.Affiliation()
	if err != nil {
		return Written{}, err
	}
	var refs references
	person := refs.one("person", in.Person, parley.KindStakeholder)
	organization := refs.one("organization", in.Organization, parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	sides, err := stakeholders.read(ctx, &w.reader, current(person.ID, organization.ID))
	if err != nil {
		return Written{}, err
	}
	if err := parley.CheckAffiliates(sides[0].Kind, sides[1].Kind); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	a.PersonID, a.OrganizationID = person.ID, organization.ID
	return affiliations.create(ctx, w, id, &target{ID: id.newID()}, &a, uuids{person.ID, organization.ID},
		fmt.Sprintf("Affiliated %s.", a.Label(person.Name, organization.Name)))
}

// EndAffiliation says when an office ended.
func (m mutations) EndAffiliation(ctx context.Context, in parley.EndAffiliationInput) (Written, error) {
	return perform(ctx, m, in, (*writer).endAffiliation)
}

func (w *writer) endAffiliation(ctx context.Context, in parley.EndAffiliationInput) (Written, error) {
	var refs references
	subject := refs.subject("affiliation", in.Affiliation, parley.KindAffiliation)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	a, err := affiliations.current(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	now, err := w.now(ctx)
	if err != nil {
		return Written{}, err
	}
	return affiliations.edit(ctx, w, edition[parley.Affiliation]{
		subject: subject, touches: uuids{a.PersonID, a.OrganizationID},
		apply:  func(a *parley.Affiliation) ([]string, error) { return ending(now.Now, a.ValidTo, in.ValidTo, a.End) },
		settle: func(a *parley.Affiliation) error { return endNow(w, in.ValidTo, a.End) },
	})
}
