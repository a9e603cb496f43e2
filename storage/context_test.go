package storage

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSentencesAround(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 3_000)
	for _, tt := range []struct{ text, quote, want string }{
		{"First. He said: “We agree.” Then he left.", "We agree", "He said: “We agree.”"},
		{"First one. Second, é. Third.", "Second", "Second, é."},
		{"One. Two. Three. Four.", "Two. Three", "Two. Three."},
		{"The heading\n\nThe text of it. More.", "text", "The text of it."},
		{"It ends here\n\nAnother paragraph.", "ends", "It ends here"},
		{"U.S. officials met at 3.67 percent. Then.", "3.67", "U.S. officials met at 3.67 percent."},
		{"前の文。引用文です。次の文。", "引用文", "引用文です。"},
		{"whole", "whole", "whole"},
		{long + ". Short. É" + long, "Short", "Short."},
		{long + " quote " + long, "quote", strings.Repeat("é", 1_000) + " quote " + strings.Repeat("é", 1_000)},
	} {
		start := utf8.RuneCountInString(tt.text[:strings.Index(tt.text, tt.quote)])
		if got := sentencesAround(tt.text, start, start+utf8.RuneCountInString(tt.quote)); got != tt.want {
			t.Errorf("around %q stands %q, want %q", tt.quote, got, tt.want)
		}
	}
}
