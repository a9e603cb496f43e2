package exchange

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"example.org/parley"
	"example.org/parley/storage/rows"
)

// Misfit is what is wrong with a row of an archive. Line says where it stands; 0: what is wrong shows in several.
type Misfit struct {
	Line    int
	Message string
}

func (m *Misfit) Error() string { return m.Message }

func misfit(format string, args ...any) error { return &Misfit{Message: fmt.Sprintf(format, args...)} }

const (
	// A chunk is what is inserted at once.
	chunkRows  = 500
	chunkBytes = 4 << 20
	// maxText bounds the texts of a row, but for bodies. The longest of them has all names of a stakeholder.
	maxText = (parley.MaxList + 2) * parley.MaxTitle
)

// Restoration puts the rows of an archive on record, as they were.
type Restoration struct {
	tx       *sqlx.Tx
	nouns    Nouns
	sections []section
	columns  map[string][]Column
	before   rows.Now // what the record was like
	knownAt  parley.Instant

	at       int // section
	chunk    []archivedRow
	size     int
	analysts map[string]uuid.UUID
	sent     rows.IDs // the records that clients' ids stand for
	seq      int64
	last     parley.Instant // recordedAt of the last change
}

type archivedRow struct {
	line int
	text []byte
}

// Restore puts what fill adds on record: a history as known at an instant, with ids, versions and knowledge dates as
// they were, and its changes behind those in the feed. Everything in it has to be later than what is on record here, of
// which before is the head. It returns the number and the recordedAt of the last change. What does not fit is a
// *Misfit.
func (nouns Nouns) Restore(
	ctx context.Context, tx *sqlx.Tx, before rows.Now, knownAt parley.Instant, fill func(*Restoration) error,
) (seq int64, last parley.Instant, err error) {
	if knownAt.After(before.Now) {
		return 0, last,
			misfit("knownAt %s lies in the future; an archive holds what was known by now, %s.",
				parley.FormatInstant(knownAt), parley.FormatInstant(before.Now))
	}
	r := &Restoration{
		tx: tx, nouns: nouns, sections: nouns.sections(), before: before, knownAt: knownAt, seq: before.Seq,
		analysts: make(map[string]uuid.UUID),
	}
	if err := r.exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil { // to tell by which row they are broken
		return 0, last, err
	}
	if r.columns, err = nouns.Columns(ctx, tx.Tx); err != nil {
		return 0, last, err
	}
	if err := fill(r); err != nil {
		return 0, last, err
	}
	if err := r.flush(ctx); err != nil {
		return 0, last, err
	}
	if r.seq == before.Seq {
		return 0, last, misfit("The archive holds no changes; nothing is on record without one.")
	}
	if err := r.nameEvents(ctx); err != nil {
		return 0, last, err
	}
	return r.seq, r.last, r.check(ctx)
}

// nameEvents keeps the words of statements about events once more: the events, whose names are among them, came later.
func (r *Restoration) nameEvents(ctx context.Context) error {
	statements := r.nouns[slices.IndexFunc(r.nouns, func(n Noun) bool { return n.Kind == parley.KindStatement })]
	err := r.exec(ctx, `
		UPDATE search_texts t SET words = s.words
		FROM {statements x}, search_text(to_jsonb(x), 'STATEMENT'::record_kind, '', $2, $3) s
		WHERE t.version = x.version AND x.recorded_at > $1
			AND EXISTS (SELECT FROM {records r} WHERE r.id = ANY(x.about) AND r.kind = 'EVENT')`,
		r.before.RecordedAt, strings.Join(statements.Texts, " "), strings.Join(statements.Context, " "))
	if err != nil {
		return fmt.Errorf("keep the words of statements about events: %w", err)
	}
	return nil
}

func (r *Restoration) exec(ctx context.Context, text string, args ...any) error {
	_, err := r.tx.ExecContext(ctx, expand(text), args...)
	return err
}

func (r *Restoration) all(ctx context.Context, dest any, text string, args ...any) error {
	return r.tx.SelectContext(ctx, dest, expand(text), args...)
}

// Add puts a row of a section on record. What is wrong with it may show with a later one.
func (r *Restoration) Add(ctx context.Context, name string, line int, row []byte) error {
	at := slices.IndexFunc(r.sections, func(s section) bool { return s.name() == name })
	switch {
	case at < 0:
		return &Misfit{line, fmt.Sprintf("An archive has no section %q.", name)}
	case at < r.at:
		return &Misfit{line,
			fmt.Sprintf("The section %s stands behind %s; what is referred to comes first.", name,
				r.sections[r.at].name())}
	case at > r.at:
		if err := r.flush(ctx); err != nil {
			return err
		}
		r.at = at
	}
	text, err := r.read(ctx, r.sections[at].table, row)
	if err != nil {
		var misfit *Misfit
		if errors.As(err, &misfit) {
			misfit.Line = line
		}
		return err
	}
	r.chunk, r.size = append(r.chunk, archivedRow{line, text}), r.size+len(text)
	if len(r.chunk) < chunkRows && r.size < chunkBytes {
		return nil
	}
	return r.flush(ctx)
}

