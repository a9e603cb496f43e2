package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// The first byte of a frame.
const (
	last      = 0x80 // the last frame of its message
	goesOn    = 0x00 // continues a message
	text      = 0x01
	binaryOne = 0x02
	closes    = 0x08
	ping      = 0x09
	pong      = 0x0a
)

// frame returns a client's frame, with its length in the shortest form.
func frame(first byte, payload string) []byte {
	switch n := len(payload); {
	case n < 126:
		return frameOf(first, 0, uint64(n), payload)
	case n < 1<<16:
		return frameOf(first, 2, uint64(n), payload)
	default:
		return frameOf(first, 8, uint64(n), payload)
	}
}

// frameOf returns a client's frame that gives its length in 0, 2, or 8 extra bytes. The length need not be the
// payload's.
func frameOf(first byte, more int, length uint64, payload string) []byte {
	b := []byte{first, 0x80 | byte(length)}
	switch more {
	case 2:
		b[1] = 0x80 | 126
		b = binary.BigEndian.AppendUint16(b, uint16(length))
	case 8:
		b[1] = 0x80 | 127
		b = binary.BigEndian.AppendUint64(b, length)
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	masked := []byte(payload)
	ws.Cipher(masked, mask, 0)
	return append(append(b, mask[:]...), masked...)
}

// unmasked returns a frame as a server sends it.
func unmasked(first byte, payload string) []byte {
	return append([]byte{first, byte(len(payload))}, payload...)
}

// came is a message or control frame.
type came struct {
	op   ws.OpCode
	text string
}

// limitOfTests is the longest message that the tests allow, in bytes.
const limitOfTests = 70_000

// frameCases are valid and invalid inputs.
var frameCases = []struct {
	name string
	sent [][]byte
	want []came
	code ws.StatusCode // of the close frame; 0: the input is valid
	busy bool          // whether an incomplete message is left
}{
	{name: "nothing"},
	{name: "an empty message", sent: [][]byte{frame(last|text, "")}, want: []came{{ws.OpText, ""}}},
	{name: "a message", sent: [][]byte{frame(last|text, "hello")}, want: []came{{ws.OpText, "hello"}}},
	{
		name: "several messages",
		sent: [][]byte{frame(last|text, "one"), frame(last|text, ""), frame(last|text, "two")},
		want: []came{{ws.OpText, "one"}, {ws.OpText, ""}, {ws.OpText, "two"}},
	},
	{name: "125 bytes", sent: [][]byte{frame(last|text, long(125))}, want: []came{{ws.OpText, long(125)}}},
	{name: "126 bytes", sent: [][]byte{frame(last|text, long(126))}, want: []came{{ws.OpText, long(126)}}},
	{name: "127 bytes", sent: [][]byte{frame(last|text, long(127))}, want: []came{{ws.OpText, long(127)}}},
	{name: "65535 bytes", sent: [][]byte{frame(last|text, long(65535))}, want: []came{{ws.OpText, long(65535)}}},
	{name: "65536 bytes", sent: [][]byte{frame(last|text, long(65536))}, want: []came{{ws.OpText, long(65536)}}},
	{
		name: "as many bytes as allowed",
		sent: [][]byte{frame(last|text, long(limitOfTests))},
		want: []came{{ws.OpText, long(limitOfTests)}},
	},
	{name: "a byte too many", sent: [][]byte{frame(last|text, long(limitOfTests+1))}, code: ws.StatusMessageTooBig},
	{
		name: "a frame too long, of which only the header comes",
		sent: [][]byte{frameOf(last|text, 8, 1<<62, "")},
		code: ws.StatusMessageTooBig,
	},
	{
		name: "the most significant bit of a length",
		sent: [][]byte{frameOf(last|text, 8, 1<<63, "")},
		code: ws.StatusProtocolError,
	},
	{name: "all bits of a length", sent: [][]byte{frameOf(last|text, 8, 1<<64-1, "")}, code: ws.StatusProtocolError},
	// RFC 6455 requires the shortest form of a length. A longer form is accepted all the same.
	{
		name: "a length of two bytes that need none",
		sent: [][]byte{frameOf(last|text, 2, 5, "hello")},
		want: []came{{ws.OpText, "hello"}},
	},
	{
		name: "a length of eight bytes that need none",
		sent: [][]byte{frameOf(last|text, 8, 5, "hello")},
		want: []came{{ws.OpText, "hello"}},
	},
	{
		name: "a ping with a length of two bytes that need none",
		sent: [][]byte{frameOf(last|ping, 2, 5, "hello")},
		want: []came{{ws.OpPing, "hello"}},
	},

	{name: "part of a header", sent: [][]byte{{last | text}}, busy: true},
	{name: "part of a length", sent: [][]byte{frame(last|text, long(300))[:3]}, busy: true},
	{name: "a frame without its last byte", sent: [][]byte{cut(frame(last|text, "hello"))}, busy: true},
	{
		name: "a message and part of the next",
		sent: [][]byte{frame(last|text, "one"), cut(frame(last|text, "two"))},
		want: []came{{ws.OpText, "one"}},
		busy: true,
	},
	{name: "a message without its last fragment", sent: [][]byte{frame(text, "one"), frame(goesOn, "two")}, busy: true},

	{
		name: "two fragments",
		sent: [][]byte{frame(text, "one, "), frame(last|goesOn, "two")},
		want: []came{{ws.OpText, "one, two"}},
	},
	{
		name: "many fragments",
		sent: append(append([][]byte{frame(text, "a")}, slices.Repeat([][]byte{frame(goesOn, "b")}, 500)...),
			frame(last|goesOn, "c")),
		want: []came{{ws.OpText, "a" + strings.Repeat("b", 500) + "c"}},
	},
	{
		name: "empty fragments",
		sent: [][]byte{frame(text, ""), frame(goesOn, ""), frame(last|goesOn, "")},
		want: []came{{ws.OpText, ""}},
	},
	{
		name: "empty fragments around one",
		sent: [][]byte{frame(text, ""), frame(goesOn, "hello"), frame(last|goesOn, "")},
		want: []came{{ws.OpText, "hello"}},
	},
	{
		name: "a message after a fragmented one",
		sent: [][]byte{frame(text, "one, "), frame(last|goesOn, "two"), frame(last|text, "three")},
		want: []came{{ws.OpText, "one, two"}, {ws.OpText, "three"}},
	},
	{
		name: "fragments of as many bytes as allowed",
		sent: [][]byte{frame(text, long(limitOfTests-1)), frame(last|goesOn, "a")},
		want: []came{{ws.OpText, long(limitOfTests-1) + "a"}},
	},
	{
		name: "fragments of a byte too many",
		sent: [][]byte{frame(text, long(limitOfTests)), frame(last|goesOn, "a")},
		code: ws.StatusMessageTooBig,
	},
	{
		name: "fragments that never end",
		sent: append([][]byte{frame(text, "")}, slices.Repeat([][]byte{frame(goesOn, long(10_000))}, 8)...),
		code: ws.StatusMessageTooBig,
	},
	{name: "a continuation of nothing", sent: [][]byte{frame(goesOn, "hello")}, code: ws.StatusProtocolError},
	{name: "a last continuation of nothing", sent: [][]byte{frame(last|goesOn, "hello")}, code: ws.StatusProtocolError},
	{
		name: "a continuation after the last one",
		sent: [][]byte{frame(text, "a"), frame(last|goesOn, "b"), frame(last|goesOn, "c")},
		want: []came{{ws.OpText, "ab"}},
		code: ws.StatusProtocolError,
	},
	{
		name: "a message within another",
		sent: [][]byte{frame(text, "one"), frame(last|text, "two")},
		code: ws.StatusProtocolError,
	},
	{
		name: "a message that begins within another",
		sent: [][]byte{frame(text, "one"), frame(text, "two")},
		code: ws.StatusProtocolError,
	},

	{name: "a ping", sent: [][]byte{frame(last|ping, "")}, want: []came{{ws.OpPing, ""}}},
	{
		name: "a ping with the longest payload",
		sent: [][]byte{frame(last|ping, long(125))},
		want: []came{{ws.OpPing, long(125)}},
	},
	{
		name: "a ping whose payload is not text",
		sent: [][]byte{frame(last|ping, "\xff\x00\xfe")},
		want: []came{{ws.OpPing, "\xff\x00\xfe"}},
	},
	{name: "a pong", sent: [][]byte{frame(last|pong, "unasked")}, want: []came{{ws.OpPong, "unasked"}}},
	{
		name: "a close",
		sent: [][]byte{frame(last|closes, "\x03\xe8enough")},
		want: []came{{ws.OpClose, "\x03\xe8enough"}},
	},
	{
		name: "control frames between fragments",
		sent: [][]byte{
			frame(text, "one, "),
			frame(last|ping, "p"),
			frame(goesOn, "two, "),
			frame(last|pong, "q"),
			frame(last|goesOn, "three"),
			frame(last|closes, ""),
		},
		want: []came{{ws.OpPing, "p"}, {ws.OpPong, "q"}, {ws.OpText, "one, two, three"}, {ws.OpClose, ""}},
	},
	{name: "a ping of 126 bytes", sent: [][]byte{frame(last|ping, long(126))}, code: ws.StatusProtocolError},
	{
		name: "a close of 126 bytes",
		sent: [][]byte{frame(last|closes, "\x03\xe8"+long(124))},
		code: ws.StatusProtocolError,
	},
	{
		name: "a ping of more than any message",
		sent: [][]byte{frameOf(last|ping, 8, 1<<40, "")},
		code: ws.StatusProtocolError,
	},
	{
		name: "a fragmented ping",
		sent: [][]byte{frame(ping, "a"), frame(last|goesOn, "b")},
		code: ws.StatusProtocolError,
	},
	{name: "a fragmented pong", sent: [][]byte{frame(pong, "a")}, code: ws.StatusProtocolError},
	{name: "a fragmented close", sent: [][]byte{frame(closes, "")}, code: ws.StatusProtocolError},

	{name: "the first reserved bit", sent: [][]byte{frame(last|0x40|text, "hello")}, code: ws.StatusProtocolError},
	{name: "the second reserved bit", sent: [][]byte{frame(last|0x20|text, "hello")}, code: ws.StatusProtocolError},
	{name: "the third reserved bit", sent: [][]byte{frame(last|0x10|text, "hello")}, code: ws.StatusProtocolError},
	{name: "all reserved bits of a ping", sent: [][]byte{frame(last|0x70|ping, "")}, code: ws.StatusProtocolError},
	{
		name: "a reserved bit after a good message",
		sent: [][]byte{frame(last|text, "hello"), frame(last|0x40|text, "hello")},
		want: []came{{ws.OpText, "hello"}},
		code: ws.StatusProtocolError,
	},
	{name: "opcode 3", sent: [][]byte{frame(last|3, "")}, code: ws.StatusProtocolError},
	{name: "opcode 4", sent: [][]byte{frame(last|4, "hello")}, code: ws.StatusProtocolError},
	{name: "opcode 5", sent: [][]byte{frame(last|5, "")}, code: ws.StatusProtocolError},
	{name: "opcode 6", sent: [][]byte{frame(last|6, "")}, code: ws.StatusProtocolError},
	{name: "opcode 7", sent: [][]byte{frame(last|7, "")}, code: ws.StatusProtocolError},
	{name: "opcode 11", sent: [][]byte{frame(last|11, "")}, code: ws.StatusProtocolError},
	{name: "opcode 12", sent: [][]byte{frame(last|12, "")}, code: ws.StatusProtocolError},
	{name: "opcode 13", sent: [][]byte{frame(last|13, "")}, code: ws.StatusProtocolError},
	{name: "opcode 14", sent: [][]byte{frame(last|14, "")}, code: ws.StatusProtocolError},
	{name: "opcode 15", sent: [][]byte{frame(last|15, "")}, code: ws.StatusProtocolError},
	{
		name: "a reserved opcode between fragments",
		sent: [][]byte{frame(text, "one"), frame(last|11, "")},
		code: ws.StatusProtocolError,
	},
	{name: "an unmasked message", sent: [][]byte{unmasked(last|text, "hello")}, code: ws.StatusProtocolError},
	{name: "an unmasked empty message", sent: [][]byte{unmasked(last|text, "")}, code: ws.StatusProtocolError},
	{name: "an unmasked ping", sent: [][]byte{unmasked(last|ping, "")}, code: ws.StatusProtocolError},
	{
		name: "an unmasked continuation",
		sent: [][]byte{frame(text, "one"), unmasked(last|goesOn, "two")},
		code: ws.StatusProtocolError,
	},
	{name: "bytes", sent: [][]byte{frame(last|binaryOne, "hello")}, code: ws.StatusUnsupportedData},
	{
		name: "fragmented bytes",
		sent: [][]byte{frame(binaryOne, "hello"), frame(last|goesOn, "")},
		code: ws.StatusUnsupportedData,
	},
	{
		name: "bytes of which only the header comes",
		sent: [][]byte{frameOf(last|binaryOne, 2, 1000, "")},
		code: ws.StatusUnsupportedData,
	},

	{name: "UTF-8", sent: [][]byte{frame(last|text, "κόσμε 𝄞")}, want: []came{{ws.OpText, "κόσμε 𝄞"}}},
	{
		name: "a rune split over two fragments",
		sent: [][]byte{frame(text, "\xf0\x9d"), frame(last|goesOn, "\x84\x9e")},
		want: []came{{ws.OpText, "𝄞"}},
	},
	{
		name: "a rune split over four fragments and a ping",
		sent: [][]byte{
			frame(text, "\xf0"),
			frame(goesOn, "\x9d"),
			frame(last|ping, ""),
			frame(goesOn, "\x84"),
			frame(last|goesOn, "\x9e"),
		},
		want: []came{{ws.OpPing, ""}, {ws.OpText, "𝄞"}},
	},
	{name: "not UTF-8", sent: [][]byte{frame(last|text, "\xff")}, code: ws.StatusInvalidFramePayloadData},
	{name: "half a rune", sent: [][]byte{frame(last|text, "hello \xf0\x9d")}, code: ws.StatusInvalidFramePayloadData},
	{
		name: "half a rune, and a last empty fragment",
		sent: [][]byte{frame(text, "\xf0\x9d"), frame(last|goesOn, "")},
		code: ws.StatusInvalidFramePayloadData,
	},
	{
		name: "half a rune in one fragment, and text in the next",
		sent: [][]byte{frame(text, "\xf0\x9d"), frame(last|goesOn, "hello")},
		code: ws.StatusInvalidFramePayloadData,
	},
	{
		name: "half a rune in one message, and the other half in the next",
		sent: [][]byte{frame(last|text, "\xf0\x9d"), frame(last|text, "\x84\x9e")},
		code: ws.StatusInvalidFramePayloadData,
	},
	{name: "a surrogate", sent: [][]byte{frame(last|text, "\xed\xa0\x80")}, code: ws.StatusInvalidFramePayloadData},
	{
		name: "an overlong encoding",
		sent: [][]byte{frame(last|text, "\xc0\xaf")},
		code: ws.StatusInvalidFramePayloadData,
	},
	{
		name: "beyond Unicode",
		sent: [][]byte{frame(last|text, "\xf4\x90\x80\x80")},
		code: ws.StatusInvalidFramePayloadData,
	},

	{
		name: "frames after an error",
		sent: [][]byte{frame(last|text, "one"), frame(last|3, ""), frame(last|text, "two"), frame(last|closes, "")},
		want: []came{{ws.OpText, "one"}},
		code: ws.StatusProtocolError,
	},
}

func long(n int) string { return strings.Repeat("x", n) }

func cut(b []byte) []byte { return b[:len(b)-1] }

// arrive feeds bytes in pieces. It returns the messages and the error, if there is one.
func arrive(t testing.TB, f *frames, pieces [][]byte) (list []came, wrong error) {
	t.Helper()
	for _, piece := range pieces {
		f.in = append(f.in, piece...)
		for {
			op, payload, ok, err := f.next()
			if err != nil && wrong != nil {
				t.Fatalf("%v, after %v", err, wrong)
			} else if err != nil {
				wrong = err
			}
			if !ok {
				break
			}
			list = append(list, came{op, string(payload)})
		}
		const controlFrame = ws.MaxHeaderSize + ws.MaxControlFramePayloadSize
		if held := len(f.in) + len(f.message); held > f.limit+controlFrame+len(piece) {
			t.Fatalf("%d bytes are held, of messages of %d at most", held, f.limit)
		}
	}
	return list, wrong
}

// pieces splits bytes into pieces of a size.
func pieces(b []byte, size int) [][]byte { return slices.Collect(slices.Chunk(b, size)) }

func TestFrames(t *testing.T) {
	t.Parallel()
	for _, tt := range frameCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all := bytes.Join(tt.sent, nil)
			for how, arriving := range map[string][][]byte{
				"at once":        {all},
				"frame by frame": tt.sent,
				"byte by byte":   pieces(all, 1),
				"as reads are":   pieces(all, 4096),
			} {
				f := frames{limit: limitOfTests}
				if !f.idle() {
					t.Errorf("a message has begun before any input")
				}
				got, err := arrive(t, &f, arriving)
				if !slices.Equal(got, tt.want) {
					t.Errorf("%s: got %.200q, want %.200q", how, got, tt.want)
				}
				why, _ := errors.AsType[closing](err)
				if why.code != tt.code || (err != nil && why.reason == "") {
					t.Errorf("%s: it is closed with %d %q, want %d", how, why.code, why.reason, tt.code)
				}
				if tt.code == 0 && f.idle() == tt.busy {
					t.Errorf("%s: idle is %v", how, f.idle())
				}
				if f.idle() && (f.in != nil || f.message != nil) {
					t.Errorf("%s: %d and %d bytes are held between messages", how, cap(f.in), cap(f.message))
				}
			}
		})
	}
}

