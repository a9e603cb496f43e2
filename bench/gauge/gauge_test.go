package gauge

import (
	"testing"
	"time"
)

func TestSpreads(t *testing.T) {
	t.Parallel()
	if s := SpreadOf([]float64{3, 1, 2}); s != (Spread{2, 1, 3}) {
		t.Errorf("the spread of three is %v", s)
	}
	if s := SpreadOf([]float64{4, 1}); s != (Spread{2.5, 1, 4}) {
		t.Errorf("the spread of two is %v", s)
	}
}

func TestProcessorTimes(t *testing.T) {
	t.Parallel()
	s, err := parseStat("42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0 100 1000 10\n")
	if err != nil || s != (stat{parent: 7, own: 2 * time.Second, inherited: 500 * time.Millisecond}) {
		t.Errorf("a process's times are %v %v", s, err)
	}
	if _, err := parseStat("42 (short) S 7"); err == nil {
		t.Error("a short line is accepted")
	}
	if got := parseMachineTime("cpu  100 10 50 9000 900 5 15 20 100 0\ncpu0 1 1 1\n"); got != 2*time.Second {
		t.Errorf("the machine's time is %v", got)
	}
}
