// Package graph holds the API's schema, topic by topic, and what is generated from it.
package graph

import (
	"fmt"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"example.org/parley"
)

// MarshalTime writes an instant with always six fractional digits and Z, so that the strings sort as the instants do.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(AppendTime(nil, t)) })
}

// AppendTime appends what MarshalTime writes.
func AppendTime(b []byte, t time.Time) []byte {
	return append(parley.AppendInstant(append(b, '"'), t), '"')
}

// UnmarshalTime reads an RFC 3339 instant.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		s = fmt.Sprint(v) // which is refused with what would be accepted
	}
	t, err := parley.ParseInstant(s)
	if err != nil {
		return time.Time{}, parley.NewFault(parley.BadRequest, "%s", err)
	}
	return t, nil
}
