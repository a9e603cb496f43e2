package parley

import (
	"maps"
	"slices"
)

// Recorded is a fact with the span of the record in which it stood so: From is included, To is not; nil: it still stands.
type Recorded[T any] struct {
	Fact     *T
	From, To *Instant
}

// Replay cuts the facts of a line anew at each change of the record, by what was on record then. Of each fact it returns
// the spans in which it was cut in one way, as if nothing else had ever stood on the line. cut cuts the facts that it is
// given, and sameCut compares two states of one.
func Replay[T any](line []Recorded[T], cut func([]*T), sameCut func(a, b *T) bool) [][]Recorded[T] {
	var changes []Instant
	for _, r := range line {
		changes = append(changes, *r.From)
		if r.To != nil {
			changes = append(changes, *r.To)
		}
	}
	slices.SortFunc(changes, Instant.Compare)
	spans := make([][]Recorded[T], len(line))
	for _, at := range slices.CompactFunc(changes, Instant.Equal) {
		standing := make(map[int]*T)
		for i, r := range line {
			if within(at, r.From, r.To) {
				fact := *r.Fact
				standing[i] = &fact
			}
		}
		cut(slices.Collect(maps.Values(standing)))
		for i, fact := range standing {
			if n := len(spans[i]); n > 0 {
				last := &spans[i][n-1]
				if sameCut(last.Fact, fact) {
					continue
				}
				last.To = &at
			}
			spans[i] = append(spans[i], Recorded[T]{Fact: fact, From: &at, To: line[i].To})
		}
	}
	return spans
}
