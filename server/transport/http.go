package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/resolvers"
	"example.org/parley/server/observe"
)

// Media types of answers. By GraphQL over HTTP, an operation that is not valid is answered with status 400 to a client
// that asks for the newer type, and with 200 to others. Streams of events follow the graphql-sse library's protocol.
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
	mediaEvents   = "text/event-stream"
)

// HTTP is the transport for POST and GET. It answers once, or with a stream of events.
type HTTP struct{ *Transports }

var _ graphql.Transport = HTTP{}

// Supports reports whether the request is a POST, a GET, or a HEAD, which is answered like a GET. The server has checked
// its media type.
func (HTTP) Supports(r *http.Request) bool {
	return !WantsWebSocket(r) && (r.Method == http.MethodPost || r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// Do answers an operation.
func (t HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	by, came := ByPOST, observe.POST
	if r.Method != http.MethodPost {
		by, came = ByGET, observe.GET
	}
	accepts := acceptedBy(r)
	if by == ByGET {
		w.Header().Set("Cache-Control", dontStore) // unless it turns out otherwise
	}
	ctx := withCarrier(r.Context(), by, accepts.events)
	leave, err := t.intake.room(ctx, r.ContentLength)
	var params *graphql.RawParams
	if err == nil {
		defer leave()
		params, err = t.paramsOf(ctx, r)
	}
	if err == nil && !accepts.events && params.Query == "" && params.Extensions["persistedQuery"] == nil {
		err = errNoQuery
	}
	ctx, seen := t.Observer.Begin(ctx, came)
	defer seen.Ensure()
	if err != nil {
		status := http.StatusBadRequest
		switch {
		case errors.As(err, new(*parley.Fault)):
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "1")
		case errors.As(err, new(*http.MaxBytesError)):
			status = http.StatusRequestEntityTooLarge
		case errors.Is(err, os.ErrDeadlineExceeded):
			status = http.StatusRequestTimeout
		}
		response := exec.DispatchError(ctx, gqlerror.List{unreadable(err)})
		seen.End(response.Errors)
		refuse(w, accepts, status, response)
		return
	}
	op, errs := t.operationOf(ctx, exec, params)
	seen.Is = op
	isSubscription := errs == nil && op.Operation.Operation == ast.Subscription
	if accepts.events && (isSubscription || !accepts.json) {
		leave()
		seen.By = observe.Events
		stream(ctx, t.Transports, w, r, exec, op, errs, seen)
		return
	}
	if errs != nil {
		status := accepts.statusOf(errs)
		if by == ByGET && op.Operation != nil && op.Operation.Operation == ast.Mutation {
			status = http.StatusMethodNotAllowed
			w.Header().Set("Allow", http.MethodPost)
		}
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		seen.End(response.Errors)
		refuse(w, accepts, status, response)
		return
	}
	respond, ctx := exec.DispatchOperation(ctx, op)
	response := respond(ctx)
	seen.End(errorsOf(response))
	switch {
	case response == nil: // the client has disconnected
	case by == ByGET:
		answerGET(w, r, accepts, op, response)
	default:
		answer(w, accepts, statusOf(w, response), response)
	}
}

// errorsOf are a response's errors; nil stands for a response to a client that has disconnected.
func errorsOf(response *graphql.Response) gqlerror.List {
	if response == nil {
		return nil
	}
	return response.Errors
}

// statusOf is the status of an operation that was executed: 503 if the database could not be used for any of its fields, and 429 if
// the caller has been answered too much of late, so that proxies and clients know that it is worth trying again.
func statusOf(w http.ResponseWriter, response *graphql.Response) int {
	if quota, told := response.Extensions[resolvers.QuotaKey].(resolvers.Quota); told && quota.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(quota.RetryAfter))
		return http.StatusTooManyRequests
	}
	if !slices.ContainsFunc(response.Errors, func(e *gqlerror.Error) bool { return e.Extensions["code"] == string(parley.Unavailable) }) {
		return http.StatusOK
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(response.Data, &fields); err != nil {
		return http.StatusOK
	}
	for _, value := range fields {
		if string(value) != "null" {
			return http.StatusOK
		}
	}
	w.Header().Set("Retry-After", "5")
	return http.StatusServiceUnavailable
}

