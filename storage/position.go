package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// otherOnTheLine finds the positions of the same holder on the same scenario as one that stand beside it: at the lens's
// valid instant, or, where it does not hold then, at some instant of its interval.
func otherOnTheLine(one, other string) string {
	return strings.NewReplacer("{one}", one, "{other}", other, "{known}", "{known "+other+"}").Replace(`
		{other}.holder_id = {one}.holder_id AND {other}.scenario_id = {one}.scenario_id AND {other}.id <> {one}.id ` +
		`AND {known}
		AND CASE WHEN {one}.valid_from <= k.valid_at AND {one}.valid_to > k.valid_at
			THEN {other}.valid_from <= k.valid_at AND {other}.valid_to > k.valid_at
			ELSE {other}.valid_from < {one}.valid_to AND {other}.valid_to > {one}.valid_from
				AND {other}.valid_from < {other}.valid_to END`)
}

func contested(position string) string {
	return position + `.disputed AND EXISTS (SELECT FROM {positions o} WHERE ` + otherOnTheLine(position, "o") + `)`
}

// positions are kept in a table of their own.
var positions = &noun[parley.Position]{
	traits: traits{
		changes: parley.ChangeOfPosition, cut: true, copies: []string{"negotiation_id", "issue_id"},
		texts: []string{"rationale", "conditions"}, context: []string{"holder_id", "scenario_id"},
		visible: "@.valid_from <= k.valid_at AND @.valid_to > k.valid_at AND " + onTheTable("@.scenario_id"),
		dates:   []date{{column: "valid_from"}, {"asserted_to", "@.asserted_to = @.valid_to"}},
	},
	table: &rows.Table[parley.Position]{
		Kind: parley.KindPosition, Name: "positions", Alias: "p",
		Self: func(p *parley.Position) (*uuid.UUID, *parley.Lens) { return &p.ID, &p.Lens },
		Columns: append(rows.Columns[parley.Position]{
			rows.Reference("scenario label "+asWord, "scenario_id",
				func(p *parley.Position) *uuid.UUID { return &p.ScenarioID }, scenarios.table).UsedAs("a position"),
			rows.Reference("holder label "+asWord, "holder_id", func(p *parley.Position) *uuid.UUID { return &p.HolderID },
				stakeholders.table).UsedAs("a position"),
			rows.Text("stance label "+asWord, "stance", func(p *parley.Position) *parley.Stance { return &p.Stance }),
			rows.Texts("conditions", "conditions", func(p *parley.Position) *[]string { return &p.Conditions }),
			rows.Flag("redLine", "red_line", func(p *parley.Position) *bool { return &p.RedLine }),
			rows.OptionalInt("salience", "salience", func(p *parley.Position) **int { return &p.Salience }),
			rows.OptionalText("rationale", "rationale", func(p *parley.Position) **string { return &p.Rationale }),
			rows.Text("confidence", "confidence",
				func(p *parley.Position) *parley.AnalyticConfidence { return &p.Confidence }),
			rows.IDList("evidence", "evidence", func(p *parley.Position) *[]uuid.UUID { return &p.EvidenceIDs },
				parley.KindStatement).UsedAs("a position"),
			rows.OptionalTime("lastAffirmedAt", ofEvidence("@", lastSaid),
				func(p *parley.Position) **parley.Instant { return &p.LastAffirmedAt }),
			rows.Flag("secondHand", secondHand("@"), func(p *parley.Position) *bool { return &p.SecondHand }),
			rows.Time("validFrom "+asWord, "valid_from",
				func(p *parley.Position) *parley.Instant { return &p.ValidFrom }),
			rows.Text("validFromPrecision "+asWord, "valid_from_precision",
				func(p *parley.Position) *parley.TimePrecision { return &p.ValidFromPrecision }),
			// Where a position begins takes both to say.
			rows.Int("ordinal validFrom "+asWord, "ordinal",
				func(p *parley.Position) *int { return &p.Ordinal }),
			rows.OptionalIDList("saidFor "+asWord, "said_for",
				func(p *parley.Position) *[]uuid.UUID { return &p.SaidForIDs },
				parley.KindStakeholder).UsedAs("a position"),
			rows.OptionalTime(asWord, "asserted_to",
				func(p *parley.Position) **parley.Instant { return &p.AssertedTo }),
			rows.OptionalID(asWord, "contests",
				func(p *parley.Position) **uuid.UUID { return &p.ContestsID }).Names(parley.KindPosition),
			rows.OptionalTime("validTo "+asWord, "valid_to",
				func(p *parley.Position) **parley.Instant { return &p.ValidTo }).Endless(),
			rows.Flag(asWord, "beside", func(p *parley.Position) *bool { return &p.Beside }),
			rows.Flag(rows.Unselected, "disputed", func(p *parley.Position) *bool { return &p.Disputed }),
			rows.Flag("contested", contested("@"), func(p *parley.Position) *bool { return &p.Contested }),
			rows.Int(asWord, "CASE WHEN @.disputed THEN "+rankOf("@")+" ELSE 0 END",
				func(p *parley.Position) *int { return &p.EvidenceRank }),
		}, provenance("content_at", "version dissenting recordedAt recordedBy correctionNote supersededAt",
			func(p *parley.Position) *parley.Provenance { return &p.Provenance })...),
	},
	provenance: func(p *parley.Position) *parley.Provenance { return &p.Provenance },
}

