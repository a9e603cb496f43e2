package archive

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

// A cell comes out of a table as its text went in, but for the marks that make it harmless.
func FuzzCSV(f *testing.F) {
	f.Add("one\ntwo\rthree", "=cmd()")
	f.Add("\x1b[31m", "\"quoted\", and more\r\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		var text bytes.Buffer
		table := newTable(&text, nil, "a", "b")
		table.write(a, texts{b, a})
		if err := table.end(); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&text).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 2 {
			t.Fatalf("%q and %q come out as %q, %v", a, b, rows, err)
		}
		// The reader reads "\r\n" as "\n".
		if want := strings.ReplaceAll(cell(a), "\r\n", "\n"); rows[1][0] != want || strings.ContainsAny(rows[1][0], "\x1b\x00\x07") {
			t.Errorf("%q comes out as %q, want %q", a, rows[1][0], want)
		}
	})
}
