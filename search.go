package parley

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxSearch is the largest length of a search text, in Unicode code points.
const MaxSearch = 200

// SearchResult is a record found by a search, and the lens that it was found through.
type SearchResult struct {
	NodeID  uuid.UUID
	Snippet string
	Rank    float64
	Lens    Lens
}

// Terms are the words and the quoted phrases of a search text. A record must contain all of them.
type Terms struct {
	List []string
	Open bool // the last term also matches the beginning of a word: no quotation mark closes it
}

// quotes are the characters that delimit phrases. Apostrophes are not among them, because names contain them.
const quotes = "\"“”„‟«»"

// ReadTerms parses a search text. It returns a BadRequest fault if the text is longer than MaxSearch or has no letter
// and no digit.
func ReadTerms(text string) (t Terms, err error) {
	if n := utf8.RuneCountInString(text); n > MaxSearch {
		return Terms{}, NewFault(BadRequest, "text: it has %d characters; at most %d are allowed.", n, MaxSearch)
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
		return Terms{}, NewFault(BadRequest, "text: %q has neither a letter nor a digit; give the words to search for.",
			text)
	}
	return t, nil
}

// distinct drops terms that occur again later in the list.
func distinct(terms []string) (list []string) {
	for i, term := range terms {
		if !slices.Contains(terms[i+1:], term) {
			list = append(list, term)
		}
	}
	return list
}

// Storage puts these characters around each matched word of a text.
const (
	MatchBegins = '\x01'
	MatchEnds   = '\x02'
)

const (
	snippetLength = 160 // in code points, without « and »
	snippetLead   = 40  // of them before the first match
)

// Snippet returns the part of a text around its matched words, or its beginning if there are none. The snippet is one
// line. The matched words are between « and »; these characters in the text itself become ‹ and ›.
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
	// Move both ends to a space nearby, if that cuts off no match.
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
