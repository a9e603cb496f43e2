package transport

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley/server/observe"
)

// refusing is an executor that refuses every operation.
type refusing struct{ graphql.GraphExecutor }

func (refusing) DispatchError(_ context.Context, list gqlerror.List) *graphql.Response {
	return &graphql.Response{Errors: list}
}

// interrupted is a response writer whose server stops before the stream has begun.
type interrupted struct {
	*httptest.ResponseRecorder
	stop    func()
	written chan struct{} // closed with the first bytes
}

// SetReadDeadline is the first call that a stream makes on its response. It stops the server.
func (w *interrupted) SetReadDeadline(time.Time) error {
	w.stop()
	select {
	case <-w.written:
	case <-time.After(100 * time.Millisecond): // nothing may be written yet
	}
	return nil
}

func (w *interrupted) SetWriteDeadline(time.Time) error { return nil }

func (w *interrupted) Write(b []byte) (int, error) {
	select {
	case <-w.written:
	default:
		close(w.written)
	}
	return w.ResponseRecorder.Write(b)
}

// A server may stop while a stream begins. The client is told after the header.
func TestStreamsThatBeginWhileTheServerStops(t *testing.T) {
	t.Parallel()
	transports := forTests(DefaultLimits)
	drained := make(chan struct{})
	w := &interrupted{ResponseRecorder: httptest.NewRecorder(), written: make(chan struct{})}
	w.stop = func() {
		go func() {
			defer close(drained)
			transports.Drain(t.Context())
		}()
	}
	ctx, seen := transports.Observer.Begin(t.Context(), observe.Events)
	stream(ctx, transports, w, httptest.NewRequest(http.MethodPost, "/", nil), refusing{}, &graphql.OperationContext{},
		gqlerror.List{gqlerror.Errorf("refused")}, seen)
	<-drained
	if got := w.Result().Header.Get("Content-Type"); got != mediaEvents {
		t.Errorf("the stream is of type %q", got)
	}
	if got := w.Body.String(); got != ": the server stops; connect again\n\n" &&
		!strings.HasPrefix(got, "event: next\n") {
		t.Errorf("it says %q", got)
	}
}
