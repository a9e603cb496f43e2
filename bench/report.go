package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"example.org/parley/bench/gauge"
)

// of returns a figure of one side for a question, round by round.
func (f figures) of(number int, side string, figure func(cell) float64) (list []float64) {
	for _, c := range f.Cells {
		if c.Question == number && c.Side == side {
			list = append(list, figure(c))
		}
	}
	return list
}

// columns are the figures that are shown for both sides.
var columns = []struct {
	title, format string
	figure        func(cell) float64
}{
	{"requests/s", "%.0f", func(c cell) float64 { return c.PerSecond }},
	{"server CPU ms", "%.3f", func(c cell) float64 { return c.ServerMillis }},
	{"PostgreSQL CPU ms", "%.3f", func(c cell) float64 { return c.PostgresMillis }},
	{"p50 ms", "%.2f", func(c cell) float64 { return c.P50Millis }},
	{"p99 ms", "%.2f", func(c cell) float64 { return c.P99Millis }},
}

// pairs are the sides that are measured beside each other. The first is the one of interest.
var pairs = [][2]string{{"parley", "bare"}, {"past", "now"}}

// sides returns the pair that was measured.
func (f figures) sides() [2]string {
	for _, pair := range pairs {
		if slices.Contains(pair[:], f.Cells[0].Side) {
			return pair
		}
	}
	return [2]string{f.Cells[0].Side}
}

// shares compare the first side with the second. 1 means equally good.
var shares = []struct {
	title string
	share func(a, b cell) float64
}{
	{"of requests/s", func(p, b cell) float64 { return p.PerSecond / b.PerSecond }},
	{"by server CPU", func(p, b cell) float64 { return b.ServerMillis / p.ServerMillis }},
	{"by CPU with PostgreSQL's", func(p, b cell) float64 {
		return (b.ServerMillis + b.PostgresMillis) / (p.ServerMillis + p.PostgresMillis)
	}},
}

// disturbing is how many processors other processes may use before the report mentions it.
const disturbing = 0.1

// report writes the tables.
func (f figures) report(to io.Writer) {
	var asked []int
	both := false
	for _, c := range f.Cells {
		if !slices.Contains(asked, c.Question) {
			asked = append(asked, c.Question)
		}
		both = both || c.Side != f.Cells[0].Side
	}
	table := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	if both {
		fmt.Fprintf(table, "Share of %s's", f.sides()[1])
		for _, s := range shares {
			fmt.Fprint(table, "\t", s.title)
		}
		fmt.Fprintln(table)
		for _, n := range asked {
			fmt.Fprint(table, title(n))
			for _, s := range shares {
				fmt.Fprint(table, "\t", gauge.SpreadOf(f.shares(n, s.share)))
			}
			fmt.Fprintln(table)
		}
		fmt.Fprintln(table)
		table.Flush()
		fmt.Fprintf(table, "%s, %s", f.sides()[0], f.sides()[1])
	} else {
		fmt.Fprint(table, f.Cells[0].Side)
	}
	for _, c := range columns {
		fmt.Fprint(table, "\t", c.title)
	}
	fmt.Fprintln(table)
	for _, n := range asked {
		fmt.Fprint(table, title(n))
		for _, c := range columns {
			fmt.Fprint(table, "\t")
			for i, side := range f.sides() {
				list := f.of(n, side, c.figure)
				if len(list) == 0 {
					continue
				}
				if i > 0 && both {
					fmt.Fprint(table, ", ")
				}
				fmt.Fprintf(table, c.format, gauge.SpreadOf(list).Median)
			}
		}
		fmt.Fprintln(table)
	}
	table.Flush()
	if f.Memory > 0 {
		fmt.Fprintf(to, "\nParley's memory: %.0f MB at the end, %.0f MB at its peak.\n", f.Memory, f.PeakMemory)
	}
	var others []float64
	for _, c := range f.Cells {
		others = append(others, c.Others)
	}
	if s := gauge.SpreadOf(others); s.High > disturbing {
		fmt.Fprintf(to,
			"\nOthers kept up to %.2f processors busy meanwhile (median %.2f): rates per second are unreliable; "+
				"run it again.\n",
			s.High, s.Median)
	}
}

// shares returns a share for each round.
func (f figures) shares(number int, share func(a, b cell) float64) (list []float64) {
	for _, p := range f.Cells {
		for _, b := range f.Cells {
			if p.Question == number && b.Question == number && p.Side == f.sides()[0] && b.Side == f.sides()[1] &&
				p.Round == b.Round {
				list = append(list, share(p, b))
			}
		}
	}
	return list
}

func title(number int) string {
	for _, q := range questions {
		if q.number == number {
			return fmt.Sprintf("%d %s", number, q.name)
		}
	}
	return ""
}
