package transport

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// closing is the reason to close a WebSocket. It is sent to the peer.
type closing struct {
	code   ws.StatusCode
	reason string
}

// Error returns the reason.
func (c closing) Error() string { return c.reason }

// frames assembles messages from a WebSocket's bytes. Between messages it holds no memory.
type frames struct {
	limit      int    // largest message, in bytes
	in         []byte // input that is not a complete frame yet
	message    []byte // frames of a message whose last frame is missing
	fragmented bool
	failed     bool // after an error, input is ignored: frame boundaries are unknown
}

// idle reports whether no message has begun.
func (f *frames) idle() bool { return len(f.in) == 0 && !f.fragmented }

// next returns the next text message or control frame, or false if more bytes are needed first. The payload is valid
// until bytes are added. After an error, next returns nothing more.
func (f *frames) next() (op ws.OpCode, payload []byte, ok bool, err error) {
	if !f.failed {
		op, payload, ok, err = f.take()
	}
	if f.failed = f.failed || err != nil; f.failed {
		f.in, f.message, f.fragmented = nil, nil, false
	}
	return op, payload, ok, err
}

func (f *frames) take() (op ws.OpCode, payload []byte, ok bool, err error) {
	for {
		r := bytes.NewReader(f.in)
		header, err := ws.ReadHeader(r)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return 0, nil, false, nil
		case err != nil:
			return 0, nil, false, closing{ws.StatusProtocolError, err.Error()}
		}
		state := ws.StateServerSide
		if f.fragmented {
			state = state.Set(ws.StateFragmented)
		}
		if err := ws.CheckHeader(header, state); err != nil {
			return 0, nil, false, closing{ws.StatusProtocolError, err.Error()}
		}
		if header.OpCode == ws.OpBinary {
			return 0, nil, false, closing{ws.StatusUnsupportedData, "messages must be text"}
		}
		if !header.OpCode.IsControl() && header.Length > int64(f.limit-len(f.message)) {
			return 0, nil, false, closing{ws.StatusMessageTooBig, "the message is too long; send it by POST"}
		}
		if int64(r.Len()) < header.Length {
			return 0, nil, false, nil
		}
		begin := len(f.in) - r.Len()
		end := begin + int(header.Length)
		payload, f.in = f.in[begin:end:end], f.in[end:]
		if len(f.in) == 0 {
			f.in = nil
		}
		ws.Cipher(payload, header.Mask, 0)
		if header.OpCode.IsControl() {
			return header.OpCode, payload, true, nil
		}
		if f.fragmented || !header.Fin {
			f.message = append(f.message, payload...)
			payload = f.message
		}
		if f.fragmented = !header.Fin; f.fragmented {
			continue
		}
		f.message = nil
		if !utf8.Valid(payload) {
			return 0, nil, false, closing{ws.StatusInvalidFramePayloadData, "the message is not UTF-8"}
		}
		return ws.OpText, payload, true, nil
	}
}

// appendFrame appends the header of an unfragmented frame whose payload has the given length.
func appendFrame(b []byte, op ws.OpCode, length int) []byte {
	switch {
	case length < 126:
		return append(b, 0x80|byte(op), byte(length))
	case length < 1<<16:
		return append(b, 0x80|byte(op), 126, byte(length>>8), byte(length))
	}
	n := uint64(length)
	return append(b, 0x80|byte(op), 127, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16),
		byte(n>>8), byte(n))
}

// closeFrame returns a close frame. A reason that is too long is cut between runes.
func closeFrame(why closing) []byte {
	const most = 123 // bytes of a reason
	reason := why.reason
	for len(reason) > most || !utf8.ValidString(reason) {
		reason = reason[:min(len(reason)-1, most)]
	}
	body := ws.NewCloseFrameBody(why.code, reason)
	return append(appendFrame(nil, ws.OpClose, len(body)), body...)
}
