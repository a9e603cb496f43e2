package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// MergeStakeholders merges a stakeholder that was registered twice into the other one of its two records: from then on,
// what names the one is filed under the other. Before it they are two, as known then. Refusals: INVALID, also for a
// person and what is none, and for a member and its group; CONFLICT where either has changed since ifUnchangedSince.
func (m mutations) MergeStakeholders(ctx context.Context, in parley.MergeStakeholdersInput) (Written, error) {
	return perform(ctx, m.runAlone, in, (*writer).mergeStakeholders)
}

func (w *writer) mergeStakeholders(ctx context.Context, in parley.MergeStakeholdersInput) (Written, error) {
	if err := in.Check(); err != nil {
		return Written{}, err
	}
	from, err := w.oneOf(ctx, "from", in.From, parley.KindStakeholder)
	if err != nil {
		return Written{}, err
	}
	into, err := w.oneOf(ctx, "into", in.Into, parley.KindStakeholder)
	if err != nil {
		return Written{}, err
	}
	if from.ID == into.ID {
		return w.mergedAlready(ctx, in, into)
	}
	m := merge{w: w, from: from, into: into}
	if err := m.findNaming(ctx); err != nil {
		return Written{}, err
	}
	for _, t := range []*target{from, into} {
		if err := w.unchangedSince(ctx, in.IfUnchangedSince, t.ID); err != nil {
			return Written{}, err
		}
	}
	was, err := stakeholders.current(ctx, w, from.ID)
	if err != nil {
		return Written{}, err
	}
	is, err := stakeholders.current(ctx, w, into.ID)
	if err != nil {
		return Written{}, err
	}
	if err := parley.CheckMerge(was, is); err != nil {
		return Written{}, err
	}
	if err := m.arrange(ctx); err != nil {
		return Written{}, err
	}
	if err := w.stamp(ctx); err != nil {
		return Written{}, err
	}
	if err := m.write(ctx); err != nil {
		return Written{}, err
	}
	return m.conclude(ctx, was, is, in.Note)
}

// mergedAlready is the answer where both references lead to one record.
func (w *writer) mergedAlready(ctx context.Context, in parley.MergeStakeholdersInput, one *target) (Written, error) {
	named, err := everKnown(ctx, &w.Reader, []string{in.From, in.Into})
	if err != nil {
		return Written{}, err
	}
	from, into := named.merged(in.From), named.merged(in.Into)
	switch {
	case from == into:
		return Written{}, parley.Refuse(parley.Invalid, "into",
			"%s can't be merged into itself; name two stakeholders that are one.", one.Name)
	case from != nil:
		return Written{ID: one.ID}, errUnchanged
	}
	return Written{}, parley.Refuse(parley.Invalid, "into", "%q was merged into %s on %s, so the two are one already; edit %s to "+
		"change its name.", in.Into, one.Name, parley.Day(*into.RetractedAt), one.Name)
}

// merged is the record with an id or key that was merged into another; nil: none was.
func (n namedRecords) merged(ref string) *target {
	for _, t := range n[parley.ReadRef(ref)] {
		if t.MergedInto != nil {
			return t
		}
	}
	return nil
}

// merge files under one stakeholder what names another.
type merge struct {
	w          *writer
	from, into *target
	naming     naming
	rows       map[parley.Kind]map[uuid.UUID]*refiled // what becomes of the open rows of records
	absorbed   []absorbed
}

// naming are the records that name a stakeholder, by their kind, and the scenarios on which it has positions.
type naming struct {
	records   map[parley.Kind][]uuid.UUID
	scenarios []uuid.UUID
}

// refiled is what becomes of an open row besides that it names the other stakeholder.
type refiled struct {
	ID  uuid.UUID `json:"id"`
	Why string    `json:"why"`
	// Patch are the columns that change; nil: the row is closed for good.
	Patch map[string]any `json:"patch"`
}

// absorbed is a record that is read as part of another.
type absorbed struct {
	ID   uuid.UUID `json:"id"`
	Into uuid.UUID `json:"into"`
}

