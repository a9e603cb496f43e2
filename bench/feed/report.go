package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"example.org/parley/bench/gauge"
)

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

// microsEach returns processor time per delivery, in microseconds.
func microsEach(d time.Duration, l leg) float64 { return d.Seconds() * 1e6 / float64(l.Deliveries) }

// kibEach returns memory per subscriber, in KiB, without the server's memory before they connected.
func kibEach(memory float64, l leg) float64 {
	return (memory - l.MemoryBefore) / float64(l.Subscribers)
}

// goroutinesEach returns goroutines per subscriber; false if the server does not report them.
func goroutinesEach(l leg) (each float64, ok bool) {
	return float64(l.GoroutinesWith-l.GoroutinesBefore) / float64(l.Subscribers), l.GoroutinesWith > 0
}

// times formats the median and the 99th percentile.
func times(sorted []time.Duration) string {
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", millis(quantile(sorted, 0.50)), millis(quantile(sorted, 0.99)))
}

// comparison is a figure of both servers in a round. Lower is better.
type comparison struct {
	title  string
	figure func(server leg, alone leg) float64 // alone is the same server without subscribers; zero for centrifuge
}

var comparisons = []comparison{
	{"server CPU, µs a delivery", func(l, _ leg) float64 { return microsEach(l.Used.server, l) }},
	{"  less that of recording alone", func(l, alone leg) float64 {
		recording := 0.0
		if alone.Changes > 0 {
			recording = float64(alone.Used.server) / float64(alone.Changes) * float64(l.Changes)
		}
		return microsEach(l.Used.server-time.Duration(recording), l)
	}},
	{"p50 ms", func(l, _ leg) float64 { return millis(quantile(l.Latency.every, 0.50)) }},
	{"p99 ms", func(l, _ leg) float64 { return millis(quantile(l.Latency.every, 0.99)) }},
	{"last subscriber p50 ms", func(l, _ leg) float64 { return millis(quantile(l.Latency.last, 0.50)) }},
	{"last subscriber p99 ms", func(l, _ leg) float64 { return millis(quantile(l.Latency.last, 0.99)) }},
	{"KiB a subscriber", func(l, _ leg) float64 { return kibEach(l.MemoryWith, l) }},
	{"  after the load", func(l, _ leg) float64 { return kibEach(l.MemoryAfter, l) }},
}

// reportLoad writes the results of the load.
func reportLoad(to io.Writer, mixed leg, rounds []round) {
	table := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	row := func(title, format string, values ...any) { fmt.Fprintf(table, title+"\t"+format+"\n", values...) }
	row(fmt.Sprintf("Parley, %d subscribers", mixed.Subscribers),
		"half with the same subscription to all changes, half each with their own filter")
	row("deliveries", "%d of %d changes, each exactly once and in order (%.2f changes a second)", mixed.Deliveries,
		mixed.Changes, float64(mixed.Changes)/mixed.Recording)
	row("recordedAt to receipt", "%s", times(mixed.Latency.every))
	row("  to a change's last subscriber", "%s", times(mixed.Latency.last))
	row("server CPU", "%.1f µs a delivery, %.2f processors; PostgreSQL %.2f, this client %.2f",
		microsEach(mixed.Used.server, mixed), mixed.Used.server.Seconds()/mixed.Seconds,
		mixed.Used.postgres.Seconds()/mixed.Seconds, mixed.Used.client.Seconds()/mixed.Seconds)
	row("memory", "%.1f KiB a subscriber, %.1f after the load; %.0f MB in all, %.0f without subscribers",
		kibEach(mixed.MemoryWith, mixed), kibEach(mixed.MemoryAfter, mixed), mixed.MemoryAfter/1024,
		mixed.MemoryBefore/1024)
	if each, ok := goroutinesEach(mixed); ok {
		row("goroutines", "%.2f a subscriber", each)
	} else {
		row("goroutines", "not reported")
	}
	table.Flush()
	legs := []leg{mixed}
	if len(rounds) > 0 {
		fmt.Fprintln(to)
		reportRounds(table, rounds)
		table.Flush()
		fmt.Fprintf(to,
			"Medians of %d rounds, lowest and highest in brackets; each round has %d changes. Parley's latency "+
				"includes its commit.\n",
			len(rounds), rounds[0].Parley.Changes)
	}
	for _, r := range rounds {
		legs = append(legs, r.Alone, r.Parley, r.Centrifuge)
	}
	var others []float64
	for _, l := range legs {
		others = append(others, l.Used.others().Seconds()/l.Seconds)
	}
	if s := gauge.SpreadOf(others); s.High > disturbing {
		fmt.Fprintf(to,
			"\nOthers kept up to %.2f processors busy meanwhile (median %.2f): times are unreliable; run it again.\n",
			s.High, s.Median)
	}
}

// disturbing is how many processors other processes may use before the report mentions it. It includes the kernel's
// work for the network.
const disturbing = 0.2

func reportRounds(table io.Writer, rounds []round) {
	fmt.Fprintf(table, "%d subscribers to everything\tparley\tcentrifuge\tparley/centrifuge\n",
		rounds[0].Parley.Subscribers)
	for _, c := range comparisons {
		var parley, centrifuge, ratio []float64
		for _, r := range rounds {
			p, b := c.figure(r.Parley, r.Alone), c.figure(r.Centrifuge, leg{})
			parley, centrifuge, ratio = append(parley, p), append(centrifuge, b), append(ratio, p/b)
		}
		fmt.Fprintf(table, "%s\t%v\t%v\t%v\n", c.title, gauge.SpreadOf(parley), gauge.SpreadOf(centrifuge),
			gauge.SpreadOf(ratio))
	}
	reported := func(l leg) string {
		if each, ok := goroutinesEach(l); ok {
			return fmt.Sprintf("%.2f", each)
		}
		return "not reported"
	}
	last := rounds[len(rounds)-1]
	fmt.Fprintf(table, "goroutines a subscriber\t%s\t%s\n", reported(last.Parley), reported(last.Centrifuge))
}
