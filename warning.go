package parley

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"
)

// WarningCode is the kind of a warning.
type WarningCode string

// The kinds of warning.
const (
	ContradictsStance WarningCode = "CONTRADICTS_STANCE"
	NothingHoldsAfter WarningCode = "NOTHING_HOLDS_AFTER"
	SimilarName       WarningCode = "SIMILAR_NAME"
	AffirmedLater     WarningCode = "AFFIRMED_LATER"
	NotInOffice       WarningCode = "NOT_IN_OFFICE"
	Unsourced         WarningCode = "UNSOURCED"
)

// Warning says that a fact was accepted and is questionable beside what else is on record. Message is a sentence that
// names the value and says what to do about it. Field is the path of the input field, nil if the warning is about the
// whole input.
type Warning struct {
	Code    WarningCode
	Message string
	Field   []string
}

// Warn returns a Warning with one sentence. Field is as in Refuse.
func Warn(code WarningCode, field, format string, args ...any) *Warning {
	return &Warning{Code: code, Message: fmt.Sprintf(format, args...), Field: fieldPath(field)}
}

// Circumstances is what else is on record about one scenario. New facts on the scenario are compared with it.
type Circumstances struct {
	Voices
	Statuses []*StatusChange // the oldest first
	Names    map[uuid.UUID]string
}

// OfPosition returns the warnings about a position.
func (c *Circumstances) OfPosition(p *Position) []*Warning {
	var warnings []*Warning
	if len(p.EvidenceIDs) == 0 && p.Stance != Undeclared {
		warnings = append(warnings, Warn(Unsourced, "evidence",
			"The position of %s rests on no evidence; add the statement that it was read from.", c.Names[p.HolderID]))
	}
	warnings = append(warnings, c.cutShort(p)...)
	r := c.Reading()
	warnings = append(warnings, c.outOfOffice(r, p)...)
	return append(warnings, c.contradictedBy(r, p)...)
}

// cutShort returns the warnings about the earlier position of the holder that this one ends.
func (c *Circumstances) cutShort(p *Position) []*Warning {
	line := slices.DeleteFunc(slices.Clone(c.Positions), func(o *Position) bool {
		return o.HolderID != p.HolderID || o.ScenarioID != p.ScenarioID || o.ID == p.ID
	})
	ended := PlainAt(line, p.Beginning())
	if ended == nil || p.Beside || ended.Beginning() == p.Beginning() {
		return nil
	}
	holder, scenario := c.Names[p.HolderID], c.Names[p.ScenarioID]
	var warnings []*Warning
	gap := p.AssertedTo != nil && sameInstant(p.AssertedTo, p.ValidTo) && within(*p.ValidTo, nil, ended.AssertedTo) &&
		!slices.ContainsFunc(line, func(o *Position) bool { return !o.Beside && o.ValidFrom.Equal(*p.ValidTo) })
	if gap {
		warnings = append(warnings, Warn(NothingHoldsAfter, "validTo",
			"From %s on, nothing is on record of %s on “%s”: this position ends then, and “%s”, which it ended, does not "+
				"return by itself. If that holds again, record it from %[1]s on.",
			Day(*p.ValidTo), holder, scenario, Words(ended.Stance)))
	}
	affirmed := ended.LastAffirmedAt
	if affirmed != nil && affirmed.After(p.ValidFrom) && within(*affirmed, nil, p.ValidTo) && !ended.SaysTheSame(p) {
		warnings = append(warnings, Warn(AffirmedLater, "validFrom",
			"This position ends “%s” of %s on “%s” on %s, but that was affirmed on %s. If it held again by then, record "+
				"it from that day on.",
			Words(ended.Stance), holder, scenario, Date(p.ValidFrom, p.ValidFromPrecision), Day(*affirmed)))
	}
	return warnings
}

// outOfOffice returns the warnings about a position that counts for fewer parties than it may be meant for.
func (c *Circumstances) outOfOffice(r *Reading, p *Position) []*Warning {
	parties := r.partiesOf(p.HolderID, p.begins())
	if p.SaidForIDs == nil {
		if len(r.offices[p.HolderID]) == 0 || !slices.Equal(parties, []uuid.UUID{p.HolderID}) {
			return nil
		}
		return []*Warning{Warn(NotInOffice, "holder",
			"%s is not on record as speaking for anybody on %s, so the position counts as its own word only.",
			c.Names[p.HolderID], Date(p.ValidFrom, p.ValidFromPrecision))}
	}
	var warnings []*Warning
	for i, id := range p.SaidForIDs {
		if !slices.Contains(parties, id) {
			warnings = append(warnings, Warn(NotInOffice, "saidFor."+strconv.Itoa(i),
				"%s is not on record as speaking for %s on %s, so the position does not count as a word of %[2]s.",
				c.Names[p.HolderID], c.Names[id], Date(p.ValidFrom, p.ValidFromPrecision)))
		}
	}
	return warnings
}

