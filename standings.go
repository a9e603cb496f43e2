package parley

import (
	"slices"

	"github.com/google/uuid"
)

// Limits on computed pairs of party and scenario: MaxCells for one issue, MaxTogether for an operation.
const (
	MaxCells    = 100_000
	MaxTogether = 5 * MaxCells
)

// Standings has everything that the stance matrix and the landing zone of one issue are computed from, read through a
// lens.
type Standings struct {
	Voices
	Lens           Lens
	IssueID        uuid.UUID
	Scenarios      []uuid.UUID                     // on the table, sorted by key
	Outcomes       map[uuid.UUID]ResolutionOutcome // of the scenarios that were resolved by validAt
	StatusChanges  []*StatusChange                 // of the scenarios up to validAt, the oldest first
	Participations []*Participation                // at validAt, of the issue's negotiation
	Asked          []uuid.UUID                     // the requested stakeholders; empty: all who take part or have a word

	reading *Reading
}

// Read sorts the words by the parties whose words they are. Matrix, LandingZone and Parties need it.
func (s *Standings) Read() { s.reading = s.Voices.Reading() }

// Parties returns the parties of the stakeholders: each stakeholder itself, or those that it speaks for. Who has a word
// through a group only is none of them, unless it is requested.
func (s *Standings) Parties() []uuid.UUID {
	var parties []uuid.UUID
	for _, id := range s.Asked {
		parties = append(parties, s.partiesOf(id)...)
	}
	if len(s.Asked) == 0 {
		for _, p := range s.Participations {
			parties = append(parties, s.partiesOf(p.StakeholderID)...)
		}
		parties = append(parties, s.reading.Holders(s.Lens.ValidAt)...)
	}
	slices.SortFunc(parties, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(parties)
}

func (s *Standings) now() moment { return moment{at: s.Lens.ValidAt} }

func (s *Standings) partiesOf(stakeholder uuid.UUID) []uuid.UUID {
	return s.reading.partiesOf(stakeholder, s.now())
}

// participationsOf maps each party to its participations and those of the persons who speak for it.
func (s *Standings) participationsOf() map[uuid.UUID][]*Participation {
	of := make(map[uuid.UUID][]*Participation)
	for _, p := range s.Participations {
		for _, party := range s.partiesOf(p.StakeholderID) {
			of[party] = append(of[party], p)
		}
	}
	return of
}

// saliences maps each party to the salience of its newest word on the issue that has one. Words of groups do not count.
func (s *Standings) saliences() map[uuid.UUID]*int {
	newest := make(map[uuid.UUID]*word)
	for at, lines := range s.reading.lines {
		for _, l := range lines {
			if l.from != at.party {
				continue
			}
			for _, w := range l.words {
				if w.Salience != nil && !w.ValidFrom.After(s.Lens.ValidAt) &&
					(newest[at.party] == nil || w.compare(newest[at.party], at.party) < 0) {
					newest[at.party] = w
				}
			}
		}
	}
	saliences := make(map[uuid.UUID]*int, len(newest))
	for party, w := range newest {
		saliences[party] = w.Salience
	}
	return saliences
}
