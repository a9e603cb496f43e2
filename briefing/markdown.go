package briefing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

const (
	columns = 5  // scenarios in one table; wider tables are hard to read
	named   = 10 // stakeholders that a list names before it says how many others there are
)

func (b *briefing) text() string {
	var d document // the body comes first, since sources are numbered in the order of their citations
	b.judgements(&d)
	b.standings(&d)
	b.matrices(&d)
	b.moves(&d)
	if len(b.planned) > 0 {
		d.line("## Planned and postponed events")
		var items []string
		for _, e := range b.planned {
			when := capital(on(e.StartedAt, e.StartedAtPrecision))
			if e.State == parley.EventPostponed {
				when = "Postponed, at last to " + on(e.StartedAt, e.StartedAtPrecision)
			}
			items = append(items, fmt.Sprintf("%s: %s%s.", when, plain(e.Title), place(e))+b.cite(e.EvidenceIDs))
		}
		d.list(items)
	}
	d.line("## Sources")
	sources := "No source is cited."
	for n, id := range b.cited {
		if n == 0 {
			sources = ""
		}
		sources += fmt.Sprintf("%d. %s\n", n+1, source(b.sources[id]))
	}
	d.line("%s", strings.TrimRight(sources, "\n"))
	d.line("---")
	always := "it always shows this text"
	if b.UpTo != "" {
		always += ", unless the marking of a source changes"
	}
	d.line("Permalink (%s): <%s>", always, b.permalink())

	var head document
	head.line("# %s", plain(b.negotiation.Title))
	head.line("*Situation as of %s, based on what was on record at %s.*", minute(b.lens.ValidAt),
		minute(b.lens.KnownAt))
	switch strictest := b.marking(); {
	case b.UpTo != "":
		head.line("**%s**, an edition: it says only what rests on sources up to this marking, or on none.", traffic(b.UpTo))
	case strictest != "TLP_CLEAR":
		head.line("**%s**, the strictest marking of the cited sources.", traffic(strictest))
	}
	if b.negotiation.Summary != nil {
		head.line("%s", plain(*b.negotiation.Summary))
	}
	return head.String() + "\n" + d.String()
}

// document is Markdown text: blocks with an empty line between them.
type document struct{ strings.Builder }

func (d *document) line(format string, args ...any) {
	if d.Len() > 0 {
		d.WriteString("\n")
	}
	fmt.Fprintf(d, format, args...)
	d.WriteString("\n")
}

func (d *document) list(items []string) {
	if len(items) > 0 {
		d.line("- %s", strings.Join(items, "\n- "))
	}
}

// standings describes where each scenario stands.
func (b *briefing) standings(d *document) {
	d.line("## Where each scenario stands")
	for _, i := range b.issues {
		d.line("### %s", plain(i.Title))
		if i.Question != nil {
			d.line("%s", plain(*i.Question))
		}
		var live, decided []string
		for n, s := range i.scenarios {
			if s.Live() {
				live = append(live, b.standing(i, n, s))
			} else {
				decided = append(decided, b.standing(i, n, s))
			}
		}
		if d.list(live); len(live) > 0 && len(decided) > 0 {
			d.line("Decided:")
		}
		if d.list(decided); len(i.scenarios) == 0 {
			d.line("No scenario is on the table.")
		}
	}
	if len(b.issues) == 0 {
		d.line("No issue is on record.")
	}
}

// standing describes a scenario's status, the parties that stand in its way, and its likelihood.
func (b *briefing) standing(i issue, n int, s *parley.Scenario) string {
	text := fmt.Sprintf("**%s**: %s", plain(s.Title), parley.Words(*s.Status))
	if c := b.changes[*s.StatusChangeID]; c != nil {
		text += " " + since(c.EffectiveAt, c.EffectiveAtPrecision) + although(i.zone[n]) + "." + because(c.Reason) +
			b.cite(c.EvidenceIDs)
	}
	if r := s.Resolution(); r != nil {
		return text + fmt.Sprintf(" Resolved on %s: %s.", day(r.ResolvedAt), parley.Words(r.Outcome)) + because(r.Note)
	}
	text += verdict(i.zone[n])
	switch e := i.likelihoods.Entries[n]; {
	case e.Probability != nil && e.Likelihood() == nil:
		text += " It can't come about any more, since a scenario that excludes it has."
	case e.Analysts == 1:
		text += fmt.Sprintf(" One analyst's judgement: %s (%d percent).", parley.Words(*e.Likelihood()), *e.Probability)
	case e.Analysts > 1:
		text += fmt.Sprintf(" The analysts' judgement: %s (%d percent, the median of %d).",
			parley.Words(*e.Likelihood()), *e.Probability, e.Analysts)
	}
	return text
}

