// Command parley serves and loads the negotiation tracker.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"example.org/parley"
)

// commands are the program's commands and flags; each flag has an environment variable too.
type commands struct {
	Serve   serve   `cmd:"" help:"Serve the GraphQL API and the playground."`
	Import  load    `cmd:"" name:"import" help:"Bring the record in step with data sets (YAML or JSON), or put an archive on record."`
	Export  export  `cmd:"" help:"Write a negotiation to a file: all of it, to be imported elsewhere, or tables for a spreadsheet."`
	Erase   erase   `cmd:"" help:"Erase the text kept of a source, where the law demands it; what rests on it stays."`
	Migrate migrate `cmd:"" help:"Bring the database's tables up to date, and end."`
	Version version `cmd:"" help:"Print the version."`
}

func main() {
	var c commands
	parser := kong.Parse(&c,
		kong.Name("parley"),
		kong.Description("Parley tracks how negotiations might end: which scenarios are on the table, who stands where on each, on what evidence, and how that moves."),
		kong.UsageOnError(),
		kong.DefaultEnvars("PARLEY"),
		kong.Vars{"formats": strings.Join(formatNames(), ",")},
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	go tendGarbage(ctx)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	slog.SetDefault(log) // libraries log through the standard logger
	if err := parser.Run(&run{ctx: ctx, log: log}); err != nil {
		fmt.Fprintln(os.Stderr, "parley:", err)
		os.Exit(1)
	}
}

// run is what every command gets.
type run struct {
	ctx     context.Context
	log     *slog.Logger
	analyst parley.Analyst // in whose name a command that opens the database acts
}

type version struct{}

// Run prints the module's version and the commit that it was built from.
func (version) Run() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("the program was built without its version")
	}
	commit := "unknown commit"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	fmt.Println("parley", info.Main.Version, commit, info.GoVersion)
	return nil
}
