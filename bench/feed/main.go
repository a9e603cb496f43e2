// Command feed measures the live feed under load, beside a bare centrifuge server that broadcasts the same bytes.
//
// This process plays all subscribers. Parley and centrifuge run as separate processes, one at a time, and their figures
// are theirs alone. Ratios are comparable between machines; absolute times are not.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type bench struct {
	Parley      string        `type:"path" placeholder:"FILE" help:"Parley's program; built from source if left out."`
	PostgresBin string        `type:"path" help:"Folder of PostgreSQL's programs; the usual ones if left out."`
	Subscribers int           `placeholder:"N" help:"Number of connections (10,000; 1,000 with --stall or --move)."`
	Rate        float64       `default:"5" help:"Changes recorded per second (${default})."`
	Duration    time.Duration `help:"Time of recording (2m, in rounds a quarter of it; 20s with --stall or --move)."`
	Rounds      int           `default:"3" help:"Rounds beside centrifuge; 0 omits centrifuge (${default})."`
	Stall       bool          `xor:"what" help:"Measure how a subscriber that stops reading affects the others."`
	Move        bool          `xor:"what" help:"Measure how subscribers move to a second server when theirs stops."`
	Seed        uint64        `default:"1" help:"Seed of everything random (${default})."`

	ctx context.Context
	log *slog.Logger
	dir string // temporary folder for everything that is built and stored
}

func main() {
	var b bench
	kong.Parse(&b,
		kong.Name("feed"),
		kong.Description("Measures the live feed under load, beside a bare centrifuge server."),
		kong.UsageOnError(),
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program immediately
	b.ctx, b.log = ctx, slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "feed:", err)
		os.Exit(1)
	}
}

// Validate refuses values that can't be measured, and sets defaults that depend on other flags.
func (b *bench) Validate() error {
	alone := b.Stall || b.Move
	if b.Subscribers == 0 {
		b.Subscribers = 10_000
		if alone {
			b.Subscribers = 1_000
		}
	}
	if b.Duration == 0 {
		b.Duration = 2 * time.Minute
		if alone {
			b.Duration = 20 * time.Second
		}
	}
	if b.Subscribers < 2 || b.Rate <= 0 || b.Duration.Seconds()*b.Rate < 4 || b.Rounds < 0 {
		return fmt.Errorf(
			"give at least 2 --subscribers, a --rate above 0, a --duration of at least four changes, and 0 or more " +
				"--rounds")
	}
	return nil
}

func (b *bench) run() (err error) {
	if err := enoughFiles(b.Subscribers); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "parley-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.Parley == "" {
		b.Parley = filepath.Join(b.dir, "parley")
		if err := b.build(b.Parley, "", "example.org/parley/cmd/parley"); err != nil {
			return err
		}
	}
	switch {
	case b.Stall:
		return b.measureStall()
	case b.Move:
		return b.measureMove()
	}
	return b.measureLoad()
}

// spareFiles is how many files a process may have open besides its subscribers' connections.
const spareFiles = 200

// enoughFiles refuses more subscribers than the process may have connections.
func enoughFiles(subscribers int) error {
	limit, err := fileLimit()
	if err != nil {
		return err
	}
	if uint64(subscribers)+spareFiles > limit {
		return fmt.Errorf(
			"a process may open %d files here, too few for %d subscribers; raise the hard limit (ulimit -Hn), or "+
				"give --subscribers %d",
			limit, subscribers, max(2, int(limit)-spareFiles))
	}
	return nil
}

// build builds a program of this module. folder is the working directory, relative to the module's root.
func (b *bench) build(to, folder, what string) error {
	b.log.Info("building " + filepath.Base(to))
	root, err := exec.CommandContext(b.ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find Parley's source, in whose folder this has to run: %w", err)
	}
	cmd := exec.CommandContext(b.ctx, "go", "build", "-o", to, what)
	cmd.Dir = filepath.Join(strings.TrimSpace(string(root)), folder)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", filepath.Base(to), err, output)
	}
	return nil
}
