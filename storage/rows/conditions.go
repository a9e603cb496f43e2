package rows

import (
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// Conditions collects the conditions of a query. A filter that is left out or empty does not narrow.
type Conditions struct {
	*Query
	List []string
}

// Add adds a condition.
func (c *Conditions) Add(condition string) { c.List = append(c.List, condition) }

// Among adds that the column has one of the values.
func Among[E ~string](c *Conditions, column, sqlType string, values []E) {
	if len(values) > 0 {
		c.Add(column + " = ANY(" + c.Arg(Words[E](values)) + "::" + sqlType + "[])")
	}
}

// Of adds that the column refers to one of the records.
func (c *Conditions) Of(column string, ids []uuid.UUID) {
	if len(ids) > 0 {
		c.Add(column + " = ANY(" + c.Arg(IDs(ids)) + "::uuid[])")
	}
}

// Overlaps adds that the array refers to at least one of the records.
func (c *Conditions) Overlaps(column string, ids []uuid.UUID) {
	if len(ids) > 0 {
		c.Add(column + " && " + c.Arg(IDs(ids)) + "::uuid[]")
	}
}

// Either adds the one condition, or the other, as is asked for.
func (c *Conditions) Either(asked *bool, so, otherwise string) {
	switch {
	case asked == nil:
	case *asked:
		c.Add("(" + so + ")")
	default:
		c.Add("(" + otherwise + ")")
	}
}

// Whether adds the condition, or that it does not hold.
func (c *Conditions) Whether(asked *bool, so string) { c.Either(asked, so, "NOT ("+so+")") }

// InRange adds that the column lies in the range. A range that ends before it begins is a fault, found when the list is
// read.
func (c *Conditions) InRange(column string, r *parley.TimeRange) {
	if r != nil && r.From != nil && r.To != nil && !r.From.Before(*r.To) {
		c.Fault = parley.NewFault(parley.BadRequest, "to: %s is not later than from, %s; a range ends after it begins.",
			parley.FormatInstant(*r.To), parley.FormatInstant(*r.From))
	}
	if r != nil && r.From != nil {
		c.Add(column + " >= " + c.Arg(*r.From))
	}
	if r != nil && r.To != nil {
		c.Add(column + " < " + c.Arg(*r.To))
	}
}

// DaysBefore adds that the instant lies more than so many days before the lens's valid one. A number out of bounds is a
// fault, found when the list is read.
func (c *Conditions) DaysBefore(field, instant string, days *int) {
	if days == nil {
		return
	}
	if *days < 0 || *days > parley.MaxDays {
		c.Fault = parley.NewFault(parley.BadRequest, "%s: %d is out of range; give 0 to %d days.", field, *days,
			parley.MaxDays)
		return
	}
	c.Add(instant + " < k.valid_at - " + c.Arg(int64(*days)*24) + "::bigint * interval '1 hour'")
}

// Contains adds that the text holds the words, case and diacritics aside.
func (c *Conditions) Contains(expression string, text *string) {
	if text != nil && *text != "" {
		c.Add("fold(" + expression + ") LIKE '%' || fold(" + c.Arg(escapeLike(*text)) + ") || '%'")
	}
}

func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, "\x00", "").Replace(text)
}
