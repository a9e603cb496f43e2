package feed

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// index finds the cohorts that are to hear of a change. A cohort whose filter names records stands under those of one of
// its lists, and the rest of the filter is looked at when one of them is touched.
type index struct {
	cohorts map[cohortKey]*cohort
	of      map[uuid.UUID]map[*cohort]struct{}
	all     map[*cohort]struct{} // those that name no record
}

func newIndex() index {
	return index{cohorts: make(map[cohortKey]*cohort), of: make(map[uuid.UUID]map[*cohort]struct{}), all: make(map[*cohort]struct{})}
}

// anchor is the list of a filter that is likely to let the fewest changes pass; nil: it has none. Of lists as long as
// each other that is the last: the filter names what is larger first.
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
	for _, id := range anchor(c.filter) {
		if delete(x.of[id], c); len(x.of[id]) == 0 {
			delete(x.of, id)
		}
	}
}

// each visits the cohorts that are to hear of a change, each once.
func (x *index) each(c *change, visit func(*cohort)) {
	for hears := range x.all {
		if hears.filter.Matches(c.ChangeEntry) {
			visit(hears)
		}
	}
	for _, id := range c.Touches {
		for hears := range x.of[id] {
			if hears.looked != c.Seq {
				hears.looked = c.Seq
				if hears.filter.Matches(c.ChangeEntry) {
					visit(hears)
				}
			}
		}
	}
}

// cohortKey is one for all subscriptions that want the same changes shown the same way.
type cohortKey struct {
	filter string
	view   *view
}

// keyOf is one for all filters that let the same changes pass, as far as can be told by their looks.
func keyOf(f parley.FeedFilter) string {
	var key strings.Builder
	key.WriteString(string(f.Moves))
	kinds := slices.Sorted(slices.Values(f.Kinds))
	for _, kind := range slices.Compact(kinds) {
		key.WriteString(" " + string(kind))
	}
	for _, list := range f.Touching {
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
