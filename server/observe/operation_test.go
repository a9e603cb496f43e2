package observe

import (
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// An operation that panics is counted too, and none is counted twice.
func TestEveryOperationIsCountedOnce(t *testing.T) {
	t.Parallel()
	o := New(Options{})
	_, answered := o.Begin(t.Context(), POST)
	answered.End(nil)
	answered.Ensure()
	_, panicked := o.Begin(t.Context(), POST)
	panicked.Ensure()
	for outcome, want := range map[string]float64{"ok": 1, "INTERNAL": 1} {
		var counted dto.Metric
		if err := o.operations.WithLabelValues("unknown", "post", outcome).Write(&counted); err != nil {
			t.Fatal(err)
		}
		if got := counted.GetCounter().GetValue(); got != want {
			t.Errorf("%v operations ended with %s, want %v", got, outcome, want)
		}
	}
}
