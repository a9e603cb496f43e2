package feed

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// index finds the cohorts whose filter matches a change. A cohort whose filter names records is indexed under the
// records of one of its lists (its anchor). When a change touches one of them, the whole filter is checked.
type index struct {
	cohorts map[cohortKey]*cohort
	of      map[uuid.UUID]map[*cohort]struct{}
	all     map[*cohort]struct{} // cohorts whose filter names no record
	// following is the number of cohorts that follow parties.
	following int
}

func newIndex() index {
	return index{
		cohorts: make(map[cohortKey]*cohort),
		of:      make(map[uuid.UUID]map[*cohort]struct{}),
		all:     make(map[*cohort]struct{}),
	}
}

// anchor returns the list of a filter that is likely to let the fewest changes pass: the shortest. Nil means that the
// filter has no list. Among lists of equal length it is the last, since filters name larger things first.
func anchor(filter parley.FeedFilter) []uuid.UUID {
	var shortest []uuid.UUID
	for _, list := range filter.Touching {
		if shortest == nil || len(list) <= len(shortest) {
			shortest = list
		}
	}
	return shortest
}

func (x *index) add(c *cohort) {
	x.cohorts[c.key] = c
	if c.filter.Following != nil {
		x.following++
	}
	records := anchor(c.filter)
	if records == nil {
		x.all[c] = struct{}{}
	}
	for _, id := range records {
		if x.of[id] == nil {
			x.of[id] = make(map[*cohort]struct{})
		}
		x.of[id][c] = struct{}{}
	}
}

func (x *index) remove(c *cohort) {
	delete(x.cohorts, c.key)
	delete(x.all, c)
	if c.filter.Following != nil {
		x.following--
	}
	for _, id := range anchor(c.filter) {
		if delete(x.of[id], c); len(x.of[id]) == 0 {
			delete(x.of, id)
		}
	}
}

// each visits each cohort whose filter matches a change once.
func (x *index) each(c *change, visit func(*cohort)) {
	for found := range x.all {
		if found.filter.Matches(c.ChangeEntry) {
			visit(found)
		}
	}
	for _, id := range c.Touches {
		for found := range x.of[id] {
			if found.looked != c.Seq {
				found.looked = c.Seq
				if found.filter.Matches(c.ChangeEntry) {
					visit(found)
				}
			}
		}
	}
}

// cohortKey is equal for subscriptions that belong to the same cohort.
type cohortKey struct {
	filter string
	view   *view
}

// keyOf returns the same key for filters with the same conditions, in whatever order they list them.
func keyOf(f parley.FeedFilter) string {
	var key strings.Builder
	key.WriteString(string(f.Moves))
	kinds := slices.Sorted(slices.Values(f.Kinds))
	for _, kind := range slices.Compact(kinds) {
		key.WriteString(" " + string(kind))
	}
	lists := f.Touching
	if f.Following != nil {
		key.WriteString(" following")
		lists = append(slices.Clone(lists), f.Following.Parties, f.Following.Scenarios, f.Following.Issues,
			f.Following.Negotiations)
	}
	for _, list := range lists {
		ids := slices.Clone(list)
		slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		ids = slices.Compact(ids)
		key.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(ids))))
		for _, id := range ids {
			key.Write(id[:])
		}
	}
	return key.String()
}
