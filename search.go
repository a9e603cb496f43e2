package parley

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxSearch bounds a text that is searched for, in Unicode code points.
const MaxSearch = 200

// SearchResult is a record in which a text was found, read through the lens that it was found through.
type SearchResult struct {
	NodeID  uuid.UUID
	Snippet string
	Rank    float64
	Lens    Lens
}

// Terms are the words that a text asks for, and the phrases in quotation marks. A record has to hold all of them.
type Terms struct {
	List []string
	Open bool // the last one may go on: no quotation mark closes it
}

// quotes stand around phrases. Apostrophes are none of them, since names hold some.
const quotes = "\"“”„‟«»"

// ReadTerms reads what a text asks for.
func ReadTerms(text string) (t Terms, err error) {
	if n := utf8.RuneCountInString(text); n > MaxSearch {
		return Terms{}, NewFault(BadRequest, "text: it has %d characters; search for at most %d.", n, MaxSearch)
	}
	add := func(term string, open bool) {
		if strings.ContainsFunc(term, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
			t.List, t.Open = append(t.List, term), open
		}
	}
	rest := strings.ReplaceAll(text, "\x00", " ")
	for quoted, closed := false, true; closed; quoted = !quoted {
		segment := rest
		at := strings.IndexAny(rest, quotes)
		if closed = at >= 0; closed {
			_, width := utf8.DecodeRuneInString(rest[at:])
			segment, rest = rest[:at], rest[at+width:]
		}
		if quoted {
			add(segment, !closed)
			continue
		}
		for word := range strings.FieldsSeq(segment) {
			add(word, true)
		}
	}
	t.List = distinct(t.List)
	if len(t.List) == 0 {
		return Terms{}, NewFault(BadRequest, "text: %q has neither a letter nor a digit; write the words to search for.", text)
	}
	return t, nil
}

// distinct leaves out what comes again later.
func distinct(terms []string) (list []string) {
	for i, term := range terms {
		if !slices.Contains(terms[i+1:], term) {
			list = append(list, term)
		}
	}
	return list
}

// A text in which words were found has these around each of them.
const (
	MatchBegins = '\x01'
	MatchEnds   = '\x02'
)

const (
	snippetLength = 160 // in code points, without marks
	snippetLead   = 40  // of them before the first match
)

// Snippet is what stands around the words that were found in a text, or its beginning where none was: in one line, with
// those words between « and », which stand for nothing else in it.
func Snippet(found string) string {
	type match struct {
		from, to int
		word     string
	}
	var text []rune
	var matches []match
	for _, r := range strings.TrimSpace(found) {
		last := len(matches) - 1
		switch {
		case r == MatchBegins:
			matches = append(matches, match{from: len(text)})
		case r == MatchEnds:
			matches[last].to, matches[last].word = len(text), strings.ToLower(string(text[matches[last].from:]))
		case unicode.IsSpace(r):
			if len(text) > 0 && text[len(text)-1] != ' ' {
				text = append(text, ' ')
			}
		case r == '«':
			text = append(text, '‹')
		case r == '»':
			text = append(text, '›')
		default:
			text = append(text, r)
		}
	}
	from, most := 0, 0
	for i, first := range matches {
		words := make(map[string]bool)
		for _, m := range matches[i:] {
			if m.to > first.from-snippetLead+snippetLength {
				break
			}
			words[m.word] = true
		}
		if len(words) > most {
			from, most = first.from-snippetLead, len(words)
		}
	}
	to := min(max(from, 0)+snippetLength, len(text))
	from = max(to-snippetLength, 0)
	last := from
	for _, m := range matches {
		if m.to <= to {
			last = max(last, m.to)
		}
	}
	// Rather between words, if there is a place for it nearby that costs no match.
	for i := from; from > 0 && i < from+snippetLead/2; i++ {
		if text[i] == ' ' {
			from = i + 1
			break
		}
	}
	for i := to; to < len(text) && i >= max(last, to-snippetLead/2); i-- {
		if text[i] == ' ' {
			to = i
			break
		}
	}

	var b strings.Builder
	if from > 0 {
		b.WriteRune('…')
	}
	for i := from; i < to; i++ {
		for len(matches) > 0 && matches[0].to <= i {
			matches = matches[1:]
		}
		if len(matches) > 0 && (matches[0].from == i || i == from && matches[0].from < i) {
			b.WriteRune('«')
		}
		b.WriteRune(text[i])
		if len(matches) > 0 && (matches[0].to == i+1 || i+1 == to && matches[0].from <= i) {
			b.WriteRune('»')
		}
	}
	if to < len(text) {
		b.WriteRune('…')
	}
	return b.String()
}
