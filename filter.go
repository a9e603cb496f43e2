package parley

// StatementFilter narrows a list of statements; what is left out does not narrow.
type StatementFilter struct {
	Negotiations []Ref
	About        []Ref
	Speakers     []Ref
	Sources      []Ref
	Forms        []StatementForm
	Said         *TimeRange
}

// EventFilter narrows a list of events; what is left out does not narrow.
type EventFilter struct {
	Negotiations []Ref
	Kinds        []EventKind
	States       []EventState
	Participants []Ref
	Starts       *TimeRange
}
