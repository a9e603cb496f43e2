package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// side is one of the two servers that are compared.
type side struct {
	name    string
	address string // host:port
	pid     int
	request func(q question, id string) []byte
}

// parleyRequest asks Parley as any client does.
func parleyRequest(address string) func(question, string) []byte {
	return func(q question, id string) []byte {
		operation := map[string]any{"query": q.document}
		if id != "" {
			operation["variables"] = map[string]string{"id": id}
		}
		body, _ := json.Marshal(operation) // strings can always be encoded
		return fmt.Appendf(nil,
			"POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			address, len(body), body)
	}
}

// pastRequest asks Parley through a lens in the past: all facts are known by then, and many were corrected later. It
// shows the world of the day before.
func pastRequest(address string) func(question, string) []byte {
	const asOf = `asOf: {validAt: "2025-05-14T00:00:00Z", knownAt: "2025-05-15T00:00:00Z"}`
	ask := parleyRequest(address)
	through := strings.NewReplacer(
		"(id: $id)", "(id: $id, "+asOf+")",
		"statusChanges(first: 100)", "statusChanges(first: 100, "+asOf+")",
	)
	return func(q question, id string) []byte {
		q.document = through.Replace(q.document)
		return ask(q, id)
	}
}

func bareRequest(address string) func(question, string) []byte {
	return func(q question, id string) []byte {
		return fmt.Appendf(nil, "GET /%d/%s HTTP/1.1\r\nHost: %s\r\n\r\n", q.number, id, address)
	}
}

// requests returns the requests for a question, one for each id.
func (s *side) requests(q question, ids []string) [][]byte {
	list := make([][]byte, len(ids))
	for i, id := range ids {
		list[i] = s.request(q, id)
	}
	return list
}

// connect opens n connections.
func (s *side) connect(ctx context.Context, n int) (conns []*connection, err error) {
	for range n {
		c, err := connect(ctx, s.address)
		if err != nil {
			closeAll(conns)
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func closeAll(conns []*connection) {
	for _, c := range conns {
		c.Close()
	}
}

// process is the server of a side.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// startProcess starts a program and waits until it logs the address under which it is ready.
func startProcess(ctx context.Context, cmd *exec.Cmd) (*process, string, error) {
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	s := &process{cmd: cmd, ended: make(chan struct{})}
	ready := make(chan string, 1)
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "http://"); ok && strings.Contains(lines.Text(), "msg=ready") {
				address, _, _ := strings.Cut(url, "/")
				ready <- address
			} else if !strings.Contains(lines.Text(), "level=INFO") {
				fmt.Fprintln(os.Stderr, lines.Text())
			}
		}
		cmd.Wait()
	}()
	select {
	case address := <-ready:
		return s, address, nil
	case <-s.ended:
		err = fmt.Errorf("%s ended before it was ready (%s); see its messages above", cmd.Path, cmd.ProcessState)
	case <-time.After(answerTimeout):
		err = fmt.Errorf("%s was not ready within %v", cmd.Path, answerTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, "", errors.Join(err, s.stop())
}

// stop ends the process.
func (s *process) stop() error {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		s.cmd.Process.Signal(signal)
		select {
		case <-s.ended:
			return nil
		case <-time.After(answerTimeout / 2):
		}
	}
	return fmt.Errorf("%s can't be stopped", s.cmd.Path)
}
