package parley

import "github.com/google/uuid"

// Scenario is one answer to an issue: a way in which it might end. Scenarios of an issue exclude each other only where
// a relation says so. A scenario is on the table from its first status on.
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

	// The resolution, whatever the lens's valid instant; nil if there is none. See Resolution.
	Outcome        *ResolutionOutcome
	ResolutionNote *string
	ResolvedAt     *Instant
	ResolvedByID   *uuid.UUID

	ResolutionRecordedAt *Instant // since when it has been on record as resolved; nil: it is not
	OnTheTableAt         *Instant // since when it has been on the table

	// The status at the lens's valid instant; nil if the scenario is not on the table then.
	Status         *ScenarioStatus
	StatusSince    *Instant
	StatusChangeID *uuid.UUID
}

// ObjectID returns the id of the object.
func (s *Scenario) ObjectID() ObjectID { return ObjectID{s.ID, s.Replaced(), s.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Scenario) RecordType() string { return KindScenario.Type() }

// A page of scenarios.
type (
	ScenarioConnection = Connection[Scenario]
	ScenarioEdge       = Edge[Scenario]
)

// Label returns a short name for lists.
func (s *Scenario) Label() string { return s.Title }

// AllowedTransitions returns the statuses that may follow the scenario's status, none if it is not on the table.
func (s *Scenario) AllowedTransitions() []ScenarioStatus {
	if s.Status == nil {
		return nil
	}
	return s.Status.Rule().Transitions
}

// Live reports whether the scenario is on the table and nothing has decided it: neither its status nor a resolution by
// the lens's valid instant.
func (s *Scenario) Live() bool {
	return s.Status != nil && Decided(*s.Status, nil) == "" && s.Resolution() == nil
}

// AddScenarioInput puts a scenario on the table with its first status. A nil EffectiveAt means the change's own
// recordedAt.
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
	Ordinal              int           `api:"default=0"`
	By                   []string      `api:"ref"`
	Reason               *string
	Evidence             []string `api:"ref"`
	NewEvidence          []NewStatementInput
}

// EditScenario edits a scenario.
type EditScenario struct {
	Scenario         string
	Title            Patch[string]
	Summary          Patch[string]
	Criteria         Patch[string]
	Deadline         Patch[Instant]
	TargetStage      Patch[NegotiationStage]
	IfUnchangedSince *Cursor
}

// Scenario returns the scenario that the input describes, without its references and its status, or a Refusal.
func (in AddScenarioInput) Scenario() (Scenario, error) {
	s := Scenario{
		Key: in.Key, Title: in.Title, Summary: in.Summary,
		Criteria: in.Criteria, Deadline: in.Deadline, TargetStage: in.TargetStage,
	}
	var c checks
	c.key("key", in.Key)
	c.list("by", len(in.By))
	c.optionalText("reason", in.Reason, MaxReason)
	c.ordinal(in.Ordinal, "effectiveAtPrecision", in.EffectiveAtPrecision)
	c.statements("evidence", in.Evidence, in.NewEvidence)
	s.check(&c)
	return s, c.err()
}

// Edit applies the patches and returns the API names of the fields that changed, or a Refusal.
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
	c.line("title", s.Title, MaxTitle)
	c.optionalText("summary", s.Summary, MaxProse)
	c.optionalText("criteria", s.Criteria, MaxProse)
}

// ScenarioOrder is a sort order of scenarios.
type ScenarioOrder string

// The sort orders of scenarios.
const (
	ScenariosByKey     ScenarioOrder = "KEY_ASC"
	ScenariosByStatus  ScenarioOrder = "STATUS_SINCE_DESC"
	ScenariosByChanged ScenarioOrder = "CHANGED_DESC"
)

// ScenarioFilter selects scenarios. Empty fields do not filter.
type ScenarioFilter struct {
	Live                   *bool
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
