// Package request gives what is done for a request the request's id, in its context and in the log.
package request

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
)

// Header is the header that has the id of a request, and of the request that an answer belongs to.
const Header = "X-Request-Id"

// ids are those of a context. A WebSocket carries many operations, which clients number.
type ids struct{ request, operation string }

type key struct{}

// maxID is how long an id may be that a client gives, in bytes.
const maxID = 128

// IDFor returns the id that a client gives to its request. If there is none, or it is long or has characters that would
// have to be quoted somewhere, it returns a new one.
func IDFor(given string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+="
	if given != "" && len(given) <= maxID && strings.Trim(given, safe) == "" {
		return strings.Clone(given)
	}
	return rand.Text()
}

// With returns a context of what is done for a request.
func With(ctx context.Context, request string) context.Context {
	return context.WithValue(ctx, key{}, ids{request: request})
}

// WithOperation returns a context of what is done for one of the operations that a request, for a WebSocket, led to.
func WithOperation(ctx context.Context, request, operation string) context.Context {
	return context.WithValue(ctx, key{}, ids{request, operation})
}

// ID returns the id of the request that a context belongs to; "": it belongs to none.
func ID(ctx context.Context) string {
	own, _ := ctx.Value(key{}).(ids)
	return own.request
}

// Logged has a log name the request that each line belongs to, and the operation on a WebSocket.
func Logged(log slog.Handler) slog.Handler { return logged{log} }

type logged struct{ slog.Handler }

// Handle writes a line.
func (l logged) Handle(ctx context.Context, line slog.Record) error {
	if own, ok := ctx.Value(key{}).(ids); ok {
		line = line.Clone()
		line.AddAttrs(slog.String("request", own.request))
		if own.operation != "" {
			line.AddAttrs(slog.String("operation", own.operation))
		}
	}
	return l.Handler.Handle(ctx, line)
}

// WithAttrs returns a handler whose lines have these attributes.
func (l logged) WithAttrs(list []slog.Attr) slog.Handler { return logged{l.Handler.WithAttrs(list)} }

// WithGroup returns a handler whose lines have their attributes in a group.
func (l logged) WithGroup(name string) slog.Handler { return logged{l.Handler.WithGroup(name)} }
