package parley

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Bounds on the content of records. Lengths are in Unicode code points.
const (
	MaxKey       = 80
	MaxTitle     = 300
	MaxReason    = 2_000
	MaxProse     = 10_000
	MaxStatement = 20_000
	MaxBody      = 2_000_000
	MaxList      = 100
	MaxOrdinal   = 99
)

var keyShape = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// checks collects the faults of an input, so that a refusal lists all of them.
type checks struct{ refusal Refusal }

func (c *checks) err() error {
	if len(c.refusal) == 0 {
		return nil
	}
	return c.refusal
}

func (c *checks) refuse(field, format string, args ...any) {
	c.refusal = append(c.refusal, UserError{Invalid, sentence(format, args...), fieldPath(field)})
}

func (c *checks) key(field, key string) {
	switch {
	case uuid.Validate(key) == nil:
		c.refuse(field, "The key %q is shaped like a UUID; choose a readable key such as \"ceasefire-first\".", key)
	case utf8.RuneCountInString(key) > MaxKey || !keyShape.MatchString(key):
		c.refuse(field, "The key %q can't be used; a key has 1 to %d lower-case letters, digits and hyphens "+
			"and starts with a letter.", key, MaxKey)
	}
}

// text checks a text of one or more lines.
func (c *checks) text(field, text string, limit int) {
	if c.written(field, text, limit) {
		c.refuseMarks(field, text, func(r rune) string {
			if unicode.IsControl(r) && !unicode.IsSpace(r) {
				return "is a control character"
			}
			return ""
		})
	}
}

// line checks a text of one line, such as a name or a title. It stands within other texts, so nothing in it may reach
// beyond its end.
func (c *checks) line(field, text string, limit int) {
	switch {
	case !c.written(field, text, limit):
	case strings.TrimFunc(text, blank) != text:
		c.refuse(field, "%s begins or ends with a space or an invisible character; leave that out.", sentenceName(field))
	default:
		c.refuseMarks(field, text, func(r rune) string {
			switch {
			case r == '\n', r == '\r', r == '\u0085', unicode.In(r, unicode.Zl, unicode.Zp):
				return "breaks the line, and it is one line of text"
			case unicode.IsControl(r):
				return "is a control character"
			case ReordersText(r):
				return "changes the direction of the text after it"
			}
			return ""
		})
	}
}

// written refuses a text that shows nothing, or too much.
func (c *checks) written(field, text string, limit int) bool {
	switch n := utf8.RuneCountInString(text); {
	case !strings.ContainsFunc(text, visible):
		c.refuse(field, "%s is empty, or has nothing that can be seen; write at least one character.", sentenceName(field))
	case n > limit:
		c.refuse(field, "%s has %d characters; at most %d are allowed.", sentenceName(field), n, limit)
	case !utf8.ValidString(text):
		c.refuse(field, "%s has bytes that are not UTF-8; send Unicode text.", sentenceName(field))
	default:
		return true
	}
	return false
}

// refuseMarks refuses the first character of a text that can't be used there; why says so, and is empty for the others.
func (c *checks) refuseMarks(field, text string, why func(rune) string) {
	n := 0
	for _, r := range text {
		n++
		if reason := why(r); reason != "" {
			c.refuse(field, "%s has %U as character %d, which %s; leave it out.", sentenceName(field), r, n, reason)
			return
		}
	}
}

// visible reports whether a character can be seen. Fillers of Hangul and the empty Braille pattern can't, although they
// are letters and symbols to Unicode; a mark can't without what it stands on.
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !strings.ContainsRune("\u115f\u1160\u3164\uffa0\u2800", r)
}

// blank reports whether a character is a space, or shows nothing and has no effect on what is beside it.
func blank(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\u00ad\u180e\u200b\u2060\ufeff", r)
}

