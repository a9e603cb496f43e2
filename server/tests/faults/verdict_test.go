package faults_test

import (
	"encoding/json"
	"fmt"
	"time"
)

// nameWidth is that of the first column.
const nameWidth = 22

func printHeading() {
	fmt.Printf("%-*s %5s %8s %7s %9s %13s %7s %13s  %s\n", nameWidth, "fault", "lost", "doubled", "missed", "repeated", "out of order",
		"lapsed", "acknowledged", "told to callers")
}

// verdict is what went wrong. Only what is lapsed may be other than 0, in a failover that loses changes: it was acknowledged
// while the standby was cut off, and is not on record.
type verdict struct{ lost, doubled, missed, repeated, misordered, lapsed int }

// lapse is when what is acknowledged may be lost; the zero value is never.
type lapse struct{ from, to time.Time }

func (l lapse) holds(t time.Time) bool { return !t.Before(l.from) && t.Before(l.to) }

// judge compares what clients know with what is on record, and prints the row.
func (r *row) judge(record []change) {
	var v verdict
	acknowledged := make(map[string]bool)
	times := make(map[string]int)
	for _, c := range record {
		times[c.text]++
	}
	for _, w := range r.writers {
		for _, wrote := range w.wrote {
			acknowledged[wrote.text] = true
			switch n := times[wrote.text]; {
			case n > 1:
				v.doubled += n - 1
			case n == 0 && r.lapse.holds(wrote.at):
				v.lapsed++
			case n == 0:
				v.lost++
			}
		}
	}
	for _, c := range record {
		if !acknowledged[c.text] {
			r.Errorf("%q is on record, and its writer does not know", c.text)
		}
	}
	for _, s := range r.subscribers {
		s.compare(record, &v)
	}
	fmt.Printf("%-*s %5d %8d %7d %9d %13d %7d %13d  %s\n", nameWidth, r.fault.name, v.lost, v.doubled, v.missed, v.repeated,
		v.misordered, v.lapsed, len(acknowledged), r.tally.words())
	if allowed := (verdict{lapsed: v.lapsed}); v != allowed {
		r.Errorf("%+v", v)
	}
}

// compare adds what a subscriber has missed, heard again, and heard too late.
func (s *subscriber) compare(record []change, v *verdict) {
	place := make(map[change]int)
	for i, c := range record {
		place[c] = i
	}
	heard := make(map[change]bool)
	last := -1
	for _, c := range s.heard {
		switch at, known := place[c]; {
		case !known && s.fault.loses: // it has lapsed
		case !known:
			s.Errorf("a subscriber heard of %v, which is not on record", c)
		case heard[c]:
			v.repeated++
		case at < last:
			v.misordered++
		default:
			last = at
		}
		heard[c] = true
	}
	for _, c := range record {
		if !heard[c] {
			v.missed++
		}
	}
}

const readChanges = `query($after: Cursor) {
	changes(first: 500, after: $after) { pageInfo { hasNextPage } nodes { cursor ...what } }
}
` + what

// record reads all changes since the beginning.
func (r *row) record() (record []change) {
	after, more := r.begin, true
	for more {
		got := r.servers[0].Must(readChanges, map[string]any{"after": after})
		text, err := json.Marshal(got.Data)
		if err != nil {
			r.Fatal(err)
		}
		var data struct {
			Changes struct {
				PageInfo struct{ HasNextPage bool }
				Nodes    []node
			}
		}
		if err := json.Unmarshal(text, &data); err != nil {
			r.Fatal(err)
		}
		for _, n := range data.Changes.Nodes {
			record = append(record, change{n.Cursor, n.Node.Text})
			after = n.Cursor
		}
		more = data.Changes.PageInfo.HasNextPage
	}
	return record
}
