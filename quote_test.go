package parley

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestFoldedTextFind(t *testing.T) {
	t.Parallel()
	const body = "Naïve — “He said: ‘we’ll   sign\n– if asked’,” she wrote. We will not."
	for _, tt := range []struct {
		name, quote string
		want        []TextLocator
		missing     string
	}{
		{"verbatim", "she wrote", []TextLocator{{46, 55}}, ""},
		{"marks, dashes and spaces are folded", `"we'll sign - if asked"`, []TextLocator{{18, 43}}, ""},
		{"positions count code points", "Naïve", []TextLocator{{0, 5}}, ""},
		{"fragments in order", "He said [...] she wrote", []TextLocator{{9, 16}, {46, 55}}, ""},
		{"fragments out of order", "she wrote [...] He said", nil, "He said"},
		{"a fragment counts once", "We will [...] We will", nil, "We will"},
		{"letters are not folded", "NAÏVE", nil, "NAÏVE"},
		{"accents are not folded", "Naive", nil, "Naive"},
		{"other words", "she said", nil, "she said"},
		{"an ellipsis is no separator", "He said … she wrote", nil, "He said … she wrote"},
		{"nor are letters within a word", "aïv", nil, "aïv"},
		{"a separator in one character", "He said […] she wrote", []TextLocator{{9, 16}, {46, 55}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, missing := Fold(body).Find(tt.quote)
			if diff := cmp.Diff(tt.want, got); diff != "" || missing != tt.missing {
				t.Errorf("locators differ (-want +got):\n%s\nmissing %q, want %q", diff, missing, tt.missing)
			}
		})
	}
	for _, tt := range []struct{ body, stand, miss string }{ // fragments, with | between them
		{"The text is unacceptable to us and we cannot sign it.",
			"unacceptable to us|The text is unacceptable to us and we cannot sign it.|sign it|text", "acceptable to us|a|sign i|he text is"},
		{"A non-acceptable, non‑binding offer—rejected.", "non-acceptable|offer|rejected|offer-rejected|non-binding offer",
			"acceptable|non|acceptable, non|-acceptable|binding offer"},
		{"They don’t; the Iranians' answer", "don't|Iranians|Iranians' answer|the", "don|t|t; the"},
		{"some 5,060 centrifuges, 3.67 percent, 1'000 in 2015-2016. By 10:30", "5,060|3.67 percent|2015-2016|2015-2016. By|10:30",
			"060|5|67|3|000|2016|10"},
		{"Enriched to 20% (in 2010).", "20|2010|20% (in", "0|201"},
		{"F-35s and E3/EU+3 and and/or", "F-35s|EU|E3|or", "35s|F"},
		{"nous l’avons agreed¹ upon", "l'avons|agreed|agreed¹ upon", "avons"},
		{"می\u200cخواهیم صلح", "می\u200cخواهیم|صلح", "می|خواهیم"},
		{"双方同意停火。然后", "停火|同意停火|同|停火。然后", "火停"},
		{"停火後はキーウへ", "キーウ|停火|ーウ", "ウキ"},
		{"ข้อตกลงสันติภาพ", "สันติภาพ|ข้อตกลง", "้อตกลง"},
		{"ﺍﻟﺴﻼﻡ ﷲ", "السلام|الله", "سلام"},
		{"ofﬁcial co\u00adoperation, hy\u00ad\nphenated\u200b, … so", "official|cooperation|hyphenated|hyphenated, ... so", "ficial|operation"},
		{"\u202aleft\u202c to right", "left to right", "lef"},
		{"été etẹ̇", "été|etẹ̇|etẹ̇", "ete|e"},
		{"snake_case", "snake_case", "case"},
	} {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			body := Fold(strings.ReplaceAll(tt.body, `\n`, "\n"))
			for quote := range strings.SplitSeq(tt.stand, "|") {
				if _, missing := body.Find(quote); missing != "" {
					t.Errorf("%q is missing", quote)
				}
			}
			for quote := range strings.SplitSeq(tt.miss, "|") {
				if found, _ := body.Find(quote); found != nil {
					t.Errorf("%q stands at %v", quote, found)
				}
			}
		})
	}
	for _, quote := range []string{"He said [...] ", "[...] He said", "He said [...] [...] she wrote", "“”[...]", ""} {
		if got, missing := Fold(body).Find(quote); got != nil || missing == "" {
			t.Errorf("%q was found at %v, missing %q", quote, got, missing)
		}
	}
}

