package parley

import "github.com/google/uuid"

// Scenario is one answer to an issue: a way in which it might end. Rivals of the same issue exclude each other only
// where a relation says so. Its place in valid time begins with its first status.
type Scenario struct {
	Lens Lens
	Provenance

	ID            uuid.UUID
	NegotiationID uuid.UUID
	IssueID       uuid.UUID
	Key           string
	Title         string
	Summary       *string
	Criteria      *string
	Deadline      *Instant
	TargetStage   *NegotiationStage

	// Of its resolution, whatever the lens's valid instant; nil while there is none. See Resolution.
	Outcome        *ResolutionOutcome
	ResolutionNote *string
	ResolvedAt     *Instant
	ResolvedByID   *uuid.UUID

	// Of the status change that holds at the lens's valid instant; nil before the scenario came on the table.
	Status         *ScenarioStatus
	StatusSince    *Instant
	StatusChangeID *uuid.UUID
}

// A page of scenarios.
type (
	ScenarioConnection = Connection[Scenario]
	ScenarioEdge       = Edge[Scenario]
)

// Label is what to call it in a list.
func (s *Scenario) Label() string { return s.Title }

// AllowedTransitions are the statuses that may follow the one it has; none before it came on the table.
func (s *Scenario) AllowedTransitions() []ScenarioStatus {
	if s.Status == nil {
		return nil
	}
	return s.Status.Rule().Transitions
}

// AddScenarioInput puts a scenario on the table, with its first status.
type AddScenarioInput struct {
	ID                   *string
	Issue                string `api:"ref"`
	Key                  string
	Title                string
	Summary              *string
	Criteria             *string
	Deadline             *Instant
	TargetStage          *NegotiationStage
	InitialStatus        ScenarioStatus `api:"default=FLOATED"`
	EffectiveAt          *Instant
	EffectiveAtPrecision TimePrecision `api:"default=INSTANT"`
	By                   []string      `api:"ref"`
	Reason               *string
	Evidence             []string `api:"ref"`
	NewEvidence          []NewStatementInput
}

// EditScenario changes the plain fields of a scenario.
type EditScenario struct {
	Scenario         string
	Title            Patch[string]
	Summary          Patch[string]
	Criteria         Patch[string]
	Deadline         Patch[Instant]
	TargetStage      Patch[NegotiationStage]
	IfUnchangedSince *Cursor
}

// Scenario is what the input describes, its references aside, or everything that is wrong with it.
func (in AddScenarioInput) Scenario() (Scenario, error) {
	s := Scenario{
		Key: in.Key, Title: in.Title, Summary: in.Summary, Criteria: in.Criteria, Deadline: in.Deadline, TargetStage: in.TargetStage,
	}
	var c checks
	c.key("key", in.Key)
	c.list("by", len(in.By))
	c.optionalText("reason", in.Reason, MaxReason)
	c.statements("evidence", in.Evidence, in.NewEvidence)
	s.check(&c)
	return s, c.err()
}

// Edit applies the patches and returns the names of the fields that changed.
func (s *Scenario) Edit(in EditScenario) ([]string, error) {
	var e edit
	set(&e, "title", &s.Title, in.Title)
	setOrClear(&e, "summary", &s.Summary, in.Summary)
	setOrClear(&e, "criteria", &s.Criteria, in.Criteria)
	setOrClearInstant(&e, "deadline", &s.Deadline, in.Deadline)
	setOrClear(&e, "targetStage", &s.TargetStage, in.TargetStage)
	s.check(&e.checks)
	return e.fields, e.err()
}

func (s *Scenario) check(c *checks) {
	c.text("title", s.Title, MaxTitle)
	c.optionalText("summary", s.Summary, MaxProse)
	c.optionalText("criteria", s.Criteria, MaxProse)
}

// ScenarioOrder is an order in which scenarios can be listed.
type ScenarioOrder string

// The orders of scenarios.
const (
	ScenariosByKey     ScenarioOrder = "KEY_ASC"
	ScenariosByStatus  ScenarioOrder = "STATUS_SINCE_DESC"
	ScenariosByChanged ScenarioOrder = "CHANGED_DESC"
)

// ScenarioFilter narrows a list of scenarios; what is left out does not narrow.
type ScenarioFilter struct {
	Negotiations           []string
	Issues                 []string
	Status                 []ScenarioStatus
	StatusSince            *TimeRange
	EverReached            []ScenarioStatus
	NotReached             []ScenarioStatus
	InStatusLongerThanDays *int
	SupportedBy            []string
	OpposedBy              []string
	Text                   *string
}
