package graph

import (
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/graph/level"
)

// MarshalObjectID writes the id of an object.
func MarshalObjectID(o parley.ObjectID) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(AppendObjectID(nil, o)) })
}

// AppendObjectID appends what MarshalObjectID writes.
func AppendObjectID(b []byte, o parley.ObjectID) []byte {
	switch {
	case o.Record == uuid.Nil:
		return append(b, "null"...)
	case o.IsPlain():
		return level.AppendUUID(b, o.Record)
	}
	return append(o.Append(append(b, '"')), '"')
}

// UnmarshalObjectID reads the id of an object.
func UnmarshalObjectID(v any) (parley.ObjectID, error) {
	text, err := graphql.UnmarshalString(v)
	if err != nil {
		return parley.ObjectID{}, err
	}
	o, ok := parley.ReadObjectID(text)
	if !ok {
		return parley.ObjectID{}, parley.NewFault(parley.BadRequest, "%.120q is not the id of an object.", text)
	}
	return o, nil
}
