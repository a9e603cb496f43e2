package parley

// MaxDays bounds how many days a filter may look back.
const MaxDays = 1_000_000

// StatementFilter narrows a list of statements; what is left out does not narrow.
type StatementFilter struct {
	Negotiations []string
	About        []string
	Speakers     []string
	Sources      []string
	Forms        []StatementForm
	Said         *TimeRange
}

// EventFilter narrows a list of events; what is left out does not narrow.
type EventFilter struct {
	Negotiations []string
	Kinds        []EventKind
	States       []EventState
	Participants []string
	Starts       *TimeRange
}
