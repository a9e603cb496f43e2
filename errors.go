package parley

import (
	"fmt"
	"strings"
)

// UserErrorCode classes a refusal of what a mutation was given.
type UserErrorCode string

// The classes of refusal.
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

// UserError is one refusal: a sentence for a person that names the value and what would be accepted, and the path
// of the input field it is about (empty where it is about the whole).
type UserError struct {
	Code    UserErrorCode
	Message string
	Field   []string
}

// Refusal is the error of a mutation whose content can't be accepted. Nothing was written.
type Refusal []UserError

func (r Refusal) Error() string {
	sentences := make([]string, len(r))
	for i, e := range r {
		sentences[i] = e.Message
	}
	return strings.Join(sentences, " ")
}

// Refuse makes a refusal with one sentence about the input field at the path, whose parts are separated by dots.
func Refuse(code UserErrorCode, field, format string, args ...any) error {
	return Refusal{{Code: code, Message: fmt.Sprintf(format, args...), Field: fieldPath(field)}}
}

func fieldPath(field string) []string {
	if field == "" {
		return nil
	}
	return strings.Split(field, ".")
}

// FaultCode classes an error that is about the request as a whole and not about a mutation's content.
type FaultCode string

// The classes of fault that package parley and its adapters tell apart.
const (
	Unauthenticated FaultCode = "UNAUTHENTICATED"
	BadCursor       FaultCode = "BAD_CURSOR"
	BadLens         FaultCode = "BAD_LENS"
	BadRequest      FaultCode = "BAD_REQUEST"
	Limit           FaultCode = "LIMIT"
	Internal        FaultCode = "INTERNAL"
)

// Fault is a request that can't be answered: an unknown cursor, a filter that names a record nobody knows.
type Fault struct {
	Code    FaultCode
	Message string
}

func (f *Fault) Error() string { return f.Message }

// NewFault makes a fault with one sentence.
func NewFault(code FaultCode, format string, args ...any) error {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}