// ReordersText reports whether a character embeds, overrides or isolates a direction of writing until it is undone. The
// marks of direction, which affect what is beside them only, do not.
func ReordersText(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func (c *checks) optionalText(field string, text *string, limit int) {
	if text != nil {
		c.text(field, *text, limit)
	}
}

func (c *checks) optionalLine(field string, text *string, limit int) {
	if text != nil {
		c.line(field, *text, limit)
	}
}

func (c *checks) percent(field string, n *int) {
	if n != nil && (*n < 0 || *n > 100) {
		c.refuse(field, "%s %d is out of range; give a number from 0 to 100.", sentenceName(field), *n)
	}
}

// ordinal checks the place of a fact among those of one instant. Only facts that are known to the day have one.
func (c *checks) ordinal(n int, precisionField string, precision TimePrecision) {
	switch {
	case n < 0 || n > MaxOrdinal:
		c.refuse("ordinal", "Ordinal %d is out of range; give a number from 0 to %d.", n, MaxOrdinal)
	case n != 0 && precision != PrecisionDay:
		c.refuse("ordinal", "Ordinal %d is a place within a day, and %s is %s; give the precision DAY, or ordinal 0.",
			n, precisionField, precision)
	}
}

func (c *checks) list(field string, n int) {
	if n > MaxList {
		c.refuse(field, "%s has %d entries; at most %d are allowed.", sentenceName(field), n, MaxList)
	}
}

func (c *checks) texts(field string, texts []string, limit int) {
	c.list(field, len(texts))
	for i, t := range texts {
		c.text(fmt.Sprintf("%s.%d", field, i), t, limit)
	}
}

// lines checks a list of texts of one line each, none of them twice.
func (c *checks) lines(field string, texts []string, limit int) {
	c.list(field, len(texts))
	for i, t := range texts {
		c.line(fmt.Sprintf("%s.%d", field, i), t, limit)
		if first := slices.Index(texts, t); first < i {
			c.refuse(fmt.Sprintf("%s.%d", field, i), "%q is in %s twice; keep one.", t, field)
		}
	}
}

func (c *checks) order(fromField, toField string, from, to *Instant) {
	if from != nil && to != nil && !from.Before(*to) {
		c.refuse(toField, "%s %s is not later than %s %s; an interval ends after it begins.",
			sentenceName(toField), FormatInstant(*to), fromField, FormatInstant(*from))
	}
}

// notAfter refuses an instant in the future.
func (c *checks) notAfter(field string, at, now Instant) {
	if at.After(now) {
		c.refuse(field, "%s %s lies in the future; give an instant up to now, %s.",
			sentenceName(field), FormatInstant(at), FormatInstant(now))
	}
}

// oneOf refuses a value that is not in the vocabulary. GraphQL validation rejects such values before; data sets are not
// validated.
func oneOf[E ~string](c *checks, field string, value E, vocabulary []E) {
	switch {
	case value == "":
		c.refuse(field, "%s is missing; give one of %s.", sentenceName(field), Listed(vocabulary))
	case !slices.Contains(vocabulary, value):
		c.refuse(field, "%q can't be used; give one of %s.", string(value), Listed(vocabulary))
	}
}

// statements checks the evidence that is recorded together with a fact.
func (c *checks) statements(field string, refs []string, added []NewStatementInput) {
	c.list(field, len(refs)+len(added))
	for i := range added {
		c.statement(fmt.Sprintf("newEvidence.%d.", i), &added[i])
	}
}

// sentenceName returns the last part of a field's path for the beginning of a sentence: "newEvidence.0.text" gives
// "Text".
func sentenceName(field string) string {
	parts := strings.Split(field, ".")
	last := parts[len(parts)-1]
	if len(parts) > 1 && last[0] >= '0' && last[0] <= '9' {
		return "An entry of " + parts[len(parts)-2]
	}
	return strings.ToUpper(last[:1]) + last[1:]
}

// Words returns an enum value as it reads in a sentence: IN_IMPLEMENTATION gives "in implementation".
func Words[E ~string](value E) string {
	return strings.ToLower(strings.ReplaceAll(string(value), "_", " "))
}

// Enumerated joins names for a sentence: "A, B and C".
func Enumerated(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// Listed joins enum values with commas, for a sentence.
func Listed[E ~string](values []E) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
