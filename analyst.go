package parley

import "github.com/google/uuid"

// Analyst is a user of Parley: one who records, not one who is recorded.
type Analyst struct {
	Lens Lens
	ID   uuid.UUID
	Name string
	Role Role
}

// Label is what to call it in a list.
func (a *Analyst) Label() string { return a.Name }

// Role says what an analyst may do.
type Role string

// Admin may do everything, such as put a history with knowledge dates of its own on record.
const Admin Role = "ADMIN"

// Roles lists every Role.
var Roles = []Role{"READER", "ANALYST", "ADMIN"}

// AnalystID is the id of a new analyst. It follows from the name, so that an archive means the same one in every database.
func AnalystID(name string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("parley:analyst:"+name))
}
