package server

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// post takes operations as JSON. (gqlgen's own transport would encode the finished data once more, and fail on a client
// that has gone.)
type post struct{}

var _ graphql.Transport = post{}

// Supports says whether the request is one for it; checkRequest has seen to the media type.
func (post) Supports(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Upgrade") == ""
}

// Do answers an operation.
func (post) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	ctx, start := r.Context(), graphql.Now()
	var params graphql.RawParams
	body, err := io.ReadAll(r.Body)
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		err = decoder.Decode(&params)
	}
	if err != nil {
		unreadable := gqlerror.Errorf("json request body could not be decoded: %v", err)
		answer(w, r, http.StatusBadRequest, exec.DispatchError(ctx, gqlerror.List{unreadable}))
		return
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	op, errs := exec.CreateOperationContext(ctx, &params)
	if errs != nil {
		answer(w, r, statusOf(r, errs), exec.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		return
	}
	respond, ctx := exec.DispatchOperation(ctx, op)
	if response := respond(ctx); response != nil { // nil: the client has gone
		answer(w, r, http.StatusOK, response)
	}
}

// The media types of answers, as GraphQL over HTTP has them: a client that asks for the newer one is told of a faulty
// request by status 400 rather than 422.
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
)

func mediaOf(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch media, _, _ := mime.ParseMediaType(part); media {
		case mediaResponse:
			return mediaResponse
		case mediaJSON:
			return mediaJSON
		}
	}
	return mediaJSON
}

func statusOf(r *http.Request, errs gqlerror.List) int {
	switch {
	case errcode.GetErrorKind(errs) != errcode.KindProtocol:
		return http.StatusOK
	case mediaOf(r) == mediaResponse:
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity
}

// answers are the buffers that responses are put together in.
var answers = sync.Pool{New: func() any { return new([]byte) }}

const maxAnswer = 1 << 18 // of a buffer that is kept

// answer writes a response, its data as it is.
func answer(w http.ResponseWriter, r *http.Request, status int, response *graphql.Response) {
	buffer := answers.Get().(*[]byte)
	b := append((*buffer)[:0], '{')
	if len(response.Errors) > 0 {
		errs, err := json.Marshal(response.Errors)
		if err != nil {
			panic(err) // which is answered and logged
		}
		b = append(append(append(b, `"errors":`...), errs...), ',')
	}
	b = append(b, `"data":`...)
	if response.Data == nil {
		b = append(b, "null"...)
	}
	b = append(append(b, response.Data...), '}')

	header := w.Header()
	header.Set("Content-Type", mediaOf(r))
	header.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b)
	if cap(b) <= maxAnswer {
		*buffer = b
		answers.Put(buffer)
	}
}