// asWord selects what the reading of stances needs of a position.
const asWord = rows.Unselected + "word"

// rankOf is how well a position is borne out, the lowest best: by its best piece of evidence. A piece with the holder's
// own word, unless it is doubtful (C4, C5), comes before others' word; then counts its credibility, then its source's
// reliability. Unknown (C6, F) is the middle of the scale. No evidence at all comes last.
func rankOf(position string) string {
	return "coalesce(" + ofEvidence(position, `min(
		CASE WHEN e.credibility NOT IN ('C4', 'C5') AND `+ownWord(position, holderOf(position))+` THEN 100 ELSE 200 END
		+ 10 * CASE e.credibility WHEN 'C6' THEN 3 ELSE right(e.credibility::text, 1)::int END
		+ CASE g.reliability WHEN 'F' THEN 3 ELSE ascii(g.reliability::text) - 64 END)`) + ", 300)"
}

// holderOf is the holder of a position. A closed version still names a stakeholder that was merged since.
func holderOf(position string) string {
	return strings.ReplaceAll(`CASE WHEN @.superseded_at > k.known_at THEN @.holder_id ELSE merged_at(@.holder_id, k.known_at) END`,
		"@", position)
}

// ownWord says that a speaker of a statement e is a party, or spoke for the party when it was said.
func ownWord(position, party string) string {
	return strings.NewReplacer("@", position, "{party}", party).Replace(`({party} = ANY(e.speakers) OR EXISTS (
			SELECT FROM {affiliations sp}
			WHERE sp.person_id = ANY(e.speakers) AND sp.organization_id = {party} AND sp.speaks_for AND {known sp}
				AND coalesce(sp.valid_from, '-infinity') <= coalesce(e.said_at, @.valid_from)
				AND coalesce(sp.valid_to, 'infinity') > coalesce(e.said_at, @.valid_from)))`)
}

// hasOwnWord says that a position rests on an own word of a party.
func hasOwnWord(position, party string) string {
	return `EXISTS (SELECT FROM {statements e}
		WHERE e.id = ANY(` + position + `.evidence) AND {known e} AND ` + ownWord(position, party) + `)`
}

// secondHand says that a position has evidence, and none with an own word of its holder.
func secondHand(position string) string {
	return `(` + position + `.evidence <> '{}' AND NOT ` + hasOwnWord(position, holderOf(position)) + `)`
}

// OwnWords reports for each position whether it rests on an own word of a party, which need not be its holder.
func (s *Snapshot) OwnWords(ctx context.Context, positions []Key, parties []uuid.UUID) ([]bool, error) {
	own := make([]bool, len(positions))
	if len(positions) == 0 {
		return own, nil
	}
	q := s.Query(positions)
	party := `(` + q.Arg(rows.IDs(parties)) + `::uuid[])[k.n::int]`
	err := q.Run(ctx, `true`, `FROM {keys} JOIN {positions p} ON p.id = k.id AND {known p} AND `+hasOwnWord("p", party),
		func(n int, _ *rows.Row) { own[n] = true })
	if err != nil {
		return nil, fmt.Errorf("read whose word positions rest on: %w", err)
	}
	return own, nil
}