// namesOne says that a row x names a record, $1, in one of the columns that may name a stakeholder.
func (d description) namesOne() string {
	var names []string
	for _, c := range d.columnsNaming(parley.KindStakeholder) {
		if c.Many {
			names = append(names, `x.`+c.name+` @> ARRAY[$1::uuid]`)
		} else {
			names = append(names, `x.`+c.name+` = $1::uuid`)
		}
	}
	return strings.Join(names, " OR ")
}

// columnsNaming are the columns that may name a record of a kind.
func (d description) columnsNaming(kind parley.Kind) (list []describedColumn) {
	for _, c := range d.columns {
		if c.name != "" && slices.Contains(c.Kinds, kind) {
			list = append(list, c)
		}
	}
	return list
}

// namingStakeholders are the nouns whose records may name one.
var namingStakeholders = func() (list []description) {
	for _, d := range descriptions {
		if d.namesOne() != "" {
			list = append(list, d)
		}
	}
	return list
}()

func (m *merge) findNaming(ctx context.Context) error {
	var selects []string
	for _, d := range namingStakeholders {
		selects = append(selects, `SELECT '`+string(d.kind)+`' AS kind, x.id FROM {`+d.table+` x}
			WHERE x.superseded_at = 'infinity' AND (`+d.namesOne()+`)`)
	}
	selects = append(selects, `SELECT DISTINCT 'SCENARIO', x.scenario_id FROM {positions x}
		WHERE x.superseded_at = 'infinity' AND x.holder_id = $1`)
	var found []struct {
		Kind parley.Kind `db:"kind"`
		ID   uuid.UUID   `db:"id"`
	}
	if err := m.w.all(ctx, &found, strings.Join(selects, " UNION ALL ")+` ORDER BY 1, 2`, m.from.ID); err != nil {
		return fmt.Errorf("look for what names a stakeholder: %w", err)
	}
	m.naming = naming{records: make(map[parley.Kind][]uuid.UUID)}
	for _, f := range found {
		if f.Kind == parley.KindScenario {
			m.naming.scenarios = append(m.naming.scenarios, f.ID)
		} else {
			m.naming.records[f.Kind] = append(m.naming.records[f.Kind], f.ID)
		}
	}
	return nil
}

// arrange decides what becomes of the rows, and refuses what can't be merged.
func (m *merge) arrange(ctx context.Context) error {
	m.rows = make(map[parley.Kind]map[uuid.UUID]*refiled)
	for kind, ids := range m.naming.records {
		m.rows[kind] = make(map[uuid.UUID]*refiled)
		for _, id := range ids {
			m.refile(kind, id)
		}
	}
	if err := m.arrangePositions(ctx); err != nil {
		return err
	}
	if err := m.checkMembers(ctx); err != nil {
		return err
	}
	return m.arrangeDoubles(ctx)
}

// refile is what becomes of a record that is filed under the other stakeholder.
func (m *merge) refile(kind parley.Kind, id uuid.UUID) *refiled {
	r := m.rows[kind][id]
	if r == nil {
		r = &refiled{ID: id, Why: "MERGED", Patch: make(map[string]any)}
		m.rows[kind][id] = r
	}
	return r
}

// arrangePositions arranges the lines of both on each scenario as one.
func (m *merge) arrangePositions(ctx context.Context) error {
	if len(m.naming.scenarios) == 0 {
		return nil
	}
	q := m.w.Query(rows.KeysOf(m.naming.scenarios...))
	lines, err := rows.Each(ctx, positions.table, q, nil, `{positions p} ON p.scenario_id = k.id
		AND p.holder_id = ANY(`+q.Arg(rows.IDs{m.from.ID, m.into.ID})+`::uuid[]) AND {known p}`, "")
	if err != nil {
		return fmt.Errorf("read the positions of two stakeholders: %w", err)
	}
	for _, line := range lines {
		before := positionLine.copies(line)
		left, into := parley.MergePositions(line, m.into.ID)
		took := make(map[uuid.UUID]bool)
		for gone, one := range into {
			took[one] = true
			m.refile(parley.KindPosition, gone).Patch = nil
			m.absorbed = append(m.absorbed, absorbed{gone, one})
		}
		for _, p := range left {
			was := before[p.ID]
			asItWas := was.HolderID == m.into.ID && !took[p.ID]
			if asItWas && was.SameCut(p) {
				continue
			}
			r := m.refile(parley.KindPosition, p.ID)
			if asItWas && !slices.Contains(was.SaidForIDs, m.from.ID) {
				r.Why = "RECUT"
			}
			maps.Copy(r.Patch, cutPositions.cuts(p))
			if p.ContestsID != nil {
				r.Patch["contests"] = *p.ContestsID
			}
			if took[p.ID] {
				maps.Copy(r.Patch, map[string]any{"evidence": list(p.EvidenceIDs), "rationale": p.Rationale, "salience": p.Salience})
			}
		}
	}
	return nil
}

