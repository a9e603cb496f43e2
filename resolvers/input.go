package resolvers

import (
	"github.com/99designs/gqlgen/graphql"

	"example.org/parley"
	"example.org/parley/graph"
)

// These functions turn generated inputs, which distinguish "left out" from "null", into the root package's patches.

func patch[T any](o graphql.Omittable[*T]) parley.Patch[T] {
	return parley.Patch[T]{Set: o.IsSet(), Value: o.Value()}
}

func patchList[T any](o graphql.Omittable[[]T]) parley.Patch[[]T] {
	list := o.Value()
	if list == nil {
		return parley.Patch[[]T]{Set: o.IsSet()}
	}
	return parley.Patch[[]T]{Set: o.IsSet(), Value: &list}
}

func editNegotiation(in graph.EditNegotiationInput) parley.EditNegotiation {
	return parley.EditNegotiation{
		Negotiation: in.Negotiation, Title: patch(in.Title), Summary: patch(in.Summary), Stage: patch(in.Stage),
		StartedAt: patch(in.StartedAt), EndedAt: patch(in.EndedAt), IfUnchangedSince: in.IfUnchangedSince,
	}
}

func editIssue(in graph.EditIssueInput) parley.EditIssue {
	return parley.EditIssue{
		Issue: in.Issue, Title: patch(in.Title), Question: patch(in.Question), Kind: patch(in.Kind),
		Exhaustive: patch(in.Exhaustive), IfUnchangedSince: in.IfUnchangedSince,
	}
}

func editScenario(in graph.EditScenarioInput) parley.EditScenario {
	return parley.EditScenario{
		Scenario: in.Scenario, Title: patch(in.Title), Summary: patch(in.Summary), Criteria: patch(in.Criteria),
		Deadline: patch(in.Deadline), TargetStage: patch(in.TargetStage), IfUnchangedSince: in.IfUnchangedSince,
	}
}

func correctStatusChange(in graph.CorrectStatusChangeInput) parley.CorrectStatusChange {
	return parley.CorrectStatusChange{
		StatusChange: in.StatusChange, To: patch(in.To), Successors: patchList(in.Successors),
		EffectiveAt: patch(in.EffectiveAt), EffectiveAtPrecision: patch(in.EffectiveAtPrecision),
		Ordinal: patch(in.Ordinal), Reason: patch(in.Reason), By: patchList(in.By),
		Note: in.Note, IfUnchangedSince: in.IfUnchangedSince,
	}
}

func editStakeholder(in graph.EditStakeholderInput) parley.EditStakeholder {
	return parley.EditStakeholder{
		Stakeholder: in.Stakeholder, Name: patch(in.Name), Kind: patch(in.Kind), Aliases: patchList(in.Aliases),
		CountryCode: patch(in.CountryCode), IfUnchangedSince: in.IfUnchangedSince,
	}
}

func editParticipation(in graph.EditParticipationInput) parley.EditParticipation {
	return parley.EditParticipation{
		Participation: in.Participation, VetoPlayer: patch(in.VetoPlayer), VetoIssues: patchList(in.VetoIssues),
		Capability: patch(in.Capability), ValidFrom: patch(in.ValidFrom), ValidTo: patch(in.ValidTo),
		IfUnchangedSince: in.IfUnchangedSince,
	}
}

func editSource(in graph.EditSourceInput) parley.EditSource {
	return parley.EditSource{
		Source: in.Source, Title: patch(in.Title), Publisher: patch(in.Publisher), Author: patch(in.Author),
		URL: patch(in.URL), PublishedAt: patch(in.PublishedAt), RetrievedAt: patch(in.RetrievedAt),
		Language:    patch(in.Language),
		Reliability: patch(in.Reliability), Marking: patch(in.Marking), Body: patch(in.Body),
		IfUnchangedSince: in.IfUnchangedSince,
	}
}

func correctStatement(in graph.CorrectStatementInput) parley.CorrectStatement {
	return parley.CorrectStatement{
		Statement: in.Statement, Source: patch(in.Source), Speaker: patch(in.Speaker), Speakers: patchList(in.Speakers),
		SpeakerDescription: patch(in.SpeakerDescription),
		About:              patchList(in.About), Text: patch(in.Text), Translation: patch(in.Translation),
		TranslatedBy: patch(in.TranslatedBy), Form: patch(in.Form), Terms: patch(in.Terms),
		Credibility: patch(in.Credibility), SaidAt: patch(in.SaidAt), SaidAtPrecision: patch(in.SaidAtPrecision),
		Note: in.Note, IfUnchangedSince: in.IfUnchangedSince,
	}
}

func editEvent(in graph.EditEventInput) parley.EditEvent {
	return parley.EditEvent{
		Event: in.Event, Kind: patch(in.Kind), State: patch(in.State), Title: patch(in.Title),
		Location: patch(in.Location), StartedAt: patch(in.StartedAt), StartedAtPrecision: patch(in.StartedAtPrecision),
		EndedAt:      patch(in.EndedAt),
		Participants: patchList(in.Participants), IfUnchangedSince: in.IfUnchangedSince,
	}
}

func correctAffiliation(in graph.CorrectAffiliationInput) parley.CorrectAffiliation {
	return parley.CorrectAffiliation{
		Affiliation: in.Affiliation, Person: patch(in.Person), Organization: patch(in.Organization),
		Office: patch(in.Office), SpeaksFor: patch(in.SpeaksFor), ValidFrom: patch(in.ValidFrom),
		ValidTo: patch(in.ValidTo), Note: in.Note, IfUnchangedSince: in.IfUnchangedSince,
	}
}

func correctMembership(in graph.CorrectMembershipInput) parley.CorrectMembership {
	return parley.CorrectMembership{
		Membership: in.Membership, Member: patch(in.Member), Group: patch(in.Group),
		SpeaksForMembers: patch(in.SpeaksForMembers), ValidFrom: patch(in.ValidFrom), ValidTo: patch(in.ValidTo),
		Note: in.Note, IfUnchangedSince: in.IfUnchangedSince,
	}
}

func correctPosition(in graph.CorrectPositionInput) parley.CorrectPosition {
	return parley.CorrectPosition{
		Position: in.Position, Holder: patch(in.Holder), SaidFor: patchList(in.SaidFor),
		Scenario: patch(in.Scenario), Stance: patch(in.Stance),
		Conditions: patchList(in.Conditions), RedLine: patch(in.RedLine), Salience: patch(in.Salience),
		Rationale: patch(in.Rationale), Confidence: patch(in.Confidence), ValidFrom: patch(in.ValidFrom),
		ValidFromPrecision: patch(in.ValidFromPrecision), Ordinal: patch(in.Ordinal), ValidTo: patch(in.ValidTo),
		Note: in.Note, IfUnchangedSince: in.IfUnchangedSince,
	}
}