// ofEvidence aggregates over the statements e that a position rests on, each with its source g.
func ofEvidence(position, aggregates string) string {
	return `(SELECT ` + aggregates + `
		FROM {statements e} JOIN {sources g} ON g.id = e.source_id AND {known g}
		WHERE e.id = ANY(` + position + `.evidence) AND {known e})`
}

// lastSaid is when what bears a position out was last said, by the lens's valid instant.
const lastSaid = `max(e.said_at) FILTER (WHERE e.said_at <= k.valid_at)`

// prevails: where positions stand beside each other, the one that ranks better, then the one with the later recordedAt
// prevails. Few lines are disputed, and only there is anything compared.
var prevails = `(NOT p.disputed OR NOT EXISTS (
	SELECT FROM {positions o}
	WHERE ` + otherOnTheLine("p", "o") + `
		AND (` + rankOf("o") + `, p.content_at, p.id) < (` + rankOf("p") + `, o.content_at, o.id)))`

const positionHolds = `p.valid_from <= k.valid_at AND p.valid_to > k.valid_at`

// positionLine is a holder's line of positions on a scenario.
var positionLine = lineOf[parley.Position]{
	noun:    positions,
	id:      func(p *parley.Position) uuid.UUID { return p.ID },
	sameCut: func(a, b *parley.Position) bool { return a.SameCut(b) },
}

// Positions are those with these ids, whatever their interval; nil where there is none.
func (s *Snapshot) Positions(ctx context.Context, keys []Key, fields *Fields) ([]*parley.Position, error) {
	return rows.Find(ctx, &s.Reader, positions.table, keys, fields)
}

// PositionVersions are the versions with these ids, as they last were at the lens's known instant; nil where there is
// none.
func (s *Snapshot) PositionVersions(ctx context.Context, versions []Key, fields *Fields) ([]*parley.Position, error) {
	return rows.Versions(ctx, &s.Reader, positions.table, versions, fields)
}

// Dissenting are the positions that stand beside each of these versions, the one that prevails over the others first.
func (s *Snapshot) Dissenting(ctx context.Context, versions []Key, fields *Fields) ([][]*parley.Position, error) {
	return rows.Each(ctx, positions.table, s.Query(versions), fields, rows.VersionOf("positions")+` v ON v.disputed
		JOIN {positions p} ON `+otherOnTheLine("v", "p"), `k.n, `+rankOf("p")+`, p.content_at DESC, p.id DESC`)
}

// ListPositions lists the prevailing positions at the lens's valid instant.
func (s *Snapshot) ListPositions(
	ctx context.Context, asOf *parley.AsOf, f *parley.PositionFilter, order parley.PositionOrder, p parley.Page,
	fields *Fields,
) (*parley.PositionConnection, error) {
	columns := byValidFrom
	if order == parley.PositionsByRecorded {
		columns = []rows.OrderColumn{by("p.content_at", "timestamptz"), by("p.id", "uuid")}
	}
	keys, err := s.everything(ctx, asOf)
	if err != nil {
		return nil, err
	}
	return first(s.positionsWhere(ctx, keys, `TRUE`, f, rows.Order{Columns: columns, Descending: true}, p, fields))
}

// PositionsOnScenarios are the prevailing positions on each scenario, newest validFrom first.
func (s *Snapshot) PositionsOnScenarios(
	ctx context.Context, scenarios []Key, f *parley.PositionFilter, p parley.Page, fields *Fields,
) ([]*parley.PositionConnection, error) {
	return s.positionsWhere(ctx, scenarios, `p.scenario_id = k.id`, f,
		rows.Order{Columns: byValidFrom, Descending: true}, p, fields)
}

// PositionsOfStakeholders are the prevailing positions of each holder, newest validFrom first.
func (s *Snapshot) PositionsOfStakeholders(
	ctx context.Context, holders []Key, f *parley.PositionFilter, p parley.Page, fields *Fields,
) ([]*parley.PositionConnection, error) {
	return s.positionsWhere(ctx, holders, `p.holder_id = k.id`, f, rows.Order{Columns: byValidFrom, Descending: true},
		p, fields)
}

var byValidFrom = []rows.OrderColumn{
	by("p.valid_from", "timestamptz"), by("p.ordinal", "smallint"), by("p.id", "uuid"),
}

