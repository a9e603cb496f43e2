package storage

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// saidOrder is saidAt for the order: statements of unknown date come last.
const saidOrder = `coalesce(st.said_at, '0001-01-01Z')`

// statements are kept in a table of their own.
var statements = &noun[parley.Statement]{
	traits: traits{
		cut: true, changes: parley.ChangeOfStatement, shared: true,
		texts: []string{"text", "translation"}, context: []string{"speakers", "about"},
	},
	table: &rows.Table[parley.Statement]{
		Kind: parley.KindStatement, Name: "statements", Alias: "st",
		Self: func(s *parley.Statement) (*uuid.UUID, *parley.Lens) { return &s.ID, &s.Lens },
		Columns: append(rows.Columns[parley.Statement]{
			rows.Reference("source grade context", "source_id", func(s *parley.Statement) *uuid.UUID { return &s.SourceID },
				sources.table).UsedAs("a statement"),
			rows.IDList("speaker speakers", "speakers", func(s *parley.Statement) *[]uuid.UUID { return &s.SpeakerIDs },
				parley.KindStakeholder).UsedAs("a statement by it").Follow(),
			rows.OptionalText("speakerDescription", "speaker_description",
				func(s *parley.Statement) **string { return &s.SpeakerDescription }),
			rows.IDList("about", "about", func(s *parley.Statement) *[]uuid.UUID { return &s.AboutIDs },
				parley.AboutKinds...).UsedAs("a statement about it").Follow(),
			rows.Text("text label", "text", func(s *parley.Statement) *string { return &s.Text }),
			rows.OptionalText("translation", "translation", func(s *parley.Statement) **string { return &s.Translation }),
			rows.OptionalText("translatedBy", "translated_by", func(s *parley.Statement) **string { return &s.TranslatedBy }),
			rows.Text("form", "form", func(s *parley.Statement) *parley.StatementForm { return &s.Form }),
			rows.Text("terms", "terms", func(s *parley.Statement) *parley.AttributionTerms { return &s.Terms }),
			rows.Text("credibility grade", "credibility",
				func(s *parley.Statement) *parley.InformationCredibility { return &s.Credibility }),
			rows.NewColumn("locators verified context", "locators",
				func(s *parley.Statement, v rows.Value) { s.Locators = readLocators(v) },
				func(s *parley.Statement) any { return locators(s.Locators) }),
			rows.OptionalTime("saidAt", "said_at", func(s *parley.Statement) **parley.Instant { return &s.SaidAt }),
			rows.Text("saidAtPrecision", "said_at_precision",
				func(s *parley.Statement) *parley.TimePrecision { return &s.SaidAtPrecision }),
		}, provenance("content_at", "recordedAt",
			func(s *parley.Statement) *parley.Provenance { return &s.Provenance })...),
	},
	provenance: func(s *parley.Statement) *parley.Provenance { return &s.Provenance },
}

// locators are kept as an integer[] of starts and ends in turn.
type locators []parley.TextLocator

func readLocators(v rows.Value) []parley.TextLocator {
	ends := v.Elements()
	if len(ends) == 0 {
		return nil
	}
	list := make([]parley.TextLocator, len(ends)/2)
	for i := range list {
		list[i] = parley.TextLocator{Start: ends[2*i].Int(), End: ends[2*i+1].Int()}
	}
	return list
}

// Value writes the pairs.
func (l locators) Value() (driver.Value, error) {
	numbers := make(pq.Int64Array, 0, 2*len(l))
	for _, at := range l {
		numbers = append(numbers, int64(at.Start), int64(at.End))
	}
	return numbers.Value()
}

// Statements are those with these ids; nil where there is none.
func (s *Snapshot) Statements(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Statement, error) {
	return rows.Find(ctx, &s.Reader, statements.table, keys, fields)
}

// The statements that can be listed for a record of each kind.
const (
	everyStatement       = `TRUE`
	statementsIn         = `st.source_id = k.id`
	statementsByAndAbout = `st.id IN (SELECT a.id FROM {statements a} WHERE a.speakers @> ARRAY[k.id] AND {known a}
		UNION ALL SELECT a.id FROM {statements a} WHERE a.about @> ARRAY[k.id] AND {known a})`
	statementsOnAScenario = `st.id IN (
		SELECT a.id FROM {statements a} WHERE a.about @> ARRAY[k.id] AND {known a} UNION ALL
		SELECT unnest(p.evidence) FROM {positions p} WHERE p.scenario_id = k.id AND {known p} UNION ALL
		SELECT unnest(c.evidence) FROM {status_changes c} WHERE c.scenario_id = k.id AND {known c} UNION ALL
		SELECT unnest(r.evidence) FROM {relations r} WHERE (r.from_id = k.id OR r.to_id = k.id) AND {known r})`
)

