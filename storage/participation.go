package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// participations are kept in a table of their own.
var participations = &noun[parley.Participation]{
	traits: traits{
		cut: true, changes: parley.ChangeOfRecord, dates: []date{{column: "valid_from"}, {column: "valid_to"}},
	},
	table: &rows.Table[parley.Participation]{
		Kind: parley.KindParticipation, Name: "participations", Alias: "p",
		Self: func(p *parley.Participation) (*uuid.UUID, *parley.Lens) { return &p.ID, &p.Lens },
		Columns: append(rows.Columns[parley.Participation]{
			rows.Reference("negotiation", "negotiation_id",
				func(p *parley.Participation) *uuid.UUID { return &p.NegotiationID },
				negotiations.table).UsedAs("a participation"),
			rows.Reference("stakeholder label", "stakeholder_id",
				func(p *parley.Participation) *uuid.UUID { return &p.StakeholderID },
				stakeholders.table).UsedAs("a participation").Follow(),
			rows.Text("role label", "role", func(p *parley.Participation) *parley.ParticipationRole { return &p.Role }),
			rows.Flag("vetoPlayer", "veto_player", func(p *parley.Participation) *bool { return &p.VetoPlayer }),
			rows.IDList("vetoIssues", "veto_issues",
				func(p *parley.Participation) *[]uuid.UUID { return &p.VetoIssueIDs },
				parley.KindIssue).UsedAs("a veto"),
			rows.OptionalInt("capability", "capability", func(p *parley.Participation) **int { return &p.Capability }),
			rows.OptionalTime("validFrom", "valid_from",
				func(p *parley.Participation) **parley.Instant { return &p.ValidFrom }),
			rows.OptionalTime("validTo", "valid_to",
				func(p *parley.Participation) **parley.Instant { return &p.ValidTo }),
		}, provenance("content_at", "", func(p *parley.Participation) *parley.Provenance { return &p.Provenance })...),
	},
	provenance: func(p *parley.Participation) *parley.Provenance { return &p.Provenance },
}

// Participations are those with these ids; nil where there is none.
func (s *Snapshot) Participations(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Participation, error) {
	return rows.Find(ctx, &s.Reader, participations.table, keys, fields)
}

// ParticipantsOf lists who takes part in each negotiation at the lens's valid instant, by role.
func (s *Snapshot) ParticipantsOf(
	ctx context.Context, negotiations []Key, role *parley.ParticipationRole, p parley.Page, fields *Fields,
) ([]*parley.ParticipationConnection, error) {
	c := rows.Conditions{Query: s.Query(negotiations), List: []string{
		`p.negotiation_id = k.id`, `{known p}`, `tstzrange(p.valid_from, p.valid_to) @> k.valid_at`,
	}}
	if role != nil {
		rows.Among(&c, "p.role", "participation_role", []parley.ParticipationRole{*role})
	}
	return rows.Pages(ctx, participations.table, c.Query, rows.List{
		From:  `{participations p}`,
		Where: c.List,
		Order: rows.Order{Columns: byRole},
	}, p, fields)
}

var byRole = []rows.OrderColumn{byEnum("p.role", "participation_role", parley.ParticipationRoles), by("p.id", "uuid")}

// ParticipationsOf are the roles that each stakeholder has at the lens's valid instant.
func (s *Snapshot) ParticipationsOf(
	ctx context.Context, stakeholders []Key, fields *Fields,
) ([][]*parley.Participation, error) {
	return rows.Each(ctx, participations.table, s.Query(stakeholders), fields, `
		{participations p} ON p.stakeholder_id = k.id AND {known p}
			AND tstzrange(p.valid_from, p.valid_to) @> k.valid_at`,
		`p.negotiation_id, p.role, p.id`)
}

// JoinNegotiation gives a stakeholder a role in a negotiation for a time. Refusals: INVALID, also for issues to veto of
// another negotiation; CONFLICT where the stakeholder has the role at some of that time already; ID_REUSED.
func (m mutations) JoinNegotiation(ctx context.Context, in parley.JoinNegotiationInput) (Written, error) {
	return create(ctx, m, "joinNegotiation", in.ID, in, (*writer).joinNegotiation)
}