func (s *Snapshot) positionsWhere(
	ctx context.Context, keys []Key, scope string, f *parley.PositionFilter, o rows.Order, p parley.Page,
	fields *Fields,
) ([]*parley.PositionConnection, error) {
	c := rows.Conditions{Query: s.Query(keys), List: []string{scope, `{known p}`}}
	if f == nil || len(f.Parties) == 0 && f.Divided == nil {
		c.Add(positionHolds)
		c.Add(prevails)
		if c.LooksBack() {
			c.Add(onTheTable("p.scenario_id"))
		}
	} else if err := s.thatCount(ctx, &c, f); err != nil {
		return nil, err
	}
	if f != nil {
		var holders, sources []uuid.UUID
		var refs filterRefs
		refs.want(&holders, "holders", f.Holders, parley.KindStakeholder)
		refs.want(&sources, "sources", f.Sources, parley.KindSource)
		if err := s.resolve(ctx, c.Query, &refs); err != nil {
			return nil, err
		}
		if err := s.onScenarios(ctx, &c, f); err != nil {
			return nil, err
		}
		c.Of("p.holder_id", holders)
		restsOnSources(&c, "p", sources)
		c.Whether(f.Live, onLive("p.scenario_id"))
		rows.Among(&c, "p.stance", "stance", f.Stances)
		c.InRange("p.valid_from", f.ValidFrom)
		c.Whether(f.SecondHand, secondHand("p"))
		c.Whether(f.RedLine, "p.red_line")
		c.Either(f.SingleSourced,
			"cardinality(p.evidence) = 1 OR cardinality(p.evidence) > 1 AND "+ofEvidence("p",
				"count(DISTINCT e.source_id) = 1"),
			"cardinality(p.evidence) <> 1 AND (p.evidence = '{}' OR "+ofEvidence("p",
				"count(DISTINCT e.source_id) > 1")+")")
		c.Whether(f.Unsourced, "p.evidence = '{}'")
		rows.Among(&c, ofEvidence("p", "min(g.reliability)"), "source_reliability", f.Reliability)
		c.DaysBefore("notAffirmedForDays", "coalesce("+ofEvidence("p", lastSaid)+", p.valid_from)",
			f.NotAffirmedForDays)
		if len(f.Parties) == 0 {
			c.Whether(f.Contested, contested("p"))
		}
	}
	return rows.Pages(ctx, positions.table, c.Query, rows.List{From: `{positions p}`, Where: c.List, Order: o}, p,
		fields)
}

// thatCount adds that the position p is the one that counts in a cell: of one of the parties that the filter names, if
// it names any, and of a cell that is contested or divided as it asks.
func (s *Snapshot) thatCount(ctx context.Context, c *rows.Conditions, f *parley.PositionFilter) error {
	var parties []uuid.UUID
	var refs filterRefs
	refs.want(&parties, "parties", f.Parties, parley.KindStakeholder)
	if err := s.resolve(ctx, c.Query, &refs); err != nil {
		return err
	}
	r, err := s.readings(ctx, c.Keys, parties, f, &Fields{})
	if err != nil {
		return err
	}
	amongCells(c, "p.id", r.cells(), func(cell *parley.StanceCell) bool {
		return (f.Divided == nil || *f.Divided == cell.Divided()) &&
			(f.Contested == nil || len(parties) == 0 || *f.Contested == cell.Contested)
	}, func(cell *parley.StanceCell) uuid.UUID { return cell.Position.ID })
	return nil
}

// PositionHistoriesOnScenarios are all positions on each scenario over the whole of valid time, by validFrom; with
// those superseded, all their versions.
func (s *Snapshot) PositionHistoriesOnScenarios(
	ctx context.Context, scenarios []Key, holders []string, superseded bool, p parley.Page, fields *Fields,
) ([]*parley.PositionConnection, error) {
	return s.positionHistories(ctx, scenarios, `p.scenario_id`, `p.holder_id`,
		filterWant{field: "holders", refs: holders, kinds: []parley.Kind{parley.KindStakeholder}}, superseded, p,
		fields)
}

