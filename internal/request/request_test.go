package request

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]bool{
		"7f3a":                                 true,
		"0195f0a1-7c5e-7000-8000-0123456789ab": true,
		"Root=1-67891233-abcdef012345678912345678": true,
		strings.Repeat("a", maxID):                 true,
		strings.Repeat("a", maxID+1):               false,
		"":                                         false,
		"a b":                                      false,
		"a\nlevel=ERROR":                           false,
		`a"`:                                       false,
		"é":                                        false,
	} {
		switch got := IDFor(given); {
		case kept && got != given:
			t.Errorf("%q became %q", given, got)
		case !kept && (got == given || len(got) < 16 || got == IDFor(given)):
			t.Errorf("%q became %q, which is no new id", given, got)
		}
	}
}

func TestLinesNameTheirRequest(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	log := slog.New(Logged(slog.NewTextHandler(&text, nil))).With("a", 1)
	log.Info("none")
	log.InfoContext(With(t.Context(), "r1"), "one", "b", 2)
	log.InfoContext(WithOperation(t.Context(), "r2", "o 2"), "two")
	lines := strings.Split(text.String(), "\n")
	for i, want := range []string{"msg=none a=1", "msg=one a=1 b=2 request=r1", `msg=two a=1 request=r2 operation="o 2"`} {
		if !strings.HasSuffix(lines[i], want) {
			t.Errorf("the line is %q, want %q", lines[i], want)
		}
	}
}