// although names the parties whose word contradicts the status.
func although(e *parley.LandingZoneEntry) string {
	if len(e.Contradicting) == 0 {
		return ""
	}
	be, side := "is", "against"
	if len(e.Contradicting) > 1 {
		be = "are"
	}
	if e.Verdict == parley.OffTheTable {
		side = "for"
	}
	return fmt.Sprintf(", though %s %s on record %s it", names(e.Contradicting), be, side)
}

// verdict says which parties with a veto stand in a scenario's way, where its status does not decide.
func verdict(e *parley.LandingZoneEntry) string {
	var text string
	switch {
	case e.Verdict == parley.Settled || e.Verdict == parley.OffTheTable:
		return ""
	case !slices.ContainsFunc(e.Parties, func(p *parley.LandingZoneParty) bool { return p.VetoPlayer }):
		return " No party on record has a veto on it."
	case e.Verdict == parley.Blocked:
		text = fmt.Sprintf(" Blocked by %s.", names(e.Blockers))
	case e.Verdict == parley.Undecided:
		text = fmt.Sprintf(" Undecided: no clear position from %s.", names(e.Undeclared))
	default:
		text = " Acceptable: no party with a veto opposes it."
	}
	if len(e.Conditional) > 0 {
		text += fmt.Sprintf(" Supported on conditions by %s.", names(e.Conditional))
	}
	if len(e.OnHearsay) > 0 {
		text += fmt.Sprintf(" Based only on what others said: %s.", names(e.OnHearsay))
	}
	return text
}