// ListStatements lists statements, newest saidAt first, those of unknown date last.
func (s *Snapshot) ListStatements(
	ctx context.Context, asOf *parley.AsOf, f *parley.StatementFilter, p parley.Page, fields *Fields,
) (*parley.StatementConnection, error) {
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(s.statementsWhere(ctx, keys, everyStatement, f, p, fields))
}

// StatementsInSources are the statements that each source holds.
func (s *Snapshot) StatementsInSources(
	ctx context.Context, sources []Key, p parley.Page, fields *Fields,
) ([]*parley.StatementConnection, error) {
	return s.statementsWhere(ctx, sources, statementsIn, nil, p, fields)
}

// StatementsOfStakeholders are the statements that each stakeholder made or that are about it.
func (s *Snapshot) StatementsOfStakeholders(
	ctx context.Context, stakeholders []Key, p parley.Page, fields *Fields,
) ([]*parley.StatementConnection, error) {
	return s.statementsWhere(ctx, stakeholders, statementsByAndAbout, nil, p, fields)
}

// StatementsOnScenarios are the statements about each scenario and the evidence of what is on record on it.
func (s *Snapshot) StatementsOnScenarios(
	ctx context.Context, scenarios []Key, p parley.Page, fields *Fields,
) ([]*parley.StatementConnection, error) {
	return s.statementsWhere(ctx, scenarios, statementsOnAScenario, nil, p, fields)
}

func (s *Snapshot) statementsWhere(
	ctx context.Context, keys []Key, scope string, f *parley.StatementFilter, p parley.Page, fields *Fields,
) ([]*parley.StatementConnection, error) {
	c := rows.Conditions{Query: s.Query(keys), List: []string{`{known st}`, scope}}
	if f != nil {
		if err := s.filterStatements(ctx, &c, f); err != nil {
			return nil, err
		}
	}
	return rows.Pages(ctx, statements.table, c.Query, rows.List{
		From:  `{statements st}`,
		Where: c.List,
		Order: rows.Order{Descending: true, Columns: []rows.OrderColumn{
			by(saidOrder, "timestamptz"), by("st.id", "uuid"),
		}},
	}, p, fields)
}

func (s *Snapshot) filterStatements(ctx context.Context, c *rows.Conditions, f *parley.StatementFilter) error {
	var negotiations, about, speakers, sources []uuid.UUID
	var refs filterRefs
	refs.want(&negotiations, "negotiations", f.Negotiations, parley.KindNegotiation)
	refs.want(&about, "about", f.About, parley.AboutKinds...)
	refs.want(&speakers, "speakers", f.Speakers, parley.KindStakeholder)
	refs.want(&sources, "sources", f.Sources, parley.KindSource)
	if err := s.resolve(ctx, c.Query, &refs); err != nil {
		return err
	}
	c.Overlaps("st.about", about)
	c.Overlaps("st.speakers", speakers)
	c.Of("st.source_id", sources)
	rows.Among(c, "st.form", "statement_form", f.Forms)
	c.InRange("st.said_at", f.Said)
	if len(negotiations) > 0 {
		in := c.Arg(rows.IDs(negotiations)) + "::uuid[]"
		c.Add(strings.ReplaceAll(`st.id IN (
			SELECT a.id FROM {records r} JOIN {statements a} ON a.about @> ARRAY[r.id] AND {known a}
				WHERE r.negotiation_id = ANY({in}) UNION ALL
			SELECT unnest(p.evidence) FROM {positions p} WHERE p.negotiation_id = ANY({in}) AND {known p} UNION ALL
			SELECT unnest(s.evidence) FROM {status_changes s} WHERE s.negotiation_id = ANY({in}) AND {known s} UNION ALL
			SELECT unnest(e.evidence) FROM {events e} WHERE e.negotiation_id = ANY({in}) AND {known e} UNION ALL
			SELECT unnest(l.evidence) FROM {records r} JOIN {relations l} ON l.id = r.id AND {known l}
			WHERE r.negotiation_id = ANY({in}) AND r.kind = 'RELATION')`, "{in}", in))
	}
	return nil
}

