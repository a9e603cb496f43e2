package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// compared is how many answers to each question are compared before the measurement.
const compared = 40

// compare asks both sides the same and returns an error if their answers differ.
func compare(ctx context.Context, a, b *side, q question, ids []string, log *slog.Logger) error {
	conns := make([]*connection, 2)
	for i, s := range []*side{a, b} {
		opened, err := s.connect(ctx, 1)
		if err != nil {
			return err
		}
		defer closeAll(opened)
		conns[i] = opened[0]
		if err := conns[i].SetDeadline(time.Now().Add(2 * answerTimeout)); err != nil {
			return err
		}
	}
	stride, same, length := max(1, len(ids)/compared), 0, 0
	asked := slices.Collect(func(yield func(string) bool) {
		for i := 0; i < len(ids) && i/stride < compared && yield(ids[i]); i += stride {
		}
	})
	for _, id := range asked {
		answerA, err := conns[0].ask(a.request(q, id))
		if err != nil {
			return fmt.Errorf("%s, question %d of %q: %w", a.name, q.number, id, err)
		}
		answerB, err := conns[1].ask(b.request(q, id))
		if err != nil {
			return fmt.Errorf("%s, question %d of %q: %w", b.name, q.number, id, err)
		}
		answerA, answerB = bytes.TrimSpace(answerA), bytes.TrimSpace(answerB)
		length += len(answerA)
		if bytes.Equal(answerA, answerB) {
			same++
			continue
		}
		var valueA, valueB any
		if err := json.Unmarshal(answerA, &valueA); err != nil {
			return fmt.Errorf("%s, question %d of %q: %w", a.name, q.number, id, err)
		}
		if err := json.Unmarshal(answerB, &valueB); err != nil {
			return fmt.Errorf("%s, question %d of %q: %w", b.name, q.number, id, err)
		}
		if d := difference("answer", valueA, valueB); d != "" {
			return fmt.Errorf("question %d of %q is answered differently by %s and %s: %s", q.number, id, a.name,
				b.name, d)
		}
	}
	log.Info(fmt.Sprintf("question %d: %d answers of some %d bytes are equal, %d of them byte for byte", q.number,
		len(asked), length/len(asked), same))
	return nil
}

// difference returns where two JSON values first differ; empty if they are equal.
func difference(path string, a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok && slices.Equal(names(a), names(b)) {
			for _, name := range names(a) {
				if d := difference(path+"."+name, a[name], b[name]); d != "" {
					return d
				}
			}
			return ""
		}
	case []any:
		if b, ok := b.([]any); ok && len(a) == len(b) {
			for i := range a {
				if d := difference(fmt.Sprintf("%s[%d]", path, i), a[i], b[i]); d != "" {
					return d
				}
			}
			return ""
		}
	default:
		if a == b {
			return ""
		}
	}
	return fmt.Sprintf("at %s, %.200s and %.200s", path, written(a), written(b))
}

func names(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

func written(value any) []byte {
	text, _ := json.Marshal(value) // it was decoded from JSON
	return text
}
