package parley

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ellipsis separates the fragments of a direct quote.
const Ellipsis = "[...]"

// TextLocator is a part of a source's body, as half-open offsets in Unicode code points.
type TextLocator struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// FoldedText is a text prepared for looking up quotes. All kinds of quotation mark count as the same, all kinds of
// dash, and any run of white space; nothing else is folded.
type FoldedText struct {
	text   string
	places []TextLocator // of each of its code points, where it stood
}

// Fold prepares a text for Find.
func Fold(text string) *FoldedText {
	folded, places := fold(text)
	return &FoldedText{folded, places}
}

// Find looks for the fragments of a quote, in order. It returns where they stand, or the first fragment that is
// missing. A fragment without words is always missing.
func (t *FoldedText) Find(quote string) (found []TextLocator, missing string) {
	from, runes := 0, 0 // how much of the text lies behind the last fragment, in bytes and in code points
	for fragment := range strings.SplitSeq(quote, Ellipsis) {
		wanted, _ := fold(fragment)
		wanted = strings.TrimSpace(wanted)
		at := strings.Index(t.text[from:], wanted)
		if wanted == "" || at < 0 {
			return nil, cmp.Or(strings.TrimSpace(fragment), Ellipsis)
		}
		first := runes + utf8.RuneCountInString(t.text[from:from+at])
		runes = first + utf8.RuneCountInString(wanted)
		from += at + len(wanted)
		found = append(found, TextLocator{Start: t.places[first].Start, End: t.places[runes-1].End})
	}
	return found, ""
}

// fold returns a text with one kind of quotation mark, one kind of dash and single spaces, and the place of each of its
// code points in s.
func fold(s string) (string, []TextLocator) {
	var folded strings.Builder
	var places []TextLocator
	i := 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			if n := len(places); n > 0 && places[n-1].End == i && strings.HasSuffix(folded.String(), " ") {
				places[n-1].End++
				i++
				continue
			}
			r = ' '
		case unicode.In(r, unicode.Quotation_Mark):
			r = '"'
		case unicode.In(r, unicode.Dash):
			r = '-'
		}
		folded.WriteRune(r)
		places = append(places, TextLocator{Start: i, End: i + 1})
		i++
	}
	return folded.String(), places
}
