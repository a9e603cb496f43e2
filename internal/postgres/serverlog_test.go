package postgres

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

func TestServerLog(t *testing.T) {
	t.Parallel()
	recorder := new(logRecorder)
	var stopping atomic.Bool
	log := &serverLog{log: recorder.Logger(), quiet: &stopping}
	write := func(text string) {
		if n, err := log.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("Write returned %d, %v", n, err)
		}
	}
	write("LOG:  rea")
	write("dy\n\nWARNING:  hot\nERROR:  no such table\nFATAL:  bad\n")
	stopping.Store(true)
	write("FATAL:  terminating connection\nunfinished")
	log.flush()
	want := []string{"DEBUG LOG:  ready", "WARN WARNING:  hot", "DEBUG ERROR:  no such table", "WARN FATAL:  bad",
		"DEBUG FATAL:  terminating connection", "DEBUG unfinished"}
	var got []string
	for line := range strings.Lines(recorder.String()) {
		_, level, _ := strings.Cut(line, "level=")
		level, _, _ = strings.Cut(level, " ")
		_, text, _ := strings.Cut(line, "postgres: ")
		got = append(got, level+" "+strings.Trim(text, "\"\n"))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 10 * tailLines {
		write("LOG:  more\n")
	}
	if lines := strings.Count(log.tail(), "\n"); lines != tailLines {
		t.Errorf("it keeps %d lines, want %d", lines, tailLines)
	}
}

func TestComplaint(t *testing.T) {
	t.Parallel()
	c := &Cluster{data: "/home/me/.data/cluster"}
	for _, test := range []struct{ output, want string }{
		{"", "exit status 1"},
		{"LOG:  starting\nLOG:  all is well\n", "exit status 1"},
		{"LOG:  starting\nFATAL:  out of luck\nLOG:  bye\n", "out of luck"},
		{
			"FATAL:  not allowed\nDETAIL:  It is closed.\nHINT:  Open it.\nLOG:  bye\nDETAIL:  bye\n",
			"not allowed; It is closed.; Open it.",
		},
		{
			"creating directory\ninitdb: error: invalid locale name \"x\"\ninitdb: hint: none\n",
			`invalid locale name "x"`,
		},
		{"2026-11-23 12:00:00 UTC [1] FATAL:  with a prefix\n", "with a prefix"},
	} {
		if got := c.complaint(test.output, errors.New("exit status 1")); got != test.want {
			t.Errorf("complaint(%q) = %q, want %q", test.output, got, test.want)
		}
	}
}
