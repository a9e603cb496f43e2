package gauge

import (
	"fmt"
	"slices"
)

// Spread is a median of figures, with the lowest and the highest.
type Spread struct{ Median, Low, High float64 }

// SpreadOf returns the spread of a list, which must not be empty.
func SpreadOf(list []float64) Spread {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return Spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// String formats the median, and the lowest and highest in brackets.
func (s Spread) String() string { return fmt.Sprintf("%.2f (%.2f..%.2f)", s.Median, s.Low, s.High) }
