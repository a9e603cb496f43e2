package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"parley"
	"parley/archive"
	"parley/briefing"
)

type export struct {
	database
	Negotiation string `arg:"" help:"Key or id of the negotiation."`
	Format      string `enum:"${formats}" default:"json" help:"What to write: ${enum}. json is an archive, which import puts on record elsewhere; briefing is a page of Markdown to pass on."`
	ValidAt     string `placeholder:"INSTANT" help:"How the world stood then, such as 2025-08-15T19:30:00Z; now if left out. Only for what is about one instant."`
	KnownAt     string `placeholder:"INSTANT" help:"Using only what was on record by then; all that is on record if left out."`
	Since       string `placeholder:"INSTANT" help:"Tell what has moved since then. Only for a briefing."`
	PublicURL   string `name:"public-url" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where a server is reached, for a briefing's permalink (${default})."`
	Output      string `short:"o" type:"path" placeholder:"FILE" help:"File to write to, instead of the standard output; it is replaced once all is written."`
}

// formats are the forms that a negotiation can be exported in.
var formats = []format{
	{name: "json", write: (*archive.Subject).JSON},
	{name: "positions-csv", write: (*archive.Subject).PositionsCSV, atAnInstant: true},
	{name: "status-changes-csv", write: (*archive.Subject).StatusChangesCSV},
	{name: "briefing", atAnInstant: true},
}

type format struct {
	name string
	// write writes the negotiation as seen through its lens; nil for a briefing. Every so often it reports how many rows it
	// has written.
	write func(*archive.Subject, context.Context, io.Writer, func(rows int)) error
	// atAnInstant: it shows the world at one instant. Others run over the whole of valid time.
	atAnInstant bool
}

func formatNames() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Run writes the negotiation.
func (e export) Run(r *run) error {
	var as format
	for _, f := range formats {
		if f.name == e.Format {
			as = f
		}
	}
	var asOf parley.AsOf
	var err error
	if asOf.ValidAt, err = instant("--valid-at", e.ValidAt); err != nil {
		return err
	}
	if asOf.KnownAt, err = instant("--known-at", e.KnownAt); err != nil {
		return err
	}
	since, err := instant("--since", e.Since)
	if err != nil {
		return err
	}
	if since != nil && as.write != nil {
		return fmt.Errorf("--since: only a briefing tells what has moved; leave it out for %s", as.name)
	}
	if asOf.ValidAt != nil && !as.atAnInstant {
		return fmt.Errorf("--valid-at: %s runs over the whole of valid time; leave it out", as.name)
	}
	db, err := e.start(r)
	if err != nil {
		return err
	}
	defer db.stop(r)
	store, err := db.open(r, e.Analyst)
	if err != nil {
		return err
	}
	defer store.Close()
	subject, err := archive.Find(r.ctx, store, e.Negotiation, &asOf)
	if err != nil {
		return err
	}
	return e.writing(func(w io.Writer) error {
		if as.write == nil {
			return briefing.Write(r.ctx, w, store, briefing.Request{
				Negotiation: subject.ID.String(), AsOf: parley.AsOf{ValidAt: &subject.Lens.ValidAt, KnownAt: &subject.Lens.KnownAt},
				Since: since, BaseURL: strings.TrimRight(e.PublicURL, "/"),
			})
		}
		return as.write(subject, r.ctx, w, func(rows int) {
			fmt.Fprintf(os.Stderr, "%s: %d rows\n", subject.Key, rows)
		})
	})
}

// instant reads a flag; nil where it is left out.
func instant(flag, text string) (*parley.Instant, error) {
	if text == "" {
		return nil, nil
	}
	at, err := parley.ParseInstant(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return &at, nil
}

// writing writes to the output. A file takes its name when all is in it; what is no file, such as a pipe, is written to.
func (e export) writing(write func(io.Writer) error) error {
	if e.Output == "" {
		return buffered(os.Stdout, write)
	}
	name := e.Output
	info, err := os.Stat(name)
	isFile := err != nil || info.Mode().IsRegular()
	if isFile {
		name += ".part"
		defer os.Remove(name)
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := buffered(file, write); err != nil {
		return err
	}
	if err := file.Close(); err != nil || !isFile {
		return err
	}
	return os.Rename(name, e.Output)
}

func buffered(to io.Writer, write func(io.Writer) error) error {
	w := bufio.NewWriter(to)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}