// checkMembers refuses to merge a member with its own group.
func (m *merge) checkMembers(ctx context.Context) error {
	var found []uuid.UUID
	err := m.w.all(ctx, &found, `
		SELECT id FROM {memberships}
		WHERE superseded_at = 'infinity' AND member_id = ANY($1) AND group_id = ANY($1)`,
		rows.IDs{m.from.ID, m.into.ID})
	if err != nil {
		return fmt.Errorf("look for memberships: %w", err)
	}
	if len(found) == 0 {
		return nil
	}
	return parley.Refuse(parley.Invalid, "into", "Of %s and %s, one is or was a member of the other, so they are not one; "+
		"retract that membership (%s), or name others.", m.from.Name, m.into.Name, found[0])
}

// arrangeDoubles has the same office, membership, role or claim of both read as one.
func (m *merge) arrangeDoubles(ctx context.Context) error {
	if err := absorbDoubles(ctx, m, affiliations, (*parley.Affiliation).Doubles, (*parley.Affiliation).Absorb,
		func(a *parley.Affiliation) ([]*uuid.UUID, map[string]any) {
			return []*uuid.UUID{&a.PersonID, &a.OrganizationID}, map[string]any{"valid_from": instant(a.ValidFrom),
				"valid_to": instant(a.ValidTo), "speaks_for": a.SpeaksFor}
		}); err != nil {
		return err
	}
	if err := absorbDoubles(ctx, m, memberships, (*parley.Membership).Doubles, (*parley.Membership).Absorb,
		func(a *parley.Membership) ([]*uuid.UUID, map[string]any) {
			return []*uuid.UUID{&a.MemberID, &a.GroupID}, map[string]any{"valid_from": instant(a.ValidFrom),
				"valid_to": instant(a.ValidTo), "speaks_for_members": a.SpeaksForMembers}
		}); err != nil {
		return err
	}
	if err := absorbDoubles(ctx, m, participations, (*parley.Participation).Doubles, (*parley.Participation).Absorb,
		func(p *parley.Participation) ([]*uuid.UUID, map[string]any) {
			return []*uuid.UUID{&p.StakeholderID}, map[string]any{"valid_from": instant(p.ValidFrom),
				"valid_to": instant(p.ValidTo), "veto_player": p.VetoPlayer, "veto_issues": list(p.VetoIssueIDs),
				"capability": p.Capability}
		}); err != nil {
		return err
	}
	return absorbDoubles(ctx, m, relations, (*parley.ScenarioRelation).Doubles, (*parley.ScenarioRelation).Absorb,
		func(r *parley.ScenarioRelation) ([]*uuid.UUID, map[string]any) {
			return []*uuid.UUID{r.ClaimedByID}, map[string]any{"evidence": list(r.EvidenceIDs), "note": r.Note}
		})
}