// RecordStatement records a statement by itself. Refusals: INVALID, also for a saidAt in the future; QUOTE_NOT_FOUND
// where a direct quote does not stand in the text kept of its source; ID_REUSED.
func (m mutations) RecordStatement(ctx context.Context, in parley.RecordStatementInput) (Written, error) {
	return perform(ctx, m.run, in, (*writer).recordStatement)
}

func (w *writer) recordStatement(ctx context.Context, in parley.RecordStatementInput) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	var refs references
	added := refs.statements("statement", []parley.NewStatementInput{in.Statement})
	if err := w.claimStatements(ctx, added); err != nil {
		return Written{}, err
	}
	if added[0].id.known {
		return Written{ID: added[0].id.record}, errUnchanged
	}
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := w.checkQuotes(ctx, added); err != nil {
		return Written{}, err
	}
	if err := w.keepLongWords(ctx, added); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := w.insertStatements(ctx, added); err != nil {
		return Written{}, err
	}
	st := added[0]
	cursor, err := w.appendChange(ctx, parley.ChangeEntry{
		Kind: parley.ChangeOfStatement, Action: parley.Created, SubjectKind: parley.KindStatement,
		SubjectID: st.value.ID,
		Version:   &st.value.Version, NegotiationID: st.negotiation(), Touches: st.touches(),
		Summary: fmt.Sprintf("Recorded what %s said in “%s”.", st.voice(), st.source.Name),
	})
	return Written{ID: st.value.ID, Cursor: cursor}, err
}

// newStatement is a statement on its way into the database, alone or with what rests on it.
type newStatement struct {
	field  string // of the input: "statement", "newEvidence.0"
	input  parley.NewStatementInput
	id     *clientID
	source *target
	said   []*target // its speakers
	about  []*target
	value  *parley.Statement
}

// statements wants what new statements refer to.
func (r *references) statements(field string, inputs []parley.NewStatementInput) []*newStatement {
	added := make([]*newStatement, len(inputs))
	for i, in := range inputs {
		at := field
		if field == "newEvidence" {
			at = fmt.Sprintf("newEvidence.%d", i)
		}
		value := in.Statement()
		added[i] = &newStatement{
			field: at, input: in, value: &value,
			source: r.one(at+".source", in.Source, parley.KindSource),
			said:   r.speakers(at+".", in.Speaker, in.Speakers),
			about:  r.every(at+".about", in.About, parley.AboutKinds...),
		}
	}
	return added
}

// speakers wants those that an input names, by either of its fields.
func (r *references) speakers(prefix string, one *string, several []string) []*target {
	if one != nil {
		return []*target{r.one(prefix+"speaker", *one, parley.KindStakeholder)}
	}
	return r.every(prefix+"speakers", several, parley.KindStakeholder)
}

// claimStatements looks up the ids that the client chose for new statements.
func (w *writer) claimStatements(ctx context.Context, added []*newStatement) (err error) {
	for _, n := range added {
		if n.id, err = w.claim(ctx, n.field+".id", "recordStatement", n.input.ID, n.input); err != nil {
			return err
		}
	}
	return nil
}

// checkQuotes completes new statements with what their references were found to be, and looks direct quotes up in
// their sources' bodies.
func (w *writer) checkQuotes(ctx context.Context, added []*newStatement) error {
	var quoted rows.IDs
	for _, n := range added {
		n.value.ID, n.value.SourceID, n.value.SpeakerIDs, n.value.AboutIDs = n.id.newID(), n.source.ID, ids(n.said),
			ids(n.about)
		if n.value.Form == parley.DirectQuote {
			quoted = append(quoted, n.source.ID)
		}
	}
	if len(quoted) == 0 {
		return nil
	}
	bodies, err := w.foldedBodies(ctx, quoted)
	if err != nil {
		return err
	}
	for _, n := range added {
		if err := n.value.CheckQuote(n.field+".text", bodies[n.source.ID]); err != nil {
			return err
		}
	}
	return nil
}