// names lists stakeholders in a sentence.
func names(list []*parley.Stakeholder) string {
	var words []string
	for i, s := range list {
		if i == named && len(list) > named+1 {
			words = append(words, fmt.Sprintf("%d others", len(list)-named))
			break
		}
		words = append(words, plain(s.Name))
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// matrices describes who stands where, issue by issue.
func (b *briefing) matrices(d *document) {
	var tables document
	for _, i := range b.issues {
		b.matrix(&tables, i)
	}
	if tables.Len() == 0 {
		return
	}
	d.line("## Who stands where")
	d.line("%s", strings.TrimRight(tables.String(), "\n"))
	d.line("\\*: the party has a veto on the issue. –: no position is on record. A name in brackets: the one who " +
		"spoke for the party; *formerly*: and does so no longer. *Silent*: a statement of the party was sought, and " +
		"there is none. *Second-hand*: based only on what others said. *Unsourced*: no evidence is on record. " +
		"*Contested*: there are competing claims. *Divided*: others who speak for the party say something else.")
}

// matrix describes who stands where on an issue. It writes nothing if no position is on record.
func (b *briefing) matrix(d *document, i issue) {
	vetoes := make(map[uuid.UUID]bool)
	if len(i.zone) > 0 {
		for _, p := range i.zone[0].Parties {
			vetoes[p.Stakeholder.ID] = p.VetoPlayer
		}
	}
	var rows []*parley.StanceRow
	var silent []*parley.Stakeholder
	for _, r := range i.matrix.Rows {
		if vetoes[r.Stakeholder.ID] ||
			slices.ContainsFunc(r.Cells, func(c *parley.StanceCell) bool { return c.Position != nil }) {
			rows = append(rows, r)
		} else {
			silent = append(silent, r.Stakeholder)
		}
	}
	if len(rows) == 0 {
		return
	}
	d.line("### %s", plain(i.Title))
	for from := 0; from < len(i.scenarios); from += columns {
		to := min(from+columns, len(i.scenarios))
		lines := []string{"| |", "|---|"}
		for _, s := range i.scenarios[from:to] {
			lines[0] += " " + plain(s.Title) + " |"
			lines[1] += "---|"
		}
		for _, r := range rows {
			line := "| " + plain(r.Stakeholder.Name)
			if vetoes[r.Stakeholder.ID] {
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
			of := fmt.Sprintf("%s on **%s**", plain(r.Stakeholder.Name), plain(i.scenarios[n].Title))
			for _, p := range b.dissenting[c] {
				dissent = append(dissent,
					"Competing claim about "+of+": "+held(p)+"."+because(p.Rationale)+b.cite(p.EvidenceIDs))
			}
			for _, p := range c.Others {
				dissent = append(dissent, fmt.Sprintf("Another word of %s: %s (%s).", of, held(p),
					b.holderOf(p, r.Stakeholder))+because(p.Rationale)+b.cite(p.EvidenceIDs))
			}
		}
	}
	d.list(dissent)
	if len(silent) > 0 {
		d.line("No position is on record for %s.", names(silent))
	}
}

func (b *briefing) cell(r *parley.StanceRow, c *parley.StanceCell) string {
	if c.Position == nil {
		return "–"
	}
	text := held(c.Position)
	if c.Position.HolderID != r.Stakeholder.ID {
		parties := []*parley.Stakeholder{r.Stakeholder}
		if c.ThroughID != nil && b.stakeholders[*c.ThroughID] != nil {
			parties = append(parties, b.stakeholders[*c.ThroughID])
		}
		text += " (" + b.holderOf(c.Position, parties...)
		if c.ThroughID != nil && *c.ThroughID != c.Position.HolderID {
			text += ", for " + b.nameOf(*c.ThroughID)
		}
		if c.FormerSpeaker {
			text += ", formerly"
		}
		text += ")"
	}
	if c.Contested {
		text += ", *contested*"
	}
	if c.Divided() {
		text += ", *divided*"
	}
	return text + b.cite(c.Position.EvidenceIDs)
}

// holderOf names the holder of a position and the holder's office, in one of the parties if there is one, unless all that
// the holder said as its evidence was said on terms that forbid it.
func (b *briefing) holderOf(p *parley.Position, parties ...*parley.Stakeholder) string {
	protected := false
	for _, id := range p.EvidenceIDs {
		s := b.statements[id]
		if s == nil || !slices.Contains(s.SpeakerIDs, p.HolderID) {
			continue
		}
		if s.Terms == parley.OnRecord {
			return b.nameOf(p.HolderID) + b.officeOf(p, parties)
		}
		protected = true
	}
	if protected {
		return "somebody who may not be named"
	}
	return b.nameOf(p.HolderID) + b.officeOf(p, parties)
}

// officeOf is the office in which somebody took a position: one in the parties, else any in which the holder spoke for
// somebody.
func (b *briefing) officeOf(p *parley.Position, parties []*parley.Stakeholder) string {
	a := b.office(wordOf(p), parties)
	if a == nil || a.Office == nil {
		return ""
	}
	return ", " + plain(*a.Office)
}

// office is the office in which somebody spoke: the first of those in the parties, of those in which the speaker spoke for
// somebody, or of all; nil: none is on record.
func (b *briefing) office(w word, parties []*parley.Stakeholder) *parley.Affiliation {
	var found *parley.Affiliation
	rank := 0
	for _, a := range b.offices[w] {
		of := 1
		if a.SpeaksFor {
			of = 2
		}
		if slices.ContainsFunc(parties, func(s *parley.Stakeholder) bool { return s.ID == a.OrganizationID }) {
			of = 3
		}
		if of > rank {
			found, rank = a, of
		}
	}
	return found
}

func (b *briefing) nameOf(id uuid.UUID) string {
	if s := b.stakeholders[id]; s != nil {
		return plain(s.Name)
	}
	return "?"
}

// held returns a position's stance, its conditions, and whether its evidence is missing or second-hand.
func held(p *parley.Position) string {
	text := map[parley.Stance]string{"AMBIGUOUS": "unclear", "UNDECLARED": "silent"}[p.Stance]
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
	switch {
	case len(p.EvidenceIDs) == 0:
		text += ", *unsourced*"
	case p.SecondHand && p.Stance != "UNDECLARED": // silent parties seldom report their own silence
		text += ", *second-hand*"
	}
	return text
}

// moves describes what moved, and what was learned.
func (b *briefing) moves(d *document) {
	if b.Since == nil {
		return
	}
	d.line("## What moved since %s", moment(*b.Since))
	var dated, undated []move
	for _, m := range b.moved {
		if m.possiblyOlder() {
			undated = append(undated, m)
		} else {
			dated = append(dated, m)
		}
	}
	byDate := func(a, b move) int { return a.at().Compare(b.at()) }
	slices.SortStableFunc(dated, byDate)
	slices.SortStableFunc(undated, byDate)
	var items []string
	for _, m := range dated {
		items = append(items, b.tell(m))
	}
	if d.list(items); len(items) == 0 {
		d.line("No move is on record.")
	}
	if len(undated) > 0 {
		d.line("First reported since then, but possibly older:")
		items = nil
		for _, m := range undated {
			items = append(items, b.tellUndated(m))
		}
		d.list(items)
	}
	if len(b.learned) > 0 {
		d.line("## New information about %s", moment(*b.Since))
		items = nil
		for _, m := range b.learned {
			items = append(items, b.tellLearned(m))
		}
		d.list(items)
	}
}

// possiblyOlder reports whether this is the first report on the matter, and gives only the latest possible beginning.
func (m move) possiblyOlder() bool {
	if m.event != nil || m.likelihood != nil {
		return false
	}
	if m.change != nil {
		return m.from == nil && m.change.EffectiveAtPrecision == parley.PrecisionNoLaterThan
	}
	return m.before == nil && m.now.ValidFromPrecision == parley.PrecisionNoLaterThan
}

// at returns when it moved.
func (m move) at() parley.Instant {
	switch {
	case m.event != nil:
		return m.event.StartedAt
	case m.likelihood != nil:
		return m.likelihood.Steps[len(m.likelihood.Steps)-1].At
	case m.change != nil:
		return m.change.EffectiveAt
	case m.now != nil && (m.before == nil || m.before.ValidTo == nil || m.now.ValidFrom.After(m.before.ValidFrom)):
		return m.now.ValidFrom
	case m.before.ValidTo != nil:
		return *m.before.ValidTo
	}
	return m.before.ValidFrom
}

// tell describes a move and its date.
func (b *briefing) tell(m move) string {
	if m.event != nil {
		return fmt.Sprintf("%s: %s%s.", capital(on(m.event.StartedAt, m.event.StartedAtPrecision)), plain(m.event.Title),
			place(m.event)) + b.cite(m.event.EvidenceIDs)
	}
	scenario := plain(m.scenario.Title)
	switch {
	case m.change != nil:
		text := fmt.Sprintf("%s: **%s** ", capital(on(m.change.EffectiveAt, m.change.EffectiveAtPrecision)), scenario)
		if m.from == nil {
			text += fmt.Sprintf("came onto the table (status: %s).", parley.Words(*m.to))
		} else {
			text += fmt.Sprintf("went from %s to %s.", parley.Words(*m.from), parley.Words(*m.to))
		}
		return text + because(m.change.Reason) + b.cite(m.change.EvidenceIDs)
	case m.likelihood != nil:
		return fmt.Sprintf("%s: the analysts' judgement of **%s** moved from %s to %s.", capital(moment(m.at())), scenario,
			judged(m.likelihood.Before), judged(m.likelihood.After))
	case m.now == nil:
		return fmt.Sprintf("%s on **%s**: no longer holds a position (on %s: %s).", m.parties(), scenario,
			moment(*b.Since), b.said(m, m.before)) + b.cite(m.evidence())
	}
	when := on(m.now.ValidFrom, m.now.ValidFromPrecision)
	if !m.at().Equal(m.now.ValidFrom) { // an earlier position that holds again since the one after it has ended
		when = moment(m.at())
	}
	text := fmt.Sprintf("%s: %s on **%s**: %s", capital(when), m.parties(), scenario, b.said(m, m.now))
	switch {
	case m.before != nil && m.before.SaysTheSame(m.now):
		text += fmt.Sprintf("; so already on %s, but not in between", moment(*b.Since))
	case m.before != nil:
		text += fmt.Sprintf("; on %s: %s", moment(*b.Since), b.said(m, m.before))
	}
	return text + "." + because(m.now.Rationale) + b.words(m.evidence())
}

// tellUndated describes a move that is possibly older.
func (b *briefing) tellUndated(m move) string {
	scenario := plain(m.scenario.Title)
	if m.change != nil {
		return fmt.Sprintf("**%s** is on the table (status: %s).", scenario, parley.Words(*m.to)) +
			because(m.change.Reason) + b.cite(m.change.EvidenceIDs)
	}
	return fmt.Sprintf("%s on **%s**: %s.", m.parties(), scenario, b.said(m, m.now)) +
		because(m.now.Rationale) + b.words(m.now.EvidenceIDs)
}

// tellLearned describes what is known about the date and was not known on it.
func (b *briefing) tellLearned(m move) string {
	if m.party == nil {
		return b.tellLearnedStatus(m)
	}
	of := fmt.Sprintf("%s on **%s**: ", m.parties(), plain(m.scenario.Title))
	if m.now == nil {
		return of + "no position then; the record had said: " + b.said(m, m.before) + "." + b.cite(m.evidence())
	}
	reason := because(m.now.Rationale) + corrected(m.cause, m.now.CorrectionNote)
	if m.before == nil {
		return of + b.said(m, m.now) + " then; the record had said nothing for that date." + reason +
			b.words(m.now.EvidenceIDs)
	}
	return of + b.said(m, m.now) + " then; the record had said: " + b.said(m, m.before) + "." + reason + b.words(m.evidence())
}

func (b *briefing) tellLearnedStatus(m move) string {
	scenario := plain(m.scenario.Title)
	if m.to == nil {
		return fmt.Sprintf("**%s** was not on the table then; the record had said: %s.", scenario,
			parley.Words(*m.from))
	}
	text := fmt.Sprintf("**%s** was %s then", scenario, parley.Words(*m.to))
	if m.from == nil {
		text += "; the record had said nothing for that date."
	} else {
		text += fmt.Sprintf(", not %s.", parley.Words(*m.from))
	}
	return text + because(m.change.Reason) + corrected(m.cause, m.change.CorrectionNote) + b.cite(m.change.EvidenceIDs)
}

// parties names those that moved.
func (m move) parties() string { return names(append([]*parley.Stakeholder{m.party}, m.also...)) }

// judged is a pooled judgement in words.
func judged(percent *int) string {
	if percent == nil {
		return "none"
	}
	return fmt.Sprintf("%s (%d percent)", parley.Words(parley.LikelihoodOf(*percent)), *percent)
}

// said returns what a position says, and who holds it if that is none of the parties themselves.
func (b *briefing) said(m move, p *parley.Position) string {
	text := held(p)
	holds := func(s *parley.Stakeholder) bool { return s.ID == p.HolderID }
	if !holds(m.party) && !slices.ContainsFunc(m.also, holds) {
		text += " (" + b.holderOf(p, append(m.also, m.party)...) + ")"
	}
	return text
}

func because(reason *string) string {
	if reason == nil {
		return ""
	}
	return " " + sentence(plain(*reason))
}

// corrected says why the record reads differently.
func corrected(cause parley.ShiftCause, note *string) string {
	switch {
	case cause == parley.RecordCorrected && note != nil:
		return " (The record was corrected: " + strings.TrimSuffix(plain(*note), ".") + ".)"
	case cause == parley.RecordCorrected:
		return " (The record was corrected.)"
	}
	return " (Reported later.)"
}

// words quotes one statement of the evidence that was made on the record by a named speaker, and cites all evidence.
func (b *briefing) words(evidence []uuid.UUID) string {
	for _, id := range evidence {
		if s := b.statements[id]; s != nil && s.Form == parley.DirectQuote && s.Terms == parley.OnRecord &&
			len(s.SpeakerIDs) > 0 {
			speakers := make([]string, len(s.SpeakerIDs))
			for i, id := range s.SpeakerIDs {
				speakers[i] = b.nameOf(id) + b.capacity(b.spoken(s, id))
			}
			quote := fmt.Sprintf(" %s: “%s”", parley.Enumerated(speakers), unquoted(s.Text))
			if s.Translation != nil {
				quote += fmt.Sprintf(" (“%s”, translated by %s)", unquoted(*s.Translation), plain(*s.TranslatedBy))
			}
			return quote + b.cite(evidence)
		}
	}
	return b.cite(evidence)
}

// capacity is in what office, and for whom, a person spoke.
func (b *briefing) capacity(w word) string {
	a := b.office(w, nil)
	switch {
	case a == nil:
		return ""
	case a.Office == nil:
		return " (" + b.nameOf(a.OrganizationID) + ")"
	}
	return " (" + plain(*a.Office) + ", " + b.nameOf(a.OrganizationID) + ")"
}

// unquoted is a text without quotation marks around it.
func unquoted(text string) string { return strings.Trim(plain(text), "“”\"") }

// cite returns the source numbers of statements. A source gets its number when it is first cited.
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

// marking returns the strictest marking of the cited sources.
func (b *briefing) marking() parley.Marking {
	strictest := 0
	for _, id := range b.cited {
		strictest = max(strictest, slices.Index(parley.Markings, b.sources[id].Marking))
	}
	return parley.Markings[strictest]
}

// traffic formats a marking as FIRST defines it: TLP:AMBER+STRICT.
func traffic(m parley.Marking) string {
	return strings.Replace(strings.Replace(string(m), "_", ":", 1), "_", "+", 1)
}

// reliabilities are the grades of the Admiralty scale in words.
var reliabilities = map[parley.SourceReliability]string{
	"A": "completely reliable",
	"B": "usually reliable",
	"C": "fairly reliable",
	"D": "not usually reliable",
	"E": "unreliable",
	"F": "reliability can't be judged",
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
		parts = append(parts, traffic(s.Marking))
	}
	text := strings.Join(parts, ", ") + "."
	if s.URL != nil && link.MatchString(*s.URL) {
		text += " <" + *s.URL + ">"
	}
	return text
}

// place returns an event's location, unless its title contains it.
func place(e *parley.Event) string {
	if e.Location == nil || strings.Contains(e.Title, *e.Location) {
		return ""
	}
	return " (" + plain(*e.Location) + ")"
}
