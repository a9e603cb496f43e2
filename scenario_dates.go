package parley

// ScenarioDates are the dates of a scenario that depend on each other, whichever record they stand in. Whatever writes
// one of them asks Check.
type ScenarioDates struct {
	Title           string
	OnTheTable      Instant            // from its first status on
	Deadline        *Instant           // nil: none
	Outcome         *ResolutionOutcome // nil: not resolved
	ResolvedAt      *Instant
	FirstAssessedAt *Instant // nil: never assessed
}

// Dates returns the dates of the scenario, given the instant at which it came on the table and its first assessment.
func (s *Scenario) Dates(onTheTable Instant, firstAssessedAt *Instant) ScenarioDates {
	return ScenarioDates{s.Title, onTheTable, s.Deadline, s.Outcome, s.ResolvedAt, firstAssessedAt}
}

// Check refuses dates that can't be together. Field is the input's field that changes one of them.
func (d ScenarioDates) Check(field string) error {
	var c checks
	table := FormatInstant(d.OnTheTable)
	if d.Deadline != nil && d.Deadline.Before(d.OnTheTable) {
		c.refuse(field, "“%s” would come on the table at %s, after its deadline, %s; the deadline has to be later.",
			d.Title, table, FormatInstant(*d.Deadline))
	}
	if d.Outcome != nil && d.ResolvedAt.Before(d.OnTheTable) {
		c.refuse(field, "“%s” would be resolved at %s, before it came on the table at %s; its resolution has to be later.",
			d.Title, FormatInstant(*d.ResolvedAt), table)
	}
	if d.FirstAssessedAt != nil && d.FirstAssessedAt.Before(d.OnTheTable) {
		c.refuse(field, "“%s” would be assessed at %s, before it came on the table at %s; assessments have to be later.",
			d.Title, FormatInstant(*d.FirstAssessedAt), table)
	}
	if d.Outcome != nil && *d.Outcome == Occurred && d.Deadline != nil && d.ResolvedAt.After(*d.Deadline) {
		if field == "resolvedAt" {
			field = "outcome" // which is what has to change: it came about, but too late
		}
		c.refuse(field, "“%s” would have occurred at %s, after its deadline, %s; resolve it as DID_NOT_OCCUR, or edit "+
			"the deadline.", d.Title, FormatInstant(*d.ResolvedAt), FormatInstant(*d.Deadline))
	}
	return c.err()
}