// contradictedBy returns a warning for each party that agreed to the scenario, or took it off the table, while the
// position says the opposite and is the word that counts.
func (c *Circumstances) contradictedBy(r *Reading, p *Position) []*Warning {
	if grade, graded := p.Stance.Grade(); !graded || grade == 0 {
		return nil
	}
	instants := []Instant{p.ValidFrom}
	for _, s := range c.Statuses {
		if s.EffectiveAt.After(p.ValidFrom) && within(s.EffectiveAt, nil, p.ValidTo) {
			instants = append(instants, s.EffectiveAt)
		}
	}
	var warnings []*Warning
	parties := slices.SortedFunc(maps.Keys(r.reach(p)), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for _, party := range parties {
		for _, t := range instants {
			bound := r.commitments(c.Statuses, p.ScenarioID, t)
			stands := r.At(party, p.ScenarioID, t)
			if stands.Position != nil && stands.Position.ID == p.ID && bound.contradictedBy(party, p.Stance) {
				warnings = append(warnings, c.contradiction("stance", party, p, bound.of(party)))
				break
			}
		}
	}
	return warnings
}

// OfStatus returns the warnings about a status change.
func (c *Circumstances) OfStatus(s *StatusChange) []*Warning {
	var warnings []*Warning
	if len(s.EvidenceIDs) == 0 {
		warnings = append(warnings, Warn(Unsourced, "evidence",
			"That “%s” became %s rests on no evidence; add the statement that it was read from.",
			c.Names[s.ScenarioID], Words(s.To)))
	}
	r := c.Reading()
	when := moment{s.EffectiveAt, s.EffectiveAtPrecision}
	for i, by := range s.ByIDs {
		field := "by." + strconv.Itoa(i)
		parties := r.partiesOf(by, when)
		if len(r.offices[by]) > 0 && slices.Equal(parties, []uuid.UUID{by}) {
			warnings = append(warnings, Warn(NotInOffice, field,
				"%s is not on record as speaking for anybody on %s, so the status commits nobody else.",
				c.Names[by], Date(s.EffectiveAt, s.EffectiveAtPrecision)))
		}
		for _, party := range parties {
			for _, bound := range append([]uuid.UUID{party}, r.membersOf(party, when)...) {
				if w := c.contradicted(r, s, bound, field); w != nil {
					warnings = append(warnings, w)
				}
			}
		}
	}
	return warnings
}

// contradicted returns a warning if the word of a party says the opposite of what the status change commits it to, at
// the change or at any time while it does.
func (c *Circumstances) contradicted(r *Reading, s *StatusChange, party uuid.UUID, field string) *Warning {
	instants := []Instant{s.EffectiveAt}
	for _, l := range r.lines[cell{party, s.ScenarioID}] {
		for _, w := range l.words {
			if w.ValidFrom.After(s.EffectiveAt) {
				instants = append(instants, w.ValidFrom)
			}
		}
	}
	slices.SortFunc(instants, func(a, b Instant) int { return a.Compare(b) })
	for _, t := range instants {
		bound := r.commitments(c.Statuses, s.ScenarioID, t)
		if by := bound.of(party); by == nil || by.ID != s.ID {
			continue
		}
		if p := r.At(party, s.ScenarioID, t).Position; p != nil && bound.contradictedBy(party, p.Stance) {
			return c.contradiction(field, party, p, s)
		}
	}
	return nil
}

func (c *Circumstances) contradiction(field string, party uuid.UUID, p *Position, s *StatusChange) *Warning {
	who, committed := c.Names[party], "agreed to it"
	if p.HolderID != party {
		who += ", in the words of " + c.Names[p.HolderID] + ","
	}
	if Decided(s.To, nil) == OffTheTable {
		committed = "took it off the table"
	}
	advice := "If its stance has changed since, record the new one."
	if p.Beginning().Compare(s.Beginning()) > 0 {
		advice = "If it no longer stands by that, change the scenario's status."
	}
	return Warn(ContradictsStance, field, "%s “%s” “%s” from %s on, and yet %s on %s. %s",
		who, Words(p.Stance), c.Names[p.ScenarioID], Date(p.ValidFrom, p.ValidFromPrecision), committed, Date(s.EffectiveAt, s.EffectiveAtPrecision), advice)
}
