package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// issues are kept in a table of their own.
var issues = &noun[parley.Issue]{
	traits: traits{
		changes: parley.ChangeOfRecord, keyed: true, called: "title",
		names: []string{"title"}, texts: []string{"question"},
	},
	table: &rows.Table[parley.Issue]{
		Kind: parley.KindIssue, Name: "issues", Alias: "i",
		Self: func(i *parley.Issue) (*uuid.UUID, *parley.Lens) { return &i.ID, &i.Lens },
		Columns: append(rows.Columns[parley.Issue]{
			rows.Reference("negotiation", "negotiation_id",
				func(i *parley.Issue) *uuid.UUID { return &i.NegotiationID }, negotiations.table).UsedAs("an issue"),
			rows.Text("key", "key", func(i *parley.Issue) *string { return &i.Key }),
			rows.Text("title label", "title", func(i *parley.Issue) *string { return &i.Title }),
			rows.OptionalText("question", "question", func(i *parley.Issue) **string { return &i.Question }),
			rows.Text("kind", "kind", func(i *parley.Issue) *parley.IssueKind { return &i.Kind }),
			rows.Flag("exhaustive", "exhaustive", func(i *parley.Issue) *bool { return &i.Exhaustive }),
		}, provenance("recorded_at", "", func(i *parley.Issue) *parley.Provenance { return &i.Provenance })...),
	},
	provenance: func(i *parley.Issue) *parley.Provenance { return &i.Provenance },
}

// Issues are those with these ids; nil where there is none.
func (s *Snapshot) Issues(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Issue, error) {
	return rows.Find(ctx, &s.Reader, issues.table, keys, fields)
}

// IssuesOf are the issues of each negotiation, by key.
func (s *Snapshot) IssuesOf(ctx context.Context, negotiations []Key, fields *Fields) ([][]*parley.Issue, error) {
	return rows.Each(ctx, issues.table, s.Query(negotiations), fields,
		`{issues i} ON i.negotiation_id = k.id AND {known i}`, `i.path`)
}

// AddIssue adds a question to a negotiation. Refusals: INVALID, TAKEN for a key in use, ID_REUSED.
func (m mutations) AddIssue(ctx context.Context, in parley.AddIssueInput) (Written, error) {
	return create(ctx, m, "addIssue", in.ID, in, (*writer).addIssue)
}

func (w *writer) addIssue(ctx context.Context, in parley.AddIssueInput, id *clientID) (Written, error) {
	i, err := in.Issue()
	if err != nil {
		return Written{}, err
	}
	var refs references
	negotiation := refs.one("negotiation", in.Negotiation, parley.KindNegotiation)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	i.NegotiationID = negotiation.ID
	return issues.create(ctx, w, id, below(id, negotiation, nil, in.Key), &i, nil,
		fmt.Sprintf("Added the issue “%s” to “%s”.", i.Title, negotiation.Name))
}

// below is the identity of a new keyed record in a negotiation.
func below(id *clientID, negotiation *target, parent *uuid.UUID, key string) *target {
	path := *negotiation.Path + "/" + key
	return &target{ID: id.newID(), Path: &path, NegotiationID: &negotiation.ID, ParentID: parent}
}

// EditIssue changes an issue's fields. Refusals: INVALID; CONFLICT where the issue has changed since ifUnchangedSince.
func (m mutations) EditIssue(ctx context.Context, in parley.EditIssue) (Written, error) {
	return perform(ctx, m.run, in, (*writer).editIssue)
}

func (w *writer) editIssue(ctx context.Context, in parley.EditIssue) (Written, error) {
	var refs references
	subject := refs.subject("issue", in.Issue, parley.KindIssue)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	return issues.edit(ctx, w, edition[parley.Issue]{
		subject: subject, since: in.IfUnchangedSince,
		apply: func(i *parley.Issue) ([]string, error) { return i.Edit(in) },
	})
}
