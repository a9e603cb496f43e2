package parley

import (
	"testing"

	"github.com/google/uuid"
)

func TestFeedFilterMatches(t *testing.T) {
	t.Parallel()
	negotiation, scenario, holder, speaker, other := NewID(), NewID(), NewID(), NewID(), NewID()
	cause := WorldChanged
	moved := ChangeEntry{
		Kind: ChangeOfPosition, SubjectKind: KindPosition, Cause: &cause, NegotiationID: &negotiation,
		Lines: []uuid.UUID{holder, scenario}, Touches: []uuid.UUID{holder, scenario, speaker, negotiation},
	}
	for name, tt := range map[string]struct {
		filter FeedFilter
		want   bool
	}{
		"no filter":           {FeedFilter{}, true},
		"one of a list":       {FeedFilter{Touching: [][]uuid.UUID{{other, speaker}}}, true},
		"each list needs one": {FeedFilter{Touching: [][]uuid.UUID{{speaker}, {other}}}, false},
		"another kind":        {FeedFilter{Kinds: []ChangeKind{ChangeOfEvent}}, false},
		"moves of this kind": {
			FeedFilter{Moves: KindPosition, Touching: [][]uuid.UUID{{negotiation}, {scenario}, {holder}}}, true,
		},
		"moves of another kind":   {FeedFilter{Moves: KindStatusChange}, false},
		"a speaker does not move": {FeedFilter{Moves: KindPosition, Touching: [][]uuid.UUID{{speaker}}}, false},
		"moves of another record": {FeedFilter{Moves: KindPosition, Touching: [][]uuid.UUID{{other}}}, false},
	} {
		if got := tt.filter.Matches(moved); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
