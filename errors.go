package parley

import (
	"fmt"
	"strings"
)

// UserErrorCode is the kind of a refusal.
type UserErrorCode string

// The kinds of refusal.
const (
	NotFound          UserErrorCode = "NOT_FOUND"
	Invalid           UserErrorCode = "INVALID"
	Taken             UserErrorCode = "TAKEN"
	IDReused          UserErrorCode = "ID_REUSED"
	InvalidTransition UserErrorCode = "INVALID_TRANSITION"
	Conflict          UserErrorCode = "CONFLICT"
	InUse             UserErrorCode = "IN_USE"
	QuoteNotFound     UserErrorCode = "QUOTE_NOT_FOUND"
)

// UserError is one refusal. Message is a sentence that names the value and says what is accepted. Field is the path of
// the input field, nil if the refusal is about the whole input.
type UserError struct {
	Code    UserErrorCode
	Message string
	Field   []string
}

// Refusal is the error of a mutation whose input is refused. Nothing was written.
type Refusal []UserError

func (r Refusal) Error() string {
	sentences := make([]string, len(r))
	for i, e := range r {
		sentences[i] = e.Message
	}
	return strings.Join(sentences, " ")
}

// Refuse returns a Refusal with one sentence. Field is the path of the input field, with dots between its parts; empty
// means the whole input.
func Refuse(code UserErrorCode, field, format string, args ...any) error {
	return Refusal{{Code: code, Message: sentence(format, args...), Field: fieldPath(field)}}
}

// MaxErrors is how many errors one answer lists at most.
const MaxErrors = 20

// maxRepeated is how much of a text a message repeats, in code points.
const maxRepeated = 1_000

// sentence is a message. Of a long text it repeats the beginning only.
func sentence(format string, args ...any) string {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = Clip(text, maxRepeated)
		}
	}
	return fmt.Sprintf(format, args...)
}

// Clip returns a text, or its first code points and "…" if it has more than limit.
func Clip(text string, limit int) string {
	n := 0
	for at := range text {
		if n++; n > limit {
			return text[:at] + "…"
		}
	}
	return text
}

func fieldPath(field string) []string {
	if field == "" {
		return nil
	}
	return strings.Split(field, ".")
}

// FaultCode is the kind of a fault.
type FaultCode string

// The kinds of fault that package parley and its adapters return.
const (
	Unauthenticated FaultCode = "UNAUTHENTICATED"
	Forbidden       FaultCode = "FORBIDDEN"
	BadCursor       FaultCode = "BAD_CURSOR"
	BadLens         FaultCode = "BAD_LENS"
	BadRequest      FaultCode = "BAD_REQUEST"
	Limit           FaultCode = "LIMIT"
	Internal        FaultCode = "INTERNAL"
	// Unavailable: the database can't be used at present. The sentence says whether anything was recorded.
	Unavailable FaultCode = "UNAVAILABLE"
	// PersistedQueryNotFound is the code that clients of persisted queries look for.
	PersistedQueryNotFound FaultCode = "PERSISTED_QUERY_NOT_FOUND"
)

// Fault is the error of a request that can't be answered, for example because a cursor or a record in a filter is
// unknown.
type Fault struct {
	Code    FaultCode
	Message string
}

func (f *Fault) Error() string { return f.Message }

// NewFault returns a Fault with one sentence.
func NewFault(code FaultCode, format string, args ...any) error {
	return &Fault{Code: code, Message: sentence(format, args...)}
}
