package rows

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
)

// Shared holds what operations that look through the same lenses have read: a statement that one of them has run is
// answered from memory for the others. The views of one change in the feed have much in common.
type Shared struct {
	mu    sync.Mutex
	size  int
	known map[string]*sharedRead // by statement and arguments
}

// sharedRead is the answer to a statement, once done is closed.
type sharedRead struct {
	done chan struct{}
	rows [][]byte
	err  error
}

// maxShared bounds what is kept, in bytes. Once it is full, each operation reads for itself.
const maxShared = 1 << 20

// rows runs a statement, unless another operation has run it or is running it.
func (s *Shared) rows(ctx context.Context, r *Reader, text string, args []any, each func(Row)) error {
	var key strings.Builder
	key.WriteString(text)
	values, err := driverValues(args)
	if err != nil {
		return err
	}
	for _, v := range values {
		switch v := v.Value.(type) {
		case []byte:
			fmt.Fprintf(&key, "\x00b%d:%s", len(v), v)
		case string:
			fmt.Fprintf(&key, "\x00s%d:%s", len(v), v)
		default:
			fmt.Fprintf(&key, "\x00%T:%v", v, v)
		}
	}
	s.mu.Lock()
	read, isKnown := s.known[key.String()]
	if !isKnown && s.size > maxShared {
		s.mu.Unlock()
		return r.run(ctx, text, args, each)
	}
	if !isKnown {
		read = &sharedRead{done: make(chan struct{})}
		if s.known == nil {
			s.known = make(map[string]*sharedRead)
		}
		s.known[key.String()] = read
	}
	s.mu.Unlock()
	if !isKnown {
		s.read(read, key.String(), func() error {
			return r.run(ctx, text, args, func(sent Row) { read.rows = append(read.rows, bytes.Clone(sent.rest)) })
		})
	}
	select {
	case <-read.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, rest := range read.rows {
		each(Row{rest})
	}
	return read.err
}

// read fills in an answer. A failure is not kept: the next operation tries again.
func (s *Shared) read(read *sharedRead, key string, do func() error) {
	read.err = context.Canceled // if do panics
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if read.err != nil {
			delete(s.known, key)
		}
		s.size += len(key)
		for _, rest := range read.rows {
			s.size += len(rest)
		}
		close(read.done)
	}()
	read.err = do()
}
