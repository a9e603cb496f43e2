package server

import (
	"io"
	"net/http"
	"time"
)

// A body has to come at least so fast, after a while that every client has.
const (
	bodyTime = 10 * time.Second
	bodyRate = 16 << 10 // bytes a second
)

// steadily gives a request's body as long as it keeps coming. A client that sends a byte now and then would hold a
// connection for long.
func steadily(w http.ResponseWriter, r *http.Request) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &steadyBody{ReadCloser: r.Body, control: http.NewResponseController(w), connection: connectionOf(r), begun: time.Now()}
	}
}

type steadyBody struct {
	io.ReadCloser
	control    *http.ResponseController
	connection *connection
	begun      time.Time
	length     int64
}

func (b *steadyBody) Read(into []byte) (int, error) {
	// An error means that this kind of connection has no deadlines.
	b.control.SetReadDeadline(b.begun.Add(bodyTime + time.Duration(b.length)*time.Second/bodyRate))
	b.connection.waits(true)
	n, err := b.ReadCloser.Read(into)
	b.connection.waits(false)
	b.length += int64(n)
	if err == io.EOF {
		b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
