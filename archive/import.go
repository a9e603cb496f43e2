package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"example.org/parley"
	"example.org/parley/storage"
	"example.org/parley/storage/exchange"
)

// opening is the first field of an archive. Its value is the format's version.
const opening = "parleyArchive"

// Is reports whether a file begins like an archive.
func Is(beginning []byte) bool {
	d := json.NewDecoder(bytes.NewReader(beginning))
	brace, _ := d.Token()
	first, _ := d.Token()
	return brace == json.Delim('{') && first == opening
}

// Outcome is the result of an import.
type Outcome struct {
	Negotiation string // its key
	KnownAt     parley.Instant
	Rows        int
}

// Import writes an archive to the record, in one transaction: all of it or nothing. Refusals come back as one error,
// "name:line: message". progress may be nil; it receives the number of rows read, every 5000 rows.
func Import(
	ctx context.Context, store *storage.Store, name string, file io.Reader, progress func(rows int),
) (Outcome, error) {
	r := newReader(file)
	outcome, err := r.head()
	if err == nil {
		err = store.RestoreArchive(ctx, outcome.KnownAt, func(to *exchange.Restoration) error {
			return r.sections(func(section string, row []byte) error {
				outcome.Rows++
				report(progress, outcome.Rows)
				return to.Add(ctx, section, r.line(), row)
			})
		})
	}
	var misfit *exchange.Misfit
	switch {
	case errors.As(err, &misfit) && misfit.Line > 0:
		return Outcome{}, fmt.Errorf("%s:%d: %s", name, misfit.Line, misfit.Message)
	case errors.As(err, &misfit):
		return Outcome{}, fmt.Errorf("%s: %s", name, misfit.Message)
	case err != nil:
		return Outcome{}, err
	}
	return outcome, nil
}

// reader reads an archive row by row.
type reader struct {
	*json.Decoder
	lines *lines
	rows  int
}

func newReader(file io.Reader) *reader {
	l := &lines{file: file, number: 1, left: maxRow}
	return &reader{Decoder: json.NewDecoder(l), lines: l}
}

// line returns the line of the last value read.
func (r *reader) line() int { return r.lines.at(r.InputOffset()) }

func (r *reader) refuse(format string, args ...any) error {
	return &exchange.Misfit{Line: r.line(), Message: fmt.Sprintf(format, args...)}
}

// token reads the next token and refuses any other than want; nil accepts any token, as for a name.
func (r *reader) token(want json.Token) (json.Token, error) {
	got, err := r.Token()
	switch {
	case err != nil:
		return nil, r.broken(err)
	case want != nil && got != want:
		return nil, r.refuse("This is %v, but an archive has %v here.", got, want)
	}
	return got, nil
}

func (r *reader) broken(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errTooLong):
		return r.refuse("A row has more than %d bytes, which is the limit.", maxRow)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.refuse("The archive is incomplete; the file ends too early.")
	case errors.As(err, &syntax):
		return r.refuse("This is not JSON: %s.", err)
	}
	return err
}

// head reads the fields before the sections.
func (r *reader) head() (o Outcome, err error) {
	var form json.RawMessage
	var knownAt string
	if _, err := r.token(json.Delim('{')); err != nil {
		return o, err
	}
	if err := r.field(opening, &form); err != nil {
		return o, err
	}
	if string(form) != fmt.Sprint(format) {
		return o, r.refuse(
			"The archive has format %s, but this version of Parley reads format %d; a newer version may have written "+
				"it.",
			form, format)
	}
	if err := r.field("knownAt", &knownAt); err != nil {
		return o, err
	}
	if o.KnownAt, err = parley.ParseInstant(knownAt); err != nil {
		return o, r.refuse("knownAt: %s.", err)
	}
	return o, r.field("negotiation", &o.Negotiation)
}

// field reads the next field, which must have this name.
func (r *reader) field(name string, into any) error {
	if _, err := r.token(name); err != nil {
		return err
	}
	err := r.Decode(into)
	switch {
	case errors.As(err, new(*json.UnmarshalTypeError)):
		return r.refuse("%s has a value of another type.", name)
	case err != nil:
		return r.broken(err)
	}
	return nil
}

// sections reads the rows of all sections.
func (r *reader) sections(each func(section string, row []byte) error) error {
	for r.More() {
		section, err := r.token(nil)
		if err != nil {
			return err
		}
		if _, err := r.token(json.Delim('[')); err != nil {
			return err
		}
		for r.More() {
			r.lines.left = maxRow
			var row json.RawMessage
			if err := r.Decode(&row); err != nil {
				return r.broken(err)
			}
			if damage := parley.DamageInJSON(row); damage != nil {
				return r.refuse("%s.", damage)
			}
			if r.rows++; r.rows > MaxRows {
				return r.refuse("The archive has more than %d rows, which is the limit of one import.", MaxRows)
			}
			if err := each(section.(string), row); err != nil {
				return err
			}
		}
		if _, err := r.token(json.Delim(']')); err != nil {
			return err
		}
	}
	if _, err := r.token(json.Delim('}')); err != nil {
		return err
	}
	rest, err := io.ReadAll(io.LimitReader(io.MultiReader(r.Buffered(), r.lines), 1<<10))
	if err == nil && strings.TrimSpace(string(rest)) != "" {
		return r.refuse("The file goes on after the end of the archive.")
	}
	return err
}

var errTooLong = errors.New("a row is too long")

// lines counts the lines of a file, and limits how many bytes are read for one row.
type lines struct {
	file   io.Reader
	left   int
	offset int64   // of the next read
	ends   []int64 // ends of lines that were read but not counted yet
	number int     // last line that at returned
}

func (l *lines) Read(into []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.file.Read(into[:min(len(into), l.left)])
	l.left -= n
	for i, c := range into[:n] {
		if c == '\n' {
			l.ends = append(l.ends, l.offset+int64(i))
		}
	}
	l.offset += int64(n)
	return n, err
}

// at returns the line of an offset. Offsets must be asked for in ascending order.
func (l *lines) at(offset int64) int {
	counted := 0
	for counted < len(l.ends) && l.ends[counted] < offset {
		counted++
	}
	l.ends, l.number = l.ends[counted:], l.number+counted
	return l.number
}