// A close reason that is too long is cut between runes.
func TestCloseFrames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ reason, want string }{
		{"", ""},
		{"enough", "enough"},
		{long(123), long(123)},
		{long(124), long(123)},
		{strings.Repeat("ä", 62), strings.Repeat("ä", 61)},
		{"a" + strings.Repeat("ä", 62), "a" + strings.Repeat("ä", 61)},
		{"aa" + strings.Repeat("𝄞", 40), "aa" + strings.Repeat("𝄞", 30)},
		{"no UTF-8: \xff", "no UTF-8: "},
		{"\xff", ""},
	} {
		b := closeFrame(closing{4400, tt.reason})
		header, err := ws.ReadHeader(bytes.NewReader(b))
		if err != nil || header.OpCode != ws.OpClose || !header.Fin || header.Masked ||
			int(header.Length) != len(b)-2 ||
			header.Length > ws.MaxControlFramePayloadSize {
			t.Errorf("%q: %v, %+v of %d bytes", tt.reason, err, header, len(b))
			continue
		}
		if code, reason := ws.ParseCloseFrameData(b[2:]); code != 4400 || reason != tt.want ||
			!utf8.ValidString(reason) {
			t.Errorf("%q: got %d %q, want %q", tt.reason, code, reason, tt.want)
		}
	}
}

