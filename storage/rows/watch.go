package rows

import (
	"context"
	"time"
)

// Took is called after a statement, with the time that it took and its error.
type Took func(time.Duration, error)

// Watch follows the SQL statements of an operation.
type Watch interface {
	// Statement is called as a statement begins. What it returns is called as the statement ends, with the number of its
	// rows.
	Statement(ctx context.Context, text string) func(rows int, err error)
}

// WatchKey is the key under which a context has the Watch of its statements, if anybody follows them.
type WatchKey struct{}

// watch begins to follow a statement, and returns what is to be called as it ends.
func watch(ctx context.Context, text string) func(rows int, err error) {
	if w, ok := ctx.Value(WatchKey{}).(Watch); ok {
		return w.Statement(ctx, text)
	}
	return unwatched
}

func unwatched(int, error) {}

// Watched runs a statement, and has it followed. run returns the number of its rows.
func (took Took) Watched(ctx context.Context, text string, run func() (rows int, err error)) error {
	begun, watched := time.Now(), watch(ctx, text)
	rows, err := run()
	took(time.Since(begun), err)
	watched(rows, err)
	return err
}
