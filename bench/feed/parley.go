package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"example.org/parley/bench/gauge"
)

// The subscribers' documents.
const (
	selection = `{ cursor kind summary recordedAt
		... on PositionChanged { position { holder { name } scenario { title } stance } } }`
	everyChange    = `subscription { changes ` + selection + ` }`
	filteredChange = `subscription($f: ChangeFilter) { changes(filter: $f) ` + selection + ` }`
	longChange     = `subscription { changes { cursor summary recordedAt
		... on PositionChanged { position { rationale } } } }`
	changeAfter = `subscription($after: Cursor) { changes(after: $after) ` + selection + ` }`
)

// scenarios is the number of scenarios on which positions are recorded.
const scenarios = 4

// holderKey returns the key of a stakeholder by its number.
func holderKey(n int) string { return fmt.Sprintf("holder-%05d", n) }

// dataSet returns a data set with a negotiation and some stakeholders.
func dataSet(holders int) []byte {
	var set bytes.Buffer
	set.WriteString(
		"dataset: bench\nnegotiations:\n  - key: bench\n    title: Talks that are followed\n    issues:\n" +
			"      - key: line\n        title: The line\n        scenarios:\n")
	for n := range scenarios {
		fmt.Fprintf(&set,
			"          - {key: scenario-%d, title: Scenario %d of the line, statuses: [{to: FLOATED, effectiveAt: "+
				"2025-01-01}]}\n",
			n, n)
	}
	set.WriteString("stakeholders:\n")
	for n := range holders {
		fmt.Fprintf(&set, "  - {key: %s, name: Stakeholder %d, kind: GROUP}\n", holderKey(n), n)
	}
	return set.Bytes()
}

// prepare imports the data. The arguments and the environment select the database.
func (b *bench) prepare(holders int, arguments, env []string) error {
	file := filepath.Join(b.dir, "bench.yaml")
	if err := os.WriteFile(file, dataSet(holders), 0o600); err != nil {
		return err
	}
	b.log.Info(fmt.Sprintf("importing %d stakeholders", holders))
	cmd := exec.CommandContext(b.ctx, b.Parley, append([]string{"import", file}, arguments...)...)
	cmd.Env = append(os.Environ(), env...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("import the data: %w\n%s", err, output)
	}
	return nil
}

// builtIn returns the arguments for the built-in database in the temporary folder.
func (b *bench) builtIn() []string {
	arguments := []string{"--data-dir", filepath.Join(b.dir, "data")}
	if b.PostgresBin != "" {
		arguments = append(arguments, "--postgres-bin", b.PostgresBin)
	}
	return arguments
}

