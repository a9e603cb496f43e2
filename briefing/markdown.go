package briefing

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"parley"
)

// columns is how many scenarios stand in one table: more are too wide to read.
const columns = 5

func (b *briefing) markdown() string {
	var d document
	d.line("# %s", plain(b.negotiation.Title))
	d.line("*Briefing as of %s, by what was on record at %s.*", minute(b.lens.ValidAt), minute(b.lens.KnownAt))
	if b.negotiation.Summary != nil {
		d.line("%s", plain(*b.negotiation.Summary))
	}
	d.line("## Where each scenario stands")
	for _, i := range b.issues {
		d.line("### %s", plain(i.Title))
		if i.Question != nil {
			d.line("%s", plain(*i.Question))
		}
		var items []string
		for n, s := range i.scenarios {
			items = append(items, b.standing(i, n, s))
		}
		d.list(items, "No scenario is on the table.")
	}
	d.line("## Who stands where")
	noted := false
	for _, i := range b.issues {
		noted = b.matrix(&d, i) || noted
	}
	if noted {
		d.line("\\* has a veto on the issue. – nothing is on record: nobody has looked, or nothing was said. A name in brackets: said by one who speaks for the party. *At second hand*: no word of the party itself is on record. *Contested*: other claims stand beside it.")
	}
	if b.Since != nil {
		since := minute(*b.Since)
		if b.Since.Equal(b.Since.Truncate(24 * time.Hour)) {
			since = day(*b.Since)
		}
		d.line("## What moved since %s", since)
		d.list(b.told(b.moved), "Nothing that is on record.")
	}
	if len(b.learned) > 0 {
		d.line("## What was learned since of the time before")
		d.list(b.told(b.learned), "")
	}
	if len(b.planned) > 0 {
		d.line("## What is planned")
		var items []string
		for _, e := range b.planned {
			items = append(items, capital(fmt.Sprintf("%s: %s%s.", on(e.StartedAt, e.StartedAtPrecision), plain(e.Title), place(e))))
		}
		d.list(items, "")
	}
	d.line("## Sources")
	var sources []string
	for n, id := range b.cited {
		sources = append(sources, fmt.Sprintf("%d. %s", n+1, source(b.sources[id])))
	}
	if len(sources) == 0 {
		d.line("None is on record.")
	} else {
		d.line("%s", strings.Join(sources, "\n"))
	}
	d.line("---")
	d.line("Permalink, which says the same whenever it is followed: <%s>", b.permalink())
	return d.String()
}

// document is Markdown in the making: blocks with an empty line between.
type document struct{ strings.Builder }

func (d *document) line(format string, args ...any) {
	if d.Len() > 0 {
		d.WriteString("\n")
	}
	fmt.Fprintf(d, format, args...)
	d.WriteString("\n")
}

func (d *document) list(items []string, none string) {
	if len(items) == 0 {
		d.line("%s", none)
		return
	}
	d.line("- %s", strings.Join(items, "\n- "))
}

// standing tells where a scenario stands, what is in its way, and how likely it is held.
func (b *briefing) standing(i issue, n int, s *parley.Scenario) string {
	text := fmt.Sprintf("**%s**: %s", plain(s.Title), parley.Words(*s.Status))
	if c := b.changes[*s.StatusChangeID]; c != nil {
		text += " " + since(c.EffectiveAt, c.EffectiveAtPrecision)
		if c.Reason != nil {
			text += ". " + sentence(plain(*c.Reason)) + b.cite(c.EvidenceIDs)
		} else {
			text += b.cite(c.EvidenceIDs) + "."
		}
	}
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "]") {
		text += "."
	}
	if !slices.Contains(offTheTable, *s.Status) {
		text += " " + verdict(i.zone[n])
	}
	if e := i.likelihoods.Entries[n]; e.Probability != nil {
		text += fmt.Sprintf(" Analysts hold it to be %s (%d percent, the median of %d).", parley.Words(*e.Likelihood()), *e.Probability, e.Analysts)
	}
	if r := s.Resolution(); r != nil {
		text += fmt.Sprintf(" Resolved on %s: %s.", day(r.ResolvedAt), parley.Words(r.Outcome))
		if r.Note != nil {
			text += " " + sentence(plain(*r.Note))
		}
	}
	return text
}

// offTheTable are the statuses of scenarios that nobody need agree to any more.
var offTheTable = []parley.ScenarioStatus{"REJECTED", "WITHDRAWN", "COLLAPSED", parley.Superseded, "IMPLEMENTED"}

// verdict says who, of those with a veto, stands in the way.
func verdict(e *parley.LandingZoneEntry) string {
	vetoes := slices.ContainsFunc(e.Parties, func(p *parley.LandingZoneParty) bool { return p.VetoPlayer })
	var text string
	switch {
	case !vetoes:
		return "Nobody on record has a veto on it."
	case e.Verdict == parley.Blocked:
		text = fmt.Sprintf("Blocked by %s.", names(e.Blockers))
	case e.Verdict == parley.Undecided:
		text = fmt.Sprintf("Undecided: no word that commits %s.", names(e.Undeclared))
	default:
		text = "Acceptable: nobody with a veto opposes it."
	}
	if len(e.Conditional) > 0 {
		text += fmt.Sprintf(" With conditions: %s.", names(e.Conditional))
	}
	return text
}