// listed are fields of one value, by table, that earlier archives have in place of a list.
var listed = map[string]map[string]string{
	"status_changes": {"successorId": "successors"},
	"statements":     {"speakerId": "speakers"},
}

// derived are fields, by table, that earlier archives have and that are worked out now.
var derived = map[string][]string{"positions": {"secondHand"}}

// read makes of a row in an archive one as the database takes it.
func (r *Restoration) read(ctx context.Context, table string, row []byte) ([]byte, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(row, &given); err != nil || given == nil {
		return nil, misfit("A row is written as fields and values, {\"id\": …}.")
	}
	columns := r.columns[table]
	if table == "changes" {
		columns = append(slices.Clip(columns), Column{Name: "touches", Type: "uuid", Array: true, NotNull: true})
	}
	for was, is := range listed[table] {
		if one, ok := given[was]; ok && given[is] == nil {
			given[is] = slices.Concat([]byte("["), one, []byte("]"))
			if string(one) == "null" {
				given[is] = []byte("[]")
			}
			delete(given, was)
		}
	}
	for _, name := range derived[table] {
		delete(given, name)
	}
	if _, ok := given["contentAt"]; !ok && slices.ContainsFunc(columns, func(c Column) bool { return c.Name == "content_at" }) {
		given["contentAt"] = given["recordedAt"] // the row was never filed anew
	}
	values := make(map[string]any, len(given)+1)
	for _, c := range columns {
		name := rows.CamelCase(c.Name)
		raw, ok := given[name]
		delete(given, name)
		if !ok || string(raw) == "null" {
			if c.NotNull && c.Default == "" {
				return nil, misfit("The row lacks %s.", name)
			}
			continue
		}
		value, err := c.read(raw)
		if err != nil {
			return nil, misfit("%s: %s.", name, err)
		}
		if c.Refers == "analysts" {
			if n := utf8.RuneCountInString(value.(string)); n > parley.MaxTitle {
				return nil, misfit("%s has %d characters; a name has at most %d.", name, n, parley.MaxTitle)
			}
			if value, err = r.analyst(ctx, value.(string)); err != nil {
				return nil, err
			}
		}
		if list, ok := value.([]any); ok && c.Type == "timestamptz" {
			for i := range list {
				if list[i], err = r.readInstant(c.Name, list[i].(time.Time)); err != nil {
					return nil, err
				}
			}
		}
		if at, ok := value.(time.Time); ok {
			if value, err = r.readInstant(c.Name, at); err != nil {
				return nil, err
			}
		}
		values[c.Name] = value
	}
	for name := range given {
		return nil, misfit("A row of %s has no field %q.", rows.CamelCase(table), name)
	}
	if table == "client_ids" {
		r.sent = append(r.sent, uuid.MustParse(values["record_id"].(string)))
	}
	if table == "changes" {
		at, _ := parley.ParseInstant(values["recorded_at"].(string))
		if !at.After(r.last) {
			return nil, misfit("recordedAt %s is not later than that of the change before.", parley.FormatInstant(at))
		}
		r.last = at
		r.seq++
		values["seq"] = r.seq
	}
	return json.Marshal(values)
}

// readInstant checks an instant and writes it as the database takes it.
func (r *Restoration) readInstant(column string, at time.Time) (string, error) {
	return parley.FormatInstant(at), r.checkInstant(column, at)
}

// checkInstant refuses knowledge of the future, and what would slip in among what is on record.
func (r *Restoration) checkInstant(column string, at parley.Instant) error {
	switch column {
	case "recorded_at", "content_at", "superseded_at", "retracted_at", "absences":
	case "assessed_at", "resolved_at":
		if at.After(r.knownAt) {
			return misfit("%s %s is later than the archive's knownAt, %s.", rows.CamelCase(column),
				parley.FormatInstant(at), parley.FormatInstant(r.knownAt))
		}
		return nil
	case "erased_at":
		if at.After(r.before.Now) {
			return misfit("erasedAt %s lies in the future.", parley.FormatInstant(at))
		}
		return nil
	default:
		return nil
	}
	switch name := rows.CamelCase(column); {
	case at.After(r.knownAt):
		return misfit("%s %s is later than the archive's knownAt, %s.", name, parley.FormatInstant(at),
			parley.FormatInstant(r.knownAt))
	case !at.After(r.before.RecordedAt):
		return misfit("%s %s is not later than what is on record here, or was asked about, already (%s); import the "+
			"archive into an empty database.",
			name, parley.FormatInstant(at), parley.FormatInstant(r.before.RecordedAt))
	}
	return nil
}

