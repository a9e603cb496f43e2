package parley

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func august(day int) Instant { return time.Date(2025, 8, day, 0, 0, 0, 0, time.UTC) }

func status(to ScenarioStatus, day, ordinal int) *StatusChange {
	return &StatusChange{
		ID: NewID(), To: to, EffectiveAt: august(day), EffectiveAtPrecision: PrecisionDay, Ordinal: ordinal,
	}
}

func plain(stance Stance, day, ordinal int) *Position {
	return &Position{
		ID: NewID(), Stance: stance, ValidFrom: august(day), ValidFromPrecision: PrecisionDay, Ordinal: ordinal,
	}
}

func contesting(other *Position, stance Stance, day, ordinal int) *Position {
	p := plain(stance, day, ordinal)
	p.ContestsID = &other.ID
	return p
}

// ending writes an end as a day; "-" where it is open.
func ending(at *Instant) string {
	if at == nil {
		return "-"
	}
	return fmt.Sprint(at.Day())
}

func wantRefusal(t *testing.T, err error, code UserErrorCode, words ...string) {
	t.Helper()
	var refusal Refusal
	if !errors.As(err, &refusal) || refusal[0].Code != code {
		t.Errorf("%v, want %s", err, code)
		return
	}
	for _, word := range words {
		if !strings.Contains(refusal[0].Message, word) {
			t.Errorf("%q does not say %q", refusal[0].Message, word)
		}
	}
}

func TestBeginnings(t *testing.T) {
	t.Parallel()
	sorted := []Beginning{{august(1), 0}, {august(1), 2}, {august(2), 0}, {august(2), 1}}
	for i, a := range sorted {
		for j, b := range sorted {
			if got, want := a.Compare(b), max(-1, min(1, i-j)); got != want {
				t.Errorf("%s compared with %s is %d, want %d", a, b, got, want)
			}
		}
	}
	if got := sorted[1].String(); got != "2025-08-01T00:00:00.000000Z (ordinal 2)" {
		t.Errorf("it reads %s", got)
	}
}

func TestOrdinals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ordinal   int
		precision TimePrecision
		says      string // "": accepted
	}{
		{0, PrecisionInstant, ""},
		{0, PrecisionDay, ""},
		{MaxOrdinal, PrecisionDay, ""},
		{MaxOrdinal + 1, PrecisionDay, "Ordinal 100 is out of range; give a number from 0 to 99."},
		{-1, PrecisionDay, "Ordinal -1 is out of range; give a number from 0 to 99."},
		{1, PrecisionHour, "Ordinal 1 is a place within a day, and validFromPrecision is HOUR; give the precision DAY, " +
			"or ordinal 0."},
		{1, PrecisionMonth, "validFromPrecision is MONTH"},
	} {
		_, err := RecordPositionInput{
			Stance: Supports, ValidFromPrecision: tt.precision, Ordinal: tt.ordinal,
		}.Position(august(1))
		if tt.says == "" {
			if err != nil {
				t.Errorf("ordinal %d with %s: %v", tt.ordinal, tt.precision, err)
			}
			continue
		}
		wantRefusal(t, err, Invalid, tt.says)
	}
}