// absorbDoubles finds records of a noun that are the same for the merged stakeholder. One of them takes the others in:
// one of the stakeholder that stays, if there is one. Columns are where the record names stakeholders, and what may
// change by taking another one in.
func absorbDoubles[T any](
	ctx context.Context, m *merge, n *noun[T], doubles func(a, b *T) bool, absorb func(a, b *T) error,
	columns func(*T) (named []*uuid.UUID, merged map[string]any),
) error {
	kind := n.table.Kind
	if len(m.naming.records[kind]) == 0 {
		return nil
	}
	named := strings.ReplaceAll(describe(kind).namesOne(), "x.", n.table.Alias+".")
	q := m.w.Query(rows.KeysOf(m.from.ID, m.into.ID))
	read, err := rows.Each(ctx, n.table, q, nil, `{`+n.table.Name+` `+n.table.Alias+`} ON {known `+n.table.Alias+`} AND (`+
		strings.ReplaceAll(named, "$1::uuid", "k.id")+`)`, n.table.Alias+`.id`)
	if err != nil {
		return fmt.Errorf("read %s of two stakeholders: %w", n.table.Name, err)
	}
	id := func(t *T) uuid.UUID { own, _ := n.table.Self(t); return *own }
	left := slices.Concat(read[1], read[0]) // those of the one that stays come first
	met := make(map[uuid.UUID]bool)
	left = slices.DeleteFunc(left, func(t *T) bool { was := met[id(t)]; met[id(t)] = true; return was })
	for _, t := range left {
		refs, _ := columns(t)
		for _, ref := range refs {
			if ref != nil && *ref == m.from.ID {
				*ref = m.into.ID
			}
		}
	}
	for i := 0; i < len(left); i++ {
		for j := i + 1; j < len(left); j++ {
			if !doubles(left[i], left[j]) {
				continue
			}
			gone := left[j]
			if err := absorb(left[i], gone); err != nil {
				return err
			}
			_, patch := columns(left[i])
			for t, patch := range map[*T]map[string]any{left[i]: patch, gone: nil} {
				r := m.refile(kind, id(t))
				r.Patch = patch
			}
			m.absorbed = append(m.absorbed, absorbed{id(gone), id(left[i])})
			left = slices.Delete(left, j, j+1)
			j = i // it may double others by now
		}
	}
	return nil
}

// instant and list are values as JSON that the database reads.
func instant(t *parley.Instant) any {
	if t == nil {
		return nil
	}
	return parley.FormatInstant(*t)
}

func list(ids []uuid.UUID) []uuid.UUID {
	if ids == nil {
		return []uuid.UUID{}
	}
	return ids
}

// write closes the rows and opens them again, and ends the records that were absorbed. All rows of a noun are closed
// before any is opened, since the constraints that keep intervals apart look at once.
func (m *merge) write(ctx context.Context) error {
	for _, d := range namingStakeholders {
		if len(m.rows[d.kind]) == 0 {
			continue
		}
		if err := m.writeRows(ctx, d); err != nil {
			return err
		}
	}
	return m.end(ctx, append(m.absorbed, absorbed{m.from.ID, m.into.ID}))
}

func (m *merge) writeRows(ctx context.Context, d description) error {
	text, err := json.Marshal(slices.Collect(maps.Values(m.rows[d.kind])))
	if err != nil {
		return fmt.Errorf("write down rows of %s: %w", d.table, err)
	}
	err = m.w.exec(ctx, `
		UPDATE `+d.table+` x SET superseded_at = $2, closed_by = r.why::closed_by
		FROM jsonb_to_recordset($1) r(id uuid, why text)
		WHERE x.id = r.id AND x.superseded_at = 'infinity'`, string(text), m.w.at)
	if err != nil {
		return fmt.Errorf("close rows of %s: %w", d.table, err)
	}
	err = m.w.exec(ctx, `
		INSERT INTO `+d.table+`
		SELECT y.*
		FROM jsonb_to_recordset($1) r(id uuid, patch jsonb)
		JOIN {`+d.table+` x} ON x.id = r.id AND x.superseded_at = $2,
		LATERAL jsonb_populate_record(x, jsonb_build_object(`+d.refiledColumns("$3::uuid", "$4::uuid")+`, 'recorded_at', $2::timestamptz,
			'superseded_at', 'infinity', 'closed_by', NULL) || r.patch) y
		WHERE jsonb_typeof(r.patch) = 'object'`, string(text), m.w.at, m.from.ID, m.into.ID)
	if v := violation(err); v != nil && v.Constraint == "nobody_belongs_to_itself" {
		return parley.Refuse(parley.Invalid, "into", "Of %s and %s, one is or was a member of the other through groups, so "+
			"they are not one; name others.", m.from.Name, m.into.Name)
	}
	if err != nil {
		return fmt.Errorf("file rows of %s under another stakeholder: %w", d.table, err)
	}
	return nil
}

