package storage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"example.org/parley"
)

// Written is what a mutation did.
type Written struct {
	ID uuid.UUID
	// Previous is the version that was there before, of the record itself or of the one that it ended; nil for none.
	Previous *uuid.UUID
	// Cursor is that of the change it made; nil when the same content was there already.
	Cursor *parley.Cursor
}

// mutations are what can be written, one method each: by a Store in a transaction of its own, or by a Batch in one with
// others.
type mutations struct {
	run func(context.Context, func(context.Context, *writer) (Written, error)) (Written, error)
}

// perform runs a mutation.
func perform[In any](ctx context.Context, m mutations, in In, mutation func(*writer, context.Context, In) (Written, error)) (Written, error) {
	return m.run(ctx, func(ctx context.Context, w *writer) (Written, error) { return mutation(w, ctx, in) })
}

// create runs a mutation that makes a record, unless the same was sent under the client's id before.
func create[In any](ctx context.Context, m mutations, id *string, in In, mutation func(*writer, context.Context, In, *clientID) (Written, error)) (Written, error) {
	return m.run(ctx, func(ctx context.Context, w *writer) (Written, error) {
		claimed, err := w.claim(ctx, "id", id, in)
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
// Locks are taken in one order: the one that keeps batches apart, the scenarios whose lines change, what is referred to,
// what is taken back, and last the head of the feed (see stamp). From there on nothing is asked of anyone, so the head is
// held for a few inserts only.
type writer struct {
	reader
	at    time.Time // the recordedAt of the change, once the head is taken
	seq   int64
	head  *head // in a batch, which has the head to itself
	conn  *writeConnection
	clock *time.Timer // hangs up
}

const (
	// commitTime is how long the outcome of a commit is waited for, and then looked for.
	commitTime = 10 * time.Second

	never time.Duration = math.MaxInt64
)

// writersLock is the advisory lock that writers share and a batch takes alone: a batch holds the head while it goes on
// to lock scenarios, which would deadlock with writers that do it the other way round.
const writersLock = 0x7061726c6579

// errUnchanged ends a mutation that found its content on record already.
var errUnchanged = errors.New("unchanged")

// errMoved ends an attempt that locked something that had moved on meanwhile.
var errMoved = errors.New("moved on meanwhile")

// errCutOff ends an attempt that held the head for too long, or lost its connection. Nothing of it is on record.
var (
	errCutOff = errors.New("cut off before the commit")
	errHungUp = errors.New("it held the head of the feed for too long")
)

// errInDoubt ends a mutation that may be on record or not: it must not be tried again.
var errInDoubt = errors.New("the outcome of a commit is not known")

// write runs a mutation in a transaction of its own.
func (s *Store) write(ctx context.Context, mutation func(context.Context, *writer) (Written, error)) (written Written, err error) {
	err = s.attempt(ctx, func(w *writer) (err error) {
		written, err = mutation(ctx, w)
		return err
	})
	switch {
	case err == nil:
		s.hints.give()
		return written, nil
	case errors.Is(err, errUnchanged):
		return written, nil
	case errors.Is(err, errInDoubt):
		s.log.ErrorContext(ctx, "a change may be on record or not", "error", err)
	}
	return Written{}, explain(err)
}

// attempt runs a transaction that lost a race for a lock or an id again: it then meets what the winner wrote. One that was
// cut off is run again too.
func (s *Store) attempt(ctx context.Context, do func(*writer) error) error {
	if err := s.admit(ctx); err != nil {
		return err
	}
	defer s.leave()
	const attempts = 5
	for attempt := 1; ; attempt++ {
		err := s.inTransaction(ctx, func(w *writer) error {
			// A batch, which stamps its changes long before it moves the head, has this lock alone. To a writer that holds
			// the head and falls silent, and to a statement that runs on, the database gives the last two fifths of the time.
			err := w.exec(ctx, `SELECT pg_advisory_xact_lock_shared($1), set_config('parley.hold', $2, true)`,
				writersLock, strconv.FormatInt((s.headTime*2/5).Milliseconds(), 10))
			if err != nil {
				return fmt.Errorf("wait for a batch: %w", err)
			}
			return do(w)
		})
		if attempt == attempts || !lostRace(err) {
			return err
		}
		if errors.Is(err, errCutOff) && ctx.Err() == nil {
			s.log.WarnContext(ctx, "a write was cut off, and is tried again", "error", err)
		}
	}
}

// admit lets few write at a time: more only wait for the head of the feed.
func (s *Store) admit(ctx context.Context) error {
	select {
	case s.writers <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) leave() { <-s.writers }

// inTransaction commits what do wrote unless it returns an error.
func (s *Store) inTransaction(ctx context.Context, do func(*writer) error) error {
	w := &writer{reader: reader{store: s}}
	tx, err := s.db.BeginTxx(context.WithValue(ctx, begunOn{}, &w.conn), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin to write: %w", err)
	}
	w.tx, w.clock = tx, time.AfterFunc(never, w.conn.hangUp)
	defer w.clock.Stop()
	defer tx.Rollback()
	err = do(w)
	if !w.clock.Reset(commitTime) {
		w.conn.hangUp() // at once, so that nobody else gets a connection that is about to end
	}
	switch {
	case !w.conn.IsValid(), errors.As(err, new(net.Error)), w.seq != 0 && pq.As(err, pqerror.QueryCanceled) != nil:
		return fmt.Errorf("%w: %w", errCutOff, cmp.Or(err, errHungUp))
	case err != nil:
		return err
	}
	return w.commit(ctx)
}

// commit commits, and finds out whether it did where the connection was lost meanwhile.
func (w *writer) commit(ctx context.Context) error {
	err := w.tx.Commit()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("commit: %w", err)
	if errors.As(err, new(*pq.Error)) {
		return err // the database says that it did not
	}
	recorded, unknown := w.store.recorded(context.WithoutCancel(ctx), w.seq, w.at)
	switch {
	case unknown != nil:
		return fmt.Errorf("%w: %w; %w", errInDoubt, err, unknown)
	case recorded:
		return nil
	}
	return fmt.Errorf("%w: %w", errCutOff, err)
}

// recorded says whether a change is on record. Its transaction, while it lasts, holds the head.
func (s *Store) recorded(ctx context.Context, seq int64, at time.Time) (recorded bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	for {
		if _, err = s.db.ExecContext(ctx, `SELECT FROM feed_head FOR SHARE`); err == nil {
			// A statement of its own, since one sees what was committed before it began.
			err = s.db.GetContext(ctx, &recorded, `SELECT EXISTS (SELECT FROM changes WHERE seq = $1 AND recorded_at = $2)`, seq, at)
		}
		if err == nil {
			return recorded, nil
		}
		select { // the database may be starting again
		case <-ctx.Done():
			return false, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func lostRace(err error) bool {
	if errors.Is(err, errMoved) || errors.Is(err, errCutOff) || pq.As(err, pqerror.TRDeadlockDetected, pqerror.TRSerializationFailure) != nil {
		return true
	}
	unique := pq.As(err, pqerror.UniqueViolation)
	return unique != nil && slices.Contains([]string{"client_ids_pkey", "records_pkey", "source_bodies_pkey"}, unique.Constraint)
}

// all reads every row of a statement into the slice that dest points to.
func (w *writer) all(ctx context.Context, dest any, statement string, args ...any) error {
	w.store.statements.Add(1)
	return w.tx.SelectContext(ctx, dest, statement, args...)
}

// exec runs a statement that writes.
func (w *writer) exec(ctx context.Context, statement string, args ...any) error {
	w.store.statements.Add(1)
	_, err := w.tx.ExecContext(ctx, statement, args...)
	return err
}

// insert writes a row into a table, or a slice of rows: the columns, each from the row's field of that name.
func (w *writer) insert(ctx context.Context, table, columns string, rows any) error {
	names := strings.FieldsFunc(columns, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
	w.store.statements.Add(1)
	_, err := w.tx.NamedExecContext(ctx,
		"INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES (:"+strings.Join(names, ", :")+")", rows)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// stamp takes the head of the feed: the next number, and a recordedAt later than any before. Whatever the mutation
// needs to read or to wait for comes before; it holds up every other writer from here to the commit, which has to come soon.
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
	}
	err := w.all(ctx, &head, `
		UPDATE feed_head
		SET seq = seq + 1, recorded_at = greatest(clock_timestamp(), recorded_at + interval '1 microsecond')
		WHERE one
		RETURNING seq, recorded_at`)
	if err != nil {
		return fmt.Errorf("take the head of the feed: %w", err)
	}
	w.clock.Reset(w.store.headTime * 3 / 5)
	w.seq, w.at = head[0].Seq, head[0].RecordedAt.UTC()
	return nil
}

// current is the lens of a writer: what is on record now.
func current(ids ...uuid.UUID) []Key {
	keys := make([]Key, len(ids))
	for i, id := range ids {
		keys[i].ID = id
	}
	return keys
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
func (w *writer) record(ctx context.Context, id uuid.UUID, kind parley.Kind, path *string, negotiation, parent *uuid.UUID) error {
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
	return parley.Provenance{Version: parley.NewID(), RecordedAt: w.at, RecordedByID: w.store.analyst.ID, CorrectionNote: note}
}

// appendChange writes the one change of a mutation. What it touches is completed by its subject and its negotiation.
func (w *writer) appendChange(ctx context.Context, c parley.ChangeEntry) (*parley.Cursor, error) {
	err := w.exec(ctx, `
		INSERT INTO changes (seq, recorded_at, recorded_by, kind, action, subject_kind, subject_id, version,
			previous_version, negotiation_id, scenario_id, cause, lines, fields, summary, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		w.seq, w.at, w.store.analyst.ID, c.Kind, c.Action, c.SubjectKind, c.SubjectID, c.Version,
		c.PreviousVersion, c.NegotiationID, c.ScenarioID, c.Cause, uuids(c.Lines), words[string](c.Fields), c.Summary, c.Note)
	if err != nil {
		return nil, fmt.Errorf("append a change: %w", err)
	}
	touches := append(append(uuids{c.SubjectID}, c.Touches...), c.Lines...)
	if c.NegotiationID != nil {
		touches = append(touches, *c.NegotiationID)
	}
	err = w.exec(ctx, `
		INSERT INTO change_touches (record_id, seq)
		SELECT DISTINCT touched, $2::bigint FROM unnest($1::uuid[]) AS touched`, touches, w.seq)
	if err != nil {
		return nil, fmt.Errorf("append what a change touches: %w", err)
	}
	cursor := w.store.cursor(w.seq)
	return &cursor, nil
}

// clientID is an id that a client chose for what it creates, with a fingerprint of the content.
type clientID struct {
	id     *uuid.UUID
	hash   []byte
	record uuid.UUID // what the id names already, if anything
	known  bool
}

// claim looks up a client's id. It is known when the same content was sent under it before; with other content the
// mutation is refused.
func (w *writer) claim(ctx context.Context, field string, id *string, input any) (*clientID, error) {
	c := &clientID{}
	if id == nil {
		return c, nil
	}
	chosen, err := uuid.Parse(*id)
	if err != nil || chosen == uuid.Nil {
		return nil, parley.Refuse(parley.Invalid, field, "%q can't be used as an id; choose a UUID, or leave it out.", *id)
	}
	text, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("fingerprint an input: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(text, "%T", input))
	c.id, c.hash = &chosen, sum[:]
	var found []struct {
		Hash      []byte    `db:"content_hash"`
		Record    uuid.UUID `db:"record_id"`
		Retracted bool      `db:"retracted"`
	}
	err = w.all(ctx, &found, `
		SELECT c.content_hash, c.record_id, r.retracted_at < 'infinity' AS retracted
		FROM client_ids c
		JOIN records r ON r.id = c.record_id
		WHERE c.id = $1`, chosen)
	if err != nil {
		return nil, fmt.Errorf("look up a client's id: %w", err)
	}
	if len(found) == 0 {
		return c, nil
	}
	if found[0].Retracted {
		return nil, parley.Refuse(parley.IDReused, field, "The id %s names something that was sent before and is retracted; choose another id.", chosen)
	}
	if string(found[0].Hash) != string(c.hash) {
		return nil, parley.Refuse(parley.IDReused, field, "The id %s names something that was sent with other content; send the same content again, or choose another id.", chosen)
	}
	c.record, c.known = found[0].Record, true
	return c, nil
}

// newID is the id of what is created: the client's, or one of ours.
func (c *clientID) newID() uuid.UUID {
	if c.id != nil {
		return *c.id
	}
	return parley.NewID()
}

// keep remembers the client's id for the record.
func (w *writer) keep(ctx context.Context, c *clientID, record uuid.UUID) error {
	if c.id == nil {
		return nil
	}
	err := w.exec(ctx, `INSERT INTO client_ids (id, content_hash, record_id, recorded_at) VALUES ($1, $2, $3, $4)`, *c.id, c.hash, record, w.at)
	if err != nil {
		return fmt.Errorf("keep a client's id: %w", err)
	}
	return nil
}

// unchangedSince refuses to go on when a change to the subject itself came after the cursor.
func (w *writer) unchangedSince(ctx context.Context, cursor *parley.Cursor, subject uuid.UUID) error {
	return w.noChangeSince(ctx, cursor, `subject_id = $2`, subject)
}

// lineUnchangedSince is unchangedSince for the positions of a holder on a scenario, those that are gone included.
func (w *writer) lineUnchangedSince(ctx context.Context, cursor *parley.Cursor, holder, scenario uuid.UUID) error {
	return w.noChangeSince(ctx, cursor, `subject_kind = 'POSITION' AND lines @> $2::uuid[]`, uuids{holder, scenario})
}

func (w *writer) noChangeSince(ctx context.Context, cursor *parley.Cursor, of string, argument any) error {
	if cursor == nil {
		return nil
	}
	now, err := w.now(ctx)
	if err != nil {
		return err
	}
	seq, err := w.store.seq(*cursor, now.seq)
	if err != nil {
		return err
	}
	var later []string
	err = w.all(ctx, &later, `
		SELECT summary FROM changes
		WHERE seq > $1 AND `+of+`
		ORDER BY seq DESC
		LIMIT 1`, seq, argument)
	if err != nil {
		return fmt.Errorf("look for later changes: %w", err)
	}
	if len(later) > 0 {
		return parley.Refuse(parley.Conflict, "ifUnchangedSince", "The record has changed since you read it (%s) Read it again and repeat what still applies.", later[0])
	}
	return nil
}
