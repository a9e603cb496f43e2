package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// The kinds of frame that a server sends.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// frame is a frame as servers send it: unmasked and uncompressed.
type frame struct {
	op      byte
	last    bool // the last frame of its message
	payload []byte
}

// splitFrame splits the first frame off the received data; false if the frame is incomplete.
func splitFrame(data []byte) (f frame, rest []byte, ok bool) {
	if len(data) < 2 {
		return f, data, false
	}
	header, length := 2, uint64(data[1]&0x7F)
	switch length {
	case 126:
		header = 4
	case 127:
		header = 10
	}
	if len(data) < header {
		return f, data, false
	}
	switch header {
	case 4:
		length = uint64(binary.BigEndian.Uint16(data[2:]))
	case 10:
		length = binary.BigEndian.Uint64(data[2:])
	}
	if uint64(len(data)-header) < length {
		return f, data, false
	}
	end := header + int(length)
	return frame{op: data[0] & 0x0F, last: data[0]&0x80 != 0, payload: data[header:end]}, data[end:], true
}

// clientFrame returns a frame as clients send it. Its mask of zeros is valid and leaves the payload unchanged.
func clientFrame(op byte, payload []byte) []byte {
	b := []byte{0x80 | op}
	if len(payload) < 126 {
		b = append(b, 0x80|byte(len(payload)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// conversation is the beginning of a connection, with a single message and answer at a time.
type conversation struct {
	socket
	received []byte
}

// upgrade connects and upgrades the connection to a WebSocket.
func upgrade(address netip.AddrPort, path, subprotocol string, receiveBuffer int) (*conversation, error) {
	s, err := dial(address, receiveBuffer)
	if err != nil {
		return nil, err
	}
	c := &conversation{socket: s}
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFybGV5IG1lYXN1cmVzLg==\r\n", path, address)
	if subprotocol != "" {
		request += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	_, err = s.Write([]byte(request + "\r\n"))
	for err == nil {
		if head, rest, whole := bytes.Cut(c.received, []byte("\r\n\r\n")); whole {
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
				err = fmt.Errorf("the server does not speak WebSocket: %.500s", c.received)
				break
			}
			c.received = rest
			return c, nil
		}
		err = c.receive()
	}
	s.Close()
	return nil, err
}

func (c *conversation) receive() error {
	part := make([]byte, 4096)
	n, err := c.Read(part)
	if n == 0 && err == nil {
		err = fmt.Errorf("the server says nothing for %v", maxWait)
	}
	c.received = append(c.received, part[:n]...)
	return err
}

func (c *conversation) say(text string) error {
	_, err := c.Write(clientFrame(opText, []byte(text)))
	return err
}

// hear waits for the next message, which has to contain a word.
func (c *conversation) hear(word string) error {
	for {
		if f, rest, ok := splitFrame(c.received); ok {
			c.received = rest
			if f.op != opText || !bytes.Contains(f.payload, []byte(word)) {
				return fmt.Errorf("the server sent %q, want %s", f.payload, word)
			}
			return nil
		}
		if err := c.receive(); err != nil {
			return err
		}
	}
}