// PositionHistoriesOfStakeholders are all positions of each holder over the whole of valid time, by validFrom; with
// those superseded, all their versions.
func (s *Snapshot) PositionHistoriesOfStakeholders(
	ctx context.Context, holders []Key, scenarios []string, superseded bool, p parley.Page, fields *Fields,
) ([]*parley.PositionConnection, error) {
	return s.positionHistories(ctx, holders, `p.holder_id`, `p.scenario_id`,
		filterWant{field: "scenarios", refs: scenarios, kinds: []parley.Kind{parley.KindScenario}}, superseded, p,
		fields)
}

func (s *Snapshot) positionHistories(
	ctx context.Context, keys []Key, scope, column string, among filterWant, superseded bool, p parley.Page,
	fields *Fields,
) ([]*parley.PositionConnection, error) {
	oneOf := func(column, ids string) string {
		if superseded { // closed versions still name a stakeholder that was merged since
			ids = `with_merged(` + ids + `, k.known_at)`
		}
		return column + ` = ANY(` + ids + `)`
	}
	l := rows.History("positions", "p", oneOf(scope, `ARRAY[k.id]`), byValidFrom, superseded)
	c := rows.Conditions{Query: s.Query(keys), List: l.Where}
	var ids []uuid.UUID
	var refs filterRefs
	refs.want(&ids, among.field, among.refs, among.kinds...)
	if err := s.resolve(ctx, c.Query, &refs); err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		c.Add(oneOf(column, c.Arg(rows.IDs(ids))+`::uuid[]`))
	}
	l.Where = c.List
	return rows.Pages(ctx, positions.table, c.Query, l, p, fields)
}

// positionsOf is a holder's line on a scenario as it stands.
func (w *writer) positionsOf(ctx context.Context, holder, scenario uuid.UUID) ([]*parley.Position, error) {
	q := w.Query(rows.KeysOf(scenario))
	lines, err := rows.Each(ctx, positions.table, q, nil,
		`{positions p} ON p.scenario_id = k.id AND p.holder_id = `+q.Arg(holder)+` AND {known p}`, "")
	if err != nil {
		return nil, fmt.Errorf("read a holder's positions on a scenario: %w", err)
	}
	return lines[0], nil
}

// RecordPosition records where a holder stands on a scenario. A position that says what the holder's position says
// already affirms that one, unless somebody else who speaks for the same party has spoken since. Refusals: INVALID,
// also where it can't contest what it names; CONFLICT where another position of the holder begins at the same instant,
// or the line has changed since ifUnchangedSince; QUOTE_NOT_FOUND for new evidence; ID_REUSED.
func (m mutations) RecordPosition(ctx context.Context, in parley.RecordPositionInput) (Written, error) {
	return create(ctx, m, "recordPosition", in.ID, in, (*writer).recordPosition)
}

