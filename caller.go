package parley

import "context"

type callerKey struct{}

// WithCaller returns a context in which the analyst is the caller. Mutations record the caller as their author.
func WithCaller(ctx context.Context, a Analyst) context.Context {
	return context.WithValue(ctx, callerKey{}, a)
}

// CallerOf returns the analyst who makes the request, false if there is none.
func CallerOf(ctx context.Context) (Analyst, bool) {
	a, ok := ctx.Value(callerKey{}).(Analyst)
	return a, ok
}
