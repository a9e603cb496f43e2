package storage

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Written is what a mutation did.
type Written struct {
	ID uuid.UUID
	// Previous is the version that was there before, of the record itself or of the one that it ended; nil for none.
	Previous *uuid.UUID
	// Cursor is that of the change it made; nil when the same content was on record already.
	Cursor *parley.Cursor
}

// mutations are what can be written, one method each: by a Store in a transaction of its own, or by a Batch in one with
// others. What can't be accepted comes back as a parley.Refusal, and nothing is written. Any of them may be refused
// with NOT_FOUND for a reference to what is not on record, and with CONFLICT where other writers keep changing the same
// records; each says what else. A fault has code UNAUTHENTICATED where the context has no caller, LIMIT where recording
// takes too long, UNAVAILABLE where the database can't be used (it says whether anything was recorded), and BAD_CURSOR for an
// ifUnchangedSince that is none of this feed.
type mutations struct {
	run runner
	// runAlone keeps others from writing meanwhile: for what may take longer than the feed head can be held.
	runAlone runner
}

type runner func(context.Context, func(context.Context, *writer) (Written, error)) (Written, error)

// perform runs a mutation.
func perform[In any](
	ctx context.Context, run runner, in In, mutation func(*writer, context.Context, In) (Written, error),
) (Written, error) {
	return run(ctx, func(ctx context.Context, w *writer) (Written, error) {
		if err := w.identify(ctx); err != nil {
			return Written{}, err
		}
		return mutation(w, ctx, in)
	})
}

// create runs a mutation that makes a record, unless the same was sent under the client's id before. With other content
// under that id it is refused with ID_REUSED. The operation is the mutation's name in the API.
func create[In any](
	ctx context.Context, m mutations, operation string, id *string, in In,
	mutation func(*writer, context.Context, In, *clientID) (Written, error),
) (Written, error) {
	return perform(ctx, m.run, in, func(w *writer, ctx context.Context, in In) (Written, error) {
		claimed, err := w.claim(ctx, "id", operation, id, in)
		if err != nil {
			return Written{}, err
		}
		if claimed.known {
			return Written{ID: claimed.record}, errUnchanged
		}
		return mutation(w, ctx, in, claimed)
	})
}

// writer is a transaction that writes. Its reads see what is committed and what it wrote itself.
//
// Locks are taken in one order: the one that keeps batches apart, the scenarios whose lines change, what is referred
// to, what is retracted, and last the feed head (see stamp). From there on it waits for nothing, so the head is held
// for a few inserts only.
type writer struct {
	rows.Reader
	store   *Store
	tx      *sqlx.Tx
	analyst parley.Analyst // in whose name it writes
	at      time.Time      // the recordedAt of the change, once the head is taken
	seq     int64
	id      string // of the transaction, once the head is taken
	head    *head  // of a batch, which has the feed head to itself
	conn    *writeConnection
	clock   *time.Timer // closes the connection
}

// identify takes the analyst from the context.
func (w *writer) identify(ctx context.Context) error {
	analyst, err := parley.Require(ctx, parley.RoleAnalyst, "record")
	w.analyst = analyst
	return err
}

// all reads every row of a statement into the slice that dest points to. Macros in its text are expanded.
func (w *writer) all(ctx context.Context, dest any, text string, args ...any) error {
	w.store.statements.Add(1)
	text = w.Expand(text)
	return w.store.metrics.writes.Watched(ctx, text, func() (int, error) {
		err := w.tx.SelectContext(ctx, dest, text, args...)
		return reflect.ValueOf(dest).Elem().Len(), err
	})
}

// exec runs a statement that writes. Macros in its text are expanded.
func (w *writer) exec(ctx context.Context, text string, args ...any) error {
	w.store.statements.Add(1)
	text = w.Expand(text)
	return w.store.metrics.writes.Watched(ctx, text, func() (int, error) {
		result, err := w.tx.ExecContext(ctx, text, args...)
		if err != nil {
			return 0, err
		}
		changed, _ := result.RowsAffected() // 0 where the database does not say
		return int(changed), nil
	})
}

// stamp takes the feed head: the next number, and a recordedAt later than any before. Whatever the mutation needs to
// read or to wait for comes before; it holds up every other writer from here to the commit, which has to come soon.
func (w *writer) stamp(ctx context.Context) error {
	if w.head != nil {
		if w.head.refused != nil {
			return w.head.refused
		}
		w.seq, w.at = w.head.seq+1, w.head.at.Add(time.Microsecond)
		return nil
	}
	var head []struct {
		Seq        int64     `db:"seq"`
		RecordedAt time.Time `db:"recorded_at"`
		Clock      time.Time `db:"clock"`
		Oldest     int64     `db:"oldest_version"`
		ReadOnly   bool      `db:"read_only"`
		ID         string    `db:"id"`
	}
	begun := time.Now()
	err := w.all(ctx, &head, `
		UPDATE feed_head
		SET seq = seq + 1, recorded_at = greatest(clock_timestamp(), recorded_at + interval '1 microsecond')
		WHERE one
		RETURNING seq, recorded_at, clock_timestamp() AS clock, oldest_version,
			current_setting('default_transaction_read_only') = 'on' AS read_only, pg_current_xact_id()::text AS id`)
	w.store.metrics.headWait.Observe(time.Since(begun).Seconds())
	if err != nil {
		return fmt.Errorf("take the feed head: %w", err)
	}
	if err := w.store.fits(rows.Now{Clock: head[0].Clock, OldestVersion: head[0].Oldest, ReadOnly: head[0].ReadOnly}); err != nil {
		return err
	}
	w.clock.Reset(w.store.headTime * 3 / 5)
	w.id, w.seq, w.at = head[0].ID, head[0].Seq, head[0].RecordedAt.UTC()
	return nil
}

