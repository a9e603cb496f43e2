package parley

import "context"

type callerKey struct{}

// WithCaller is the context of what an analyst asks for: what is recorded with it is recorded in their name.
func WithCaller(ctx context.Context, a Analyst) context.Context {
	return context.WithValue(ctx, callerKey{}, a)
}

// CallerOf is the analyst who asks; false where nobody is known to.
func CallerOf(ctx context.Context) (Analyst, bool) {
	a, ok := ctx.Value(callerKey{}).(Analyst)
	return a, ok
}