// insertStatements writes new statements, however many, in three statements of SQL; those on record already under the
// client's id stay as they are.
func (w *writer) insertStatements(ctx context.Context, added []*newStatement) error {
	var fresh []*parley.Statement
	var ids, sources, chosen, named rows.IDs
	var hashes pq.ByteaArray
	for _, n := range added {
		if n.id.known {
			continue
		}
		if err := notInFuture(w, n.field+".saidAt", n.value.SaidAt); err != nil {
			return err
		}
		version := n.value.Version
		n.value.Provenance = w.provenance(nil)
		n.value.Version = cmp.Or(version, n.value.Version)
		fresh, ids, sources = append(fresh, n.value), append(ids, n.value.ID), append(sources, n.source.ID)
		if n.id.id != nil {
			chosen, hashes, named = append(chosen, *n.id.id), append(hashes, n.id.fingerprint.Hash),
				append(named, n.value.ID)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	err := w.exec(ctx, `
		INSERT INTO records (id, kind, parent_id, recorded_at)
		SELECT s.id, 'STATEMENT', s.source, $3 FROM unnest($1::uuid[], $2::uuid[]) s(id, source)`, ids, sources, w.at)
	if err != nil {
		return fmt.Errorf("record statements: %w", err)
	}
	if err := statements.insert(ctx, w, nil, fresh...); err != nil || len(chosen) == 0 {
		return err
	}
	err = w.exec(ctx, `
		INSERT INTO client_ids (id, content_hash, scheme, record_id, recorded_at)
		SELECT c.id, c.hash, $4, c.record, $5 FROM unnest($1::uuid[], $2::bytea[], $3::uuid[]) c(id, hash, record)`,
		chosen, hashes, named, parley.CanonicalScheme, w.at)
	if err != nil {
		return fmt.Errorf("keep clients' ids: %w", err)
	}
	return nil
}

func notInFuture(w *writer, field string, said *parley.Instant) error {
	if said != nil && said.After(w.at) {
		return parley.Refuse(parley.Invalid, field,
			"Nothing can have been said at %s, which lies in the future; give an instant up to now, or leave it out.",
			parley.FormatInstant(*said))
	}
	return nil
}

// negotiation is the one that everything the statement is about belongs to; nil where there is none or several.
func (n *newStatement) negotiation() *uuid.UUID { return commonNegotiation(n.about) }

func commonNegotiation(about []*target) *uuid.UUID {
	var common *uuid.UUID
	for _, t := range about {
		of := t.negotiation()
		if of == nil {
			continue
		}
		if common != nil && *common != *of {
			return nil
		}
		common = of
	}
	return common
}

// touches are the records whose followers hear of the statement.
func (n *newStatement) touches() []uuid.UUID {
	touched := append(rows.IDs{n.value.ID, n.source.ID}, ids(n.said)...)
	return append(touched, touchedBy(n.about)...)
}

// touchedBy are the records, with what they belong to.
func touchedBy(targets []*target) []uuid.UUID {
	var touched rows.IDs
	for _, t := range targets {
		touched = append(touched, t.ID)
		for _, above := range []*uuid.UUID{t.ParentID, t.NegotiationID} {
			if above != nil {
				touched = append(touched, *above)
			}
		}
	}
	return touched
}

// voice is who spoke, in a sentence.
func (n *newStatement) voice() string {
	switch {
	case len(n.said) > 0:
		names := make([]string, len(n.said))
		for i, speaker := range n.said {
			names[i] = speaker.Name
		}
		return parley.Enumerated(names)
	case n.value.SpeakerDescription != nil:
		return *n.value.SpeakerDescription
	}
	return "the source itself"
}

// evidence is what a fact rests on: statements on record, and new ones entered with it.
type evidence struct {
	named []*target
	added []*newStatement
}

// evidence wants the statements that a fact rests on.
func (r *references) evidence(refs []string, added []parley.NewStatementInput) evidence {
	return evidence{named: r.every("evidence", refs, parley.KindStatement), added: r.statements("newEvidence", added)}
}

// prepare does for the new statements what has to be done before the head is taken.
func (e evidence) prepare(ctx context.Context, w *writer) error {
	if err := w.claimStatements(ctx, e.added); err != nil {
		return err
	}
	if err := w.checkQuotes(ctx, e.added); err != nil {
		return err
	}
	if err := w.keepLongWords(ctx, e.added); err != nil {
		return err
	}
	var known rows.IDs
	for _, n := range e.added {
		if n.id.known {
			n.value.ID = n.id.record
			known = append(known, n.id.record)
		}
	}
	return w.lock(ctx, known, "FOR KEY SHARE")
}

// ids are those of all the statements, each once: named ones first.
func (e evidence) ids() []uuid.UUID {
	list := ids(e.named)
	for _, n := range e.added {
		if !slices.Contains(list, n.value.ID) {
			list = append(list, n.value.ID)
		}
	}
	return list
}

// touches are the records whose followers hear of the new statements.
func (e evidence) touches() []uuid.UUID {
	var touched rows.IDs
	for _, n := range e.added {
		if !n.id.known {
			touched = append(touched, n.touches()...)
		}
	}
	return touched
}

// CorrectStatement corrects a statement that was recorded wrongly. Refusals: INVALID; QUOTE_NOT_FOUND where a direct
// quote does not stand in the text kept of its source; CONFLICT where it has changed since ifUnchangedSince.
func (m mutations) CorrectStatement(ctx context.Context, in parley.CorrectStatement) (Written, error) {
	return perform(ctx, m.run, in, (*writer).correctStatement)
}

func (w *writer) correctStatement(ctx context.Context, in parley.CorrectStatement) (Written, error) {
	var refs references
	subject := refs.subject("statement", in.Statement, parley.KindStatement)
	source := refs.patch("source", in.Source, parley.KindSource)
	said := in.Said()
	var speakers []*target
	if said.Value != nil {
		speakers = refs.speakers("", in.Speaker.Value, *said.Value)
	}
	about := refs.patchEvery("about", in.About, parley.AboutKinds...)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	was, err := statements.current(ctx, w, subject.ID)
	if err != nil {
		return Written{}, err
	}
	wasAbout, err := w.targets(ctx, was.AboutIDs)
	if err != nil {
		return Written{}, err
	}
	wasSaidBy, err := w.targets(ctx, was.SpeakerIDs)
	if err != nil {
		return Written{}, err
	}
	subject.Of = (&newStatement{said: wasSaidBy, value: was}).voice()
	restingOnIt, err := w.scenariosRestingOn(ctx, subject.ID)
	if err != nil {
		return Written{}, err
	}
	bodies, err := w.foldedBodies(ctx, append(ids(given(source)), was.SourceID))
	if err != nil {
		return Written{}, err
	}
	touches := slices.Concat(touchedBy(slices.Concat(wasAbout, about, restingOnIt)), was.SpeakerIDs, ids(speakers),
		ids(given(source)), rows.IDs{was.SourceID})
	if !in.About.Set {
		about = wasAbout
	}
	return statements.edit(ctx, w, edition[parley.Statement]{
		subject: subject, since: in.IfUnchangedSince, note: &in.Note, touches: touches,
		negotiation: commonNegotiation(append(about, restingOnIt...)),
		apply: func(s *parley.Statement) ([]string, error) {
			fields, err := s.Correct(in, resolved(in.Source, source), resolvedEvery(said, speakers),
				resolvedEvery(in.About, about))
			quoted := slices.ContainsFunc(fields, func(f string) bool { return f == "source" || f == "text" || f == "form" })
			if err != nil || !quoted {
				return fields, err
			}
			return fields, s.CheckQuote("text", bodies[s.SourceID])
		},
		settle: func(s *parley.Statement) error { return notInFuture(w, "saidAt", s.SaidAt) },
	})
}

// scenariosRestingOn are the scenarios with a position or a status that rests on a statement: which position prevails
// may change with what the statement says.
func (w *writer) scenariosRestingOn(ctx context.Context, statement uuid.UUID) ([]*target, error) {
	var scenarios []uuid.UUID
	err := w.all(ctx, &scenarios, `
		SELECT scenario_id FROM {positions} WHERE evidence @> ARRAY[$1::uuid] AND superseded_at = 'infinity' UNION
		SELECT scenario_id FROM {status_changes} WHERE evidence @> ARRAY[$1::uuid]
			AND superseded_at = 'infinity'`, statement)
	if err != nil {
		return nil, fmt.Errorf("look for what rests on a statement: %w", err)
	}
	return w.targets(ctx, scenarios)
}
