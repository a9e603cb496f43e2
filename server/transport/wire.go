package transport

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

// attempt is one write on a socket's descriptor. Attempts are pooled with their closure, so that writing allocates
// nothing.
type attempt struct {
	buffer []byte
	n      int
	err    error
	write  func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := &attempt{}
	a.write = func(fd uintptr) bool {
		a.n, a.err = retried(func() (int, error) { return syscall.Write(int(fd), a.buffer) })
		return true // never wait for the descriptor
	}
	return a
}}

func retried(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// try writes what the kernel accepts at once.
func (s *socket) try(b []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	a := attempts.Get().(*attempt)
	defer attempts.Put(a)
	a.buffer, a.n, a.err = b, 0, nil
	err := s.raw.Write(a.write)
	a.buffer = nil
	switch {
	case err != nil:
		return 0, err
	case a.err != nil && !errors.Is(a.err, syscall.EAGAIN):
		return 0, a.err
	}
	return max(a.n, 0), nil
}

// chunk is how many bytes a client has to accept within Limits.Write.
const chunk = 64 << 10

// write writes everything, and waits for the client.
func (s *socket) write(b []byte) error {
	defer s.conn.SetWriteDeadline(time.Time{}) // the deadline would also fail writes that don't wait
	for len(b) > 0 {
		s.conn.SetWriteDeadline(time.Now().Add(s.transports.Limits.Write))
		n, err := s.conn.Write(b[:min(chunk, len(b))])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// broken closes the connection, which ends the goroutine that reads from it.
func (s *socket) broken() { s.conn.Close() }

// inputs are buffers to read into. A connection holds none while it waits for input.
var inputs = sync.Pool{New: func() any { b := make([]byte, 4096); return &b }}

// fill waits for input. A message that has begun has to be complete within Limits.Ping, even if its bytes keep
// arriving.
func (s *socket) fill() error {
	if !s.frames.idle() && s.until.IsZero() {
		s.until = time.Now().Add(s.transports.Limits.Ping)
	}
	s.mu.Lock()
	if !s.isClosing {
		if err := s.conn.SetReadDeadline(s.until); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	s.mu.Unlock()
	if s.raw == nil {
		small := make([]byte, 512)
		n, err := s.conn.Read(small)
		s.frames.in = append(s.frames.in, small[:n]...)
		return err
	}
	var n int
	var failure error
	err := s.raw.Read(func(fd uintptr) bool {
		buffer := inputs.Get().(*[]byte)
		defer inputs.Put(buffer)
		n, failure = retried(func() (int, error) { return syscall.Read(int(fd), *buffer) })
		if errors.Is(failure, syscall.EAGAIN) {
			return false // the runtime calls it again when there is input
		}
		s.frames.in = append(s.frames.in, (*buffer)[:max(n, 0)]...)
		return true
	})
	if err = errors.Join(err, failure); err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	return nil
}
