package parley

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// What is found undamaged decodes without U+FFFD that was not sent, and the reverse.
func FuzzDamageInJSON(f *testing.F) {
	for _, seed := range []string{`{"a": ["\ud83d"]}`, `"\ud83d\ude00"`, "\"\xff\"", `"\\ud83d"`, `{"a": "b\u00e9"}`, `[[[`, `"\`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		damage := DamageInJSON(text)
		var decoded any
		if json.Unmarshal(text, &decoded) != nil || strings.Contains(strings.ToLower(string(text)), `\ufffd`) || strings.Contains(string(text), "\ufffd") {
			return
		}
		again, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		if replaced := strings.Contains(string(again), "\ufffd") || strings.Contains(string(again), `\ufffd`); replaced && damage == nil {
			t.Errorf("%q decodes to %s", text, again)
		}
	})
}

func FuzzDamageInDocument(f *testing.F) {
	for _, seed := range []string{`{ a(b: "\ud83d") }`, `{ a(b: """\ud83d""") } # "\ud83d`, "{ a(b: \"\xff\") }", `"`, `"""`, `"\`, `"\u`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if damage := DamageInDocument(text); damage == nil && !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		} else if damage != nil && (damage.Offset < 0 || damage.Offset >= len(text)) {
			t.Errorf("%q is damaged at %d", text, damage.Offset)
		}
	})
}

// What is read as an instant is written as the same one.
func FuzzParseInstant(f *testing.F) {
	for _, seed := range []string{"2025-08-15T19:30:00Z", "2025-08-15T19:30:00.1234560+05:45",
		"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2025-08-15T19:30:00+24:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseInstant(text)
		if err != nil {
			return
		}
		if again, err := ParseInstant(FormatInstant(at)); err != nil || !again.Equal(at) {
			t.Errorf("%q reads as %v, which is written as %s and reads as %v, %v", text, at, FormatInstant(at), again, err)
		}
	})
}

// A quote that is found stands in the body where its locators say.
func FuzzQuote(f *testing.F) {
	f.Add("The text is unacceptable to us and we cannot sign it.", "unacceptable to us [...] sign it")
	f.Add("The pre\u0301sident agreed. O\ufb03cial co\u00adoperation.", "official")
	f.Add("5,060 م\u200cی\u200cروم", "5060")
	f.Fuzz(func(t *testing.T, body, quote string) {
		if !utf8.ValidString(body) || !utf8.ValidString(quote) {
			return
		}
		s := Statement{Form: DirectQuote, Text: quote}
		if s.CheckQuote("text", Fold(body)) != nil {
			return
		}
		last, length := 0, utf8.RuneCountInString(body)
		for _, at := range s.Locators {
			if at.Start < last || at.End <= at.Start || at.End > length {
				t.Errorf("%q is found in %q at %v", quote, body, s.Locators)
			}
			last = at.Start
		}
	})
}

// A text of one line that is accepted has one line, and shows something.
func FuzzLine(f *testing.F) {
	f.Add("Київ")
	f.Add("A \u202egnp.exe")
	f.Fuzz(func(t *testing.T, text string) {
		var c checks
		c.line("title", text, MaxTitle)
		if c.err() == nil && (strings.ContainsAny(text, "\n\r\x00\x1b\u2028\u202e") || strings.TrimSpace(text) != text || text == "") {
			t.Errorf("%q is accepted", text)
		}
	})
}
