package server

import (
	"io"
	"net/http"
	"sync"
	"time"

	"example.org/parley/internal/deadline"
)

// A body has to come at least so fast, after a while that every client has.
const (
	bodyTime = 10 * time.Second
	bodyRate = 16 << 10 // bytes a second
)

var slowBodies = deadline.New(bodyTime)

// steadily gives a request's body as long as it keeps coming. A client that sends a byte now and then would hold a
// connection for long. When the request is answered, done has to be called.
func steadily(w http.ResponseWriter, r *http.Request) (done func()) {
	if r.Body == nil || r.Body == http.NoBody {
		return func() {}
	}
	b := &steadyBody{
		ReadCloser: r.Body, control: http.NewResponseController(w), connection: connectionOf(r), begun: time.Now(),
	}
	b.inTime = slowBodies.Begin(b.isLate)
	r.Body = b
	return b.end
}

type steadyBody struct {
	io.ReadCloser
	control    *http.ResponseController
	connection *connection
	begun      time.Time
	inTime     func()

	mu     sync.Mutex
	length int64
	late   bool
	ended  bool
}

// Read reads a part.
func (b *steadyBody) Read(into []byte) (int, error) {
	b.connection.waits(true)
	n, err := b.ReadCloser.Read(into)
	b.connection.waits(false)
	b.mu.Lock()
	b.length += int64(n)
	b.hurry()
	if err == io.EOF && b.late {
		b.control.SetReadDeadline(time.Time{})
	}
	b.mu.Unlock()
	if err != nil {
		b.end()
	}
	return n, err
}

// isLate is called when every client would have sent a short body.
func (b *steadyBody) isLate() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.late = true
	b.hurry()
}

// hurry gives a late client as long as it has for what has come so far. An error means that this kind of connection has
// no deadlines. The caller holds the lock.
func (b *steadyBody) hurry() {
	if b.late && !b.ended {
		b.control.SetReadDeadline(b.begun.Add(bodyTime + time.Duration(b.length)*time.Second/bodyRate))
	}
}

// end leaves the connection alone from now on.
func (b *steadyBody) end() {
	b.inTime()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}