// alphabets are letters of several scripts, some of which have a decomposed form or are part of a ligature. A word has
// letters of one of them.
var alphabets = [][]string{
	{"a", "é", "ﬁ", "fi", "ő", "ç", "æ", "z"},
	{"я", "й", "ё", "ж", "ї"},
	{"α", "ά", "ώ", "ϊ", "ς"},
	{"س", "ل", "ا", "ی", "ک", "ئ"},
	{"한", "국", "어", "각"},
	{"ש", "ל", "ם"},
}

// A run of whole words stands in a text however both are typeset, at the words' place, and part of a word does not. The
// naive model knows the words of the text since it made it of them.
func TestQuotesOfRandomTexts(t *testing.T) {
	t.Parallel()
	met := make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, label) }
		spaces, dashes := []string{" ", "\n", "\u00a0", "  \t"}, []string{"-", "‐", "‑"}
		// set writes a text of letters, spaces and hyphens in one of the ways in which it may be typeset.
		set := func(text string) string {
			var b strings.Builder
			for i, r := range []rune(text) {
				switch {
				case r == ' ':
					b.WriteString(pick("space", spaces...))
				case r == '-':
					b.WriteString(pick("hyphen", dashes...))
				default:
					if i > 0 && rapid.IntRange(0, 9).Draw(rt, "soft") == 0 {
						b.WriteString("\u00ad")
					}
					b.WriteRune(r)
				}
			}
			written := b.String()
			if rapid.Bool().Draw(rt, "ligatures") {
				written = strings.ReplaceAll(written, "ﬁ", "fi")
			} else {
				written = strings.ReplaceAll(written, "fi", "ﬁ")
			}
			if rapid.Bool().Draw(rt, "decomposed") {
				return norm.NFD.String(written)
			}
			return written
		}
		words := make([]string, rapid.IntRange(1, 12).Draw(rt, "words"))
		for i := range words {
			alphabet := rapid.SampledFrom(alphabets).Draw(rt, "alphabet")
			for range rapid.IntRange(2, 5).Draw(rt, "letters") {
				words[i] += pick("letter", alphabet...)
			}
			if rapid.IntRange(0, 3).Draw(rt, "compound") == 0 {
				words[i] += "-" + words[i]
			}
			words[i] = strings.ReplaceAll(words[i], "ﬁ", "fi")
		}
		text := ""
		places := make([]TextLocator, len(words))
		for i, word := range words {
			if i > 0 {
				text += set(" ")
			}
			places[i].Start = len([]rune(text))
			text += set(word)
			places[i].End = len([]rune(text))
		}
		body := Fold(text)

		from := rapid.IntRange(0, len(words)-1).Draw(rt, "from")
		to := rapid.IntRange(from, len(words)-1).Draw(rt, "to")
		quoted := strings.Join(words[from:to+1], " ")
		found, missing := body.Find(set(quoted))
		if missing != "" {
			rt.Fatalf("%q is missing in %q", quoted, text)
		}
		first := 0
		for !slices.Equal(words[first:first+to-from+1], words[from:to+1]) {
			first++
		}
		if want := (TextLocator{places[first].Start, places[first+to-from].End}); found[0] != want {
			rt.Fatalf("%q stands at %v in %q, want %v", quoted, found[0], text, want)
		}
		met["whole"]++

		runes := []rune(quoted)
		cut := rapid.IntRange(1, len(runes)-1).Draw(rt, "cut")
		part, beyond := string(runes[:cut]), runes[cut]
		if beyond == ' ' || strings.HasSuffix(part, " ") || strings.Contains(" "+strings.Join(words, " ")+" ", " "+part+" ") {
			return // whole words as well
		}
		if found, _ := body.Find(set(part)); found != nil {
			rt.Fatalf("%q, part of %q, stands at %v in %q", part, quoted, found, text)
		}
		met["part"]++
	})
	if met["part"] < 3 {
		t.Errorf("few were %v", fmt.Sprint(met))
	}
}
