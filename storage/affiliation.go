package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// affiliationRow is what is written of a version.
type affiliationRow struct {
	parley.Affiliation
}

var affiliationTable = &table[parley.Affiliation]{
	name: "affiliations", alias: "a",
	self: func(a *parley.Affiliation) (*uuid.UUID, *parley.Lens) { return &a.ID, &a.Lens },
	columns: append([]column[parley.Affiliation]{
		id("person label", "@.person_id", func(a *parley.Affiliation) *uuid.UUID { return &a.PersonID }),
		id("organization label", "@.organization_id", func(a *parley.Affiliation) *uuid.UUID { return &a.OrganizationID }),
		optionalText("office label", "@.office", func(a *parley.Affiliation) **string { return &a.Office }),
		flag("speaksFor", "@.speaks_for", func(a *parley.Affiliation) *bool { return &a.SpeaksFor }),
		optionalWhen("validFrom", "@.valid_from", func(a *parley.Affiliation) **parley.Instant { return &a.ValidFrom }),
		optionalWhen("validTo", "@.valid_to", func(a *parley.Affiliation) **parley.Instant { return &a.ValidTo }),
	}, provenance("recorded_at", func(a *parley.Affiliation) *parley.Provenance { return &a.Provenance })...),
	references: []reference{
		refersTo("person", "@.person_id", stakeholderTable),
		refersTo("organization", "@.organization_id", stakeholderTable),
	},
}

var affiliations = noun[parley.Affiliation]{
	table: affiliationTable, kind: parley.KindAffiliation, changeKind: parley.ChangeOfRecord,
	provenance: func(a *parley.Affiliation) *parley.Provenance { return &a.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, a *parley.Affiliation) error {
		a.ID = subject.ID
		return w.insert(ctx, "affiliations",
			`id, version, person_id, organization_id, office, speaks_for, valid_from, valid_to, recorded_by, recorded_at, correction_note`,
			affiliationRow{Affiliation: *a})
	},
}

// Affiliations are those with these ids; nil where there is none.
func (s *Snapshot) Affiliations(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Affiliation, error) {
	return find(ctx, &s.reader, affiliationTable, keys, fields)
}

// AffiliationsOf are the offices that each person holds at the lens's valid instant.
func (s *Snapshot) AffiliationsOf(ctx context.Context, persons []Key, fields *Fields) ([][]*parley.Affiliation, error) {
	return affiliationsInForce(ctx, &s.reader, persons, fields, "person_id")
}

// MembersOf are the offices held with each organization at the lens's valid instant.
func (s *Snapshot) MembersOf(ctx context.Context, organizations []Key, fields *Fields) ([][]*parley.Affiliation, error) {
	return affiliationsInForce(ctx, &s.reader, organizations, fields, "organization_id")
}

func affiliationsInForce(ctx context.Context, r *reader, keys []Key, fields *Fields, side string) ([][]*parley.Affiliation, error) {
	return readEach(ctx, r, affiliationTable, keys, fields, `
		affiliations a ON a.`+side+` = k.id AND {known a} AND tstzrange(a.valid_from, a.valid_to) @> k.valid_at`,
		`a.valid_from NULLS FIRST, a.id`)
}

// officesWith are all offices ever held with an organization, as on record now.
func (w *writer) officesWith(ctx context.Context, organization uuid.UUID) ([]*parley.Affiliation, error) {
	lists, err := readEach(ctx, &w.reader, affiliationTable, current(organization), nil, `affiliations a ON a.organization_id = k.id AND {known a}`, "")
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
	sides, err := find(ctx, &w.reader, stakeholderTable, current(person.ID, organization.ID), nil)
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
		apply:  func(a *parley.Affiliation) ([]string, error) { return ending(now.now, a.ValidTo, in.ValidTo, a.End) },
		settle: func(a *parley.Affiliation) error { return endNow(w, in.ValidTo, a.End) },
	})
}