// answerGET answers a query that came by GET, so that it can be cached.
func answerGET(
	w http.ResponseWriter, r *http.Request, accepts accepted, op *graphql.OperationContext, response *graphql.Response,
) {
	header := w.Header()
	header.Add("Vary", "Accept")
	if len(response.Errors) > 0 {
		answer(w, accepts, statusOf(w, response), response)
		return
	}
	SetCaching(r.Context(), header, isPinned(op, time.Now()))
	body := encode(nil, response)
	tag := Tag(body)
	header.Set("ETag", tag)
	if knows(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	write(w, accepts, http.StatusOK, body)
}

// operationOf reads the document and the variables of a request.
func (t HTTP) operationOf(
	ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams,
) (*graphql.OperationContext, gqlerror.List) {
	if !t.Known(params.Query) {
		turn, err := t.intake.preparing.Take(ctx, 0)
		if err != nil {
			return new(graphql.OperationContext), gqlerror.List{Refused(parley.BadRequest, "The request was given up.")}
		}
		defer turn.End()
	}
	return operationOf(ctx, exec, params)
}

// paramsOf reads the operation of a request.
func (t HTTP) paramsOf(ctx context.Context, r *http.Request) (*graphql.RawParams, error) {
	start := graphql.Now()
	if r.Method == http.MethodPost {
		body, err := bodyOf(r)
		if err != nil {
			return nil, err
		}
		if len(body) > shortBody {
			turn, err := t.intake.preparing.Take(ctx, 0)
			if err != nil {
				return nil, err
			}
			defer turn.End()
		}
		return readParams(body, start)
	}
	asked := r.URL.Query()
	for name := range asked {
		if damage := parley.DamageInText(name, asked.Get(name)); damage != nil {
			return nil, damage
		}
	}
	fields := map[string]any{"query": asked.Get("query"), "operationName": asked.Get("operationName")}
	for _, name := range []string{"variables", "extensions"} {
		if text := asked.Get(name); text != "" {
			fields[name] = json.RawMessage(text)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return readParams(text, start)
}

// bodyOf reads a request's body. A long one is read in pieces: so no more is read of one that has too many values, and
// no buffer grows, which would be copied again and again while nobody else is served.
func bodyOf(r *http.Request) ([]byte, error) {
	const size = 64 << 10
	if 0 <= r.ContentLength && r.ContentLength <= size {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	var pieces [][]byte
	var values values
	for {
		piece := make([]byte, 0, size)
		for len(piece) < size {
			n, err := r.Body.Read(piece[len(piece):size])
			piece = piece[:len(piece)+n]
			switch {
			case err == io.EOF:
				return bytes.Join(append(pieces, piece), nil), nil
			case err != nil:
				return nil, err
			}
		}
		if values.count(piece); values.tooMany() {
			return nil, tooManyValues{}
		}
		pieces = append(pieces, piece)
	}
}

// accepted describes what a client accepts.
type accepted struct {
	media  string // of a single answer
	json   bool   // whether it accepts single answers
	events bool   // whether it accepts streams
}

func acceptedBy(r *http.Request) accepted {
	a := accepted{media: mediaJSON, json: true}
	chosen, other := false, false
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		switch media, _, _ := mime.ParseMediaType(part); media {
		case mediaEvents:
			a.events = true
		case mediaResponse, mediaJSON:
			if !chosen {
				a.media, chosen = media, true
			}
		default:
			other = true
		}
	}
	a.json = chosen || other || !a.events
	return a
}

func (a accepted) statusOf(errs gqlerror.List) int {
	if a.media == mediaResponse && errcode.GetErrorKind(errs) == errcode.KindProtocol {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// answers are buffers in which responses are encoded.
var answers = sync.Pool{New: func() any { return new([]byte) }}

const (
	// maxAnswer is the largest buffer that is reused, in bytes.
	maxAnswer = 1 << 18
	// AnswerTimeout is how long a client may take to accept an answer.
	AnswerTimeout = 60 * time.Second
)

// answer writes a response.
func answer(w http.ResponseWriter, accepts accepted, status int, response *graphql.Response) {
	if len(response.Data) > maxAnswer { // it is not copied
		write(w, accepts, status, appendHead(nil, response), response.Data, appendTail(nil, response))
		return
	}
	buffer := answers.Get().(*[]byte)
	b := encode((*buffer)[:0], response)
	write(w, accepts, status, b)
	if cap(b) <= maxAnswer {
		*buffer = b
		answers.Put(buffer)
	}
}

func write(w http.ResponseWriter, accepts accepted, status int, pieces ...[]byte) {
	length := 0
	for _, piece := range pieces {
		length += len(piece)
	}
	header := w.Header()
	header.Set("Content-Type", accepts.media)
	header.Set("Content-Length", strconv.Itoa(length))
	// The time counts from when the answer is ready, however long that took.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(AnswerTimeout))
	w.WriteHeader(status)
	for _, piece := range pieces {
		w.Write(piece)
	}
}

// Refuse answers a request that does not reach GraphQL execution with an error.
func Refuse(w http.ResponseWriter, status int, code parley.FaultCode, message string) {
	refuse(w, accepted{media: mediaJSON}, status, &graphql.Response{Errors: gqlerror.List{Refused(code, message)}})
}

// refuse answers a request whose operation is not executed: with errors, and without data.
func refuse(w http.ResponseWriter, accepts accepted, status int, response *graphql.Response) {
	write(w, accepts, status, append(append([]byte(`{"errors":`), encoded(response.Errors)...), '}'))
}

// Refused returns a GraphQL error with a fault's code and message.
func Refused(code parley.FaultCode, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(code)}}
}
