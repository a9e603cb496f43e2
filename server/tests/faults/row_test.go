package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/parley/internal/postgres"
	"example.org/parley/internal/postgres/pgtest"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

const (
	// each is how many writers there are, and how many subscribers.
	each = 4

	// patience is how long what has to come is waited for.
	patience = time.Minute

	// headTimeout is that of production, and not the longer one of other tests.
	headTimeout = 250 * time.Millisecond
)

// row is a fault while it is tried: the database, two servers on it, and their clients.
type row struct {
	*testing.T
	fault  fault
	number uint64
	random *rand.Rand // of the test's goroutine

	untried string // why the fault can't be tried on this machine

	dsn     string            // of the database
	cluster *postgres.Cluster // nil for a pair
	folder  string            // of the cluster
	pair    *pgtest.Pair
	pooler  *apitest.Pooler

	networks []*apitest.Network // from each server to the database, or to the pooler
	servers  []*apitest.API
	behind   atomic.Int64 // how far the servers' clocks are behind, as a time.Duration

	begin       string // a cursor before all that writers record
	writers     []*writer
	subscribers []*subscriber
	tally       tally
	lapse       lapse
}

// draws are the random numbers of one of the row's goroutines.
func (r *row) draws(goroutine uint64) *rand.Rand {
	return rand.New(rand.NewPCG(*seed, r.number<<8|goroutine))
}

// try tries the fault, and prints the row.
func (r *row) try() {
	r.random = r.draws(0)
	r.fault.prepare(r)
	if r.untried != "" {
		fmt.Printf("%-*s %s\n", nameWidth, r.fault.name, r.untried)
		return
	}
	r.serve()

	following, leave := context.WithCancel(r.Context())
	var clients sync.WaitGroup
	defer clients.Wait()
	defer leave()
	for i := range each {
		s := &subscriber{row: r, server: i % len(r.servers), after: r.begin, random: r.draws(uint64(1 + i))}
		w := &writer{row: r, number: i, random: r.draws(uint64(1 + each + i)), over: make(chan struct{})}
		r.subscribers, r.writers = append(r.subscribers, s), append(r.writers, w)
		clients.Go(func() { s.follow(following) })
		clients.Go(func() { w.write(following) })
	}
	for range r.fault.times {
		r.traffic()
		r.fault.strike(r)
	}
	r.traffic()
	for _, w := range r.writers {
		close(w.over)
	}
	for i := range r.servers {
		r.wait(fmt.Sprintf("server %d to answer", i), func() bool { return r.answers(i) })
	}
	r.wait("the writers to finish", func() bool { return all(r.writers, (*writer).finished) })
	record := r.record()
	last := record[len(record)-1].cursor
	r.within(func() bool { return all(r.subscribers, func(s *subscriber) bool { return s.reached(last) }) })
	leave()
	clients.Wait()
	r.judge(record)
}

// answers says whether a server can record, and read.
func (r *row) answers(server int) bool {
	response, _ := r.servers[server].Send(http.MethodGet, "/readyz", nil, nil)
	got, err := r.ask(r.Context(), server, `{ statements(first: 1) { nodes { text } } }`, nil)
	return response.StatusCode == http.StatusOK && err == nil && len(got.Errors) == 0
}

// serve starts the servers, each with a network of its own to what the row has prepared.
func (r *row) serve() {
	for range 2 {
		n := apitest.NewNetwork(r, "unix", apitest.Socket(r, r.dsn))
		r.lead(n)
		r.networks = append(r.networks, n)
		o := storage.Options{DSN: apitest.Through(r.dsn, n.Address), HeadTimeout: headTimeout,
			Clock: func() time.Time { return time.Now().Add(-time.Duration(r.behind.Load())) }}
		a := apitest.StartWith(r, o, time.Second)
		r.servers = append(r.servers, a)
		r.Cleanup(func() {
			if r.Failed() {
				r.Logf("logged: %.50000s", a.Logs)
			}
		})
	}
	sources := ""
	for i := range each {
		sources += fmt.Sprintf("  - {key: %s, title: A paper}\n", sourceOf(i))
	}
	r.servers[0].Load("papers.yaml", "dataset: papers\nsources:\n"+sources)
	r.begin = r.servers[0].Must(`{ lens { cursor } }`).Text("lens.cursor")
}

// lead leads a network to the database, or to the pooler before it.
func (r *row) lead(n *apitest.Network) {
	if r.pooler != nil {
		n.Lead("tcp", r.pooler.Address)
	} else {
		n.Lead("unix", apitest.Socket(r, r.dsn))
	}
}

// traffic returns once every writer has had five statements acknowledged, and then at a random instant.
func (r *row) traffic() {
	var before [each]int64
	for i, w := range r.writers {
		before[i] = w.acknowledged.Load()
	}
	r.wait("every writer to record something", func() bool {
		for i, w := range r.writers {
			if w.acknowledged.Load() < before[i]+5 {
				return false
			}
		}
		return true
	})
	r.lasts(0, 300*time.Millisecond)
}

// lasts returns after a random time: how long a fault lasts, or until it comes.
func (r *row) lasts(least, most time.Duration) { <-time.After(between(r.random, least, most)) }

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}

// wait returns once something is so.
func (r *row) wait(what string, isSo func() bool) {
	r.Helper()
	if !r.within(isSo) {
		r.Fatalf("waited in vain for %s; callers were told: %s", what, r.tally.words())
	}
}

// within says whether something becomes so in time.
func (r *row) within(isSo func() bool) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !isSo() {
		select {
		case <-limit.C:
			return false
		case <-again.C:
		}
	}
	return true
}

func all[T any](list []T, are func(T) bool) bool {
	for _, one := range list {
		if !are(one) {
			return false
		}
	}
	return true
}

// pause is between two attempts of a client.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
