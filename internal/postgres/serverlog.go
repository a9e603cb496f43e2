package postgres

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// tailLines is how many lines of the log are kept, to explain why the server ended.
const tailLines = 40

// serverLog passes on the server's log line by line.
type serverLog struct {
	log   *slog.Logger
	quiet *atomic.Bool // while stopping, "terminating connection" is expected

	mu      sync.Mutex
	partial []byte
	last    []string
}

// Write never fails: the server must not end because its log can't be written.
func (s *serverLog) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial = append(s.partial, p...)
	for {
		line, rest, found := bytes.Cut(s.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		s.emit(string(line))
		s.partial = rest
	}
}

// flush passes on a last line without an end.
func (s *serverLog) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.partial) > 0 {
		s.emit(string(s.partial))
		s.partial = nil
	}
}

// tail returns the last lines, each with its end.
func (s *serverLog) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.last, "\n") + "\n"
}

func (s *serverLog) emit(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	if len(s.last) == tailLines {
		s.last = s.last[1:]
	}
	s.last = append(s.last, line)
	level := slog.LevelDebug
	for _, severity := range []string{"WARNING:", "FATAL:", "PANIC:"} {
		if strings.HasPrefix(line, severity) && !s.quiet.Load() {
			level = slog.LevelWarn
		}
	}
	s.log.Log(context.Background(), level, "postgres: "+line)
}

// complaint returns what went wrong: the last error in a program's output with its details, or err if there is none.
func (c *Cluster) complaint(output string, err error) string {
	var found string
	var detailed bool
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if text, ok := cutAfter(line, "error: ", "FATAL:  ", "PANIC:  "); ok {
			found, detailed = text, true
		} else if text, ok := cutAfter(line, "DETAIL:  ", "HINT:  "); ok && detailed {
			found += "; " + text
		} else {
			detailed = false
		}
	}
	if found == "" {
		return fmt.Sprint(err)
	}
	if descriptorPath != "" { // the operator knows the directory by its path
		found = strings.ReplaceAll(found, descriptorPath, c.data)
	}
	return found
}

// cutAfter returns the text after the first of the marks that the line contains.
func cutAfter(line string, marks ...string) (text string, ok bool) {
	for _, mark := range marks {
		if _, text, ok := strings.Cut(line, mark); ok {
			return text, true
		}
	}
	return "", false
}
