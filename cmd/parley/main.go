// Command parley serves the negotiation tracker, and imports and exports its data.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"example.org/parley"
	"example.org/parley/internal/request"
)

// commands are the program's commands and flags. Each flag can also be set by an environment variable, or
// in a configuration file.
type commands struct {
	Config    configFile `placeholder:"FILE" help:"${config_help}"`
	LogLevel  slog.Level `default:"info" placeholder:"LEVEL" help:"Log what is at least as grave: debug, info, warn or error (${default})."`
	LogFormat string     `enum:"text,json" default:"text" placeholder:"FORMAT" help:"Format of the log: text or json (${default})."`

	Serve           serve           `cmd:"" help:"Serve the GraphQL API and the playground."`
	Import          load            `cmd:"" name:"import" help:"Import data sets (YAML or JSON) or archives."`
	Export          export          `cmd:"" help:"Write a negotiation as an archive, a table, or a briefing."`
	Backup          backup          `cmd:"" help:"Copy the built-in database into a file, also while a server uses it."`
	Restore         restore         `cmd:"" help:"Make a built-in database from such a copy, in a folder without one."`
	UpgradeDatabase upgradeDatabase `cmd:"" help:"Copy the built-in database into the newest version of PostgreSQL that is installed."`
	RenameFeed      renameFeed      `cmd:"" help:"Give the feed a new name after a backup was restored, so that no cursor from before is accepted."`
	Token           token           `cmd:"" help:"Make, list and revoke the tokens with which people and programs use servers."`
	Auth            auth            `cmd:"" help:"Say who may use servers, or let everybody use them again."`
	Erase           erase           `cmd:"" help:"Erase a source's stored text for legal reasons; records that refer to it stay."`
	Check           check           `cmd:"" help:"Say whether serve would start with these settings and this database; nothing is changed."`
	Migrate         migrate         `cmd:"" help:"Bring the database's tables up to date, and exit."`
	Health          health          `cmd:"" help:"Ask a server whether it can read and record; fail if it can't."`
	Version         version         `cmd:"" help:"Print the version."`
	Completion      completion      `cmd:"" help:"Print a script with which a shell completes commands and flags."`
	Man             man             `cmd:"" help:"Print the manual page."`
}

// options say how the command line is read.
var options = []kong.Option{
	kong.Name("parley"),
	kong.Description(
		"Parley tracks how negotiations might end: which scenarios are on the table, who stands where on each, " +
			"on what evidence, and how that moves."),
	kong.UsageOnError(),
	kong.DefaultEnvars("PARLEY"),
	kong.Vars{"formats": strings.Join(formatNames(), ",")}, help,
}

func main() {
	var c commands
	parser := kong.Parse(&c, options...)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program immediately
	go tendGarbage(ctx)
	log := c.log()
	slog.SetDefault(log) // libraries log through the standard logger
	limitMemory(log)
	if err := parser.Run(&run{ctx: ctx, log: log}); err != nil {
		fmt.Fprintln(os.Stderr, "parley:", err)
		os.Exit(1)
	}
}

// log returns the log on standard error, as the flags say.
func (c commands) log() *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(request.Logged(slog.NewJSONHandler(os.Stderr, options)))
	}
	return slog.New(request.Logged(slog.NewTextHandler(os.Stderr, options)))
}

// run holds what every command needs.
type run struct {
	ctx     context.Context
	log     *slog.Logger
	analyst parley.Analyst // set by open: the command acts in this name
}
