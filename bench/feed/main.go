// Command feed measures the live feed under load, beside a bare centrifuge server that broadcasts the same bytes.
//
// This process is all the subscribers. Parley and centrifuge run as processes of their own, one at a time, and what is
// told of them is theirs alone. What a ratio says holds for any machine; how many microseconds there were does not.
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
	Parley      string        `type:"path" placeholder:"FILE" help:"Parley's program; built from the source here if left out."`
	PostgresBin string        `type:"path" help:"Folder of PostgreSQL's programs; found where it is usual if left out."`
	Subscribers int           `placeholder:"N" help:"How many connections, with a subscription each (10,000; 1,000 with --stall or --move)."`
	Rate        float64       `default:"5" help:"How many changes are recorded a second (${default})."`
	Duration    time.Duration `help:"How long they are recorded (2m; each leg of a round a quarter of it; 20s with --stall or --move)."`
	Rounds      int           `default:"3" help:"How often Parley and centrifuge are measured in turn; 0 leaves centrifuge out (${default})."`
	Stall       bool          `xor:"what" help:"Measure instead what the others notice when a subscriber stops reading."`
	Move        bool          `xor:"what" help:"Measure instead how subscribers move to a second server when theirs is stopped."`
	Seed        uint64        `default:"1" help:"What is drawn at random follows from it (${default})."`

	ctx context.Context
	log *slog.Logger
	dir string // temporary, for all that is built and kept
}

func main() {
	var b bench
	kong.Parse(&b,
		kong.Name("feed"),
		kong.Description("Measures the live feed under load, beside a bare centrifuge server."),
		kong.UsageOnError(),
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	b.ctx, b.log = ctx, slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "feed:", err)
		os.Exit(1)
	}
}

// Validate refuses what can't be measured, and fills in what depends on what is measured.
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
		return fmt.Errorf("at least 2 --subscribers, a --rate above 0, a --duration of four changes and no fewer than 0 --rounds are needed")
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

// spareFiles are those that a process has open beside its subscribers' connections: at most some hundred.
const spareFiles = 200

// enoughFiles refuses more subscribers than a process may have connections.
func enoughFiles(subscribers int) error {
	limit, err := fileLimit()
	if err != nil {
		return err
	}
	if uint64(subscribers)+spareFiles > limit {
		return fmt.Errorf("a process may open %d files here, too few for %d subscribers; raise the hard limit (ulimit -Hn), or give --subscribers %d", limit, subscribers, max(2, int(limit)-spareFiles))
	}
	return nil
}

// build builds a program from the source that this one is from; the folder is where, from the module's root.
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