func TestStatusesOrderedWithinADay(t *testing.T) {
	t.Parallel()
	floated, agreed := status(Floated, 1, 0), status(Agreed, 3, 0)
	proposed, negotiated := status(Proposed, 2, 1), status(UnderNegotiation, 2, 2)
	line := []*StatusChange{negotiated, agreed, floated, proposed}
	if err := ArrangeStatuses(line, uuid.Nil, august(9)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range line {
		from := "nothing"
		if s.From != nil {
			from = string(*s.From)
		}
		got = append(got, fmt.Sprintf("%s from %s until %s skips %d", s.To, from, ending(s.ValidTo), len(s.Skipped)))
	}
	want := []string{
		"FLOATED from nothing until 2 skips 0", "PROPOSED from FLOATED until 2 skips 0",
		"UNDER_NEGOTIATION from PROPOSED until 3 skips 0", "AGREED from UNDER_NEGOTIATION until - skips 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the line is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, at := range []struct {
		Beginning
		want *StatusChange
	}{
		{Beginning{august(1).Add(-1), 99}, nil},
		{Beginning{august(2), 0}, floated},
		{Beginning{august(2), 1}, proposed},
		{Beginning{august(2), 3}, negotiated},
		{Beginning{august(3), 0}, agreed},
	} {
		if got := StatusAt(line, at.Beginning); got != at.want {
			t.Errorf("at %s it is %+v, want %+v", at.Beginning, got, at.want)
		}
	}
}

func TestStatusesThatCollide(t *testing.T) {
	t.Parallel()
	first, known := status(Floated, 1, 0), status(Proposed, 2, 1)
	arrange := func(fresh *StatusChange) error {
		return ArrangeStatuses([]*StatusChange{first, known, fresh}, fresh.ID, august(9))
	}
	wantRefusal(t, arrange(status(Agreed, 2, 1)), Conflict, "2025-08-02T00:00:00.000000Z (ordinal 1), to PROPOSED",
		"another instant or, if both are known to the day only, another ordinal")
	exact := status(Agreed, 2, 0)
	exact.EffectiveAtPrecision = PrecisionInstant
	wantRefusal(t, arrange(exact), Conflict, "to PROPOSED")
	wantRefusal(t, arrange(status(Implemented, 2, 0)), InvalidTransition, "before the recorded PROPOSED at",
		"(ordinal 1)")
	if err := arrange(status(Agreed, 2, 2)); err != nil {
		t.Error(err)
	}
	superseded := []*StatusChange{status(Floated, 2, 1), status(Superseded, 2, 0)}
	wantRefusal(t, ArrangeStatuses(superseded, uuid.Nil, august(9)), InvalidTransition,
		"first status can't be SUPERSEDED")
}

func TestPositionsOrderedWithinADay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		line func() []*Position
		want string // of each: its end, whether it stands beside another, whether it is disputed
	}{
		"the last of a day holds": {func() []*Position {
			return []*Position{plain(Neutral, 1, 0), plain(Supports, 2, 0), plain(Opposes, 2, 1), plain(Neutral, 4, 3)}
		}, "2 2 4 -"},
		"one that ends by itself": {func() []*Position {
			line := []*Position{plain(Neutral, 1, 0), plain(Supports, 1, 5)}
			at := august(3)
			line[0].AssertedTo, line[1].AssertedTo = &at, &at
			return line
		}, "1 3"},
		"one that contests the last": {func() []*Position {
			last := plain(Opposes, 2, 1)
			return []*Position{plain(Supports, 2, 0), contesting(last, Neutral, 2, 0), last, plain(Neutral, 4, 0)}
		}, "2 4 beside disputed 4 disputed -"},
		"one that contests what holds for no time": {func() []*Position {
			first := plain(Supports, 2, 0)
			return []*Position{first, contesting(first, Opposes, 2, 0), plain(Neutral, 2, 1)}
		}, "2 2 beside -"},
		"what holds for no time disputes nothing": {func() []*Position {
			last := plain(Opposes, 2, 1)
			return []*Position{contesting(last, Neutral, 1, 0), plain(Supports, 2, 0), last}
		}, "- beside disputed 2 - disputed"},
		"one that contests a position that is gone": {func() []*Position {
			gone := plain(Neutral, 2, 0)
			return []*Position{contesting(gone, Supports, 2, 0), plain(Opposes, 2, 1)}
		}, "2 -"},
		"one of another precision that contests a position that is gone": {func() []*Position {
			heir := contesting(plain(Neutral, 2, 0), Supports, 2, 0)
			heir.ValidFromPrecision = PrecisionInstant
			return []*Position{plain(Opposes, 2, 0), heir, plain(Neutral, 2, 1)}
		}, "2 - beside disputed - disputed"},
		"one that contests a position that is gone, where another begins": {func() []*Position {
			gone := plain(Neutral, 2, 1)
			return []*Position{plain(Opposes, 2, 0), contesting(gone, Supports, 2, 1), plain(Opposes, 2, 1)}
		}, ""},
	} {
		line := tt.line()
		given := slices.Clone(line)
		slices.Reverse(line)
		if err := ArrangePositions(line, uuid.Nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if tt.want == "" { // which of two with the same beginning comes first depends on their ids
			if a, b := given[1], given[2]; a.Beside == b.Beside || a.ValidTo != nil || b.ValidTo != nil {
				t.Errorf("%s: %+v and %+v", name, a, b)
			}
			continue
		}
		var got []string
		for _, p := range given {
			text := ending(p.ValidTo)
			if p.Beside {
				text += " beside"
			}
			if p.Disputed {
				text += " disputed"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s, want %s", name, strings.Join(got, " "), tt.want)
		}
	}
}

func TestPositionsThatCollide(t *testing.T) {
	t.Parallel()
	known := plain(Supports, 2, 1)
	arrange := func(fresh *Position, more ...*Position) error {
		return ArrangePositions(append([]*Position{known, fresh}, more...), fresh.ID)
	}
	wantRefusal(t, arrange(plain(Opposes, 2, 1)), Conflict, "2025-08-02T00:00:00.000000Z (ordinal 1) on (SUPPORTS)",
		"another instant or, if both are known to the day only, another ordinal")
	exact := plain(Opposes, 2, 0)
	exact.ValidFromPrecision = PrecisionInstant
	wantRefusal(t, arrange(exact), Conflict, "(SUPPORTS)")
	wantRefusal(t, arrange(plain(Opposes, 2, 3), contesting(known, Neutral, 2, 3)), Conflict, "(NEUTRAL)")
	for _, accepted := range []*Position{
		plain(Opposes, 2, 0), plain(Opposes, 2, 2), plain(Opposes, 3, 1), contesting(known, Opposes, 2, 1),
	} {
		if err := arrange(accepted); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatHoldsWhereAnotherBegins(t *testing.T) {
	t.Parallel()
	first, a, b := plain(Neutral, 1, 0), plain(Supports, 2, 0), plain(Opposes, 2, 2)
	until := august(4)
	b.AssertedTo = &until
	line := []*Position{b, a, first}
	if err := ArrangePositions(line, uuid.Nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		day, ordinal int
		holds        *Position
		ended        string // which of the line
	}{
		{1, 0, first, ""},
		{2, 0, a, "NEUTRAL"},
		{2, 1, a, "NEUTRAL"},
		{2, 2, b, "NEUTRAL SUPPORTS"},
		{3, 0, b, "NEUTRAL SUPPORTS"},
		{4, 0, nil, "NEUTRAL SUPPORTS OPPOSES"},
	} {
		at := Beginning{august(tt.day), tt.ordinal}
		if got := PlainAt(line, at); got != tt.holds {
			t.Errorf("at %s %+v holds, want %+v", at, got, tt.holds)
		}
		var ended []string
		for _, p := range []*Position{first, a, b} {
			if Ended(line, p, at) {
				ended = append(ended, string(p.Stance))
			}
		}
		if got := strings.Join(ended, " "); got != tt.ended {
			t.Errorf("at %s %s have ended, want %s", at, got, tt.ended)
		}
	}
	reading := (&Voices{Positions: []*Position{a, b, first}}).Rearranged().Reading()
	if got := reading.At(b.HolderID, b.ScenarioID, august(2)).Position; got == nil || got.ID != b.ID {
		t.Errorf("%+v counts on the day, want the last", got)
	}
}

func TestCauseOfNew(t *testing.T) {
	t.Parallel()
	others := []Beginning{{august(1), 0}, {august(2), 1}}
	for _, tt := range []struct {
		begins Beginning
		others []Beginning
		want   ShiftCause
	}{
		{Beginning{august(2), 0}, nil, FirstRecorded},
		{Beginning{august(2), 0}, others, LateReport},
		{Beginning{august(2), 2}, others, WorldChanged},
		{Beginning{august(3), 0}, others, WorldChanged},
	} {
		if got := CauseOfNew(tt.begins, tt.others); got != tt.want {
			t.Errorf("one at %s beside %v has the cause %s, want %s", tt.begins, tt.others, got, tt.want)
		}
	}
}
