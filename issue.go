package parley

import "github.com/google/uuid"

// Issue is a question on the table, to which scenarios are the rival answers.
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

// Label is what to call it in a list.
func (i *Issue) Label() string { return i.Title }

// IssueKind classes what is in dispute: UCDP's incompatibilities and PA-X's families of provisions.
type IssueKind string

// IssueKinds lists every IssueKind.
var IssueKinds = []IssueKind{
	"TERRITORY", "GOVERNMENT", "CEASEFIRE", "SECURITY_GUARANTEES", "POWER_SHARING", "HUMAN_RIGHTS", "JUSTICE",
	"SOCIO_ECONOMIC", "HUMANITARIAN", "PRISONERS", "SANCTIONS", "IMPLEMENTATION_MONITORING", "PROCESS", "OTHER",
}

// AddIssueInput puts a question on the table.
type AddIssueInput struct {
	ID          *string
	Negotiation string `api:"ref"`
	Key         string
	Title       string
	Question    *string
	Kind        IssueKind `api:"default=OTHER"`
	Exhaustive  bool
}

// EditIssue changes the plain fields of an issue.
type EditIssue struct {
	Issue            string
	Title            Patch[string]
	Question         Patch[string]
	Kind             Patch[IssueKind]
	Exhaustive       Patch[bool]
	IfUnchangedSince *Cursor
}

// Issue is what the input describes, or everything that is wrong with it.
func (in AddIssueInput) Issue() (Issue, error) {
	i := Issue{Key: in.Key, Title: in.Title, Question: in.Question, Kind: in.Kind, Exhaustive: in.Exhaustive}
	var c checks
	c.key("key", in.Key)
	i.check(&c)
	return i, c.err()
}

// Edit applies the patches and returns the names of the fields that changed.
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
	c.text("title", i.Title, MaxTitle)
	oneOf(c, "kind", i.Kind, IssueKinds)
	c.optionalText("question", i.Question, MaxProse)
}
