package parley

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseInstant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2025-08-15T19:30:00Z":            "2025-08-15T19:30:00.000000Z",
		"2025-08-15T19:30:00.5+05:45":     "2025-08-15T13:45:00.500000Z",
		"2025-08-15T19:30:00.123456789Z":  "",
		"2025-08-15T19:30:00.1234567Z":    "",
		"2025-08-15T19:30:00.1234560Z":    "2025-08-15T19:30:00.123456Z",
		"2025-08-15T19:30:00.500000000Z":  "2025-08-15T19:30:00.500000Z",
		"2025-08-15T19:30:00.0000000001Z": "",
		"2025-08-15T19:30:00+24:00":       "",
		"2025-08-15T19:30:00+00:60":       "",
		"2025-08-15T19:30:00-23:59":       "2025-08-16T19:29:00.000000Z",
		"2025-08-15T19:30:00.123456Z":     "2025-08-15T19:30:00.123456Z",
		"2025-08-15T9:30:00Z":             "",
		"2025-08-15T19:30:00,5Z":          "",
		"2025-08-15t19:30:00z":            "",
		"2025-08-15":                      "",
		"2025-06-30T23:59:60Z":            "",
		"10000-01-01T00:00:00Z":           "",
		"0001-01-01T00:00:00Z":            "0001-01-01T00:00:00.000000Z",
		"0001-01-01T00:00:00+01:00":       "",
		"9999-12-31T23:59:59.999999Z":     "9999-12-31T23:59:59.999999Z",
		"9999-12-31T23:59:59-01:00":       "",
	} {
		got, err := ParseInstant(text)
		if (err == nil) != (want != "") || (err == nil && FormatInstant(got) != want) {
			t.Errorf("%s reads as %s, %v; want %q", text, FormatInstant(got), err, want)
		}
	}
}

func TestInstantsSortAsStrings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Custom(func(t *rapid.T) time.Time {
			within := rapid.Int64Range(EarliestInstant.UnixMicro(), LatestInstant.UnixMicro())
			return time.UnixMicro(within.Draw(t, "µs"))
		})
		times := rapid.SliceOfN(instant, 2, 20).Draw(t, "instants")
		slices.SortFunc(times, time.Time.Compare)
		texts := make([]string, len(times))
		for i, at := range times {
			texts[i] = FormatInstant(at)
		}
		if !slices.IsSorted(texts) {
			t.Fatalf("not sorted: %v", texts)
		}
	})
}
