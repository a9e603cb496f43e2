package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// tally counts what callers were told, by kind.
type tally struct {
	mu    sync.Mutex
	kinds map[string]int
}

func (t *tally) add(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kinds == nil {
		t.kinds = make(map[string]int)
	}
	t.kinds[kind]++
}

func (t *tally) words() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		words = append(words, fmt.Sprintf("%s %d", kind, t.kinds[kind]))
	}
	return strings.Join(words, ", ")
}