func names(list []*parley.Stakeholder) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = plain(s.Name)
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// matrix writes who stands where on an issue; false where nobody stands anywhere.
func (b *briefing) matrix(d *document, i issue) bool {
	rows := slices.DeleteFunc(slices.Clone(i.matrix.Rows), func(r *parley.StanceRow) bool {
		silent := !slices.ContainsFunc(r.Cells, func(c *parley.StanceCell) bool { return c.Position != nil })
		return silent && !hasVeto(i, r.Stakeholder)
	})
	if len(rows) == 0 {
		return false
	}
	d.line("### %s", plain(i.Title))
	for from := 0; from < len(i.scenarios); from += columns {
		to := min(from+columns, len(i.scenarios))
		head, rule := "| |", "|---|"
		for _, s := range i.scenarios[from:to] {
			head += " " + plain(s.Title) + " |"
			rule += "---|"
		}
		lines := []string{head, rule}
		for _, r := range rows {
			line := "| " + plain(r.Stakeholder.Name)
			if hasVeto(i, r.Stakeholder) {
				line += "\\*"
			}
			for _, c := range r.Cells[from:to] {
				line += " | " + b.cell(r, c)
			}
			lines = append(lines, line+" |")
		}
		d.line("%s", strings.Join(lines, "\n"))
	}
	var dissent []string
	for _, r := range rows {
		for n, c := range r.Cells {
			for _, p := range b.dissenting[c] {
				dissent = append(dissent, fmt.Sprintf("Also said of %s on **%s**: %s.%s", plain(r.Stakeholder.Name), plain(i.scenarios[n].Title), held(p), because(p.Rationale))+b.cite(p.EvidenceIDs))
			}
		}
	}
	if len(dissent) > 0 {
		d.list(dissent, "")
	}
	var silent []*parley.Stakeholder
	for _, r := range i.matrix.Rows {
		if !slices.Contains(rows, r) {
			silent = append(silent, r.Stakeholder)
		}
	}
	if len(silent) > 0 {
		d.line("Nothing is on record of %s.", names(silent))
	}
	return true
}

func hasVeto(i issue, stakeholder *parley.Stakeholder) bool {
	return len(i.zone) > 0 && slices.ContainsFunc(i.zone[0].Parties, func(p *parley.LandingZoneParty) bool {
		return p.Stakeholder.ID == stakeholder.ID && p.VetoPlayer
	})
}

func (b *briefing) cell(r *parley.StanceRow, c *parley.StanceCell) string {
	if c.Position == nil {
		return "–"
	}
	text := held(c.Position)
	if c.Position.HolderID != r.Stakeholder.ID {
		text += " (" + b.nameOf(c.Position.HolderID) + ")"
	}
	if c.Contested {
		text += ", *contested*"
	}
	return text + b.cite(c.Position.EvidenceIDs)
}

func (b *briefing) nameOf(id uuid.UUID) string {
	if s := b.stakeholders[id]; s != nil {
		return plain(s.Name)
	}
	return "?"
}

// held is what a position says.
func held(p *parley.Position) string {
	text := map[parley.Stance]string{"AMBIGUOUS": "unclear", "UNDECLARED": "silent", "NEUTRAL": "does not mind"}[p.Stance]
	if text == "" {
		text = parley.Words(p.Stance)
	}
	if len(p.Conditions) > 0 {
		conditions := make([]string, len(p.Conditions))
		for i, c := range p.Conditions {
			conditions[i] = plain(c)
		}
		text += " (on condition: " + strings.Join(conditions, "; ") + ")"
	}
	if p.RedLine {
		text += " (a red line)"
	}
	if p.SecondHand && len(p.EvidenceIDs) > 0 && p.Stance != "UNDECLARED" { // silence is seldom told by those who are silent
		text += ", *at second hand*"
	}
	return text
}

// told tells moves, the earliest first.
func (b *briefing) told(moves []move) []string {
	type item struct {
		at   parley.Instant
		text string
	}
	var items []item
	for _, m := range moves {
		items = append(items, item{m.at(), b.tell(m)})
	}
	slices.SortStableFunc(items, func(a, b item) int { return a.at.Compare(b.at) })
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = it.text
	}
	return texts
}

// at is when it moved.
func (m move) at() parley.Instant {
	switch {
	case m.change != nil:
		return m.change.EffectiveAt
	case m.now != nil:
		return m.now.ValidFrom
	case m.before.ValidTo != nil:
		return *m.before.ValidTo
	}
	return m.before.ValidFrom
}