func (w *writer) joinNegotiation(ctx context.Context, in parley.JoinNegotiationInput, id *clientID) (Written, error) {
	p, err := in.Participation()
	if err != nil {
		return Written{}, err
	}
	var refs references
	negotiation := refs.one("negotiation", in.Negotiation, parley.KindNegotiation)
	stakeholder := refs.one("stakeholder", in.Stakeholder, parley.KindStakeholder)
	vetoIssues := refs.every("vetoIssues", in.VetoIssues, parley.KindIssue)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := issuesOfIt(negotiation.ID, vetoIssues); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	p.NegotiationID, p.StakeholderID, p.VetoIssueIDs = negotiation.ID, stakeholder.ID, ids(vetoIssues)
	return participations.create(ctx, w, id, &target{ID: id.newID(), NegotiationID: &negotiation.ID}, &p,
		rows.IDs{stakeholder.ID},
		fmt.Sprintf("%s joined “%s” as %s.", stakeholder.Name, negotiation.Name, parley.Words(p.Role)))
}

func issuesOfIt(negotiation uuid.UUID, vetoIssues []*target) error {
	for i, issue := range vetoIssues {
		if *issue.NegotiationID != negotiation {
			return parley.Refuse(parley.Invalid, fmt.Sprintf("vetoIssues.%d", i),
				"The issue “%s” belongs to another negotiation; name issues of the one that is joined.", issue.Name)
		}
	}
	return nil
}

// EditParticipation changes a participation's fields. Refusals: INVALID; CONFLICT where it has changed since
// ifUnchangedSince, or the stakeholder then has the role twice at some time.
func (m mutations) EditParticipation(ctx context.Context, in parley.EditParticipation) (Written, error) {
	return perform(ctx, m.run, in, (*writer).editParticipation)
}

func (w *writer) editParticipation(ctx context.Context, in parley.EditParticipation) (Written, error) {
	var refs references
	subject := refs.subject("participation", in.Participation, parley.KindParticipation)
	vetoIssues := refs.patchEvery("vetoIssues", in.VetoIssues, parley.KindIssue)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := issuesOfIt(*subject.NegotiationID, vetoIssues); err != nil {
		return Written{}, err
	}
	return w.changeParticipation(ctx, edition[parley.Participation]{
		subject: subject, since: in.IfUnchangedSince,
		apply: func(p *parley.Participation) ([]string, error) {
			return p.Edit(in, resolvedEvery(in.VetoIssues, vetoIssues))
		},
	})
}

// LeaveNegotiation records when a participation ended; without an instant, when the change is recorded. Refusals:
// INVALID for an end before the beginning.
func (m mutations) LeaveNegotiation(ctx context.Context, in parley.LeaveNegotiationInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).leaveNegotiation)
}

func (w *writer) leaveNegotiation(ctx context.Context, in parley.LeaveNegotiationInput) (Written, error) {
	var refs references
	subject := refs.subject("participation", in.Participation, parley.KindParticipation)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	now, err := w.Now(ctx)
	if err != nil {
		return Written{}, err
	}
	return w.changeParticipation(ctx, edition[parley.Participation]{
		subject: subject,
		apply: func(p *parley.Participation) ([]string,
			error) {
			return ending(now.Now, p.ValidTo, in.ValidTo, p.End)
		},
		settle: func(p *parley.Participation) error { return endNow(w, in.ValidTo, p.End) },
	})
}

// changeParticipation edits a participation and notifies the followers of its stakeholder.
func (w *writer) changeParticipation(ctx context.Context, e edition[parley.Participation]) (Written, error) {
	p, err := participations.current(ctx, w, e.subject.ID)
	if err != nil {
		return Written{}, err
	}
	e.touches = rows.IDs{p.StakeholderID}
	return participations.edit(ctx, w, e)
}

// ending applies the end of a dated interval. Without an instant it ends when the change is recorded, which endNow
// fills in; one that has ended already then stays as it is.
func ending(now parley.Instant, was, at *parley.Instant, end func(parley.Instant) (bool, error)) ([]string, error) {
	if at == nil {
		if was != nil && !was.After(now) {
			return nil, nil
		}
		return []string{"validTo"}, nil
	}
	changed, err := end(*at)
	if err != nil || !changed {
		return nil, err
	}
	return []string{"validTo"}, nil
}

func endNow(w *writer, at *parley.Instant, end func(parley.Instant) (bool, error)) error {
	if at != nil {
		return nil
	}
	_, err := end(w.at)
	return err
}
