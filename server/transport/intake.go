package transport

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"example.org/parley"
	"example.org/parley/internal/turns"
)

// Bounds on what requests bring. Reading one takes some ten times its length in memory.
const (
	// MaxBody is the longest request body, in bytes. It admits the longest source text, encoded as JSON.
	MaxBody = 16 << 20
	// maxIntake is how many bytes of requests may be read and answered at a time; short ones are not counted.
	maxIntake = 2 * MaxBody
	shortBody = 8 << 10
	// maxValues is how many values, of objects and lists, a request may have.
	maxValues = 20_000
	// waitForRoom is how long a request waits for others to be answered.
	waitForRoom = 5 * time.Second
)

// intake are the requests that are being read and answered.
type intake struct {
	bytes *semaphore.Weighted
	// preparing are turns to decode a long request, and to check a new document. starting are turns to start what comes
	// over WebSockets, which carry many operations. Half of the processors stay free for others, whatever comes.
	preparing, starting *turns.Turns
}

func newIntake() intake {
	half := max(1, runtime.GOMAXPROCS(0)/2)
	return intake{semaphore.NewWeighted(maxIntake), turns.New(half), turns.New(half)}
}

// room waits until there is room for a request of some length; -1: its length is not known. The request gives it back
// with leave, which may be called again. A fault says that others take too long.
func (i intake) room(ctx context.Context, length int64) (leave func(), err error) {
	switch {
	case length < 0:
		length = MaxBody
	case length <= shortBody:
		return func() {}, nil
	}
	length = min(length, MaxBody)
	waiting, cancel := context.WithTimeout(ctx, waitForRoom)
	defer cancel()
	if err := i.bytes.Acquire(waiting, length); err != nil {
		return nil, parley.NewFault(parley.Limit, "The server is reading as many long requests as it can; send this one again in a moment.")
	}
	return sync.OnceFunc(func() { i.bytes.Release(length) }), nil
}

// tooManyValues is a request with more values than is allowed.
type tooManyValues struct{}

func (tooManyValues) Error() string {
	return fmt.Sprintf("The request has more than %d values; send shorter lists, or several requests.", maxValues)
}

// values counts the values of a JSON text by what separates them, before anything is made of them. The text may come in
// pieces.
type values struct {
	n               int
	quoted, escaped bool
}

func (v *values) count(text []byte) {
	for _, c := range text {
		switch {
		case v.escaped:
			v.escaped = false
		case v.quoted && c == '\\':
			v.escaped = true
		case c == '"':
			v.quoted = !v.quoted
		case !v.quoted && (c == ',' || c == '[' || c == '{'):
			v.n++
		}
	}
}

func (v *values) tooMany() bool { return v.n > maxValues }

func hasTooManyValues(text []byte) bool {
	if len(text) <= maxValues {
		return false
	}
	var v values
	v.count(text)
	return v.tooMany()
}
