package parley

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestReadTerms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Terms
	}{
		{"peace", Terms{[]string{"peace"}, true}},
		{" peace  deal\n", Terms{[]string{"peace", "deal"}, true}},
		{`"peace deal"`, Terms{[]string{"peace deal"}, false}},
		{`“peace deal” pu`, Terms{[]string{"peace deal", "pu"}, true}},
		{`pu «peace deal» ...`, Terms{[]string{"pu", "peace deal"}, false}},
		{`the "peace de`, Terms{[]string{"the", "peace de"}, true}},
		{`O'Brien's 5" gun`, Terms{[]string{"O'Brien's", "5", " gun"}, true}},
		{"a\x00b & | ! : * ( ) \\ '", Terms{[]string{"a", "b"}, true}},
		{"停火", Terms{[]string{"停火"}, true}},
		{strings.Repeat("ж", MaxSearch), Terms{[]string{strings.Repeat("ж", MaxSearch)}, true}},
	} {
		got, err := ReadTerms(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got)\n%s", tt.text, err, diff)
		}
	}
	for _, text := range []string{"", " \n", `""`, "& | !", "\x00", "«»", strings.Repeat("x", MaxSearch+1)} {
		if got, err := ReadTerms(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestSnippet(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("twelve chars ", 30)
	marks := strings.NewReplacer("[", string(MatchBegins), "]", string(MatchEnds))
	for _, tt := range []struct{ found, want string }{
		{"", ""},
		{"a [word] here", "a «word» here"},
		{"[all]", "«all»"},
		{"[two] [words]\n\n and\tmore ", "«two» «words» and more"},
		{"he said «[peace]» and “[peace]”", "he said ‹«peace»› and “«peace»”"},
		{long, "twelve chars" + strings.Repeat(" twelve chars", 11) + "…"},
		{
			long + "[peace] " + long,
			"…twelve chars twelve chars twelve chars «peace»" + strings.Repeat(" twelve chars", 8) + " twelve…",
		},
		{long + "[peace]", "…chars " + strings.Repeat("twelve chars ", 11) + "«peace»"},
		{ // the part with the most matched words
			"[peace] " + long + "[peace] [deal]",
			"…chars " + strings.Repeat("twelve chars ", 11) + "«peace» «deal»",
		},
		{
			strings.Repeat("ж", 400) + "[жж]" + strings.Repeat("ж", 400),
			"…" + strings.Repeat("ж", 40) + "«жж»" + strings.Repeat("ж", 118) + "…",
		},
		{"[" + strings.Repeat("ж", 400) + "]", "«" + strings.Repeat("ж", 160) + "»…"},
	} {
		got := Snippet(marks.Replace(tt.found))
		if got != tt.want {
			t.Errorf("%q\nis shown as %q,\nwant        %q", tt.found, got, tt.want)
		}
		if n := utf8.RuneCountInString(strings.NewReplacer("«", "", "»", "", "…", "").Replace(got)); n > 160 {
			t.Errorf("%q has %d characters", got, n)
		}
	}
}
