package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage"
)

// PositionsCSV writes the positions that hold at the lens's valid time. Prevailing positions are ordered by validFrom,
// newest first; each is followed by its dissenting positions. progress is as for JSON.
func (s *Subject) PositionsCSV(ctx context.Context, w io.Writer, progress func(rows int)) error {
	out := newTable(w, progress, "id", "version", "issue", "scenario", "scenarioTitle", "holder", "holderName",
		"stance", "conditions", "redLine", "salience", "confidence", "validFrom", "validFromPrecision", "ordinal",
		"validTo", "prevails", "contested", "contests", "secondHand", "evidence", "sources", "rationale", "recordedAt",
		"recordedBy", "correctionNote")
	filter := &parley.PositionFilter{Negotiations: []string{s.ID.String()}}
	err := parley.EachPage(func(p parley.Page) (parley.PageInfo, error) {
		snapshot := s.Store.Snapshot() // a new snapshot per page, since it keeps what it has read
		page, err := snapshot.ListPositions(ctx, &parley.AsOf{ValidAt: &s.Lens.ValidAt, KnownAt: &s.Lens.KnownAt},
			filter, parley.PositionsByValidFrom, p, nil)
		if err != nil {
			return parley.PageInfo{}, err
		}
		return page.PageInfo, s.writePositions(ctx, snapshot, out, page.Nodes)
	})
	if err != nil {
		return err
	}
	return out.end()
}

func (s *Subject) writePositions(
	ctx context.Context, snapshot *storage.Snapshot, out *table, prevailing []*parley.Position,
) error {
	dissenting, err := snapshot.Dissenting(ctx,
		keys(s, prevailing, func(p *parley.Position) uuid.UUID { return p.Version }), nil)
	if err != nil {
		return err
	}
	var all []*parley.Position
	for i, p := range prevailing {
		all = append(append(all, p), dissenting[i]...)
	}
	holders, err := snapshot.Stakeholders(ctx, keys(s, all, func(p *parley.Position) uuid.UUID { return p.HolderID }),
		nil)
	if err != nil {
		return err
	}
	scenarios, err := snapshot.Scenarios(ctx, keys(s, all, func(p *parley.Position) uuid.UUID { return p.ScenarioID }),
		nil)
	if err != nil {
		return err
	}
	issues, err := snapshot.Issues(ctx, keys(s, scenarios, func(c *parley.Scenario) uuid.UUID { return c.IssueID }),
		nil)
	if err != nil {
		return err
	}
	analysts, err := snapshot.Analysts(ctx, keys(s, all, func(p *parley.Position) uuid.UUID { return p.RecordedByID }),
		nil)
	if err != nil {
		return err
	}
	var evidence []uuid.UUID
	for _, p := range all {
		evidence = append(evidence, p.EvidenceIDs...)
	}
	if _, err := s.sources(ctx, snapshot, evidence); err != nil { // reads all at once, so that the snapshot has each
		return err
	}
	for i, p := range all {
		sources, err := s.sources(ctx, snapshot, p.EvidenceIDs)
		if err != nil {
			return err
		}
		out.write(p.ID, p.Version, issues[i].Key, scenarios[i].Key, scenarios[i].Title, holders[i].Key, holders[i].Name,
			p.Stance, texts(p.Conditions), p.RedLine, p.Salience, p.Confidence, p.ValidFrom, p.ValidFromPrecision, p.Ordinal,
			p.ValidTo, slices.Contains(prevailing, p), p.Contested, p.ContestsID, p.SecondHand, len(p.EvidenceIDs),
			sources, p.Rationale, p.RecordedAt, analysts[i].Name, p.CorrectionNote)
	}
	return nil
}

// sources returns the keys of the statements' sources, each once.
func (s *Subject) sources(ctx context.Context, snapshot *storage.Snapshot, statements []uuid.UUID) ([]string, error) {
	said, err := snapshot.Statements(ctx, keys(s, statements, itself), nil)
	if err != nil {
		return nil, err
	}
	sources, err := snapshot.Sources(ctx, keys(s, said, func(st *parley.Statement) uuid.UUID { return st.SourceID }),
		nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, o := range sources {
		if !slices.Contains(names, o.Key) {
			names = append(names, o.Key)
		}
	}
	return names, nil
}

// stakeholders returns the stakeholders' keys.
func (s *Subject) stakeholders(ctx context.Context, snapshot *storage.Snapshot, ids []uuid.UUID) ([]string, error) {
	read, err := snapshot.Stakeholders(ctx, keys(s, ids, itself), nil)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(read))
	for i, h := range read {
		names[i] = h.Key
	}
	return names, nil
}

func itself(id uuid.UUID) uuid.UUID { return id }

