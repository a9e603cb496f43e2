package main_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
)

// table is a data set with the scenario that the writers record positions on.
const table = `dataset: table
negotiations:
  - key: talks
    title: Talks
    issues:
      - key: border
        title: Border
        scenarios:
          - {key: line, title: Line, statuses: [{to: FLOATED, effectiveAt: 2025-01-01}]}
`

// written collects acknowledged writes: record id to cursor.
type written struct {
	sync.Mutex
	stakeholders, positions map[string]string
	until                   int // enough is called at this count
	enough                  func()
}

func (w *written) count() int { return len(w.stakeholders) + len(w.positions) }

func (w *written) keep(list map[string]string, id, cursor string) {
	w.Lock()
	defer w.Unlock()
	list[id] = cursor
	if w.count() == w.until {
		w.enough()
	}
}

// payload is a mutation's answer.
type payload struct {
	Record     *struct{ ID string }
	Cursor     *string
	UserErrors []struct{ Message string }
}

// write registers stakeholders and records positions until the server is gone.
func (w *written) write(p *program, name string) {
	for n := 0; ; n++ {
		var got struct{ Done payload }
		err := p.ask(`mutation($key: String!) {
			done: registerStakeholder(input: {key: $key, name: $key, kind: GROUP}) {
				record: stakeholder { id } cursor userErrors { message }
			}
		}`, map[string]any{"key": fmt.Sprintf("%s-%d", name, n)}, &got)
		if err != nil {
			return
		}
		if got.Done.Record == nil || got.Done.Cursor == nil {
			p.t.Errorf("a stakeholder was refused: %+v", got.Done.UserErrors)
			return
		}
		holder := got.Done.Record.ID
		w.keep(w.stakeholders, holder, *got.Done.Cursor)
		got.Done = payload{}
		err = p.ask(`mutation($holder: ID!) {
			done: recordPosition(input: {holder: $holder, scenario: "talks/line", stance: SUPPORTS}) {
				record: position { id } cursor userErrors { message }
			}
		}`, map[string]any{"holder": holder}, &got)
		if err != nil {
			return
		}
		if got.Done.Record == nil || got.Done.Cursor == nil {
			p.t.Errorf("a position was refused: %+v", got.Done.UserErrors)
			return
		}
		w.keep(w.positions, got.Done.Record.ID, *got.Done.Cursor)
	}
}

func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	does(t, nil, "import", "--data-dir", dir, file(t, "table.yaml", table))
	w := &written{stakeholders: map[string]string{}, positions: map[string]string{}}
	const writers = 20
	for round := range 2 {
		p := serve(t, nil, "--data-dir", dir)
		before, acknowledged := p.changes(), w.count()
		w.until, w.enough = acknowledged+300, func() { p.signal(syscall.SIGKILL) }
		var group sync.WaitGroup
		for i := range writers {
			group.Go(func() { w.write(p, fmt.Sprintf("round-%d-writer-%d", round, i)) })
		}
		group.Wait()
		p.code()

		again := serve(t, nil, "--data-dir", dir)
		cursors := again.cursors()
		acknowledged = w.count() - acknowledged
		t.Logf("round %d: %d writes were acknowledged before the kill, and %d more exist", round, acknowledged,
			len(cursors)-before-acknowledged)
		if more := len(cursors) - before - acknowledged; more < 0 || more > writers {
			t.Errorf("%d changes exist; %d existed before and %d were acknowledged", len(cursors), before,
				acknowledged)
		}
		again.holds("stakeholders", w.stakeholders, cursors)
		again.holds("positions", w.positions, cursors)
		again.register(fmt.Sprintf("after-%d", round))
		again.stop(syscall.SIGINT)
	}
}

// holds checks that every acknowledged record is listed and that its change is in the feed.
func (p *program) holds(list string, acknowledged map[string]string, cursors map[string]bool) {
	p.t.Helper()
	found := make(map[string]bool)
	for id := range p.pages(list, "id") {
		found[id] = true
	}
	for id, cursor := range acknowledged {
		if !found[id] {
			p.t.Errorf("%s: %s was acknowledged with %s, but is missing", list, id, cursor)
		}
		if !cursors[cursor] {
			p.t.Errorf("%s: the change %s that was acknowledged is not in the feed", list, cursor)
		}
	}
}

// cursors reads the whole feed and checks that its cursors rise.
func (p *program) cursors() map[string]bool {
	p.t.Helper()
	cursors := make(map[string]bool)
	last := ""
	for cursor := range p.pages("changes", "cursor") {
		if cursor <= last {
			p.t.Errorf("change %s follows change %s", cursor, last)
		}
		last = cursor
		cursors[cursor] = true
	}
	if total := p.changes(); total != len(cursors) {
		p.t.Errorf("the feed lists %d changes and counts %d", len(cursors), total)
	}
	return cursors
}

// pages reads a whole list, 100 entries at a time, and yields one field of each entry.
func (p *program) pages(list, field string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var after *string
		for {
			var got struct {
				List struct {
					Nodes    []map[string]string
					PageInfo struct {
						HasNextPage bool
						EndCursor   *string
					}
				}
			}
			document := fmt.Sprintf(`query($after: Cursor) {
				list: %s(first: 100, after: $after) { nodes { %s } pageInfo { hasNextPage endCursor } }
			}`, list, field)
			p.must(document, map[string]any{"after": after}, &got)
			for _, node := range got.List.Nodes {
				if !yield(node[field]) {
					return
				}
			}
			if !got.List.PageInfo.HasNextPage {
				return
			}
			after = got.List.PageInfo.EndCursor
		}
	}
}
