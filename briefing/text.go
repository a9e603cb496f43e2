package briefing

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"example.org/parley"
)

func day(t parley.Instant) string    { return t.UTC().Format("2 January 2006") }
func minute(t parley.Instant) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// moment is a day where it begins, else to the minute.
func moment(t parley.Instant) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return day(t)
	}
	return minute(t)
}

// on is when something was, as exactly as it is known.
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

// since is from when on something has been.
func since(t parley.Instant, p parley.TimePrecision) string {
	if p == parley.PrecisionNoLaterThan {
		return on(t, p)
	}
	return "since " + on(t, p)
}

// ends is when the span ends that an instant may lie in, as exactly as it is known.
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

// sentence ends with a full stop.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "…") {
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
	special = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "#", `\#`, "~", `\~`, "&", `\&`,
		"://", `\://`, "www.", `www\.`) // which some readers make links of
	// link may be followed: an archive of somebody else's may hold any.
	link = regexp.MustCompile(`^https?://[^<>\s]+$`)
	// listed begins like an item of a list, a rule, or a line under a heading.
	listed = regexp.MustCompile(`^(\d*)([-+=.)])`)
)

// plain is a text on one line in which nothing is taken for Markdown or HTML.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return listed.ReplaceAllString(special.Replace(strings.Join(strings.Fields(text), " ")), `$1\$2`)
}