func TestFrameHeaders(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20, 1 << 33} {
		header, err := ws.ReadHeader(bytes.NewReader(appendFrame(nil, ws.OpText, length)))
		if err != nil || header != (ws.Header{Fin: true, OpCode: ws.OpText, Length: int64(length)}) {
			t.Errorf("%d: %v, %+v", length, err, header)
		}
		want := ws.HeaderSize(ws.Header{Fin: true, OpCode: ws.OpText, Length: int64(length)})
		if got := len(appendFrame(nil, ws.OpText, length)); got != want {
			t.Errorf("the header of %d bytes has %d, want %d", length, got, want)
		}
	}
}

// FuzzFrames feeds arbitrary bytes at once, in chunks, and byte by byte. The results must be equal.
func FuzzFrames(f *testing.F) {
	for _, tt := range frameCases {
		if sent := bytes.Join(tt.sent, nil); len(sent) < 1000 {
			f.Add(sent, uint16(1000), []byte{3, 1, 7})
		}
	}
	f.Add(frame(last|text, long(30)), uint16(29), []byte{})
	f.Add(bytes.Join([][]byte{frame(text, long(20)), frame(last|goesOn, long(20))}, nil), uint16(39), []byte{0, 200})
	f.Add(frame(last|text, long(300)), uint16(300), []byte{255})
	f.Add(bytes.Join([][]byte{frame(text, long(8)), cut(frame(last|closes, long(125)))}, nil), uint16(8), []byte{0})
	f.Fuzz(func(t *testing.T, sent []byte, limit uint16, sizes []byte) {
		var chunks [][]byte
		for rest, i := sent, 0; len(rest) > 0; i++ {
			size := len(rest)
			if len(sizes) > 0 {
				size = min(size, 1+int(sizes[i%len(sizes)]))
			}
			chunks, rest = append(chunks, rest[:size]), rest[size:]
		}
		whole := frames{limit: int(limit)}
		want, wrong := arrive(t, &whole, [][]byte{slices.Clone(sent)})
		for how, arriving := range map[string][][]byte{"in chunks": chunks, "byte by byte": pieces(sent, 1)} {
			f := frames{limit: int(limit)}
			got, err := arrive(t, &f, arriving)
			if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wrong) || f.idle() != whole.idle() {
				t.Fatalf("%s: %q, %v, idle %v; at once: %q, %v, idle %v", how, got, err, f.idle(), want, wrong,
					whole.idle())
			}
		}
		for _, m := range want {
			if m.op == ws.OpText && (len(m.text) > int(limit) || !utf8.ValidString(m.text)) {
				t.Fatalf("%q is accepted as a message of at most %d bytes", m.text, limit)
			}
			if m.op.IsControl() && len(m.text) > ws.MaxControlFramePayloadSize {
				t.Fatalf("%q is accepted as a control frame", m.text)
			}
		}
	})
}
