package transport

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
)

// How long the answer to a GET may be kept. One that can change is asked for again, with its ETag. What is pinned to
// instants in the past stays as it is, byte for byte, and is the same for everybody.
const (
	AskAgain  = "no-cache"
	keep      = "public, max-age=31536000, immutable"
	dontStore = "no-store"
)

type privateKey struct{}

// Privately marks a request with a token: caches must not give its answer to other callers.
func Privately(ctx context.Context) context.Context {
	return context.WithValue(ctx, privateKey{}, true)
}

// SetCaching says in a header how long an answer may be kept, and by whom. Pinned: it can't change.
func SetCaching(ctx context.Context, header http.Header, pinned bool) {
	switch {
	case ctx.Value(privateKey{}) != nil:
		header.Set("Cache-Control", "private, "+AskAgain)
		header.Add("Vary", "Authorization, Cookie")
	case pinned:
		header.Set("Cache-Control", keep)
	default:
		header.Set("Cache-Control", AskAgain)
	}
}

// Tag names an answer by its bytes. The same answer has the same tag on every server, however it is compressed.
func Tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// knows reports whether the client has the answer with this tag.
func knows(r *http.Request, tag string) bool {
	for known := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if known = strings.TrimSpace(known); known == "*" || "W/"+strings.TrimPrefix(known, "W/") == tag {
			return true
		}
	}
	return false
}

// isPinned reports whether the answer to an operation can't change: wherever it asks for a lens, it gives both instants,
// and they are past; and it asks for one wherever it could.
func isPinned(op *graphql.OperationContext, now time.Time) bool {
	p := pinning{variables: op.Variables, now: now}
	return op.Operation.Operation == ast.Query && p.selections(op.Operation.SelectionSet, true)
}

type pinning struct {
	variables map[string]any
	now       time.Time
}

func (p pinning) selections(set ast.SelectionSet, atRoot bool) bool {
	for _, s := range set {
		pinned := false
		switch s := s.(type) {
		case *ast.Field:
			pinned = p.field(s, atRoot)
		case *ast.InlineFragment:
			pinned = p.selections(s.SelectionSet, atRoot)
		case *ast.FragmentSpread:
			pinned = s.Definition != nil && p.selections(s.Definition.SelectionSet, atRoot)
		}
		if !pinned {
			return false
		}
	}
	return true
}

func (p pinning) field(f *ast.Field, atRoot bool) bool {
	switch {
	case f.Name == "__typename":
		return true
	case f.Definition == nil:
		return false
	case f.Name == "body": // of a source: it may be erased
		return false
	case atRoot && f.Definition.Arguments.ForName("asOf") == nil:
		return false
	}
	for _, a := range f.Definition.Arguments {
		if a.Type.Name() != "AsOf" {
			continue
		}
		given := f.Arguments.ForName(a.Name)
		if given == nil || !p.isPast(given.Value) {
			return false
		}
	}
	return p.selections(f.SelectionSet, false)
}

// isPast reports whether a lens has both instants, and both are past.
func (p pinning) isPast(asOf *ast.Value) bool {
	value, err := asOf.Value(p.variables)
	lens, ok := value.(map[string]any)
	if err != nil || !ok {
		return false
	}
	var read parley.AsOf
	for axis, into := range map[string]**parley.Instant{"validAt": &read.ValidAt, "knownAt": &read.KnownAt} {
		text, _ := lens[axis].(string)
		if at, err := parley.ParseInstant(text); err == nil {
			*into = &at
		}
	}
	return read.IsPast(p.now)
}