// refiledColumns are, for jsonb_build_object, the columns of a row x that may name a stakeholder, with one in the place
// of another.
func (d description) refiledColumns(was, becomes string) string {
	var list []string
	for _, c := range d.columnsNaming(parley.KindStakeholder) {
		value := `CASE WHEN x.` + c.name + ` = ` + was + ` THEN ` + becomes + ` ELSE x.` + c.name + ` END`
		if c.Many {
			value = `refiled(x.` + c.name + `, ` + was + `, ` + becomes + `)`
		}
		list = append(list, `'`+c.name+`', `+value)
	}
	return strings.Join(list, ", ")
}

// mergedColumns are, for jsonb_build_object, the columns of a row that may name a stakeholder, with merged ones as what
// they are now.
func (d description) mergedColumns(row string) string {
	var list []string
	for _, c := range d.columnsNaming(parley.KindStakeholder) {
		list = append(list, `'`+c.name+`', merged_now(`+row+`.`+c.name+`)`)
	}
	return strings.Join(list, ", ")
}

// end ends records that are read as others from now on.
func (m *merge) end(ctx context.Context, gone []absorbed) error {
	text, err := json.Marshal(gone)
	if err != nil {
		return fmt.Errorf("write down merged records: %w", err)
	}
	err = m.w.exec(ctx, `
		UPDATE records x SET retracted_at = $2, merged_into = r.into
		FROM jsonb_to_recordset($1) r(id uuid, "into" uuid)
		WHERE x.id = r.id`, string(text), m.w.at)
	if err != nil {
		return fmt.Errorf("end merged records: %w", err)
	}
	return m.w.close(ctx, "stakeholders", m.from.ID, "MERGED")
}

// conclude gives the stakeholder that stays the names of the other one, and tells the feed.
func (m *merge) conclude(ctx context.Context, was, is *parley.Stakeholder, note string) (Written, error) {
	previous, version := is.Version, is.Version
	var fields []string
	took, err := is.TakeNames(was)
	if err != nil {
		return Written{}, err
	}
	if took {
		if err := m.w.close(ctx, "stakeholders", m.into.ID, "EDITED"); err != nil {
			return Written{}, err
		}
		is.Provenance = m.w.provenance(nil)
		version, fields = is.Version, []string{"aliases"}
		if err := stakeholders.insert(ctx, m.w, m.into, is); err != nil {
			return Written{}, err
		}
	}
	touches, err := m.touches(ctx)
	if err != nil {
		return Written{}, err
	}
	cursor, err := m.w.appendChange(ctx, parley.ChangeEntry{
		Kind: stakeholders.changes, Action: parley.Merged, SubjectKind: parley.KindStakeholder, SubjectID: m.into.ID,
		Version: &version, PreviousVersion: &previous, Touches: append(touches, m.from.ID),
		Lines: append(rows.IDs{m.from.ID, m.into.ID}, m.naming.scenarios...), Fields: fields, Note: &note,
		Summary: fmt.Sprintf("Merged %s into %s.", was.Name, is.Name),
	})
	return Written{ID: m.into.ID, Previous: &previous, Cursor: cursor}, err
}

// touches are the records that were filed anew, with what they belong to.
func (m *merge) touches(ctx context.Context) ([]uuid.UUID, error) {
	var all rows.IDs
	for _, ids := range m.naming.records {
		all = append(all, ids...)
	}
	touched, err := m.w.everAbove(ctx, all)
	return append(all, touched...), err
}

// everAbove are the negotiations, issues, scenarios and sources to which records belong.
func (w *writer) everAbove(ctx context.Context, records rows.IDs) ([]uuid.UUID, error) {
	var above []uuid.UUID
	err := w.all(ctx, &above, `
		WITH below AS (SELECT negotiation_id, parent_id FROM {records} WHERE id = ANY($1))
		SELECT negotiation_id FROM below WHERE negotiation_id IS NOT NULL UNION
		SELECT parent_id FROM below WHERE parent_id IS NOT NULL UNION
		SELECT p.parent_id FROM below JOIN {records p} ON p.id = below.parent_id WHERE p.parent_id IS NOT NULL`, records)
	if err != nil {
		return nil, fmt.Errorf("look for what records belong to: %w", err)
	}
	return above, nil
}
