package parley

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Instant is a point in time in UTC, with microsecond precision, as the database keeps it.
type Instant = time.Time

// The range of instants: the years that RFC 3339 can write.
var (
	EarliestInstant = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	LatestInstant   = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

// Lens is the pair of instants that a record and everything beneath it is read through: how the world stood at ValidAt,
// based only on what was recorded by KnownAt. It is chosen at the root of an operation and carried by every object read
// through it. NewLens, AsOf.Lens and Pinned make lenses. Lenses are comparable with ==: their instants are in UTC and
// have no monotonic reading. The zero Lens stands for the operation's own lens while its instants are not known yet.
type Lens struct {
	ValidAt Instant
	KnownAt Instant
	// Asked has the axes that the client gave. The other instants are now.
	Asked Axes
}

// Axes is a set of time axes.
type Axes int

// The axes.
const (
	ValidAxis Axes = 1 << iota
	KnownAxis
)

// NewLens returns the lens of an operation that asks for none: validAt and knownAt are now.
func NewLens(validAt, knownAt Instant) Lens { return Lens{ValidAt: validAt, KnownAt: knownAt} }

// Pinned returns the lens of a client that asks for both instants.
func Pinned(validAt, knownAt Instant) Lens { return Lens{validAt, knownAt, ValidAxis | KnownAxis} }

// IsZero reports whether l is the zero Lens.
func (l Lens) IsZero() bool { return l == Lens{} }

// SameInstants reports whether two lenses have the same instants, whatever was asked for.
func (l Lens) SameInstants(o Lens) bool { return l.ValidAt == o.ValidAt && l.KnownAt == o.KnownAt }

// AsOf is the lens that a client asks for. A nil instant leaves its axis open.
type AsOf struct {
	ValidAt *Instant
	KnownAt *Instant
}

// IsPast reports whether both instants are given and lie before now. What is read through such a lens never changes.
func (a AsOf) IsPast(now Instant) bool {
	return a.ValidAt != nil && a.KnownAt != nil && a.ValidAt.Before(now) && a.KnownAt.Before(now)
}

// Lens returns the lens asked for. Its open axes have the instants of now, the lens of an operation that asks for none.
func (a AsOf) Lens(now Lens) Lens {
	if a.ValidAt != nil {
		now.ValidAt, now.Asked = *a.ValidAt, now.Asked|ValidAxis
	}
	if a.KnownAt != nil {
		now.KnownAt, now.Asked = *a.KnownAt, now.Asked|KnownAxis
	}
	return now
}

// TimePrecision says how exactly an instant is known.
type TimePrecision string

// The precisions. NoLaterThan: it was so by this instant, and when it began is not known.
const (
	PrecisionInstant     TimePrecision = "INSTANT"
	PrecisionHour        TimePrecision = "HOUR"
	PrecisionDay         TimePrecision = "DAY"
	PrecisionMonth       TimePrecision = "MONTH"
	PrecisionYear        TimePrecision = "YEAR"
	PrecisionNoLaterThan TimePrecision = "NO_LATER_THAN"
)

// TimePrecisions lists every TimePrecision.
var TimePrecisions = []TimePrecision{
	PrecisionInstant, PrecisionHour, PrecisionDay, PrecisionMonth, PrecisionYear, PrecisionNoLaterThan,
}

// Beginning is where a fact begins on its line: at an instant and, among facts that are known to the day only and begin
// at the same instant, at a place in their order. Earlier, later and next compare beginnings.
type Beginning struct {
	At      Instant
	Ordinal int
}

// Compare returns -1 if b is earlier than o, +1 if it is later, and 0 if they are the same.
func (b Beginning) Compare(o Beginning) int {
	return cmp.Or(b.At.Compare(o.At), cmp.Compare(b.Ordinal, o.Ordinal))
}

// String formats a beginning for sentences.
func (b Beginning) String() string {
	if b.Ordinal == 0 {
		return FormatInstant(b.At)
	}
	return fmt.Sprintf("%s (ordinal %d)", FormatInstant(b.At), b.Ordinal)
}

// ordered reports whether two facts of one line may begin at the same instant: both are known to the day only, and have
// different ordinals.
func ordered(a, b Beginning, precisionOfA, precisionOfB TimePrecision) bool {
	return a.Ordinal != b.Ordinal && precisionOfA == PrecisionDay && precisionOfB == PrecisionDay
}

// TimeRange is a half-open interval: From belongs to it, To does not. A nil end is open.
type TimeRange struct {
	From *Instant
	To   *Instant
}

// instantShape is stricter than time.Parse, which accepts a comma as the decimal point, an hour of one digit, and
// offsets of more than 23 hours or 59 minutes.
var instantShape = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$`)

// ParseInstant parses an RFC 3339 instant with any offset and at most six fractional digits; more of them have to be
// zeros, as .NET and Go write them. The error is a sentence that names the text and says what is accepted.
func ParseInstant(s string) (Instant, error) {
	refuse := func(why string) (Instant, error) {
		return Instant{}, fmt.Errorf("%q %s; write an RFC 3339 instant such as 2025-08-15T19:30:00Z, "+
			"with an offset and at most six fractional digits", s, why)
	}
	shape := instantShape.FindStringSubmatch(s)
	t, err := time.Parse(time.RFC3339Nano, s)
	if shape == nil || err != nil {
		return refuse("is not an instant")
	}
	if strings.TrimRight(shape[1][min(len(shape[1]), len(".000000")):], "0") != "" {
		return refuse("is finer than a microsecond")
	}
	t = t.UTC()
	if t.Before(EarliestInstant) || t.After(LatestInstant) {
		return refuse("lies outside the years 0001 to 9999")
	}
	return t, nil
}

// FormatInstant formats an instant in UTC, always with six fractional digits, so that the strings sort like the
// instants.
func FormatInstant(t Instant) string { return string(AppendInstant(nil, t)) }

// AppendInstant appends the instant as FormatInstant formats it.
func AppendInstant(b []byte, t Instant) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
}

// Day formats the date of an instant in UTC, for sentences.
func Day(t Instant) string { return t.UTC().Format(time.DateOnly) }

// Date formats an instant for sentences, no more exactly than it is known: a year, a month, or a day in UTC.
func Date(t Instant, p TimePrecision) string {
	switch p {
	case PrecisionYear:
		return t.UTC().Format("2006")
	case PrecisionMonth:
		return t.UTC().Format("2006-01")
	case PrecisionNoLaterThan:
		return "no later than " + Day(t)
	}
	return Day(t)
}

// within reports whether t is in the half-open interval. A nil end is open.
func within(t Instant, from, to *Instant) bool {
	return (from == nil || !t.Before(*from)) && (to == nil || t.Before(*to))
}

// earlier returns the earlier of two ends, where nil is later than any instant.
func earlier(a, b *Instant) *Instant {
	if a == nil || (b != nil && b.Before(*a)) {
		return b
	}
	return a
}

// sameInstant reports whether two instants are equal. Nil equals only nil.
func sameInstant(a, b *Instant) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}
