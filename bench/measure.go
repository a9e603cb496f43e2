package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"example.org/parley/bench/gauge"
	"example.org/parley/internal/postgres"
	"example.org/parley/storage"
)

type measure struct {
	Parley      string `type:"path" placeholder:"FILE" help:"Parley's program; built from this source if left out."`
	DataDir     string `type:"path" help:"Folder that keeps the data for later runs; a temporary one if left out."`
	PostgresBin string `type:"path" help:"Folder of PostgreSQL's programs; the usual folders are searched if left out."`
	Seconds     int    `default:"10" help:"Seconds per question and round (${default})."`
	Rounds      int    `default:"3" help:"Number of rounds; the figures are their medians (${default})."`
	Questions   []int  `default:"1,2,3,4,5" help:"Which questions to ask (${default})."`
	Past        bool   `help:"Compare answers about the past with those about the present."`
	Only        string `enum:",parley,bare" default:"" help:"Ask only one side, parley or bare, such as for a profile."`
	Seed        uint64 `default:"1" help:"Seed of everything random (${default})."`
	JSON        string `name:"json" type:"path" placeholder:"FILE" help:"Also write the raw figures to a file."`
}

// Validate refuses combinations of flags that can't be measured.
func (m measure) Validate() error {
	if m.Seconds < 1 || m.Rounds < 1 {
		return fmt.Errorf("--seconds and --rounds must be 1 or more")
	}
	if m.Past && m.Only != "" {
		return fmt.Errorf("--past measures other sides, so leave --only out")
	}
	for _, n := range m.Questions {
		if !slices.ContainsFunc(questions, func(q question) bool { return q.number == n }) {
			return fmt.Errorf("--questions: there is no question %d; they are 1 to %d", n, len(questions))
		}
	}
	return nil
}

// Run makes the data, starts both sides, compares their answers, and measures.
func (m measure) Run(r *run) error {
	temporary, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	if m.DataDir == "" {
		m.DataDir = filepath.Join(temporary, "data")
	}
	if m.Parley == "" {
		m.Parley = filepath.Join(temporary, "parley")
		r.log.Info("building Parley")
		build := exec.CommandContext(r.ctx, "go", "build", "-o", m.Parley, "example.org/parley/cmd/parley")
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build Parley: %w\n%s", err, output)
		}
	}
	cluster, err := postgres.Start(r.ctx, postgres.Options{Dir: m.DataDir, BinDir: m.PostgresBin, Log: r.log})
	if err != nil {
		return err
	}
	defer cluster.Stop()
	b := &bench{measure: m, run: r, dsn: cluster.DSN(postgres.Database)}
	if b.postgres, err = gauge.MainProcess(m.DataDir); err != nil {
		return err
	}
	if err := b.prepare(); err != nil {
		return err
	}
	defer b.stop()
	if err := b.start(); err != nil {
		return err
	}
	if err := b.compareAll(); err != nil {
		return err
	}
	if err := b.measureAll(); err != nil {
		return err
	}
	b.figures.report(os.Stdout)
	if m.JSON == "" {
		return nil
	}
	text, err := json.MarshalIndent(b.figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(m.JSON, append(text, '\n'), 0o644)
}

// bench is one run of the measurements.
type bench struct {
	measure
	*run
	dsn      string
	postgres int // process id
	ids      map[int][]string
	servers  []*process
	sides    []*side
	figures  figures
}

// prepare makes the data and reads the ids that questions are about.
func (b *bench) prepare() error {
	if err := storage.Migrate(b.ctx, storage.Options{DSN: b.dsn, Log: b.log}); err != nil {
		return err
	}
	db, err := sql.Open("postgres", b.dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := fill(b.ctx, db, usualSize, b.Seed, b.log); err != nil {
		return err
	}
	b.ids = make(map[int][]string)
	for _, q := range questions {
		if b.ids[q.number], err = q.readIDs(b.ctx, db); err != nil {
			return err
		}
	}
	return nil
}

// start starts the servers of the measured sides.
func (b *bench) start() error {
	if b.Only != "bare" {
		cmd := exec.Command(b.Parley, "serve", "--addr", "127.0.0.1:0")
		cmd.Env = append(os.Environ(), "PARLEY_DATABASE_URL="+b.dsn)
		if err := b.startSide("parley", cmd, parleyRequest); err != nil {
			return err
		}
	}
	if b.Past {
		now := *b.sides[0]
		now.name, now.request = "now", parleyRequest(now.address)
		b.sides[0].name, b.sides[0].request = "past", pastRequest(now.address)
		b.sides = append(b.sides, &now)
		return nil
	}
	if b.Only != "parley" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		cmd := exec.Command(self, "bare")
		cmd.Env = append(os.Environ(), "BENCH_DATABASE_URL="+b.dsn)
		return b.startSide("bare", cmd, bareRequest)
	}
	return nil
}

func (b *bench) startSide(name string, cmd *exec.Cmd, request func(string) func(question, string) []byte) error {
	s, address, err := startProcess(b.ctx, cmd)
	if err != nil {
		return err
	}
	b.servers = append(b.servers, s)
	b.sides = append(b.sides, &side{name: name, address: address, pid: cmd.Process.Pid, request: request(address)})
	return nil
}

func (b *bench) stop() {
	for _, s := range b.servers {
		if err := s.stop(); err != nil {
			b.log.Error("a server still runs", "error", err)
		}
	}
}

// asked returns the chosen questions.
func (b *bench) asked() (list []question) {
	for _, q := range questions {
		if slices.Contains(b.Questions, q.number) {
			list = append(list, q)
		}
	}
	return list
}

func (b *bench) compareAll() error {
	if len(b.sides) < 2 || b.Past { // answers about the past differ from those about the present
		return nil
	}
	for _, q := range b.asked() {
		if err := compare(b.ctx, b.sides[0], b.sides[1], q, b.ids[q.number], b.log); err != nil {
			return err
		}
	}
	return nil
}