// orNow is the instant given, or the change's own recordedAt: never an instant from before the wait for a lock, which
// would put the loser of a race before the winner.
func (w *writer) orNow(t *parley.Instant) parley.Instant {
	if t == nil {
		return w.at
	}
	return *t
}

// close ends the open row of a record in a table.
func (w *writer) close(ctx context.Context, table string, id uuid.UUID, why string) error {
	err := w.exec(ctx, `
		UPDATE `+table+`
		SET superseded_at = $2, closed_by = $3
		WHERE id = $1 AND superseded_at = 'infinity'`, id, w.at, why)
	if err != nil {
		return fmt.Errorf("close a row of %s: %w", table, err)
	}
	return nil
}

// record gives a new record its identity.
func (w *writer) record(
	ctx context.Context, id uuid.UUID, kind parley.Kind, path *string, negotiation, parent *uuid.UUID,
) error {
	err := w.exec(ctx, `
		INSERT INTO records (id, kind, path, negotiation_id, parent_id, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, id, kind, path, negotiation, parent, w.at)
	if err != nil {
		return fmt.Errorf("record %s: %w", kind.Noun(), err)
	}
	return nil
}

// provenance is that of a new version written by this writer.
func (w *writer) provenance(note *string) parley.Provenance {
	return parley.Provenance{Version: parley.NewID(), RecordedAt: w.at, RecordedByID: w.analyst.ID,
		CorrectionNote: note}
}

// appendChange writes the one change of a mutation. What it touches is completed by its subject and its negotiation.
func (w *writer) appendChange(ctx context.Context, c parley.ChangeEntry) (*parley.Cursor, error) {
	// Whoever follows a record that was merged goes on to follow the one that it was merged into.
	err := w.exec(ctx, `
		INSERT INTO changes (seq, recorded_at, recorded_by, kind, action, subject_kind, subject_id, version,
			previous_version, negotiation_id, scenario_id, cause, lines, fields, summary, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, with_merged($13, 'infinity'), $14, $15, $16)`,
		w.seq, w.at, w.analyst.ID, c.Kind, c.Action, c.SubjectKind, c.SubjectID, c.Version,
		c.PreviousVersion, c.NegotiationID, c.ScenarioID, c.Cause, rows.IDs(c.Lines), rows.Words[string](c.Fields),
		c.Summary, c.Note)
	if err != nil {
		return nil, fmt.Errorf("append a change: %w", err)
	}
	touches := append(append(rows.IDs{c.SubjectID}, c.Touches...), c.Lines...)
	if c.NegotiationID != nil {
		touches = append(touches, *c.NegotiationID)
	}
	err = w.exec(ctx, `
		INSERT INTO change_touches (record_id, seq)
		SELECT DISTINCT touched, $2::bigint FROM unnest(with_merged($1, 'infinity')) AS touched`, touches, w.seq)
	if err != nil {
		return nil, fmt.Errorf("append what a change touches: %w", err)
	}
	cursor := w.store.cursor(w.at)
	return &cursor, nil
}

// unchangedSince refuses to go on when a change to the subject itself came after the cursor, or a merge that filed it anew.
func (w *writer) unchangedSince(ctx context.Context, cursor *parley.Cursor, subject uuid.UUID) error {
	return w.noChangeSince(ctx, cursor, `(subject_id = $2 OR action = 'MERGED'
		AND EXISTS (SELECT FROM {change_touches t} WHERE t.seq = changes.seq AND t.record_id = $2))`, subject)
}

// lineUnchangedSince is unchangedSince for the positions of a holder on a scenario, those that were retracted included.
func (w *writer) lineUnchangedSince(ctx context.Context, cursor *parley.Cursor, holder, scenario uuid.UUID) error {
	return w.noChangeSince(ctx, cursor, `(subject_kind = 'POSITION' OR action = 'MERGED') AND lines @> $2::uuid[]`, rows.IDs{holder, scenario})
}

func (w *writer) noChangeSince(ctx context.Context, cursor *parley.Cursor, of string, argument any) error {
	if cursor == nil {
		return nil
	}
	seq, err := w.store.place(ctx, &w.Reader, *cursor)
	if err != nil {
		return err
	}
	var later []string
	err = w.all(ctx, &later, `
		SELECT summary FROM {changes}
		WHERE seq > $1 AND `+of+`
		ORDER BY seq DESC
		LIMIT 1`, seq, argument)
	if err != nil {
		return fmt.Errorf("look for later changes: %w", err)
	}
	if len(later) > 0 {
		return parley.Refuse(parley.Conflict, "ifUnchangedSince",
			"The record has changed since you read it (%s) Read it again and repeat what still applies.", later[0])
	}
	return nil
}
