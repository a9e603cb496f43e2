package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"parley"
)

type issueRow struct {
	listed
	parley.Issue
	Path string `db:"path"`
}

func (r issueRow) noun(lens parley.Lens) *parley.Issue {
	r.Issue.Lens = lens
	return &r.Issue
}

var issueColumns = `i.id, i.negotiation_id, i.path, i.key, i.title, i.question, i.kind, i.exhaustive, ` + provenanceOf("i", "recorded_at")

var issues = noun[parley.Issue]{
	table: "issues", kind: parley.KindIssue, changeKind: parley.ChangeOfRecord,
	provenance: func(i *parley.Issue) *parley.Provenance { return &i.Provenance },
	read: func(ctx context.Context, r *reader, keys []Key) ([]*parley.Issue, error) {
		return one[issueRow](ctx, r, keys, `
			SELECT k.n, `+issueColumns+`
			FROM {keys}
			JOIN issues i ON i.id = k.id AND {known i}`)
	},
	insert: func(ctx context.Context, w *writer, subject *target, i *parley.Issue) error {
		i.ID = subject.ID
		return w.insert(ctx, "issues",
			`id, version, negotiation_id, path, key, title, question, kind, exhaustive, recorded_by, recorded_at, correction_note`,
			issueRow{Issue: *i, Path: *subject.Path})
	},
}

// Issues are those with these ids; nil where there is none.
func (s *Snapshot) Issues(ctx context.Context, keys []Key) ([]*parley.Issue, error) {
	return issues.read(ctx, &s.reader, keys)
}

// IssuesOf are the issues of each negotiation, by key.
func (s *Snapshot) IssuesOf(ctx context.Context, negotiations []Key) ([][]*parley.Issue, error) {
	return each[issueRow](ctx, &s.reader, newQuery(negotiations), `
		SELECT k.n, `+issueColumns+`
		FROM {keys}
		JOIN issues i ON i.negotiation_id = k.id AND {known i}
		ORDER BY i.path`)
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
