package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// affiliations are kept in a table of their own.
var affiliations = &noun[parley.Affiliation]{
	traits: traits{
		cut: true, changes: parley.ChangeOfRecord, shared: true,
		dates: []date{{column: "valid_from"}, {column: "valid_to"}},
	},
	table: &rows.Table[parley.Affiliation]{
		Kind: parley.KindAffiliation, Name: "affiliations", Alias: "a",
		Self: func(a *parley.Affiliation) (*uuid.UUID, *parley.Lens) { return &a.ID, &a.Lens },
		Columns: append(rows.Columns[parley.Affiliation]{
			rows.Reference("person label "+spoken, "person_id",
				func(a *parley.Affiliation) *uuid.UUID { return &a.PersonID },
				stakeholders.table).UsedAs("an affiliation").Follow(),
			rows.Reference("organization label "+spoken, "organization_id",
				func(a *parley.Affiliation) *uuid.UUID { return &a.OrganizationID },
				stakeholders.table).UsedAs("an affiliation").Follow(),
			rows.OptionalText("office label", "office", func(a *parley.Affiliation) **string { return &a.Office }),
			rows.Flag("speaksFor", "speaks_for", func(a *parley.Affiliation) *bool { return &a.SpeaksFor }),
			rows.OptionalTime("validFrom", "valid_from",
				func(a *parley.Affiliation) **parley.Instant { return &a.ValidFrom }),
			rows.OptionalTime("validTo", "valid_to",
				func(a *parley.Affiliation) **parley.Instant { return &a.ValidTo }),
		}, provenance("content_at", "", func(a *parley.Affiliation) *parley.Provenance { return &a.Provenance })...),
	},
	provenance: func(a *parley.Affiliation) *parley.Provenance { return &a.Provenance },
}

// Affiliations are those with these ids; nil where there is none.
func (s *Snapshot) Affiliations(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Affiliation, error) {
	return rows.Find(ctx, &s.Reader, affiliations.table, keys, fields)
}

// AffiliationsOf are the offices that each person holds at the lens's valid instant.
func (s *Snapshot) AffiliationsOf(ctx context.Context, persons []Key, fields *Fields) ([][]*parley.Affiliation, error) {
	return s.affiliationsInForce(ctx, persons, fields, "person_id")
}

// OfficeHoldersOf are the offices held with each organization at the lens's valid instant.
func (s *Snapshot) OfficeHoldersOf(
	ctx context.Context, organizations []Key, fields *Fields,
) ([][]*parley.Affiliation, error) {
	return s.affiliationsInForce(ctx, organizations, fields, "organization_id")
}

func (s *Snapshot) affiliationsInForce(
	ctx context.Context, keys []Key, fields *Fields, side string,
) ([][]*parley.Affiliation, error) {
	return rows.Each(ctx, affiliations.table, s.Query(keys), fields, `
		{affiliations a} ON a.`+side+` = k.id AND {known a} AND tstzrange(a.valid_from, a.valid_to) @> k.valid_at`,
		`a.valid_from NULLS FIRST, a.id`)
}

// Affiliate records that a person holds an office with an organization for a time. Refusals: INVALID for an interval
// that ends before it begins, and for a person or an organization of the wrong kind; CONFLICT where the person holds
// the office at some of that time already; ID_REUSED.
func (m mutations) Affiliate(ctx context.Context, in parley.AffiliateInput) (Written, error) {
	return create(ctx, m, "affiliate", in.ID, in, (*writer).affiliate)
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
	if err := w.checkAffiliates(ctx, person.ID, organization.ID); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	a.PersonID, a.OrganizationID = person.ID, organization.ID
	return affiliations.create(ctx, w, id, &target{ID: id.newID()}, &a, rows.IDs{person.ID, organization.ID},
		fmt.Sprintf("Affiliated %s.", a.Label(person.Name, organization.Name)))
}

// checkAffiliates refuses sides of the wrong kinds.
func (w *writer) checkAffiliates(ctx context.Context, person, organization uuid.UUID) error {
	sides, err := rows.Find(ctx, &w.Reader, stakeholders.table, rows.KeysOf(person, organization), nil)
	if err != nil {
		return err
	}
	return parley.CheckAffiliates(sides[0].Kind, sides[1].Kind)
}

// EndAffiliation records when an office ended; without an instant, when the change is recorded. Refusals: INVALID for
// an end before the beginning; CONFLICT where the person held the office again by then.
func (m mutations) EndAffiliation(ctx context.Context, in parley.EndAffiliationInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).endAffiliation)
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
	now, err := w.Now(ctx)
	if err != nil {
		return Written{}, err
	}
	return affiliations.edit(ctx, w, edition[parley.Affiliation]{
		subject: subject, touches: rows.IDs{a.PersonID, a.OrganizationID},
		apply:  func(a *parley.Affiliation) ([]string, error) { return ending(now.Now, a.ValidTo, in.ValidTo, a.End) },
		settle: func(a *parley.Affiliation) error { return endNow(w, in.ValidTo, a.End) },
	})
}

// CorrectAffiliation corrects an affiliation that was recorded wrongly. Refusals: INVALID for an interval that ends
// before it begins, and for a person or an organization of the wrong kind; CONFLICT where the person holds the office
// at some of that time already, or the affiliation has changed since ifUnchangedSince.
func (m mutations) CorrectAffiliation(ctx context.Context, in parley.CorrectAffiliation) (Written, error) {
	return perform(ctx, m.run, in, (*writer).correctAffiliation)
}

func (w *writer) correctAffiliation(ctx context.Context, in parley.CorrectAffiliation) (Written, error) {
	var refs references
	subject := refs.subject("affiliation", in.Affiliation, parley.KindAffiliation)
	person := refs.patch("person", in.Person, parley.KindStakeholder)
	organization := refs.patch("organization", in.Organization, parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	was, err := affiliations.current(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	touches := append(ids(given(person, organization)), was.PersonID, was.OrganizationID)
	return affiliations.edit(ctx, w, edition[parley.Affiliation]{
		subject: subject, since: in.IfUnchangedSince, note: &in.Note, touches: touches,
		apply: func(a *parley.Affiliation) ([]string, error) {
			fields, err := a.Correct(in, resolved(in.Person, person), resolved(in.Organization, organization))
			if err != nil {
				return nil, err
			}
			return fields, w.checkAffiliates(ctx, a.PersonID, a.OrganizationID)
		},
	})
}