// StatusChangesCSV writes the status changes of all scenarios at the lens's known time, for all of valid time, ordered
// by effectiveAt. progress is as for JSON.
func (s *Subject) StatusChangesCSV(ctx context.Context, w io.Writer, progress func(rows int)) error {
	out := newTable(w, progress, "id", "version", "scenario", "scenarioTitle", "from", "to", "skipped", "by",
		"reason", "successors", "effectiveAt", "effectiveAtPrecision", "ordinal", "validTo", "evidence", "sources",
		"recordedAt", "recordedBy", "correctionNote")
	var changes []*parley.StatusChange
	filter := &parley.StatusChangeFilter{Negotiations: []string{s.ID.String()}}
	err := parley.EachPage(func(p parley.Page) (parley.PageInfo, error) {
		page, err := s.Store.Snapshot().
			ListStatusChanges(ctx, &parley.AsOf{ValidAt: &s.Lens.KnownAt, KnownAt: &s.Lens.KnownAt}, filter, p, nil)
		if err != nil {
			return parley.PageInfo{}, err
		}
		changes = append(changes, page.Nodes...)
		return page.PageInfo, nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(changes) // the list is newest first
	for some := range slices.Chunk(changes, parley.MaxPage) {
		if err := s.writeStatusChanges(ctx, s.Store.Snapshot(), out, some); err != nil {
			return err
		}
	}
	return out.end()
}

func (s *Subject) writeStatusChanges(
	ctx context.Context, snapshot *storage.Snapshot, out *table, changes []*parley.StatusChange,
) error {
	scenarios, err := snapshot.Scenarios(ctx,
		keys(s, changes, func(c *parley.StatusChange) uuid.UUID { return c.ScenarioID }), nil)
	if err != nil {
		return err
	}
	analysts, err := snapshot.Analysts(ctx,
		keys(s, changes, func(c *parley.StatusChange) uuid.UUID { return c.RecordedByID }), nil)
	if err != nil {
		return err
	}
	var movers, successors, evidence []uuid.UUID
	for _, c := range changes {
		movers, evidence = append(movers, c.ByIDs...), append(evidence, c.EvidenceIDs...)
		successors = append(successors, c.SuccessorIDs...)
	}
	replacing, err := snapshot.Scenarios(ctx, keys(s, successors, itself), nil)
	if err != nil {
		return err
	}
	keyOf := make(map[uuid.UUID]string)
	for _, c := range replacing {
		keyOf[c.ID] = c.Key
	}
	if _, err := s.stakeholders(ctx, snapshot, movers); err != nil { // reads all at once, so that the snapshot has each
		return err
	}
	if _, err := s.sources(ctx, snapshot, evidence); err != nil {
		return err
	}
	for i, c := range changes {
		by, err := s.stakeholders(ctx, snapshot, c.ByIDs)
		if err != nil {
			return err
		}
		sources, err := s.sources(ctx, snapshot, c.EvidenceIDs)
		if err != nil {
			return err
		}
		var successors []string
		for _, id := range c.SuccessorIDs {
			successors = append(successors, keyOf[id])
		}
		out.write(c.ID, c.Version, scenarios[i].Key, scenarios[i].Title, c.From, c.To, c.Skipped, by, c.Reason,
			successors, c.EffectiveAt, c.EffectiveAtPrecision, c.Ordinal, c.ValidTo, len(c.EvidenceIDs),
			sources, c.RecordedAt, analysts[i].Name, c.CorrectionNote)
	}
	return nil
}

// keys returns the storage keys of what each entry refers to, through the subject's lens.
func keys[T any](s *Subject, list []T, of func(T) uuid.UUID) []storage.Key {
	asked := make([]storage.Key, len(list))
	for i, t := range list {
		asked[i] = storage.Key{ID: of(t), Lens: s.Lens}
	}
	return asked
}

// table writes CSV as RFC 4180 defines it. Go's writer ends lines so only if it changes the ends of lines within texts
// too; so it writes one row at a time, and the end of the row is put in its place here.
type table struct {
	to       *bufio.Writer
	row      bytes.Buffer
	csv      *csv.Writer // into row
	progress func(rows int)
	rows     int
}

func newTable(w io.Writer, progress func(int), header ...string) *table {
	t := &table{to: bufio.NewWriter(w), progress: progress}
	t.csv = csv.NewWriter(&t.row)
	t.writeRow(header)
	return t
}

// write writes a row. Errors are returned by end.
func (t *table) write(values ...any) {
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = cell(v)
	}
	t.writeRow(row)
	t.rows++
	report(t.progress, t.rows)
}

func (t *table) writeRow(row []string) {
	t.row.Reset()
	t.csv.Write(row)
	t.csv.Flush()
	t.to.Write(bytes.TrimSuffix(t.row.Bytes(), []byte("\n")))
	t.to.WriteString("\r\n")
}

func (t *table) end() error {
	return t.to.Flush()
}

// cell formats a value: an instant as in the API, null as an empty cell, a list of words with one a line, and a list of
// texts, which may have several lines each, with a bullet before each.
func cell(value any) string {
	switch v := value.(type) {
	case string:
		return harmless(v)
	case *string:
		return orNothing(v)
	case []string:
		return harmless(strings.Join(v, "\n"))
	case texts:
		return harmless(v.String())
	case parley.Instant:
		return parley.FormatInstant(v)
	case *parley.Instant:
		return orNothing(v)
	case *int:
		return orNothing(v)
	case *uuid.UUID:
		return orNothing(v)
	case *parley.ScenarioStatus:
		return orNothing(v)
	case []parley.ScenarioStatus:
		return strings.Join(strings.Split(parley.Listed(v), ", "), "\n")
	}
	return fmt.Sprint(value)
}

func orNothing[T any](v *T) string {
	if v == nil {
		return ""
	}
	return cell(*v)
}

// texts are several ones, of which each may have several lines.
type texts []string

func (t texts) String() string {
	list := make([]string, len(t))
	for i, text := range t {
		list[i] = "• " + strings.ReplaceAll(text, "\n", "\n  ")
	}
	return strings.Join(list, "\n")
}

// pictures are what control characters become, which a terminal would obey.
var pictures = func() *strings.Replacer {
	var pairs []string
	for r := range rune(0x20) {
		if !strings.ContainsRune("\t\n\r", r) {
			pairs = append(pairs, string(r), string(0x2400+r))
		}
	}
	return strings.NewReplacer(append(pairs, "\x7f", "\u2421")...)
}()

// harmless puts an apostrophe before a text that a spreadsheet would read as a formula, and pictures in the place of
// control characters.
func harmless(text string) string {
	text = pictures.Replace(text)
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
