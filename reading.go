package parley

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Voices has what the stances of parties are read from, through one lens.
type Voices struct {
	Positions   []*Position    // on record, also those that have ended
	Offices     []*Affiliation // by which persons speak or spoke for others
	Memberships []*Membership  // through which groups speak or spoke for their members
}

// Reading says where parties stand: whose words count for whom, which word ends which, and which one counts.
// docs/analysis.md has the rules.
type Reading struct {
	offices map[uuid.UUID][]*Affiliation // by person
	members map[uuid.UUID][]*Membership  // by group
	lines   map[cell][]*line
}

// cell is a party and a scenario.
type cell struct{ party, scenario uuid.UUID }

// line has the words of a party on a scenario by one holder, sorted by time. They are the party's own (from is the
// party), or those of a group to which it belongs.
type line struct {
	holder, from uuid.UUID
	words        []*word
}

// word is a position as the word of a party.
type word struct {
	*Position
	line   *line
	until  *Instant // first instant at which it no longer holds in its line; nil: it still holds
	beside bool     // it contests another word of its line
}

// Stand is where a party stands on a scenario. A nil Position means that nothing is recorded, or nothing holds.
type Stand struct {
	Position *Position
	// ThroughID is the group whose word it is; nil: it is a word of the party itself or of a person who speaks for it.
	ThroughID *uuid.UUID
	// Others are the words with another stance that nothing has ended, newest first: of persons in office, of groups to
	// which the party belongs, or the party's own word where a group's is newer.
	Others []*Position
	// Contested means that another claim about the same holder stands beside the position.
	Contested bool
	// FormerSpeaker means that the holder no longer speaks for the party, or the party has left the group.
	FormerSpeaker bool
}

// Reading sorts the words by the parties whose words they are.
func (v *Voices) Reading() *Reading {
	r := &Reading{
		offices: make(map[uuid.UUID][]*Affiliation), members: make(map[uuid.UUID][]*Membership),
		lines: make(map[cell][]*line, len(v.Positions)),
	}
	for _, a := range v.Offices {
		if a.SpeaksFor {
			r.offices[a.PersonID] = append(r.offices[a.PersonID], a)
		}
	}
	for _, m := range v.Memberships {
		if m.SpeaksForMembers {
			r.members[m.GroupID] = append(r.members[m.GroupID], m)
		}
	}
	said := slices.Clone(v.Positions)
	slices.SortFunc(said, func(a, b *Position) int {
		return cmp.Or(slices.Compare(a.ScenarioID[:], b.ScenarioID[:]), slices.Compare(a.HolderID[:], b.HolderID[:]),
			a.Beginning().Compare(b.Beginning()), slices.Compare(a.ID[:], b.ID[:]))
	})
	for len(said) > 0 {
		n := 1
		for n < len(said) && said[n].HolderID == said[0].HolderID && said[n].ScenarioID == said[0].ScenarioID {
			n++
		}
		r.addLines(said[:n])
		said = said[n:]
	}
	return r
}

// addLines adds the words of one holder on one scenario.
func (r *Reading) addLines(said []*Position) {
	type key struct{ party, from uuid.UUID }
	byLine := make(map[key][]*Position, 1)
	for _, p := range said {
		for party, from := range r.reach(p) {
			byLine[key{party, from}] = append(byLine[key{party, from}], p)
		}
	}
	for k, positions := range byLine {
		l := &line{holder: said[0].HolderID, from: k.from}
		arranged := positions
		if len(positions) < len(said) && k.party != l.holder {
			// Only words of the same party end each other. What a person says for itself is ended by anything that the
			// person says later, as it is on record.
			arranged = make([]*Position, len(positions))
			for i, p := range positions {
				own := *p
				arranged[i] = &own
			}
			_ = ArrangePositions(slices.Clone(arranged), uuid.Nil) // never refuses: nothing is marked as changed
		}
		for i, p := range positions {
			l.words = append(l.words, &word{p, l, arranged[i].ValidTo, arranged[i].Beside})
		}
		at := cell{k.party, said[0].ScenarioID}
		r.lines[at] = append(r.lines[at], l)
	}
}

// reach maps each party whose word a position is to the party whose own word it is: itself, or the group through which
// it is a word of that party by the shortest way.
func (r *Reading) reach(p *Position) map[uuid.UUID]uuid.UUID {
	direct := r.saidFor(p)
	reached := make(map[uuid.UUID]uuid.UUID, len(direct))
	for _, party := range direct {
		reached[party] = party
	}
	for next := direct; len(next) > 0 && len(r.members) > 0; {
		groups := next
		next = nil
		for _, group := range groups {
			for _, m := range r.members[group] {
				if _, known := reached[m.MemberID]; !known && p.begins().within(m.ValidFrom, m.ValidTo) {
					reached[m.MemberID] = reached[group]
					next = append(next, m.MemberID)
				}
			}
		}
	}
	return reached
}

