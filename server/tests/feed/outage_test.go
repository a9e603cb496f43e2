package feed_test

import (
	"strings"
	"testing"
	"time"

	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// A change that can't be read at present is sent once it can, and no error in its place.
func TestOutageWhileAChangeIsShown(t *testing.T) {
	t.Parallel()
	a := startWith(t, storage.Options{DSN: apitest.TalksDatabase(t), LockTimeout: 100 * time.Millisecond}, time.Second)
	s := a.connect()
	s.ask("1", `subscription { changes { cursor negotiation { participants { nodes { role } } } } }`)
	db := a.DB()
	defer db.Close()
	tx := db.MustBegin()
	defer tx.Rollback()
	tx.MustExec(`LOCK TABLE participations IN ACCESS EXCLUSIVE MODE`)
	made := a.retitle()
	apitest.Wait(t, "the change to be unreadable", func() bool { return strings.Contains(a.Logs.String(), "the database can't be used") })
	tx.Rollback()
	s.event().Want("changes.cursor", made, "changes.negotiation.participants.nodes.0.role", "PRIMARY_PARTY")
}
