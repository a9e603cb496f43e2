package resolvers

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
)

// maxMessage bounds messages, in code points: gqlgen repeats what it was sent.
const maxMessage = 2_000

// PresentError returns gqlgen's error presenter. Faults and errors in the request keep their sentence and get a code.
// Any other error is logged once, in full, and shown as an internal error.
func PresentError(log *slog.Logger) graphql.ErrorPresenterFunc {
	outages := &seldom{}
	return func(ctx context.Context, err error) *gqlerror.Error {
		presented := &gqlerror.Error{Err: err, Path: graphql.GetPath(ctx)}
		var asked *gqlerror.Error
		if errors.As(err, &asked) {
			presented.Path, presented.Locations, presented.Extensions = asked.Path, asked.Locations, asked.Extensions
		}
		code, message := "INTERNAL", "Internal error"
		var fault *parley.Fault
		switch {
		case errors.As(err, &fault):
			code, message = string(fault.Code), fault.Message
			if fault.Code == parley.Unavailable && outages.isNew() && firstOf(ctx, err) {
				log.WarnContext(ctx, "the database can't be used", "path", presented.Path.String(), "error", err)
			}
		case asked != nil && slices.Contains(ofRequests, parley.FaultCode(codeOf(asked))):
			code, message = codeOf(asked), asked.Message
		case asked != nil && isAboutRequest(asked):
			code, message = string(parley.BadRequest), asked.Message
		case errors.As(context.Cause(ctx), &fault): // the operation took too long
			code, message = string(fault.Code), fault.Message
		case ctx.Err() != nil:
			code, message = "INTERNAL", "The request was cancelled before it was answered."
		default:
			if firstOf(ctx, err) {
				log.ErrorContext(ctx, "a field could not be answered", "path", presented.Path.String(), "error", err)
			}
		}
		presented.Message = parley.Clip(message, maxMessage)
		presented.Extensions = map[string]any{"code": code}
		return presented
	}
}

// seldom is what happens to everybody at once, and is logged once a second.
type seldom struct{ last atomic.Int64 }

func (s *seldom) isNew() bool {
	now, last := time.Now().UnixNano(), s.last.Load()
	return now-last > int64(time.Second) && s.last.CompareAndSwap(last, now)
}

// faulted returns a fault as an error of a response.
func faulted(f *parley.Fault) *gqlerror.Error {
	return &gqlerror.Error{Message: f.Message, Extensions: map[string]any{"code": string(f.Code)}}
}

// inField names the argument in a fault whose sentence names a filter's field.
func inField(err error, field, argument string) error {
	var fault *parley.Fault
	if !errors.As(err, &fault) {
		return err
	}
	if rest, ok := strings.CutPrefix(fault.Message, field+":"); ok {
		return &parley.Fault{Code: fault.Code, Message: argument + ":" + rest}
	}
	return err
}

// firstOf reports whether an error is new to the operation. An error that failed a whole level arrives once for every
// object of the level.
func firstOf(ctx context.Context, err error) bool {
	op, ok := ctx.Value(operationKey{}).(*operation)
	var placed *gqlerror.Error
	if errors.As(err, &placed) && placed.Err != nil {
		err = placed.Err
	}
	return !ok || op.isNew(err)
}

// ofRequests are the codes with which a request is refused before it is answered, besides BAD_REQUEST.
var ofRequests = []parley.FaultCode{parley.Limit, parley.Forbidden, parley.PersistedQueryNotFound}

func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}

// isAboutRequest reports whether the error is in the request (it can't be read, parsed or validated) and not in
// answering it.
func isAboutRequest(err *gqlerror.Error) bool {
	code := codeOf(err)
	return code == errcode.ParseFailed || code == errcode.ValidationFailed ||
		(err.Unwrap() == nil && len(err.Path) == 0)
}
