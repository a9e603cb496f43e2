package history_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"example.org/parley"
	"example.org/parley/archive"
)

// A table over HTTP is the one that is exported.
func TestTablesOverHTTP(t *testing.T) {
	t.Parallel()
	a := withDemo(t)
	get := func(path string) (*http.Response, string) {
		t.Helper()
		return a.Send(http.MethodGet, "/tables/"+path, nil, nil)
	}
	at, err := parley.ParseInstant("2025-08-18T12:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	known := at.AddDate(0, 0, 2)
	subject, err := archive.Find(t.Context(), a.Store, "ukraine-2025", &parley.AsOf{ValidAt: &at, KnownAt: &known})
	if err != nil {
		t.Fatal(err)
	}
	var stances, changes bytes.Buffer
	if err := subject.StancesCSV(t.Context(), &stances, nil); err != nil {
		t.Fatal(err)
	}
	if err := subject.StatusChangesCSV(t.Context(), &changes, nil); err != nil {
		t.Fatal(err)
	}
	const instants = "knownAt=2025-08-20T12:00:00Z"
	response, text := get("ukraine-2025/stances.csv?validAt=2025-08-18T12:00:00Z&" + instants)
	if text != stances.String() || strings.Count(text, "\r\n") < 3 {
		t.Errorf("the stances are\n%s\nwant\n%s", text, stances.String())
	}
	if kind, name := response.Header.Get("Content-Type"), response.Header.Get("Content-Disposition"); kind != "text/csv; charset=utf-8; header=present" ||
		name != `attachment; filename="ukraine-2025-stances.csv"` {
		t.Errorf("it is %s, %s", kind, name)
	}
	if _, text := get("ukraine-2025/status-changes.csv?bom=true&" + instants); text != "\ufeff"+changes.String() {
		t.Errorf("the status changes are\n%q", text)
	}
	if _, text := get("ukraine-2025/positions.csv"); !strings.HasPrefix(text, "id,version,issue,") {
		t.Errorf("the positions are\n%s", text)
	}
	for path, want := range map[string]string{
		"ukraine-2025/events.csv":                                    `404 There is no table "events.csv"`,
		"nothing/stances.csv":                                        `404 no negotiation is known as "nothing"`,
		"ukraine-2025/stances.csv?validAt=yesterday":                 "400 validAt:",
		"ukraine-2025/stances.csv?since=2025-01-01":                  `400 "since" is not a parameter; give bom, knownAt and validAt, or none.`,
		"ukraine-2025/stances.csv?bom=perhaps":                       `400 bom: "perhaps" is neither`,
		"ukraine-2025/status-changes.csv?validAt=2025":               `400 "validAt" is not a parameter; give bom and knownAt, or none.`,
		"ukraine-2025/stances.csv?knownAt=" + "9999-01-01T00:00:00Z": "400 knownAt: 9999",
	} {
		response, text := get(path)
		if status, rest, _ := strings.Cut(want, " "); response.StatusCode != map[string]int{"400": 400, "404": 404}[status] || !strings.HasPrefix(text, rest) {
			t.Errorf("%s: %d %s, want %s", path, response.StatusCode, text, want)
		}
	}
}
