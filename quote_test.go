package parley

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, missing := Fold(body).Find(tt.quote)
			if diff := cmp.Diff(tt.want, got); diff != "" || missing != tt.missing {
				t.Errorf("locators differ (-want +got):\n%s\nmissing %q, want %q", diff, missing, tt.missing)
			}
		})
	}
	for _, quote := range []string{"He said [...] ", "[...] He said", "He said [...] [...] she wrote", "“”[...]", ""} {
		if got, missing := Fold(body).Find(quote); got != nil || missing == "" {
			t.Errorf("%q was found at %v, missing %q", quote, got, missing)
		}
	}
}
