package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// memberships are kept in a table of their own.
var memberships = &noun[parley.Membership]{
	traits: traits{
		cut: true, changes: parley.ChangeOfRecord, shared: true,
		dates: []date{{column: "valid_from"}, {column: "valid_to"}},
	},
	table: &rows.Table[parley.Membership]{
		Kind: parley.KindMembership, Name: "memberships", Alias: "m",
		Self: func(m *parley.Membership) (*uuid.UUID, *parley.Lens) { return &m.ID, &m.Lens },
		Columns: append(rows.Columns[parley.Membership]{
			rows.Reference("member label "+spoken, "member_id", func(m *parley.Membership) *uuid.UUID { return &m.MemberID },
				stakeholders.table).UsedAs("a membership").Follow(),
			rows.Reference("group label "+spoken, "group_id", func(m *parley.Membership) *uuid.UUID { return &m.GroupID },
				stakeholders.table).UsedAs("a membership").Follow(),
			rows.Flag("speaksForMembers", "speaks_for_members",
				func(m *parley.Membership) *bool { return &m.SpeaksForMembers }),
			rows.OptionalTime("validFrom", "valid_from",
				func(m *parley.Membership) **parley.Instant { return &m.ValidFrom }),
			rows.OptionalTime("validTo", "valid_to",
				func(m *parley.Membership) **parley.Instant { return &m.ValidTo }),
		}, provenance("content_at", "", func(m *parley.Membership) *parley.Provenance { return &m.Provenance })...),
	},
	provenance: func(m *parley.Membership) *parley.Provenance { return &m.Provenance },
}

// Memberships are those with these ids; nil where there is none.
func (s *Snapshot) Memberships(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Membership, error) {
	return rows.Find(ctx, &s.Reader, memberships.table, keys, fields)
}

// MembershipsOf are the memberships through which each stakeholder belongs to groups at the lens's valid instant.
func (s *Snapshot) MembershipsOf(ctx context.Context, members []Key, fields *Fields) ([][]*parley.Membership, error) {
	return s.membershipsInForce(ctx, members, fields, "member_id")
}

// MembersOf are the memberships of those who belong to each group at the lens's valid instant.
func (s *Snapshot) MembersOf(ctx context.Context, groups []Key, fields *Fields) ([][]*parley.Membership, error) {
	return s.membershipsInForce(ctx, groups, fields, "group_id")
}

func (s *Snapshot) membershipsInForce(
	ctx context.Context, keys []Key, fields *Fields, side string,
) ([][]*parley.Membership, error) {
	return rows.Each(ctx, memberships.table, s.Query(keys), fields, `
		{memberships m} ON m.`+side+` = k.id AND {known m} AND tstzrange(m.valid_from, m.valid_to) @> k.valid_at`,
		`m.valid_from NULLS FIRST, m.id`)
}

// AddMembership records that a stakeholder belongs to a group for a time. Refusals: INVALID for an interval that ends
// before it begins, for a group that is a person, and where anyone would belong to itself; CONFLICT where the member
// belongs to the group at some of that time already; ID_REUSED.
func (m mutations) AddMembership(ctx context.Context, in parley.AddMembershipInput) (Written, error) {
	return create(ctx, m, "addMembership", in.ID, in, (*writer).addMembership)
}

func (w *writer) addMembership(ctx context.Context, in parley.AddMembershipInput, id *clientID) (Written, error) {
	m, err := in.Membership()
	if err != nil {
		return Written{}, err
	}
	var refs references
	member := refs.one("member", in.Member, parley.KindStakeholder)
	group := refs.one("group", in.Group, parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	m.MemberID, m.GroupID = member.ID, group.ID
	return memberships.create(ctx, w, id, &target{ID: id.newID()}, &m, rows.IDs{member.ID, group.ID},
		fmt.Sprintf("Recorded the membership of %s in %s.", member.Name, group.Name))
}

// EndMembership records when a membership ended; without an instant, when the change is recorded. Refusals: INVALID for
// an end before the beginning, and where anyone would then belong to itself; CONFLICT where the member belonged to the
// group again by then.
func (m mutations) EndMembership(ctx context.Context, in parley.EndMembershipInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).endMembership)
}

func (w *writer) endMembership(ctx context.Context, in parley.EndMembershipInput) (Written, error) {
	var refs references
	subject := refs.subject("membership", in.Membership, parley.KindMembership)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	m, err := memberships.current(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	now, err := w.Now(ctx)
	if err != nil {
		return Written{}, err
	}
	return memberships.edit(ctx, w, edition[parley.Membership]{
		subject: subject, touches: rows.IDs{m.MemberID, m.GroupID},
		apply:  func(m *parley.Membership) ([]string, error) { return ending(now.Now, m.ValidTo, in.ValidTo, m.End) },
		settle: func(m *parley.Membership) error { return endNow(w, in.ValidTo, m.End) },
	})
}

// CorrectMembership corrects a membership that was recorded wrongly. Refusals: those of AddMembership; CONFLICT also
// where the membership has changed since ifUnchangedSince.
func (m mutations) CorrectMembership(ctx context.Context, in parley.CorrectMembership) (Written, error) {
	return perform(ctx, m.run, in, (*writer).correctMembership)
}

func (w *writer) correctMembership(ctx context.Context, in parley.CorrectMembership) (Written, error) {
	var refs references
	subject := refs.subject("membership", in.Membership, parley.KindMembership)
	member := refs.patch("member", in.Member, parley.KindStakeholder)
	group := refs.patch("group", in.Group, parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	was, err := memberships.current(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	touches := append(ids(given(member, group)), was.MemberID, was.GroupID)
	return memberships.edit(ctx, w, edition[parley.Membership]{
		subject: subject, since: in.IfUnchangedSince, note: &in.Note, touches: touches,
		apply: func(m *parley.Membership) ([]string, error) {
			return m.Correct(in, resolved(in.Member, member), resolved(in.Group, group))
		},
	})
}
