package parley

// MaxDays is the largest number of days that a filter may look back.
const MaxDays = 1_000_000

// StatementFilter selects statements. Empty fields do not filter.
type StatementFilter struct {
	Negotiations []string
	About        []string
	Speakers     []string
	Sources      []string
	Forms        []StatementForm
	Said         *TimeRange
}

// EventFilter selects events. Empty fields do not filter.
type EventFilter struct {
	Negotiations []string
	Kinds        []EventKind
	States       []EventState
	Participants []string
	Starts       *TimeRange
}
