package briefing

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/bidi"

	"example.org/parley"
)

func day(t parley.Instant) string    { return t.UTC().Format("2 January 2006") }
func minute(t parley.Instant) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// moment formats an instant as a day if it is the start of a day in UTC, else to the minute.
func moment(t parley.Instant) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return day(t)
	}
	return minute(t)
}

// on formats a date as precisely as it is known.
func on(t parley.Instant, p parley.TimePrecision) string {
	switch p {
	case parley.PrecisionNoLaterThan:
		return "by " + day(t)
	case parley.PrecisionDay:
		return day(t)
	case parley.PrecisionMonth:
		return t.UTC().Format("January 2006")
	case parley.PrecisionYear:
		return t.UTC().Format("2006")
	}
	return moment(t)
}

// since formats the beginning of a state.
func since(t parley.Instant, p parley.TimePrecision) string {
	if p == parley.PrecisionNoLaterThan {
		return on(t, p)
	}
	return "since " + on(t, p)
}

// ends returns the end of the span in which an instant lies, given its precision.
func ends(t parley.Instant, p parley.TimePrecision) parley.Instant {
	t = t.UTC()
	switch p {
	case parley.PrecisionHour:
		return t.Truncate(time.Hour).Add(time.Hour)
	case parley.PrecisionDay:
		return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
	case parley.PrecisionMonth:
		return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	case parley.PrecisionYear:
		return time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

// sentence adds a full stop where a text has no end mark.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") ||
		strings.HasSuffix(text, "…") {
		return text
	}
	return text + "."
}

func capital(text string) string {
	for i, r := range text {
		return string(unicode.ToUpper(r)) + text[i+len(string(r)):]
	}
	return text
}

var (
	// special escapes what Markdown or HTML would interpret. Some readers turn "://" and "www." into links.
	special = strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`,
		"|", `\|`, "#", `\#`, "~", `\~`, "&", `\&`, "://", `\://`, "www.", `www\.`,
	)
	// link matches URLs that become links. Imported archives may contain any URL.
	link = regexp.MustCompile(`^https?://[^<>\s]+$`)
	// listed matches texts that begin like a list item, a rule, or the underline of a heading.
	listed = regexp.MustCompile(`^(\d*)([-+=.)])`)
)

// plain returns a text on one line, with Markdown and HTML escaped. Its direction of writing does not reach beyond it.
func plain(text string) string {
	rightToLeft := false
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case parley.ReordersText(r):
			return -1
		}
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL {
			rightToLeft = true
		}
		return r
	}, text)
	escaped := listed.ReplaceAllString(special.Replace(strings.Join(strings.Fields(text), " ")), `$1\$2`)
	if rightToLeft {
		return "\u2068" + escaped + "\u2069" // isolated
	}
	return escaped
}
