package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
)

// issueRow is what is written of a version.
type issueRow struct {
	parley.Issue
	Path string `db:"path"`
}

var issueTable = &table[parley.Issue]{
	name: "issues", alias: "i",
	self: func(i *parley.Issue) (*uuid.UUID, *parley.Lens) { return &i.ID, &i.Lens },
	columns: append([]column[parley.Issue]{
		id("negotiation", "@.negotiation_id", func(i *parley.Issue) *uuid.UUID { return &i.NegotiationID }),
		text("key", "@.key", func(i *parley.Issue) *string { return &i.Key }),
		text("title label", "@.title", func(i *parley.Issue) *string { return &i.Title }),
		optionalText("question", "@.question", func(i *parley.Issue) **string { return &i.Question }),
		text("kind", "@.kind", func(i *parley.Issue) *parley.IssueKind { return &i.Kind }),
		flag("exhaustive", "@.exhaustive", func(i *parley.Issue) *bool { return &i.Exhaustive }),
	}, provenance("recorded_at", func(i *parley.Issue) *parley.Provenance { return &i.Provenance })...),
	references: []reference{refersTo("negotiation", "@.negotiation_id", negotiationTable)},
}

var issues = noun[parley.Issue]{
	table: issueTable, kind: parley.KindIssue, changeKind: parley.ChangeOfRecord,
	provenance: func(i *parley.Issue) *parley.Provenance { return &i.Provenance },
	insert: func(ctx context.Context, w *writer, subject *target, i *parley.Issue) error {
		i.ID = subject.ID
		return w.insert(ctx, "issues",
			`id, version, negotiation_id, path, key, title, question, kind, exhaustive, recorded_by, recorded_at, correction_note`,
			issueRow{Issue: *i, Path: *subject.Path})
	},
}

// Issues are those with these ids; nil where there is none.
func (s *Snapshot) Issues(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Issue, error) {
	return find(ctx, &s.reader, issueTable, keys, fields)
}

// IssuesOf are the issues of each negotiation, by key.
func (s *Snapshot) IssuesOf(ctx context.Context, negotiations []Key, fields *Fields) ([][]*parley.Issue, error) {
	return readEach(ctx, &s.reader, issueTable, negotiations, fields, `issues i ON i.negotiation_id = k.id AND {known i}`, `i.path`)
}

// AddIssue puts a question on the table.
func (m mutations) AddIssue(ctx context.Context, in parley.AddIssueInput) (Written, error) {
	return create(ctx, m, in.ID, in, (*writer).addIssue)
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

// EditIssue changes an issue's fields.
func (m mutations) EditIssue(ctx context.Context, in parley.EditIssue) (Written, error) {
	return perform(ctx, m, in, (*writer).editIssue)
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
