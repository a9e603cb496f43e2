package parley

import "github.com/google/uuid"

// Analyst is a user of Parley. The people whom records are about are Stakeholders.
type Analyst struct {
	Lens Lens
	ID   uuid.UUID
	Name string
	Role Role
}

// ObjectID returns the id of the analyst, who looks the same through every lens.
func (a *Analyst) ObjectID() ObjectID { return ObjectID{Record: a.ID} }

// RecordType returns the name of the record's type in the API.
func (*Analyst) RecordType() string { return KindAnalyst.Type() }

// Label returns a short name for lists.
func (a *Analyst) Label() string { return a.Name }

// Role says what an analyst may do. Each role includes those before it.
type Role string

// The roles. Only Admin may import a history with its own recordedAt.
const (
	RoleReader  Role = "READER"
	RoleAnalyst Role = "ANALYST"
	Admin       Role = "ADMIN"
)

// Roles lists every Role.
var Roles = []Role{RoleReader, RoleAnalyst, Admin}

// AnalystID returns the id of a new analyst. It is derived from the name, so that an archive refers to the same analyst
// in every database.
func AnalystID(name string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("parley:analyst:"+name))
}
