// Command bench measures how fast Parley answers, beside a bare handler for which PostgreSQL builds the same answers.
//
// Both run as separate processes on one database and are asked the same five questions in turn. Ratios are comparable
// between machines; absolute rates are not.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Measure measure `cmd:"" default:"withargs" help:"Measure Parley beside the bare handler (the default)."`
	Bare    bare    `cmd:"" hidden:"" help:"Serve the bare handler."`
}

func main() {
	var c commands
	parser := kong.Parse(
		&c,
		kong.Name("bench"),
		kong.Description(
			"Measures how fast Parley answers five questions, beside a bare handler for which PostgreSQL builds "+
				"the same answers."),
		kong.UsageOnError(),
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program immediately
	if err := parser.Run(&run{ctx: ctx, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run holds what every command needs.
type run struct {
	ctx context.Context
	log *slog.Logger
}
