package parley

import "github.com/google/uuid"

// Issue is a question on the table. Its scenarios are the possible answers. Exhaustive means that one of them must come
// about.
type Issue struct {
	Lens Lens
	Provenance

	ID            uuid.UUID
	NegotiationID uuid.UUID
	Key           string
	Title         string
	Question      *string
	Kind          IssueKind
	Exhaustive    bool
}

// ObjectID returns the id of the object.
func (i *Issue) ObjectID() ObjectID { return ObjectID{i.ID, i.Replaced(), i.Lens} }

// RecordType returns the name of the record's type in the API.
func (*Issue) RecordType() string { return KindIssue.Type() }

// Label returns a short name for lists.
func (i *Issue) Label() string { return i.Title }

// IssueKind is what an issue is about: the incompatibilities of UCDP and the issue families of PA-X.
type IssueKind string

// The kinds of issue.
const (
	IssueTerritory                IssueKind = "TERRITORY"
	IssueGovernment               IssueKind = "GOVERNMENT"
	IssueCeasefire                IssueKind = "CEASEFIRE"
	IssueSecurityGuarantees       IssueKind = "SECURITY_GUARANTEES"
	IssuePowerSharing             IssueKind = "POWER_SHARING"
	IssueHumanRights              IssueKind = "HUMAN_RIGHTS"
	IssueJustice                  IssueKind = "JUSTICE"
	IssueSocioEconomic            IssueKind = "SOCIO_ECONOMIC"
	IssueHumanitarian             IssueKind = "HUMANITARIAN"
	IssuePrisoners                IssueKind = "PRISONERS"
	IssueSanctions                IssueKind = "SANCTIONS"
	IssueImplementationMonitoring IssueKind = "IMPLEMENTATION_MONITORING"
	IssueProcess                  IssueKind = "PROCESS" // the talks themselves
	IssueOther                    IssueKind = "OTHER"
)

// IssueKinds lists every IssueKind.
var IssueKinds = []IssueKind{
	IssueTerritory, IssueGovernment, IssueCeasefire, IssueSecurityGuarantees, IssuePowerSharing, IssueHumanRights,
	IssueJustice, IssueSocioEconomic, IssueHumanitarian, IssuePrisoners, IssueSanctions, IssueImplementationMonitoring,
	IssueProcess, IssueOther,
}

// AddIssueInput adds an issue to a negotiation.
type AddIssueInput struct {
	ID          *string
	Negotiation string `api:"ref"`
	Key         string
	Title       string
	Question    *string
	Kind        IssueKind `api:"default=OTHER"`
	Exhaustive  bool
}

// EditIssue edits an issue.
type EditIssue struct {
	Issue            string
	Title            Patch[string]
	Question         Patch[string]
	Kind             Patch[IssueKind]
	Exhaustive       Patch[bool]
	IfUnchangedSince *Cursor
}

// Issue returns the issue that the input describes, without its references, or a Refusal.
func (in AddIssueInput) Issue() (Issue, error) {
	i := Issue{Key: in.Key, Title: in.Title, Question: in.Question, Kind: in.Kind, Exhaustive: in.Exhaustive}
	var c checks
	c.key("key", in.Key)
	i.check(&c)
	return i, c.err()
}

// Edit applies the patches and returns the API names of the fields that changed, or a Refusal.
func (i *Issue) Edit(in EditIssue) ([]string, error) {
	var e edit
	set(&e, "title", &i.Title, in.Title)
	setOrClear(&e, "question", &i.Question, in.Question)
	set(&e, "kind", &i.Kind, in.Kind)
	set(&e, "exhaustive", &i.Exhaustive, in.Exhaustive)
	i.check(&e.checks)
	return e.fields, e.err()
}

func (i *Issue) check(c *checks) {
	c.line("title", i.Title, MaxTitle)
	oneOf(c, "kind", i.Kind, IssueKinds)
	c.optionalText("question", i.Question, MaxProse)
}