// saidFor returns the parties whose own word a position is: those that its holder spoke for, or the holder itself.
func (r *Reading) saidFor(p *Position) []uuid.UUID {
	parties := r.partiesOf(p.HolderID, p.begins())
	if p.SaidForIDs != nil {
		parties = slices.DeleteFunc(parties, func(id uuid.UUID) bool { return !slices.Contains(p.SaidForIDs, id) })
	}
	if len(parties) == 0 {
		return []uuid.UUID{p.HolderID}
	}
	return parties
}

// SaidAgain reports whether a position that says the same as the holder's earlier one is a word of the same parties,
// and no other holder's word of any of them begins in between. Then it affirms the earlier one; otherwise it is a word
// of its own, which may end what others have said since.
func (v *Voices) SaidAgain(earlier, again *Position) bool {
	r := v.Reading()
	parties := r.reach(again)
	if !maps.Equal(parties, r.reach(earlier)) {
		return false
	}
	return !slices.ContainsFunc(v.Positions, func(p *Position) bool {
		if p.HolderID == again.HolderID || p.Beginning().Compare(earlier.Beginning()) <= 0 ||
			p.Beginning().Compare(again.Beginning()) >= 0 {
			return false
		}
		for party := range r.reach(p) {
			if _, same := parties[party]; same {
				return true
			}
		}
		return false
	})
}

// moment is an instant as exactly as it is known.
type moment struct {
	at        Instant
	precision TimePrecision
}

func (p *Position) begins() moment { return moment{p.ValidFrom, p.ValidFromPrecision} }

// within reports whether the moment lies in an interval. One that is known to the day does if any instant of that UTC
// day lies in it.
func (m moment) within(from, to *Instant) bool {
	if m.precision != PrecisionDay {
		return within(m.at, from, to)
	}
	const day = 24 * time.Hour
	begins := m.at.Truncate(day)
	return (from == nil || from.Before(begins.Add(day))) && (to == nil || to.After(begins))
}