// read reads a value, the elements of an array each for itself.
func (c Column) read(raw json.RawMessage) (any, error) {
	if !c.Array {
		return c.readOne(raw)
	}
	var given []json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		return nil, fmt.Errorf("%s is not a list", abridged(raw))
	}
	list := make([]any, len(given))
	for i, element := range given {
		var err error
		if list[i], err = c.readOne(element); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (c Column) readOne(raw json.RawMessage) (any, error) {
	refuse := func(what string) (any, error) { return nil, fmt.Errorf("%s is not %s", abridged(raw), what) }
	bits := map[string]int{"int2": 16, "int4": 32, "int8": 64}[c.Type]
	switch {
	case c.Type == "bool":
		if s := string(raw); s != "true" && s != "false" {
			return refuse("true or false")
		}
		return raw, nil
	case bits > 0:
		if _, err := strconv.ParseInt(string(raw), 10, bits); err != nil {
			return refuse(fmt.Sprintf("a whole number of at most %d bits", bits))
		}
		return raw, nil
	case c.Type == "float8" || c.Type == "numeric":
		if _, err := strconv.ParseFloat(string(raw), 64); err != nil {
			return refuse("a number")
		}
		return raw, nil
	}
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return refuse("a text")
	}
	switch {
	case c.Refers == "analysts" || c.Type == "text":
		limit := maxText
		if c.Name == "body" {
			limit = parley.MaxBody
		}
		if n := utf8.RuneCountInString(text); n > limit {
			return nil, fmt.Errorf("it has %d characters; at most %d are kept", n, limit)
		}
		if strings.ContainsRune(text, 0) {
			return refuse("a text without NUL characters")
		}
	case c.Type == "uuid":
		if id, err := uuid.Parse(text); err != nil || id.String() != text {
			return refuse("an id")
		}
	case c.Type == "timestamptz":
		at, err := parley.ParseInstant(text)
		if err != nil {
			return nil, err
		}
		return at, nil
	case c.Type == "bytea":
		if _, err := hex.DecodeString(text); err != nil {
			return refuse("in hexadecimal")
		}
		return `\x` + text, nil
	case len(c.Words) > 0:
		if !slices.Contains(c.Words, text) {
			return refuse("one of " + strings.Join(c.Words, ", "))
		}
	}
	return text, nil
}

// abridged is what was written, for a sentence.
func abridged(raw []byte) string {
	const limit = 80
	if runes := bytes.Runes(raw); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(raw)
}

// analyst is the one of that name, who comes to be known here if need be, without any rights.
func (r *Restoration) analyst(ctx context.Context, name string) (uuid.UUID, error) {
	if id, ok := r.analysts[name]; ok {
		return id, nil
	}
	err := r.exec(ctx, `
		INSERT INTO analysts (id, name, role) VALUES ($1, $2, 'READER')
		ON CONFLICT ON CONSTRAINT analysts_name_key DO NOTHING`, parley.AnalystID(name), name)
	if err != nil {
		return uuid.Nil, fmt.Errorf("add the analyst %q: %w", name, err)
	}
	var found []uuid.UUID
	if err := r.all(ctx, &found, `SELECT id FROM {analysts} WHERE name = $1`, name); err != nil {
		return uuid.Nil, err
	}
	r.analysts[name] = found[0]
	return found[0], nil
}

// flush inserts the chunk. Where the database refuses it, row by row, to tell which one it is.
func (r *Restoration) flush(ctx context.Context) error {
	chunk := r.chunk
	r.chunk, r.size = nil, 0
	if len(chunk) == 0 {
		return nil
	}
	if err := r.exec(ctx, `SAVEPOINT chunk`); err != nil {
		return err
	}
	err := r.insert(ctx, chunk)
	if err == nil {
		return r.exec(ctx, `RELEASE SAVEPOINT chunk`)
	}
	if refused(err) == nil {
		return err
	}
	if err := r.exec(ctx, `ROLLBACK TO SAVEPOINT chunk`); err != nil {
		return err
	}
	for _, row := range chunk {
		if err := r.insert(ctx, []archivedRow{row}); err != nil {
			if pgErr := refused(err); pgErr != nil {
				return &Misfit{row.line, unfit(pgErr)}
			}
			return err
		}
	}
	return err
}

