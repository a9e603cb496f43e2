package storage

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/rivo/uniseg"

	"example.org/parley"
)

// Contexts are the sentences of the body in which each statement's quote stands; nil where it is not verified, or the
// body was erased.
func (s *Snapshot) Contexts(ctx context.Context, statements []*parley.Statement) ([]*string, error) {
	var sources []uuid.UUID
	for _, st := range statements {
		if st.Verified() {
			sources = append(sources, st.SourceID)
		}
	}
	contexts := make([]*string, len(statements))
	if len(sources) == 0 {
		return contexts, nil
	}
	kept, err := bodies(ctx, &s.Reader, sources)
	if err != nil {
		return nil, err
	}
	for i, st := range statements {
		if body := kept[st.SourceID]; body != nil && st.Verified() {
			text := sentencesAround(*body, st.Locators[0].Start, st.Locators[len(st.Locators)-1].End)
			contexts[i] = &text
		}
	}
	return contexts, nil
}

// around is how many bytes before and after a quote are looked through for the beginning and the end of its sentences.
const around = 2_000

// sentencesAround returns the sentences of a text that hold a part of it, given in code points. They end with a
// paragraph.
func sentencesAround(text string, start, end int) string {
	begins, ends, n := len(text), len(text), 0
	for at := range text {
		if n == start {
			begins = at
		}
		if n == end {
			ends = at
			break
		}
		n++
	}
	first := max(0, begins-around)
	for first > 0 && text[first]&0xC0 == 0x80 { // within a code point
		first--
	}
	if at := strings.LastIndex(text[first:begins], "\n\n"); at >= 0 {
		first += at
	}
	last := min(len(text), ends+around)
	for last < len(text) && text[last]&0xC0 == 0x80 {
		last++
	}
	if at := strings.Index(text[ends:last], "\n\n"); at >= 0 {
		last = ends + at
	}
	var b strings.Builder
	at, rest, state := first, text[first:last], -1
	for len(rest) > 0 && at < ends {
		var sentence string
		sentence, rest, state = uniseg.FirstSentenceInString(rest, state)
		if at+len(sentence) > begins {
			b.WriteString(sentence)
		}
		at += len(sentence)
	}
	return strings.TrimSpace(b.String())
}
