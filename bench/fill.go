package main

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"example.org/parley"
)

// size is how much data there is. Issues are counted per negotiation, scenarios per issue, positions and moves per
// scenario, and statements per source. Changes is how many facts are in the feed.
type size struct {
	Negotiations int `json:"negotiations"`
	Issues       int `json:"issues"`
	Scenarios    int `json:"scenarios"`
	Stakeholders int `json:"stakeholders"`
	Positions    int `json:"positions"`
	Moves        int `json:"moves"`
	Sources      int `json:"sources"`
	Statements   int `json:"statements"`
	Changes      int `json:"changes"`
}

// usualSize gives every stakeholder exactly 100 positions: 50 on each of 4,000 scenarios, held by 2,000.
var usualSize = size{
	Negotiations: 200, Issues: 5, Scenarios: 4, Stakeholders: 2000, Positions: 50, Moves: 15,
	Sources: 500, Statements: 80, Changes: 4000,
}

//go:embed fill.sql
var fillSQL string

// fill makes the data, unless it exists already. The same seed makes the same data.
func fill(ctx context.Context, db *sql.DB, z size, seed uint64, log *slog.Logger) error {
	sizes, err := json.Marshal(z)
	if err != nil {
		return err
	}
	label := fmt.Sprintf("benchmark data of seed %d: %s", seed, sizes)
	switch found, err := contents(ctx, db); {
	case err != nil:
		return err
	case found == label:
		return nil
	case found != "":
		return fmt.Errorf("the database holds %s, but %s is needed; give another --data-dir", found, label)
	}
	conn, err := db.Conn(ctx) // VACUUM has to run after the transaction, on the same connection
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := prepareFill(ctx, tx, sizes, z.Moves, seed); err != nil {
		return err
	}
	for i, step := range strings.Split(fillSQL, "\n-- Step: ")[1:] {
		name, statements, _ := strings.Cut(step, "\n")
		begun := time.Now()
		if _, err := tx.ExecContext(ctx, statements); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		if i > 0 { // the first step only makes functions
			log.Info("made " + name + " in " + time.Since(begun).Round(100*time.Millisecond).String())
		}
	}
	// A comment on the database records what it holds, so that no table is needed.
	_, err = tx.ExecContext(ctx,
		`DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), '`+label+`'); END $$`)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	begun := time.Now()
	if _, err := conn.ExecContext(ctx, `VACUUM ANALYZE`); err != nil {
		return err
	}
	log.Info("vacuumed and analysed in " + time.Since(begun).Round(100*time.Millisecond).String())
	return nil
}

// contents returns what a database was filled with; empty for a new one.
func contents(ctx context.Context, db *sql.DB) (string, error) {
	var comment sql.NullString
	var used bool
	err := db.QueryRowContext(ctx, `
		SELECT shobj_description(oid, 'pg_database'), EXISTS (SELECT FROM records)
		FROM pg_database
		WHERE datname = current_database()`).Scan(&comment, &used)
	if err == nil && used && !comment.Valid {
		return "records that are not the benchmark's", nil
	}
	return comment.String, err
}

// prepareFill makes the tables and settings that the steps use.
func prepareFill(ctx context.Context, tx *sql.Tx, sizes []byte, moves int, seed uint64) error {
	lives, err := json.Marshal(chains(moves, seed))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		CREATE TEMP TABLE size (negotiations int, issues int, scenarios int, stakeholders int, positions int, moves int,
			sources int, statements int, changes int) ON COMMIT DROP;
		CREATE TEMP TABLE chains (chain int, step int, from_status scenario_status, to_status scenario_status,
			skipped scenario_status[]) ON COMMIT DROP;
		SET LOCAL work_mem = '64MB'`)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		statement string
		argument  any
	}{
		{`INSERT INTO size SELECT * FROM json_populate_record(NULL::size, $1::json)`, string(sizes)},
		{`INSERT INTO chains SELECT * FROM json_populate_recordset(NULL::chains, $1::json)`, string(lives)},
		{`SELECT set_config('bench.seed', $1, true)`, fmt.Sprint(seed)},
	} {
		if _, err := tx.ExecContext(ctx, s.statement, s.argument); err != nil {
			return err
		}
	}
	return nil
}

// chainStep is one status change in the life of a scenario.
type chainStep struct {
	Chain   int                     `json:"chain"`
	Step    int                     `json:"step"`
	From    *parley.ScenarioStatus  `json:"from_status"`
	To      parley.ScenarioStatus   `json:"to_status"`
	Skipped []parley.ScenarioStatus `json:"skipped"`
}

// differentLives is how many different lives the scenarios share.
const differentLives = 64

// chains walks the life cycle at random, so that the status changes obey the rules.
func chains(moves int, seed uint64) (steps []chainStep) {
	random := rand.New(rand.NewPCG(seed, 0))
	for chain := range differentLives {
		line := []*parley.StatusChange{{To: parley.Floated}}
		for len(line) < moves {
			last := line[len(line)-1]
			next := last.To.Rule().Transitions
			to := next[random.IntN(len(next))]
			if to == parley.Superseded { // a superseded scenario needs a successor
				continue
			}
			line = append(line, &parley.StatusChange{To: to, EffectiveAt: last.EffectiveAt.Add(time.Hour)})
		}
		if err := parley.ArrangeStatuses(line, uuid.Nil, time.Now()); err != nil {
			panic(err) // the walk obeys the rules
		}
		for i, c := range line {
			steps = append(steps,
				chainStep{chain, i + 1, c.From, c.To, append([]parley.ScenarioStatus{}, c.Skipped...)})
		}
	}
	return steps
}