func (b *briefing) tell(m move) string {
	switch {
	case m.change != nil:
		text := fmt.Sprintf("%s: **%s** ", capital(on(m.change.EffectiveAt, m.change.EffectiveAtPrecision)), plain(m.scenario.Title))
		if m.was == nil {
			text += "came on the table as " + parley.Words(m.change.To)
		} else {
			text += fmt.Sprintf("went from %s to %s", parley.Words(*m.was), parley.Words(m.change.To))
		}
		text += "." + because(m.change.Reason)
		return text + mended(m.cause, m.change.CorrectionNote) + b.cite(m.change.EvidenceIDs)
	case m.now == nil:
		return fmt.Sprintf("%s on **%s**: no longer %s.%s", capital(plain(m.holder.Name)), plain(m.scenario.Title), held(m.before), mended(m.cause, nil))
	}
	text := fmt.Sprintf("%s: %s on **%s**: ", capital(on(m.now.ValidFrom, m.now.ValidFromPrecision)), plain(m.holder.Name), plain(m.scenario.Title))
	if m.before != nil {
		text += "from " + held(m.before) + " to "
	}
	text += held(m.now) + "." + because(m.now.Rationale)
	return text + mended(m.cause, m.now.CorrectionNote) + b.words(m.now.EvidenceIDs)
}

func because(reason *string) string {
	if reason == nil {
		return ""
	}
	return " " + sentence(plain(*reason))
}

// mended says where it is the record that changed.
func mended(cause parley.ShiftCause, note *string) string {
	switch {
	case cause == parley.LateReport:
		return " (It was so before, and was reported since.)"
	case cause == parley.RecordCorrected && note != nil:
		return " (The record was corrected: " + strings.TrimSuffix(plain(*note), ".") + ".)"
	case cause == parley.RecordCorrected:
		return " (The record was corrected.)"
	}
	return ""
}

// words quotes what a position rests on, with who said it; the rest of the evidence is cited.
func (b *briefing) words(evidence []uuid.UUID) string {
	for _, id := range evidence {
		if s := b.statements[id]; s != nil && s.Form == parley.DirectQuote {
			return fmt.Sprintf(" %s: “%s”", b.voice(s), strings.Trim(plain(s.Text), "“”\"")) + b.cite(evidence)
		}
	}
	return b.cite(evidence)
}

func (b *briefing) voice(s *parley.Statement) string {
	switch {
	case s.SpeakerID != nil:
		return b.nameOf(*s.SpeakerID)
	case s.SpeakerDescription != nil:
		return capital(plain(*s.SpeakerDescription))
	}
	return "The source itself"
}

// cite gives the numbers of the sources of statements, each source its own as it is met.
func (b *briefing) cite(statements []uuid.UUID) string {
	var numbers []int
	for _, id := range statements {
		s := b.statements[id]
		if s == nil || b.sources[s.SourceID] == nil {
			continue
		}
		n := slices.Index(b.cited, s.SourceID)
		if n < 0 {
			n = len(b.cited)
			b.cited = append(b.cited, s.SourceID)
		}
		if !slices.Contains(numbers, n+1) {
			numbers = append(numbers, n+1)
		}
	}
	slices.Sort(numbers)
	var text strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&text, " [%d]", n)
	}
	return text.String()
}

// reliabilities are the letters of the Admiralty scale in words.
var reliabilities = map[parley.SourceReliability]string{
	"A": "completely reliable", "B": "usually reliable", "C": "fairly reliable", "D": "not usually reliable", "E": "unreliable", "F": "reliability can't be judged",
}

func source(s *parley.Source) string {
	parts := []string{plain(s.Title)}
	for _, part := range []*string{s.Author, s.Publisher} {
		if part != nil {
			parts = append(parts, plain(*part))
		}
	}
	if s.PublishedAt != nil {
		parts = append(parts, day(*s.PublishedAt))
	}
	parts = append(parts, reliabilities[s.Reliability])
	if s.Marking != "TLP_CLEAR" {
		parts = append(parts, strings.Replace(strings.ReplaceAll(string(s.Marking), "_", "+"), "+", ":", 1))
	}
	text := strings.Join(parts, ", ") + "."
	if s.URL != nil && !strings.ContainsAny(*s.URL, "<> \n\t") {
		text += " <" + *s.URL + ">"
	}
	return text
}

// place is where an event is, unless its title says so.
func place(e *parley.Event) string {
	if e.Location == nil || strings.Contains(e.Title, *e.Location) {
		return ""
	}
	return " (" + plain(*e.Location) + ")"
}

func day(t parley.Instant) string    { return t.UTC().Format("2 January 2006") }
func minute(t parley.Instant) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

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
	return minute(t)
}

// since is from when on something has been.
func since(t parley.Instant, p parley.TimePrecision) string {
	if p == parley.PrecisionNoLaterThan {
		return "by " + day(t)
	}
	return "since " + on(t, p)
}

// ends is when the span ends that an instant may lie in, as exactly as it is known.
func ends(t parley.Instant, p parley.TimePrecision) parley.Instant {
	switch p {
	case parley.PrecisionHour:
		return t.Add(time.Hour)
	case parley.PrecisionDay:
		return t.AddDate(0, 0, 1)
	case parley.PrecisionMonth:
		return t.AddDate(0, 1, 0)
	case parley.PrecisionYear:
		return t.AddDate(1, 0, 0)
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

var special = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "#", `\#`, "~", `\~`)

// plain is a text on one line in which nothing is taken for Markdown or HTML.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return special.Replace(strings.Join(strings.Fields(text), " "))
}