// partiesOf returns the parties that a stakeholder stands for: those that it speaks for, or itself.
func (r *Reading) partiesOf(stakeholder uuid.UUID, when moment) []uuid.UUID {
	var parties []uuid.UUID
	for _, a := range r.offices[stakeholder] {
		if when.within(a.ValidFrom, a.ValidTo) && !slices.Contains(parties, a.OrganizationID) {
			parties = append(parties, a.OrganizationID)
		}
	}
	if len(parties) == 0 {
		return []uuid.UUID{stakeholder}
	}
	slices.SortFunc(parties, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return parties
}

// membersOf returns the members that a group speaks for, directly or through groups in groups.
func (r *Reading) membersOf(group uuid.UUID, when moment) []uuid.UUID {
	members := []uuid.UUID{group}
	for i := 0; i < len(members); i++ {
		for _, m := range r.members[members[i]] {
			if when.within(m.ValidFrom, m.ValidTo) && !slices.Contains(members, m.MemberID) {
				members = append(members, m.MemberID)
			}
		}
	}
	return members[1:]
}

// Holders returns the parties that have a word of their own which counts or stands beside at t, on any scenario.
func (r *Reading) Holders(t Instant) []uuid.UUID {
	var parties []uuid.UUID
	for at, lines := range r.lines {
		if slices.ContainsFunc(alive(at.party, lines, t), func(w *word) bool { return w.line.from == at.party }) {
			parties = append(parties, at.party)
		}
	}
	return parties
}

// PartiesOf returns the parties for which stakeholders stand at t: those that they speak for, or themselves.
func (r *Reading) PartiesOf(stakeholders []uuid.UUID, t Instant) []uuid.UUID {
	var parties []uuid.UUID
	for _, id := range stakeholders {
		parties = append(parties, r.partiesOf(id, moment{at: t})...)
	}
	return parties
}

// Cells returns where the parties stand through a lens, on every scenario on which they do. Nil: all parties.
func (r *Reading) Cells(lens Lens, parties []uuid.UUID) []*StanceCell {
	asked := make(map[uuid.UUID]bool, len(parties))
	for _, id := range parties {
		asked[id] = true
	}
	var cells []*StanceCell
	for at := range r.lines {
		if parties != nil && !asked[at.party] {
			continue
		}
		if stand := r.At(at.party, at.scenario, lens.ValidAt); stand.Position != nil {
			cells = append(cells, &StanceCell{Stand: stand, Lens: lens, PartyID: at.party, ScenarioID: at.scenario})
		}
	}
	return cells
}

// At returns where a party stands on a scenario at t.
func (r *Reading) At(party, scenario uuid.UUID, t Instant) Stand {
	words := alive(party, r.lines[cell{party, scenario}], t)
	if len(words) == 0 {
		return Stand{}
	}
	slices.SortFunc(words, func(a, b *word) int {
		return cmp.Or(behind(a.isSilence(party), b.isSilence(party)), a.compare(b, party))
	})
	counts := words[0]
	stand := Stand{
		Position: counts.Position, Contested: counts.line.contested(t),
		FormerSpeaker: !r.stillSpeaks(counts, party, t),
	}
	if counts.line.from != party {
		stand.ThroughID = &counts.line.from
	}
	for _, o := range words[1:] {
		if o.Stance != counts.Stance && !o.isSilence(party) && r.stillSpeaks(o, party, t) {
			stand.Others = append(stand.Others, o.Position)
		}
	}
	return stand
}

// compare orders the words of a party by which counts: the newest first; of several at one instant the party's own,
// then those of persons who speak for it, then those of groups, then what was recorded last.
func (w *word) compare(o *word, party uuid.UUID) int {
	return cmp.Or(
		o.Beginning().Compare(w.Beginning()),
		behind(w.HolderID != party, o.HolderID != party),
		behind(w.line.from != party, o.line.from != party),
		o.RecordedAt.Compare(w.RecordedAt),
		slices.Compare(o.ID[:], w.ID[:]),
	)
}

// behind orders what is so behind what is not.
func behind(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// isSilence reports whether a speaker or a group said nothing. That is no word against anybody else's.
func (w *word) isSilence(party uuid.UUID) bool { return w.Stance == Undeclared && w.HolderID != party }

// stillSpeaks reports whether the holder of a word is the party, or speaks for it at t.
func (r *Reading) stillSpeaks(w *word, party uuid.UUID, t Instant) bool {
	from := w.line.from
	if from != party && !slices.Contains(r.membersOf(from, moment{at: t}), party) {
		return false
	}
	return w.HolderID == party || slices.Contains(append(r.partiesOf(w.HolderID, moment{at: t}), w.HolderID), from)
}

// alive returns the words of a party that hold at t: the prevailing one of each line that no word of another line has
// ended.
func alive(party uuid.UUID, lines []*line, t Instant) []*word {
	var words []*word
	for _, l := range lines {
		if w := l.prevailing(t); w != nil && !w.ended(party, lines, t) {
			words = append(words, w)
		}
	}
	return words
}

// prevailing returns the word of a line that prevails at t, nil if none holds.
func (l *line) prevailing(t Instant) *word {
	var best *word
	for _, w := range l.words {
		if within(t, &w.ValidFrom, w.until) && (best == nil || w.outranks(best.Position)) {
			best = w
		}
	}
	return best
}

// contested reports whether several words of a line hold at t.
func (l *line) contested(t Instant) bool {
	holding := 0
	for _, w := range l.words {
		if within(t, &w.ValidFrom, w.until) {
			holding++
		}
	}
	return holding > 1
}

// ended reports whether a newer word of another line has ended this one by t. What was ended once stays ended.
func (w *word) ended(party uuid.UUID, lines []*line, t Instant) bool {
	for _, l := range lines {
		if l == w.line {
			continue
		}
		for _, newer := range l.words {
			if !newer.ValidFrom.After(t) && newer.Beginning().Compare(w.Beginning()) > 0 && newer.ends(w, party) &&
				newer.prevailed() {
				return true
			}
		}
	}
	return false
}

// ends reports whether a newer word of a party ends an earlier one of another line. A party's own word ends all; that
// of a person who speaks for it ends the party's own and this person's; that of a group ends none of the member's.
// Silence of others than the party ends nothing.
func (w *word) ends(earlier *word, party uuid.UUID) bool {
	switch from := w.line.from; {
	case w.isSilence(party):
		return false
	case from == party && w.HolderID == party:
		return true
	case from == party:
		return earlier.HolderID == party || earlier.HolderID == w.HolderID
	case earlier.line.from != from:
		return false
	default:
		return w.HolderID == from || earlier.HolderID == from
	}
}

// prevailed reports whether the word prevailed in its line when it was said. One that was followed at the same instant
// holds for no time, and was a word all the same.
func (w *word) prevailed() bool {
	if w.until != nil && w.until.Equal(w.ValidFrom) {
		return !w.beside
	}
	return w.line.prevailing(w.ValidFrom) == w
}

// outranks reports whether a claim prevails over another of the same holder: by its evidence, then by the later
// recordedAt.
func (p *Position) outranks(o *Position) bool {
	return cmp.Or(p.EvidenceRank-o.EvidenceRank, o.RecordedAt.Compare(p.RecordedAt),
		slices.Compare(o.ID[:], p.ID[:])) < 0
}
