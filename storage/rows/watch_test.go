package rows

import (
	"context"
	"testing"
	"time"
)

// A statement that nobody follows costs no memory.
func TestUnwatchedStatements(t *testing.T) {
	var statements int
	took := Took(func(time.Duration, error) { statements++ })
	ctx := context.WithValue(t.Context(), otherKey{}, 1)
	text, n := "SELECT 1", 0
	if allocations := testing.AllocsPerRun(100, func() {
		took.Watched(ctx, text, func() (int, error) { n++; return n, nil })
	}); allocations != 0 || statements != 101 || n != 101 {
		t.Errorf("each of %d statements allocates %v times", statements, allocations)
	}
}

type otherKey struct{}
