package transport

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
)

// The media types of answers, as GraphQL over HTTP has them: a client that asks for the newer one is told of a faulty
// request by status 400 rather than 422. Events are streams by the graphql-sse library's protocol.
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
	mediaEvents   = "text/event-stream"
)

// HTTP is the transport for POST and GET, with one answer or a stream of them.
type HTTP struct{ *Transports }

var _ graphql.Transport = HTTP{}

// Supports says whether the request is one for it; the server has seen to its media type.
func (HTTP) Supports(r *http.Request) bool {
	return !WantsWebSocket(r) && (r.Method == http.MethodPost || r.Method == http.MethodGet)
}

// Do answers an operation.
func (t HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	by := ByPOST
	if r.Method == http.MethodGet {
		by = ByGET
	}
	accepts := acceptedBy(r)
	ctx := withCarrier(r.Context(), by, accepts.events)
	params, err := paramsOf(r)
	if err != nil {
		unreadable := gqlerror.Errorf("the operation can't be read: %v", err)
		answer(w, accepts, http.StatusBadRequest, exec.DispatchError(ctx, gqlerror.List{unreadable}))
		return
	}
	op, errs := exec.CreateOperationContext(ctx, params)
	isSubscription := errs == nil && op.Operation.Operation == ast.Subscription
	if accepts.events && (isSubscription || !accepts.json) {
		stream(t.Transports, w, r, exec, op, errs)
		return
	}
	if errs != nil {
		answer(w, accepts, accepts.statusOf(errs), exec.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		return
	}
	respond, ctx := exec.DispatchOperation(ctx, op)
	if response := respond(ctx); response != nil { // nil: the client has gone
		answer(w, accepts, http.StatusOK, response)
	}
}

// paramsOf reads the operation of a request.
func paramsOf(r *http.Request) (*graphql.RawParams, error) {
	start := graphql.Now()
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return readParams(body, start)
	}
	asked := r.URL.Query()
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

// accepted is what a client can read.
type accepted struct {
	media  string // of a single answer
	json   bool   // it takes single answers
	events bool   // it takes streams
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
	switch {
	case errcode.GetErrorKind(errs) != errcode.KindProtocol:
		return http.StatusOK
	case a.media == mediaResponse:
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity
}

// answers are the buffers that responses are put together in.
var answers = sync.Pool{New: func() any { return new([]byte) }}

const (
	maxAnswer = 1 << 18 // of a buffer that is kept
	// patience is how long a client may take to accept an answer.
	patience = 60 * time.Second
)

// answer writes a response.
func answer(w http.ResponseWriter, accepts accepted, status int, response *graphql.Response) {
	buffer := answers.Get().(*[]byte)
	b := encode((*buffer)[:0], response)
	header := w.Header()
	header.Set("Content-Type", accepts.media)
	header.Set("Content-Length", strconv.Itoa(len(b)))
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)) // however long it took to find the answer
	w.WriteHeader(status)
	w.Write(b)
	if cap(b) <= maxAnswer {
		*buffer = b
		answers.Put(buffer)
	}
}

// Refuse answers a request that never becomes an operation.
func Refuse(w http.ResponseWriter, status int, code parley.FaultCode, message string) {
	answer(w, accepted{media: mediaJSON}, status, &graphql.Response{Errors: gqlerror.List{Refused(code, message)}})
}

// Refused is an error that says why.
func Refused(code parley.FaultCode, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(code)}}
}
