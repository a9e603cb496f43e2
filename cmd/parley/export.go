package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"example.org/parley"
	"example.org/parley/archive"
	"example.org/parley/briefing"
)

type export struct {
	database
	Negotiation string `arg:"" help:"Key or id of the negotiation."`
	Format      string `enum:"${formats}" default:"json" help:"${format_help}: ${enum}."`
	ValidAt     string `placeholder:"INSTANT" help:"${valid_at_help}"`
	KnownAt     string `placeholder:"INSTANT" help:"${known_at_help}"`
	Since       string `placeholder:"INSTANT" help:"Briefing only: describe what has moved since then."`
	UpTo        string `name:"up-to" placeholder:"MARKING" help:"Briefing only: an edition that says only what rests on sources up to this marking."`
	PublicURL   string `name:"public-url" default:"http://127.0.0.1:8080" placeholder:"URL" help:"${permalink_help}"`
	Output      string `short:"o" type:"path" placeholder:"FILE" help:"${output_help}"`
}

// formats are the export formats.
var formats = []format{
	{
		name: "json",
		write: func(a asked, ctx context.Context, w io.Writer) error {
			return a.JSON(ctx, w, a.progress)
		},
	},
	{
		name:        "positions-csv",
		atAnInstant: true,
		write: func(a asked, ctx context.Context, w io.Writer) error {
			return a.PositionsCSV(ctx, w, a.progress)
		},
	},
	{
		name:        "stances-csv",
		atAnInstant: true,
		write: func(a asked, ctx context.Context, w io.Writer) error {
			return a.StancesCSV(ctx, w, a.progress)
		},
	},
	{
		name: "status-changes-csv",
		write: func(a asked, ctx context.Context, w io.Writer) error {
			return a.StatusChangesCSV(ctx, w, a.progress)
		},
	},
	{
		name:        "briefing",
		atAnInstant: true,
		tellsMoves:  true,
		write: func(a asked, ctx context.Context, w io.Writer) error {
			return briefing.Write(ctx, w, a.Store, a.briefing())
		},
	},
	{
		name:        "briefing-html",
		atAnInstant: true,
		tellsMoves:  true,
		write: func(a asked, ctx context.Context, w io.Writer) error {
			return briefing.WritePage(ctx, w, a.Store, a.briefing())
		},
	},
}

type format struct {
	name  string
	write func(asked, context.Context, io.Writer) error
	// atAnInstant means that the format shows one valid time. The others cover all of valid time.
	atAnInstant bool
	// tellsMoves means that the format is a briefing, which describes what has moved since a date and has editions.
	tellsMoves bool
}

// asked is an export: a negotiation seen through its lens. progress receives the number of rows written from time to
// time.
type asked struct {
	*archive.Subject
	since     *parley.Instant
	upTo      parley.Marking
	publicURL string
	progress  func(rows int)
}

func (a asked) briefing() briefing.Request {
	return briefing.Request{
		Negotiation: a.ID.String(),
		AsOf:        parley.AsOf{ValidAt: &a.Lens.ValidAt, KnownAt: &a.Lens.KnownAt},
		Since:       a.since,
		UpTo:        a.upTo,
		BaseURL:     a.publicURL,
	}
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
	if since != nil && !as.tellsMoves {
		return fmt.Errorf("--since: only a briefing describes what has moved; leave it out for %s", as.name)
	}
	if e.UpTo != "" && !as.tellsMoves {
		return fmt.Errorf("--up-to: only a briefing has editions; leave it out for %s", as.name)
	}
	var upTo parley.Marking
	if e.UpTo != "" {
		if upTo, err = parley.ReadMarking(e.UpTo); err != nil {
			return fmt.Errorf("--up-to: %w", err)
		}
	}
	if asOf.ValidAt != nil && !as.atAnInstant {
		return fmt.Errorf("--valid-at: %s covers all of valid time; leave it out", as.name)
	}
	db, err := e.start(r, existing)
	if err != nil {
		return err
	}
	defer db.stop(r)
	store, err := db.openToRead(r)
	if err != nil {
		return err
	}
	defer store.Close()
	subject, err := archive.Find(r.ctx, store, e.Negotiation, &asOf)
	if err != nil {
		return err
	}
	a := asked{
		Subject:   subject,
		since:     since,
		upTo:      upTo,
		publicURL: strings.TrimRight(e.PublicURL, "/"),
		progress: func(rows int) {
			fmt.Fprintf(os.Stderr, "%s: %d rows\n", subject.Key, rows)
		},
	}
	return writing(e.Output, 0o644, func(w io.Writer) error { return as.write(a, r.ctx, w) })
}

// instant reads a flag. It returns nil if the flag is left out.
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