func (w *writer) recordPosition(ctx context.Context, in parley.RecordPositionInput, id *clientID) (Written, error) {
	if _, err := in.Position(parley.EarliestInstant); err != nil {
		return Written{}, err
	}
	var refs references
	scenario := refs.subject("scenario", in.Scenario, parley.KindScenario)
	holder := refs.one("holder", in.Holder, parley.KindStakeholder)
	saidFor := refs.every("saidFor", in.SaidFor, parley.KindStakeholder)
	contested := refs.maybe("contests", in.Contests, parley.KindPosition)
	evidence := refs.evidence(in.Evidence, in.NewEvidence)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	line, err := w.positionsOf(ctx, holder.ID, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	if err := w.lineUnchangedSince(ctx, in.IfUnchangedSince, holder.ID, scenario.ID); err != nil {
		return Written{}, err
	}
	if err := evidence.prepare(ctx, w); err != nil {
		return Written{}, err
	}
	if in.ValidFrom == nil { // it begins when it is recorded
		if err := w.stamp(ctx); err != nil {
			return Written{}, err
		}
	}

	p, err := in.Position(w.at)
	if err != nil {
		return Written{}, err
	}
	fresh := &p
	fresh.ID, fresh.HolderID, fresh.ScenarioID = id.newID(), holder.ID, scenario.ID
	fresh.EvidenceIDs, fresh.ContestsID = evidence.ids(), idOf(contested)
	if in.SaidFor != nil {
		fresh.SaidForIDs = ids(saidFor)
	}
	holds := parley.PlainAt(line, fresh.Beginning())
	if contested != nil {
		_, holds = positionLine.without(line, contested.ID)
		if err := mayContest(fresh, holds, line, holder, scenario); err != nil {
			return Written{}, err
		}
	} else if holds != nil && holds.SaysTheSame(fresh) {
		again, err := w.isSaidAgain(ctx, holds, fresh)
		if err != nil {
			return Written{}, err
		}
		if again {
			return w.confirmPosition(ctx, id, scenario, holder, holds, in, evidence)
		}
	}
	if in.ValidFrom != nil {
		if err := w.stamp(ctx); err != nil {
			return Written{}, err
		}
	}
	var previous *uuid.UUID
	if holds != nil {
		previous = &holds.Version
	}
	others := make([]parley.Beginning, len(line))
	for i, o := range line {
		others[i] = o.Beginning()
	}
	before := positionLine.copies(line)
	line = append(line, fresh)
	if err := parley.ArrangePositions(line, fresh.ID); err != nil {
		return Written{}, err
	}
	if err := w.insertStatements(ctx, evidence.added); err != nil {
		return Written{}, err
	}
	if err := w.keepAfterRecord(ctx, id, fresh.ID, parley.KindPosition, scenario); err != nil {
		return Written{}, err
	}
	fresh.Provenance = w.provenance(nil)
	if err := positionLine.rewrite(ctx, w, scenario, before, line); err != nil {
		return Written{}, err
	}
	verb := "is recorded as"
	if contested != nil {
		verb = "is also said to be"
	}
	cursor, err := w.positionChanged(ctx, scenario, fresh.ID, &fresh.Version, previous, parley.Created,
		positionSentence{
			cause: parley.CauseOfNew(fresh.Beginning(), others), lines: rows.IDs{holder.ID, scenario.ID},
			touches: evidence.touches(),
			summary: fmt.Sprintf("%s %s “%s” on “%s” from %s on.",
				holder.Name, verb, parley.Words(fresh.Stance),
				scenario.Name, parley.Date(fresh.ValidFrom, fresh.ValidFromPrecision)),
		})
	return Written{ID: fresh.ID, Previous: previous, Cursor: cursor}, err
}

func mayContest(fresh, contested *parley.Position, line []*parley.Position, holder, scenario *target) error {
	if contested == nil {
		return parley.Refuse(parley.Invalid, "contests",
			"The contested position is not one of %s on “%s”; name a position of the same holder on the same "+
				"scenario.",
			holder.Name, scenario.Name)
	}
	if parley.Ended(line, contested, fresh.Beginning()) {
		return parley.Refuse(parley.Invalid, "contests",
			"The contested position held until %s only, and this one begins at %s; contest the position that holds "+
				"then.",
			parley.FormatInstant(*contested.ValidTo), fresh.Beginning())
	}
	if contested.SaysTheSame(fresh) {
		return parley.Refuse(parley.Invalid, "contests",
			"It says the same as the position that it contests (%s); add evidence to that one instead.",
			contested.Stance)
	}
	return nil
}

// isSaidAgain says whether a position affirms an earlier one of its holder that says the same.
func (w *writer) isSaidAgain(ctx context.Context, earlier, again *parley.Position) (bool, error) {
	keys := rows.KeysOf(again.ScenarioID)
	q := w.Query(keys)
	said, err := rows.Each(ctx, positions.table, q, wordFields(&Fields{}), `{positions p} ON p.scenario_id = k.id
		AND {known p} AND p.holder_id <> `+q.Arg(again.HolderID)+`
		AND p.valid_from BETWEEN `+q.Arg(earlier.ValidFrom)+` AND `+q.Arg(again.ValidFrom), "")
	if err != nil {
		return false, fmt.Errorf("read what others have said since: %w", err)
	}
	voices := []*parley.Voices{{Positions: said[0]}}
	if err := readSpeakers(ctx, &w.Reader, keys, voices, []uuid.UUID{again.HolderID}); err != nil {
		return false, err
	}
	return voices[0].SaidAgain(earlier, again), nil
}

// confirmPosition adds the evidence of a position that says what the holder's position says already, and takes over
// what else it gives.
func (w *writer) confirmPosition(
	ctx context.Context, id *clientID, scenario, holder *target, holds *parley.Position, in parley.RecordPositionInput,
	e evidence,
) (Written, error) {
	added := evidenceChange{evidence: e, of: func(_ uuid.UUID, list []uuid.UUID) ([]uuid.UUID, error) { return joined(list, e.ids()) }}
	written, err := w.changePositionEvidence(ctx, scenario, holds, holds.Affirm(in), added,
		fmt.Sprintf("%s is confirmed as “%s” on “%s”.", holder.Name, parley.Words(holds.Stance), scenario.Name))
	if err != nil {
		return written, err
	}
	return written, w.keep(ctx, id, holds.ID)
}

// positionSentence is how the feed describes a new or corrected position.
type positionSentence struct {
	cause   parley.ShiftCause
	lines   []uuid.UUID // the holders and scenarios whose line changed
	touches []uuid.UUID
	note    *string
	summary string
}

func (w *writer) positionChanged(
	ctx context.Context, scenario *target, id uuid.UUID, version, previous *uuid.UUID, action parley.RecordAction,
	s positionSentence,
) (*parley.Cursor, error) {
	return w.appendChange(ctx, parley.ChangeEntry{
		Kind: parley.ChangeOfPosition, Action: action, SubjectKind: parley.KindPosition, SubjectID: id,
		Version: version, PreviousVersion: previous, NegotiationID: scenario.NegotiationID, ScenarioID: &scenario.ID,
		Cause: &s.cause, Lines: s.lines, Touches: append(touchedBy([]*target{scenario}), s.touches...), Note: s.note,
		Summary: s.summary,
	})
}

// currentPosition is a position as it stands, found by what an input calls it. No lock is held on it yet.
func (w *writer) currentPosition(ctx context.Context, field string, ref string) (*parley.Position, error) {
	subject, err := w.subjectOf(ctx, field, ref, parley.KindPosition)
	if err != nil {
		return nil, err
	}
	read, err := rows.Find(ctx, &w.Reader, positions.table, rows.KeysOf(subject.ID), nil)
	if err != nil {
		return nil, err
	}
	if read[0] == nil {
		return nil, errMoved
	}
	return read[0], nil
}

// CorrectPosition corrects a position that was recorded wrongly, also to another holder, or to another scenario of the
// same negotiation. Refusals: INVALID; CONFLICT where another position of the holder begins at the same instant, or it
// has changed since ifUnchangedSince.
func (m mutations) CorrectPosition(ctx context.Context, in parley.CorrectPosition) (Written, error) {
	return perform(ctx, m.run, in, (*writer).correctPosition)
}

func (w *writer) correctPosition(ctx context.Context, in parley.CorrectPosition) (Written, error) {
	seen, err := w.currentPosition(ctx, "position", in.Position)
	if err != nil {
		return Written{}, err
	}
	var refs references
	was := refs.subject("position", seen.ScenarioID.String(), parley.KindScenario)
	scenario, holder := was, refs.one("holder", seen.HolderID.String(), parley.KindStakeholder)
	if in.Scenario.Value != nil {
		scenario = refs.subject("scenario", *in.Scenario.Value, parley.KindScenario)
	}
	wasHolder := holder
	if in.Holder.Value != nil {
		holder = refs.one("holder", *in.Holder.Value, parley.KindStakeholder)
	}
	saidFor := refs.patchEvery("saidFor", in.SaidFor, parley.KindStakeholder)
	refs.one("position", in.Position, parley.KindPosition)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := w.unchangedSince(ctx, in.IfUnchangedSince, seen.ID); err != nil {
		return Written{}, err
	}
	if *scenario.NegotiationID != *was.NegotiationID {
		return Written{},
			parley.Refuse(parley.Invalid, "scenario",
				"“%s” belongs to another negotiation; retract the position and record it there.", scenario.Name)
	}

	oldLine, err := w.positionsOf(ctx, wasHolder.ID, was.ID)
	if err != nil {
		return Written{}, err
	}
	before := positionLine.copies(oldLine)
	oldLine, corrected := positionLine.without(oldLine, seen.ID)
	if corrected == nil {
		return Written{}, errMoved
	}
	previous := corrected.Version
	fields, err := corrected.Correct(in, idPatch(in.Holder, holder), idPatch(in.Scenario, scenario),
		resolvedEvery(in.SaidFor, saidFor))
	if err != nil {
		return Written{}, err
	}
	if len(fields) == 0 {
		return Written{ID: seen.ID}, errUnchanged
	}
	newLine, stays := oldLine, scenario.ID == was.ID && holder.ID == wasHolder.ID
	if !stays {
		corrected.ContestsID = nil // what it contested is on the line that it leaves
		if newLine, err = w.positionsOf(ctx, holder.ID, scenario.ID); err != nil {
			return Written{}, err
		}
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}

	corrected.Provenance = w.provenance(&in.Note)
	if err := w.close(ctx, "positions", corrected.ID, "CORRECTED"); err != nil {
		return Written{}, err
	}
	delete(before, corrected.ID)
	if !stays {
		if err := parley.ArrangePositions(oldLine, uuid.Nil); err != nil {
			return Written{}, err
		}
		if err := positionLine.rewrite(ctx, w, was, before, oldLine); err != nil {
			return Written{}, err
		}
		before = positionLine.copies(newLine)
	}
	newLine = append(newLine, corrected)
	if err := parley.ArrangePositions(newLine, corrected.ID); err != nil {
		return Written{}, err
	}
	if err := positionLine.rewrite(ctx, w, scenario, before, newLine); err != nil {
		return Written{}, err
	}
	cursor, err := w.positionChanged(ctx, scenario, corrected.ID, &corrected.Version, &previous, parley.Updated,
		positionSentence{
			cause: parley.RecordCorrected, lines: rows.IDs{holder.ID, scenario.ID, wasHolder.ID, was.ID},
			touches: touchedBy([]*target{was}), note: &in.Note,
			summary: fmt.Sprintf("Corrected a position: %s is “%s” on “%s” from %s on.", holder.Name,
				parley.Words(corrected.Stance), scenario.Name, parley.Date(corrected.ValidFrom, corrected.ValidFromPrecision)),
		})
	return Written{ID: corrected.ID, Previous: &previous, Cursor: cursor}, err
}

// idPatch is a patch of a reference that can't be cleared, as one of ids.
func idPatch(p parley.Patch[string], t *target) parley.Patch[uuid.UUID] {
	if p.Value == nil {
		return parley.Patch[uuid.UUID]{Set: p.Set}
	}
	return parley.To(t.ID)
}

// retractPosition takes a position back. The one that it had ended holds again; one that contested it takes its place.
func (w *writer) retractPosition(ctx context.Context, subject *target, in parley.RetractInput) (Written, error) {
	seen, err := w.currentPosition(ctx, "id", subject.ID.String())
	if err != nil {
		return Written{}, err
	}
	var refs references
	scenario := refs.subject("id", seen.ScenarioID.String(), parley.KindScenario)
	holder := refs.one("id", seen.HolderID.String(), parley.KindStakeholder)
	if err := w.find(ctx, &refs); err != nil {
		return Written{}, err
	}
	if err := w.freeOfUse(ctx, subject, in.IfUnchangedSince); err != nil {
		return Written{}, err
	}
	line, err := w.positionsOf(ctx, holder.ID, scenario.ID)
	if err != nil {
		return Written{}, err
	}
	before := positionLine.copies(line)
	rest, taken := positionLine.without(line, subject.ID)
	if taken == nil {
		return Written{}, errMoved
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := parley.ArrangePositions(rest, uuid.Nil); err != nil {
		return Written{}, err
	}
	if err := w.takeBack(ctx, "positions", subject.ID); err != nil {
		return Written{}, err
	}
	if err := positionLine.rewrite(ctx, w, scenario, before, rest); err != nil {
		return Written{}, err
	}
	cursor, err := w.positionChanged(ctx, scenario, subject.ID, nil, &taken.Version, parley.Retracted, positionSentence{
		cause: parley.RecordCorrected, lines: rows.IDs{holder.ID, scenario.ID}, note: &in.Note,
		summary: fmt.Sprintf("Retracted that %s was “%s” on “%s” from %s on.",
			holder.Name, parley.Words(taken.Stance),
			scenario.Name, parley.Date(taken.ValidFrom, taken.ValidFromPrecision)),
	})
	return Written{ID: subject.ID, Previous: &taken.Version, Cursor: cursor}, err
}
