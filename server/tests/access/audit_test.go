package access_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/parley"
	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// What administrators do, what is exported and who is refused is noted, for administrators, and never changed.
func TestAuditLog(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var gate *server.Gate
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Second, func(o *server.Options) {
		var err error
		if gate, err = server.OpenGate(ctx, server.GateOptions{Store: o.Store, Log: o.Log}); err != nil {
			t.Fatal(err)
		}
		o.Gate = gate
	})
	l := &locked{API: a, t: t}
	token := l.token("chief", parley.Admin, nil)
	apitest.Wait(t, "the token to count", func() bool { return l.as(token, whoAmI).Status == http.StatusOK })
	l.as(token, `mutation { createToken(input: {name: "a", role: READER}) { userErrors { message } } revokeToken(name: "a") { userErrors { message } } }`)
	l.as(token, `mutation { createToken(input: {name: "a\n", role: READER}) { userErrors { message } } }`) // is refused, so not noted
	bearer := http.Header{"Authorization": {"Bearer " + token}}
	for _, path := range []string{"/briefing/talks", "/tables/talks/stances.csv", "/briefing/nowhere"} {
		l.Send(http.MethodGet, path, bearer, nil)
	}
	for range 3 {
		l.as("wrong", whoAmI)
	}
	_, admin := l.As("administrator")
	if err := l.Store.OpenAccess(parley.WithCaller(t.Context(), admin)); err != nil {
		t.Fatal(err)
	}
	leave() // by which it notes who was refused
	<-gate.Done()

	got := l.as(token, `{ auditLog { number act analyst { name role } address subject at } }`)
	var lines []string
	for i := range got.Count("auditLog") {
		at := fmt.Sprintf("auditLog.%d.", i)
		who := "-"
		if got.At(at+"analyst") != nil {
			who = got.Text(at + "analyst.name")
		}
		lines = append(lines, strings.Join([]string{got.Text(at + "act"), who, got.Text(at + "address"), got.Text(at + "subject")}, " "))
	}
	want := []string{
		"REFUSED - 127.0.0.1 requests: 3", "SERVERS_OPENED administrator <nil> ", "EXPORTED chief 127.0.0.1 stances.csv of talks",
		"EXPORTED chief 127.0.0.1 briefing of talks", "TOKEN_REVOKED chief 127.0.0.1 a", "TOKEN_CREATED chief 127.0.0.1 a",
		"TOKEN_CREATED Test analyst <nil> chief",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("the audit log is\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	l.as(token, fmt.Sprintf(`{ auditLog(first: 2, before: %s) { act } }`, got.Text("auditLog.1.number"))).Want("auditLog.0.act", "EXPORTED", "auditLog.1.subject", nil)
	for _, first := range []int{0, -1, 501} {
		l.as(token, fmt.Sprintf(`{ auditLog(first: %d) { act } }`, first)).Fails("BAD_REQUEST", fmt.Sprintf("first is %d; give a number from 1 to 500.", first))
	}
	for _, statement := range []string{`UPDATE audit_log SET subject = ''`, `DELETE FROM audit_log`, `TRUNCATE audit_log`} {
		db := l.DB()
		if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "kept") {
			t.Errorf("%s: %v", statement, err)
		}
		db.Close()
	}
}

// Only administrators read the audit log.
func TestAuditLogIsForAdministrators(t *testing.T) {
	t.Parallel()
	l := lock(t)
	for _, role := range []parley.Role{parley.RoleReader, parley.RoleAnalyst} {
		l.as(l.tokens[role], `{ auditLog { act } }`).Fails("FORBIDDEN", "to read the audit log, it has to be ADMIN.")
	}
	l.as(l.tokens[parley.Admin], `{ auditLog { act } }`).Want("auditLog.0.act", "TOKEN_CREATED")
}
