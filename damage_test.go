package parley

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestDamageInJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"variables": {"i": {"body": "La d\u00e9l\u00e9gation \ud83d\ude00 \\ud83d"}}}`: "",
		`{"variables": {"i": {"key": 1, "body": "off \ud83d"}}}`:                         "variables.i.body has \\ud83d, half",
		`{"variables": {"i": [1, {"a": []}, {"body": "\uDE00\ud83d"}]}}`:                 "variables.i.2.body has \\uDE00, half",
		"{\"query\": \"x\", \"b\": [\"\xe9\"]}":                                          "b.0 has bytes that are not UTF-8",
		"{\"query\": \"x\", \"\xe9\": 1}":                                                "The text has bytes that are not UTF-8",
		"[\"\\ud83d\", \"\xe9\"]":                                                        "0 has \\ud83d",
		`"\ud83d`:                                                                        "The text has \\ud83d",
		`"\`:                                                                             "",
		`{"a": "\ud83d\u0041"}`:                                                          "a has \\ud83d",
	} {
		got := ""
		if d := DamageInJSON([]byte(text)); d != nil {
			got = d.Error()
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// What decodes without U+FFFD is not damaged, and the other way round.
func TestDamageAgainstTheDecoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"a", "é", `\\`, `\ud83d`, `\ude00`, `\n`, `\u0041`, "\xff", "\xc3", "😀", `\"`, `\uD83D\uDE00`})).Draw(t, "parts")
		text := []byte(`{"a": ["` + strings.Join(parts, "") + `"]}`)
		var decoded struct{ A []string }
		if err := json.Unmarshal(text, &decoded); err != nil {
			t.Fatal(err)
		}
		d := DamageInJSON(text)
		if damaged := strings.ContainsRune(decoded.A[0], utf8.RuneError); damaged != (d != nil) {
			t.Fatalf("%s decodes to %q, and the damage is %v", text, decoded.A[0], d)
		}
		if d != nil && d.Place != "a.0" {
			t.Fatalf("%s: the damage is in %s", text, d.Place)
		}
		document := `{ # "` + "\n" + ` f(a: """\ud83d""", b: "` + strings.NewReplacer("\xff", "", "\xc3", "").Replace(strings.Join(parts, "")) + `") }`
		whole := json.Unmarshal([]byte(`{"a": ["`+strings.NewReplacer("\xff", "", "\xc3", "").Replace(strings.Join(parts, ""))+`"]}`), &decoded)
		if whole != nil {
			t.Fatal(whole)
		}
		if d := DamageInDocument(document); strings.ContainsRune(decoded.A[0], utf8.RuneError) != (d != nil) {
			t.Fatalf("%s is damaged: %v", document, d)
		}
	})
}
