package briefing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"example.org/parley"
)

// judgements puts first what a reader has to know: what moved, what is settled, open, divided or contested, and what is
// due.
func (b *briefing) judgements(d *document) {
	var settled, off, open, divided, contested []string
	var likeliest *parley.LikelihoodEntry
	var likeliestTitle string
	for _, i := range b.issues {
		for n, s := range i.scenarios {
			title := "**" + plain(s.Title) + "**"
			switch e := i.zone[n]; {
			case e.Verdict == parley.Settled:
				settled = append(settled, fmt.Sprintf("%s (%s%s)", title, stateOf(s), although(e)))
			case e.Verdict == parley.OffTheTable:
				off = append(off, fmt.Sprintf("%s (%s%s)", title, stateOf(s), although(e)))
			case e.Verdict == parley.Blocked:
				open = append(open, fmt.Sprintf("%s (%s, blocked by %s)", title, parley.Words(*s.Status), names(e.Blockers)))
			default:
				open = append(open, fmt.Sprintf("%s (%s)", title, parley.Words(*s.Status)))
			}
			if e := i.likelihoods.Entries[n]; s.Live() && e.Likelihood() != nil &&
				(likeliest == nil || *e.Probability > *likeliest.Probability) {
				likeliest, likeliestTitle = e, title
			}
		}
		for _, row := range i.matrix.Rows {
			for n, c := range row.Cells {
				of := fmt.Sprintf("%s on **%s**", plain(row.Stakeholder.Name), plain(i.scenarios[n].Title))
				if c.Divided() {
					divided = append(divided, of)
				}
				if c.Contested {
					contested = append(contested, of)
				}
			}
		}
	}
	var items []string
	add := func(what string, list []string) {
		if len(list) > 0 {
			items = append(items, what+": "+strings.Join(shortened(list), "; ")+".")
		}
	}
	add("Settled", settled)
	add("Open", open)
	add("Off the table", off)
	add("Divided", divided)
	add("Contested, since there are competing claims", contested)
	if likeliest != nil {
		items = append(items, fmt.Sprintf("The likeliest of what is open, in the analysts' judgement: %s (%s, %d percent).",
			likeliestTitle, parley.Words(*likeliest.Likelihood()), *likeliest.Probability))
	}
	add("Due", b.due())
	if moved := b.headline(); moved != "" {
		items = slices.Insert(items, 0, moved)
	}
	if len(items) > 0 {
		d.line("## Key judgements")
		d.list(items)
	}
}

// stateOf is a decided scenario's status, or its outcome where the status does not decide it.
func stateOf(s *parley.Scenario) string {
	if r := s.Resolution(); r != nil && parley.Decided(*s.Status, nil) == "" {
		return parley.Words(r.Outcome)
	}
	return parley.Words(*s.Status)
}

// headline says which scenarios have another status since the date, the latest first, and how many stances moved.
func (b *briefing) headline() string {
	if b.Since == nil {
		return ""
	}
	var statuses []string
	parties, told := 0, make(map[uuid.UUID]bool)
	for _, m := range slices.Backward(b.moved) {
		switch {
		case m.change != nil && !m.possiblyOlder() && !told[m.scenario.ID]:
			told[m.scenario.ID] = true
			is := "is"
			if m.from == nil {
				is = "came on the table as"
			}
			statuses = append(statuses, fmt.Sprintf("**%s** %s %s (%s)", plain(m.scenario.Title), is, parley.Words(*m.to),
				on(m.change.EffectiveAt, m.change.EffectiveAtPrecision)))
		case m.party != nil:
			parties += 1 + len(m.also)
		}
	}
	text := fmt.Sprintf("Since %s: ", moment(*b.Since))
	if len(statuses) == 0 && parties == 0 {
		return text + "no status and no stance moved."
	}
	if len(statuses) == 0 {
		return text + "no status moved; " + stances(parties) + "."
	}
	text += strings.Join(shortened(statuses), "; ")
	if parties > 0 {
		text += "; " + stances(parties)
	}
	return text + "."
}

func stances(n int) string {
	if n == 1 {
		return "one stance moved"
	}
	return fmt.Sprintf("%d stances moved", n)
}

// due lists what is planned and the deadlines of what is open, the next first.
func (b *briefing) due() []string {
	type date struct {
		at   parley.Instant
		text string
	}
	var dates []date
	for _, e := range b.planned {
		if e.State == parley.EventPlanned {
			dates = append(dates, date{e.StartedAt, fmt.Sprintf("%s, %s", plain(e.Title), on(e.StartedAt, e.StartedAtPrecision))})
		}
	}
	for _, i := range b.issues {
		for _, s := range i.scenarios {
			if s.Live() && s.Deadline != nil && s.Deadline.After(b.lens.ValidAt) {
				dates = append(dates, date{*s.Deadline,
					fmt.Sprintf("the deadline of **%s**, %s", plain(s.Title), moment(*s.Deadline))})
			}
		}
	}
	slices.SortStableFunc(dates, func(a, b date) int { return a.at.Compare(b.at) })
	var texts []string
	for _, d := range dates {
		texts = append(texts, d.text)
	}
	return texts
}

// shortened leaves out the end of a list that is too long for a sentence.
func shortened(list []string) []string {
	const most = 5
	if len(list) <= most {
		return list
	}
	return append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
}
