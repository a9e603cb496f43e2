package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// writer records one statement after another. None has an id of the client's, so one that is recorded again is another
// statement.
type writer struct {
	*row
	number int
	random *rand.Rand
	over   chan struct{} // closed when no more are wanted

	acknowledged atomic.Int64
	done         atomic.Bool
	wrote        []written // read when it has finished
}

// written is what was acknowledged, or was found on record when the outcome was not known.
type written struct {
	text string
	at   time.Time // of the acknowledgement
}

func sourceOf(number int) string { return fmt.Sprintf("paper-%d", number) }

func (w *writer) finished() bool { return w.done.Load() }

// write goes on until it is over; what is on its way by then is brought to its end.
func (w *writer) write(ctx context.Context) {
	defer w.done.Store(true)
	for i := 0; ctx.Err() == nil; i++ {
		select {
		case <-w.over:
			return
		default:
		}
		text := fmt.Sprintf("w%d-%d", w.number, i)
		if !w.record(ctx, text, time.Date(2025, 1, 1, 0, 0, i, 0, time.UTC)) {
			return
		}
		w.wrote = append(w.wrote, written{text, time.Now()})
		w.acknowledged.Add(1)
		pause(ctx, between(w.random, 0, 10*time.Millisecond))
	}
}

const recordStatement = `mutation($source: ID!, $text: String!, $said: Time!) {
	recordStatement(input: {statement: {source: $source, text: $text, form: REPORTED, saidAt: $said}}) { cursor userErrors { code message } }
}`

// record records a statement as a good client does: it sends it again where nothing was recorded, and reads first where
// that is not known.
func (w *writer) record(ctx context.Context, text string, said time.Time) bool {
	for ctx.Err() == nil {
		got, err := w.ask(ctx, w.random.IntN(len(w.servers)), recordStatement,
			map[string]any{"source": sourceOf(w.number), "text": text, "said": said})
		var data struct {
			RecordStatement struct {
				Cursor     string
				UserErrors []told
			}
		}
		kind := got.kind()
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			w.tally.add(noAnswer)
		case len(got.Errors) == 0 && json.Unmarshal(got.Data, &data) == nil && data.RecordStatement.Cursor != "":
			return true
		case kind == recorded:
			w.tally.add(kind)
			return true
		case kind == notRecorded, kind == tooSlow:
			w.tally.add(kind)
			pause(ctx, between(w.random, 50*time.Millisecond, 250*time.Millisecond))
			continue
		case kind == notKnown:
			w.tally.add(kind)
		default:
			w.Errorf("%s: a writer was told %v", text, got)
			return false
		}
		if w.onRecord(ctx, text, said) {
			return true
		}
	}
	return false
}

const readStatements = `query($source: ID!, $from: Time!, $to: Time!) {
	statements(filter: {sources: [$source], said: {from: $from, to: $to}}) { nodes { text } }
}`

// onRecord reads whether a statement is on record.
func (w *writer) onRecord(ctx context.Context, text string, said time.Time) bool {
	for ctx.Err() == nil {
		got, err := w.ask(ctx, w.random.IntN(len(w.servers)), readStatements,
			map[string]any{"source": sourceOf(w.number), "from": said, "to": said.Add(time.Second)})
		var data struct {
			Statements *struct{ Nodes []struct{ Text string } }
		}
		switch {
		case err == nil && len(got.Errors) == 0 && json.Unmarshal(got.Data, &data) == nil && data.Statements != nil:
			return slices.ContainsFunc(data.Statements.Nodes, func(n struct{ Text string }) bool { return n.Text == text })
		case ctx.Err() != nil:
		case err != nil:
			w.tally.add(noAnswer)
		case got.kind() == notRead:
			w.tally.add(notRead)
		default:
			w.Errorf("%s: a reader was told %v", text, got)
			return false
		}
		pause(ctx, between(w.random, 50*time.Millisecond, 250*time.Millisecond))
	}
	return false
}