func (r *Restoration) insert(ctx context.Context, list []archivedRow) error {
	table := r.sections[r.at].table
	texts := make([][]byte, len(list))
	for i, row := range list {
		texts[i] = row.text
	}
	given := "[" + string(bytes.Join(texts, []byte(","))) + "]"
	var names, values []string
	for _, c := range r.columns[table] {
		value := `x.` + pq.QuoteIdentifier(c.Name)
		names = append(names, pq.QuoteIdentifier(c.Name))
		if c.Default != "" {
			value = `coalesce(` + value + `, ` + c.Default + `)`
		}
		values = append(values, value)
	}
	if table == "changes" {
		names, values = append(names, `seq`), append(values, `x.seq`)
	}
	err := r.exec(ctx, `
		INSERT INTO `+table+` (`+strings.Join(names, ", ")+`)
		SELECT `+strings.Join(values, ", ")+`
		FROM json_populate_recordset(NULL::`+table+`, $1::json) x`, given)
	if err != nil || table != "changes" {
		return err
	}
	return r.exec(ctx, `
		INSERT INTO change_touches (record_id, seq)
		SELECT t.id::uuid, (x.change ->> 'seq')::bigint
		FROM json_array_elements($1::json) x(change)
		CROSS JOIN json_array_elements_text(x.change -> 'touches') t(id)`, given)
}

// refused is the database's error where the row is at fault: its values, a constraint, or its size.
func refused(err error) *pq.Error {
	var pgErr *pq.Error
	if errors.As(err, &pgErr) && slices.Contains([]string{"22", "23", "54"}, string(pgErr.Code[:2])) {
		return pgErr
	}
	return nil
}

// unfit says why the database refuses a row.
func unfit(err *pq.Error) string {
	sentence, ok := map[string]string{
		"records_pkey":              "The id %s is on record already, here or in the archive.",
		"records_path_key":          "The key %s is in use already, here or in the archive.",
		"client_ids_pkey":           "The id %s names something already, here or in the archive.",
		"changes_recorded_at_key":   "A change was recorded at that instant already.",
		"change_touches_pkey":       "It touches a record twice.",
		"one_status_at_any_instant": "Another status of the scenario holds at some of that time.",
		"one_plain_position_at_any_instant": "Another position of the holder on the scenario holds at some of that " +
			"time.",
		"one_office_at_a_time":     "The person holds the same office at some of that time already.",
		"one_membership_at_a_time": "The stakeholder belongs to the group at some of that time already.",
		"one_role_at_a_time":       "The stakeholder has the same role at some of that time already.",
		"one_claim_of_a_kind":      "The same relation is claimed by the same party already.",
		"no_group_is_a_person":     "The group is a person.",
		"nobody_belongs_to_itself": "By this membership in %s, %s would belong to itself at some instant.",
		"occurred_by_the_deadline": "The scenario occurred after its deadline.",
		"held_by_now":              "The event was held, and begins after it was recorded.",
		"one_status_at_an_ordinal": "Another status of the scenario has the same ordinal at the same instant.",
		"one_plain_position_at_an_ordinal": "Another position of the holder on the scenario has the same ordinal at " +
			"the same instant.",
		"status_ordinal_within_a_day":   "An ordinal from 1 to 99 needs the precision DAY.",
		"position_ordinal_within_a_day": "An ordinal from 1 to 99 needs the precision DAY.",
	}[err.Constraint]
	switch {
	case ok && strings.Contains(sentence, "%s"):
		return fmt.Sprintf(sentence, OffendingValues(err.Detail)...)
	case ok:
		return sentence
	case strings.HasPrefix(err.Constraint, "one_open_"):
		return "Another version of the same record is open."
	case err.Code == "23503":
		return fmt.Sprintf("It refers to %s, which is not in the archive.", OffendingValues(err.Detail)...)
	case strings.HasSuffix(err.Constraint, "_pkey"):
		return "The same row stands in the archive already."
	}
	return fmt.Sprintf("The database refuses it: %s.", err.Message)
}

// OffendingValues are the names in what a trigger says of a constraint, a list in JSON, or the value in what PostgreSQL
// says of one: "Key (path)=(ukraine-2025) already exists."
func OffendingValues(detail string) []any {
	var names []string
	if json.Unmarshal([]byte(detail), &names) != nil {
		_, value, _ := strings.Cut(detail, ")=(")
		value, _, _ = strings.Cut(value, ")")
		return []any{fmt.Sprintf("%q", value)}
	}
	values := make([]any, len(names))
	for i, name := range names {
		values[i] = "“" + name + "”"
	}
	return values
}
