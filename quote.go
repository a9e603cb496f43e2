package parley

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Ellipsis separates the fragments of a direct quote.
const Ellipsis = "[...]"

// TextLocator is a part of a source's body, as half-open offsets in Unicode code points.
type TextLocator struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// FoldedText is a text prepared for looking up quotes. What typesetting alone changes is folded: the canonical form of
// Unicode, the kinds of quotation marks and dashes, runs of white space, ligatures, "…" for "...", and what is not
// seen, such as soft hyphens. Letter case and accents are not.
type FoldedText struct {
	text   string
	places []TextLocator // of each of its code points, where it stood
	kinds  []runeKind    // of each of its code points
	bytes  []int         // of each of its code points, where it begins in text; the last one is the length of text
}

// runeKind is the part that a code point plays in a word.
type runeKind byte

const (
	other     runeKind = iota
	letter             // also an underscore
	digit              //
	mark               // belongs to the code point before it
	glyph              // of a script that writes no spaces between words
	joiner             // part of a word between letters and digits: a hyphen, an apostrophe
	separator          // part of a number between digits: the point in "3.67"
)

// Fold prepares a text for Find.
func Fold(text string) *FoldedText {
	t := &FoldedText{}
	var folded strings.Builder
	add := func(place TextLocator, kind runeKind, r rune) {
		t.bytes = append(t.bytes, folded.Len())
		folded.WriteRune(r)
		t.places, t.kinds = append(t.places, place), append(t.kinds, kind)
	}
	spaced := false // the last code point is a space, or a soft hyphen at the end of a line
	var segments norm.Iter
	segments.InitString(norm.NFC, text)
	at, begins := 0, 0 // the place of the next segment, in code points and in bytes
	for !segments.Done() {
		composed := segments.Next()
		place := TextLocator{Start: at, End: at + utf8.RuneCountInString(text[begins:segments.Pos()])}
		at, begins = place.End, segments.Pos()
		for _, r := range string(composed) {
			switch {
			case r == softHyphen:
				spaced = true
				continue
			case unseen(r), unicode.IsSpace(r) && spaced:
				continue
			}
			spaced = unicode.IsSpace(r)
			kind := kindOf(r)
			for _, r := range typeset(r) {
				if kind == letter {
					kind = kindOf(r)
				}
				add(place, kind, r)
			}
		}
	}
	t.text = folded.String()
	t.bytes = append(t.bytes, len(t.text))
	return t
}

const softHyphen = 0x00AD

// unseen reports whether a code point only steers how a text is set.
func unseen(r rune) bool {
	switch r {
	case 0x200B, 0x2060, 0xFEFF, // zero width space and its opposites
		0x061C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069: // direction
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}

// typeset returns what a code point stands for, whatever the typesetting.
func typeset(r rune) string {
	switch {
	case unicode.IsSpace(r):
		return " "
	case unicode.In(r, unicode.Quotation_Mark) || strings.ContainsRune("`´ʼ", r):
		return `"`
	case unicode.In(r, unicode.Dash):
		return "-"
	case r == '…':
		return "..."
	case r >= 0xFB00 && r <= 0xFDFF, r >= 0xFE70 && r <= 0xFEFE, r == 0x0132, r == 0x0133:
		return norm.NFKC.String(string(r)) // a ligature, or a form that an Arabic or Hebrew letter takes in its place
	}
	return string(r)
}

func kindOf(r rune) runeKind {
	switch {
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer,
		unicode.Myanmar) && !unicode.IsMark(r), r == 'ー':
		return glyph
	case strings.ContainsRune("-\u2010\u2011\u058A\u05BE"+"'’‘`´ʼ"+"\u05F3\u05F4"+"·"+"\u200C\u200D", r):
		return joiner
	case strings.ContainsRune(".,:/٫٬\u2009\u202F", r):
		return separator
	case unicode.IsMark(r):
		return mark
	case unicode.IsDigit(r):
		return digit
	case unicode.IsLetter(r), unicode.Is(unicode.Nl, r), r == '_':
		return letter // and no footnote's ¹
	}
	return other
}

// Find looks for the fragments of a quote, in order. It returns where they stand, or the first fragment that is
// missing. A fragment stands where it begins and ends at the edge of a word: "acceptable" stands neither in
// "unacceptable" nor in "non-acceptable". A fragment without words is always missing.
func (t *FoldedText) Find(quote string) (found []TextLocator, missing string) {
	from := 0 // how many code points of the text lie behind the last fragment
	for fragment := range strings.SplitSeq(strings.ReplaceAll(quote, "[…]", Ellipsis), Ellipsis) {
		wanted := Fold(strings.TrimSpace(fragment))
		begins, ends := t.find(strings.TrimSpace(wanted.text), from)
		if !wanted.hasWord() || begins < 0 {
			return nil, cmp.Or(strings.TrimSpace(fragment), Ellipsis)
		}
		found = append(found, TextLocator{Start: t.places[begins].Start, End: t.places[ends-1].End})
		from = ends
	}
	return found, ""
}

func (t *FoldedText) hasWord() bool {
	for _, kind := range t.kinds {
		if kind == letter || kind == digit || kind == glyph {
			return true
		}
	}
	return false
}

// find returns where the whole words of a folded text stand next, in code points; -1 if they do not.
func (t *FoldedText) find(words string, from int) (begins, ends int) {
	length := utf8.RuneCountInString(words)
	for begins = from; ; begins++ {
		at := strings.Index(t.text[t.bytes[begins]:], words)
		if at < 0 {
			return -1, -1
		}
		begins += utf8.RuneCountInString(t.text[t.bytes[begins] : t.bytes[begins]+at])
		ends = begins + length
		if t.isEdge(begins) && t.isEdge(ends) {
			return begins, ends
		}
	}
}

// isEdge reports whether a word may begin or end before the code point at i.
func (t *FoldedText) isEdge(i int) bool {
	before, after := t.kind(i-1), t.kind(i)
	switch {
	case after == mark:
		return false
	case after == joiner, after == separator:
		return !t.joins(i)
	case before == joiner, before == separator:
		return !t.joins(i - 1)
	}
	return !isInWord(t.base(i-1)) || !isInWord(after)
}

// joins reports whether the joiner or separator at i is part of a word or a number.
func (t *FoldedText) joins(i int) bool {
	before, after := t.base(i-1), t.kind(i+1)
	if t.kind(i) == separator {
		return before == digit && after == digit
	}
	return isInWord(before) && isInWord(after)
}

func isInWord(kind runeKind) bool { return kind == letter || kind == digit }

func (t *FoldedText) kind(i int) runeKind {
	if i < 0 || i >= len(t.kinds) {
		return other
	}
	return t.kinds[i]
}

// base is the kind of the code point at i or, if that is a mark, of the one that it belongs to.
func (t *FoldedText) base(i int) runeKind {
	for t.kind(i) == mark {
		i--
	}
	return t.kind(i)
}