// startParley starts a server on the built-in database.
func (b *bench) startParley() (*process, error) {
	cmd := exec.Command(b.Parley, append([]string{"serve", "--addr", "127.0.0.1:0"}, b.builtIn()...)...)
	for _, v := range os.Environ() { // leave out variables that name another database
		if !strings.HasPrefix(v, "DATABASE_URL=") && !strings.HasPrefix(v, "PARLEY_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	p, err := startProcess(b.ctx, "parley", cmd)
	if err != nil {
		return nil, err
	}
	if p.postgres, err = gauge.MainProcess(filepath.Join(b.dir, "data")); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// subscribe connects a subscriber to Parley.
func subscribe(p *process, document string, variables map[string]any, receiveBuffer int) (*conversation, error) {
	payload, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return nil, err
	}
	c, err := upgrade(p.address, "/graphql", "graphql-transport-ws", receiveBuffer)
	if err != nil {
		return nil, err
	}
	if err = c.say(`{"type":"connection_init"}`); err == nil {
		if err = c.hear(`"connection_ack"`); err == nil {
			err = c.say(`{"id":"1","type":"subscribe","payload":` + string(payload) + `}`)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// toEvery and toSome return how subscriptions are opened: to all changes, and to those of a pair of holders.
func toEvery(p *process) func(*subscriber) (*conversation, error) {
	return func(*subscriber) (*conversation, error) { return subscribe(p, everyChange, nil, 0) }
}

func toSome(p *process) func(*subscriber) (*conversation, error) {
	return func(s *subscriber) (*conversation, error) {
		filter := map[string]any{"stakeholders": []string{holderKey(s.pair[0]), holderKey(s.pair[1])}}
		return subscribe(p, filteredChange, map[string]any{"f": filter}, 0)
	}
}

// matches is how many of the subscribers with a filter receive a change.
const matches = 10

// holdersFor returns how many holders are needed for a number of subscribers with a filter.
func holdersFor(filtered int) int { return max(2*matches+1, filtered*2/matches) }

// pairs makes subscribers with different filters: no two pairs are the same, and each holder is in ten pairs at most.
func pairs(n, holders int) []*subscriber {
	list := make([]*subscriber, n)
	for i := range list {
		first, distance := i%holders, 1+i/holders
		list[i] = &subscriber{pair: &[2]int{first, (first + distance) % holders}}
	}
	return list
}

// all makes subscribers to all changes.
func all(n int) []*subscriber {
	list := make([]*subscriber, n)
	for i := range list {
		list[i] = new(subscriber)
	}
	return list
}

// recorder records positions of random holders. Each differs from the holder's previous one.
type recorder struct {
	holders   int
	rationale string // of each position; empty: none
	random    *rand.Rand
	count     []int // positions recorded for each holder
}

func newRecorder(holders int, seed uint64) *recorder {
	return &recorder{holders: holders, random: rand.New(rand.NewPCG(seed, 0)), count: make([]int, holders)}
}

// to returns a source of changes that records one through the server per call.
func (r *recorder) to(p *process) source {
	return func(ctx context.Context) (recorded, error) {
		holder := r.random.IntN(r.holders)
		said := r.count[holder]
		r.count[holder]++
		stances := [...]string{"SUPPORTS", "OPPOSES", "NEUTRAL"}
		input := map[string]any{
			"holder":   holderKey(holder),
			"scenario": fmt.Sprintf("bench/scenario-%d", said%scenarios),
			"stance":   stances[said/scenarios%len(stances)],
		}
		if r.rationale != "" {
			input["rationale"] = r.rationale
		}
		var answer struct {
			Data struct {
				RecordPosition struct {
					Cursor     *string
					UserErrors []struct{ Message string }
				}
			}
			Errors []struct{ Message string }
		}
		operation := map[string]any{
			"query": `mutation($input: RecordPositionInput!) {
				recordPosition(input: $input) { cursor userErrors { message } }
			}`,
			"variables": map[string]any{"input": input},
		}
		if err := post(ctx, "http://"+p.address.String()+"/graphql", operation, &answer); err != nil {
			return recorded{}, err
		}
		if answer.Data.RecordPosition.Cursor == nil {
			return recorded{}, fmt.Errorf("a position was refused: %v %v", answer.Errors,
				answer.Data.RecordPosition.UserErrors)
		}
		return recorded{*answer.Data.RecordPosition.Cursor, holder}, nil
	}
}

// post sends JSON and decodes the JSON answer.
func post(ctx context.Context, url string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// source records one change and returns once it is acknowledged.
type source func(context.Context) (recorded, error)

// pace records changes at a steady rate while more returns true. A late change does not delay the following ones, as
// long as the server keeps up.
func pace(ctx context.Context, rate float64, record source, more func(made int) bool) (list []recorded, err error) {
	begun := time.Now()
	for more(len(list)) {
		due := begun.Add(time.Duration(float64(len(list)) / rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return list, ctx.Err()
		}
		r, err := record(ctx)
		if err != nil {
			return list, err
		}
		list = append(list, r)
	}
	return list, nil
}

// upTo returns a condition that is true for the first n changes.
func upTo(n int) func(int) bool { return func(made int) bool { return made < n } }
