// Package access_test tests who may use the server, through its HTTP handler.
package access_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"example.org/parley"
	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/server/transport"
	"example.org/parley/storage"
)

func TestMain(m *testing.M) { apitest.Main(m) }

// locked is a server of which everybody needs a token, and one token of each role, by the role.
type locked struct {
	*apitest.API
	t      *testing.T
	tokens map[parley.Role]string
}

func lock(t *testing.T, changed ...func(*server.Options)) *locked {
	t.Helper()
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Second, changed...)
	l := &locked{a, t, make(map[parley.Role]string)}
	for _, role := range parley.Roles {
		l.tokens[role] = l.token(strings.ToLower(string(role)), role, nil)
	}
	apitest.Wait(t, "the server to be locked", func() bool { return l.as("", `{ viewer { name } }`).Status == http.StatusUnauthorized })
	return l
}

// token makes a token and returns its secret.
func (l *locked) token(name string, role parley.Role, expires *time.Time) string {
	l.t.Helper()
	_, secret, err := l.Store.CreateToken(l.Ctx, parley.CreateTokenInput{Name: name, Role: role, ExpiresAt: expires})
	if err != nil {
		l.t.Fatal(err)
	}
	if len(l.tokens) == len(parley.Roles) {
		apitest.Wait(l.t, "the token to count", func() bool { return l.as(*secret, `{ viewer { name } }`).Status == http.StatusOK })
	}
	return *secret
}

// as asks by POST with a token; without, if it is empty.
func (l *locked) as(token, document string) apitest.Answer {
	l.t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		l.t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	response, _ := l.Send(http.MethodPost, server.GraphQLPath, header, strings.NewReader(string(body)))
	return l.Read(response)
}

const record = `mutation { registerStakeholder(input: {key: "%s", name: "%[1]s", kind: GROUP}) { stakeholder { key } userErrors { message } } }`

// Each role may do what its description says, and what it records bears the analyst's name.
func TestRoles(t *testing.T) {
	t.Parallel()
	l := lock(t)
	for role, may := range map[parley.Role]struct{ record, administer bool }{
		parley.RoleReader: {}, parley.RoleAnalyst: {record: true}, parley.Admin: {record: true, administer: true},
	} {
		name := strings.ToLower(string(role))
		token := l.tokens[role]
		l.as(token, `{ viewer { name role } negotiation(id: "talks") { key } }`).Want("viewer.name", name, "viewer.role", string(role), "negotiation.key", "talks")
		got := l.as(token, fmt.Sprintf(record, name))
		if may.record {
			got.Want("registerStakeholder.stakeholder.key", name)
			l.as(token, `{ changes(last: 1) { nodes { recordedBy { name } } } }`).Want("changes.nodes.0.recordedBy.name", name)
		} else {
			got.Fails("FORBIDDEN", "Your role is READER; to record, it has to be ANALYST or ADMIN.")
		}
		got = l.as(token, `{ tokens { name } }`)
		if may.administer {
			got.Want("tokens.0.name", "admin", "tokens.1.name", "analyst", "tokens.2.name", "reader")
		} else {
			got.Fails("FORBIDDEN", "Your role is "+string(role)+"; to read tokens, it has to be ADMIN.")
			l.as(token, `mutation { createToken(input: {name: "more", role: ADMIN}) { secret } }`).Fails("FORBIDDEN", "to make a token, it has to be ADMIN")
			l.as(token, `mutation { revokeToken(name: "admin") { token { name } } }`).Fails("FORBIDDEN", "to revoke a token, it has to be ADMIN")
		}
	}
}

// Administrators make and revoke tokens through the API.
func TestTokensInTheAPI(t *testing.T) {
	t.Parallel()
	l := lock(t)
	admin := l.tokens[parley.Admin]
	got := l.as(admin, `mutation { createToken(input: {name: "script", analyst: "Ann Lee", role: ANALYST, expiresAt: "2999-01-01T00:00:00Z"}) { secret
		token { name analyst { name role } createdBy { name } createdAt expiresAt usedAt } userErrors { message } } }`)
	got.Want("createToken.token.name", "script", "createToken.token.analyst.name", "Ann Lee", "createToken.token.analyst.role", "ANALYST",
		"createToken.token.createdBy.name", "admin", "createToken.token.expiresAt", "2999-01-01T00:00:00.000000Z", "createToken.token.usedAt", nil)
	secret, _ := got.At("createToken.secret").(string)
	if len(secret) != 50 || !strings.HasPrefix(secret, "parley_") {
		t.Errorf("the secret is %q", secret)
	}
	apitest.Wait(t, "the token to count", func() bool { return l.as(secret, `{ viewer { name } }`).Status == http.StatusOK })
	l.as(secret, `{ viewer { name role } }`).Want("viewer.name", "Ann Lee", "viewer.role", "ANALYST")
	for input, says := range map[string]string{
		`{name: "script", role: READER}`:                                        `There is a token "script" already; revoke it first, or choose another name.`,
		`{name: "", role: READER}`:                                              `The name "" can't be used; give 1 to 100 visible characters in one line.`,
		`{name: "x\u202ey", role: READER}`:                                      `give 1 to 100 visible characters`,
		`{name: "x\u2028y", role: READER}`:                                      `give 1 to 100 visible characters`,
		`{name: "e\u200b\u0301", role: READER}`:                                 `give 1 to 100 visible characters`,
		`{name: "a  b", role: READER}`:                                          `give 1 to 100 visible characters`,
		`{name: "a\u00a0b", role: READER}`:                                      `give 1 to 100 visible characters`,
		`{name: "a\ufe0f", role: READER}`:                                       `give 1 to 100 visible characters`,
		`{name: "\u2800", role: READER}`:                                        `give 1 to 100 visible characters`,
		`{name: "\u3164", role: READER}`:                                        `give 1 to 100 visible characters`,
		`{name: "n\u0301", role: READER}`:                                       `give 1 to 100 visible characters`,
		`{name: "x", analyst: "Ann Lee", role: ADMIN}`:                          "Ann Lee has the role ANALYST by another token; give that role, or revoke the other token first.",
		`{name: " x", role: READER}`:                                            `The name " x" can't be used`,
		`{name: "x", analyst: "a\nb", role: READER}`:                            `The analyst's name "a\nb" can't be used`,
		`{name: "x", role: READER, expiresAt: "2001-01-01T00:00:00Z"}`:          "The token would have expired at 2001-01-01T00:00:00.000000Z already",
		`{name: "` + strings.Repeat("x", 101) + `", role: READER}`:              "give 1 to 100 visible characters",
		`{name: "x", analyst: "` + strings.Repeat("é", 101) + `", role: ADMIN}`: "give 1 to 100 visible characters",
	} {
		got := l.as(admin, `mutation { createToken(input: `+input+`) { secret token { name } userErrors { message } } }`)
		got.Want("createToken.secret", nil, "createToken.token", nil)
		if message := got.Text("createToken.userErrors.0.message"); !strings.Contains(message, says) {
			t.Errorf("%s: it says %q, want %q", input, message, says)
		}
	}
	l.as(admin, `mutation { revokeToken(name: "script") { token { name } userErrors { message } } }`).Want("revokeToken.token.name", "script")
	apitest.Wait(t, "the token to be revoked", func() bool { return l.as(secret, `{ viewer { name } }`).Status == http.StatusUnauthorized })
	l.as(admin, `mutation { revokeToken(name: "script") { token { name } userErrors { code message } } }`).
		Want("revokeToken.token", nil, "revokeToken.userErrors.0.code", "NOT_FOUND")
	// Its name can be used again, and the analyst may have another role now.
	l.as(admin, `mutation { createToken(input: {name: "Ann's", analyst: "Ann Lee", role: READER}) { token { analyst { role } } userErrors { message } } }`).
		Want("createToken.token.analyst.role", "READER")
	l.as(admin, `mutation { createToken(input: {name: "script", role: READER}) { token { name } userErrors { message } } }`).Want("createToken.token.name", "script")
	if log := l.Logs.String(); strings.Contains(log, secret) || strings.Contains(log, admin) {
		t.Errorf("a secret is logged: %s", log)
	}
}

// Without a token nothing is answered but health, and the page to sign in.
func TestEverythingIsClosed(t *testing.T) {
	t.Parallel()
	l := lock(t, func(o *server.Options) { o.AccessLog = true })
	paths := []string{
		"/", "/graphql", "/graphql?query={viewer{name}}", "/schema.graphql", "/briefing/talks", "/tables/talks/stances.csv", "/playground", "/playground/",
		"/metrics", "/debug/pprof/", "/nowhere", "/healthz/", "/sign-in/", "//healthz", "/sign-in/../graphql?query={viewer{name}}", "/GraphQL",
	}
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions, "QUERY"} {
			for name, header := range map[string]http.Header{
				"none":      {},
				"bad":       {"Authorization": {"Bearer parley_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
				"basic":     {"Authorization": {"Basic " + l.tokens[parley.Admin]}},
				"prefix":    {"Authorization": {"Bearer " + l.tokens[parley.Admin][:49]}},
				"in cookie": {"Cookie": {"parley_token_" + l.port() + "=parley_wrong"}, "Sec-Fetch-Site": {"same-origin"}},
				"events":    {"Accept": {"text/event-stream"}},
			} {
				response, text := l.Send(method, path, header, nil)
				if response.StatusCode != http.StatusUnauthorized || method != http.MethodHead && !strings.Contains(text, `"code":"UNAUTHENTICATED"`) ||
					!strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s %s with %s: %d %s", method, path, name, response.StatusCode, text)
				}
			}
		}
	}
	for path, status := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/sign-in": http.StatusOK} {
		if response, text := l.Send(http.MethodGet, path, nil, nil); response.StatusCode != status {
			t.Errorf("%s: %d %s", path, response.StatusCode, text)
		}
	}
	response, _ := l.Send(http.MethodGet, "/briefing/talks?since=2025-01-01", http.Header{"Accept": {"text/html,*/*"}}, nil)
	if where := response.Header.Get("Location"); response.StatusCode != http.StatusSeeOther || where != "/sign-in?next=%2Fbriefing%2Ftalks%3Fsince%3D2025-01-01" {
		t.Errorf("a page: %d, %s", response.StatusCode, where)
	}
	for path := range map[string]bool{"/schema.graphql": true, "/briefing/talks": true, "/tables/talks/stances.csv": true, "/playground": true, "/graphql?query={viewer{name}}": true} {
		response, text := l.Send(http.MethodGet, path, http.Header{"Authorization": {"bearer  " + l.tokens[parley.RoleReader]}}, nil)
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s with a token: %d %s", path, response.StatusCode, text)
		}
	}
	if log := l.Logs.String(); strings.Contains(log, "parley_") {
		t.Errorf("a secret is logged: %s", log)
	}
}

// What is answered to somebody who is signed in is for nobody else.
func TestAnswersArePrivate(t *testing.T) {
	t.Parallel()
	l := lock(t)
	pinned := "/graphql?query=" + url.QueryEscape(`{ negotiation(id: "talks", asOf: {validAt: "2020-01-01T00:00:00Z", knownAt: "2020-01-01T00:00:00Z"}) { key } }`)
	for _, path := range []string{pinned, "/graphql?query={viewer{name}}", "/briefing/talks", "/tables/talks/stances.csv"} {
		response, _ := l.Send(http.MethodGet, path, http.Header{"Authorization": {"Bearer " + l.tokens[parley.RoleReader]}}, nil)
		if got, vary := response.Header.Get("Cache-Control"), strings.Join(response.Header.Values("Vary"), ", "); got != "private, no-cache" ||
			!strings.Contains(vary, "Authorization, Cookie") {
			t.Errorf("%s: %q, %q", path, got, vary)
		}
	}
}

// socket opens a WebSocket that says who it is in connection_init, if payload is given, or in the header.
func (l *locked) socket(header http.Header, payload string) (*websocket.Conn, error) {
	l.t.Helper()
	conn, _, err := websocket.Dial(l.t.Context(), l.URL+server.GraphQLPath, &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header,
	})
	if err != nil {
		return nil, err
	}
	l.t.Cleanup(func() { conn.CloseNow() })
	if err := conn.Write(l.t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"`+payload+`}`)); err != nil {
		return nil, err
	}
	var ack map[string]any
	err = wsjson.Read(l.t.Context(), conn, &ack)
	return conn, err
}

func (l *locked) subscribe(conn *websocket.Conn, document string) {
	l.t.Helper()
	err := wsjson.Write(l.t.Context(), conn, map[string]any{"id": "1", "type": "subscribe", "payload": map[string]string{"query": document}})
	if err != nil {
		l.t.Fatal(err)
	}
}

// ends waits until a connection is closed, and returns the code. What arrives before is dropped.
func ends(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), apitest.Patience)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// A WebSocket says who it is in its header or in connection_init. It acts in that name, and is closed when the token is revoked, on
// another server too; so are streams of events, and what is being read.
func TestRevokedTokens(t *testing.T) {
	t.Parallel()
	l := lock(t)
	other := apitest.StartOn(t, l.DSN) // on which the token is revoked
	for name, way := range map[string]func(token string) (http.Header, string){
		"header": func(token string) (http.Header, string) { return http.Header{"Authorization": {"Bearer " + token}}, "" },
		"payload": func(token string) (http.Header, string) {
			return nil, `,"payload":{"Authorization":"Bearer ` + token + `"}`
		},
	} {
		token := l.token(name, parley.RoleAnalyst, nil)
		conn, err := l.socket(way(token))
		if err != nil {
			t.Fatal(err)
		}
		l.subscribe(conn, fmt.Sprintf(record, name))
		var got any
		if err := wsjson.Read(t.Context(), conn, &got); err != nil || !strings.Contains(fmt.Sprint(got), "key:"+name) {
			t.Errorf("%s: %v %v", name, got, err)
		}
		l.as(l.tokens[parley.RoleReader], `{ changes(last: 1) { nodes { recordedBy { name } } } }`).Want("changes.nodes.0.recordedBy.name", name)
		l.subscribe(conn, `subscription { changes { cursor } }`)
		stream := l.stream(token)
		release := l.hold("negotiations")
		reading := make(chan apitest.Answer, 1)
		go func() { reading <- l.as(token, `{ negotiations { nodes { key } } }`) }()
		l.waits()
		if _, err := other.Store.RevokeToken(other.Ctx, name); err != nil {
			t.Fatal(err)
		}
		if code := ends(t, conn); code != 4403 {
			t.Errorf("%s: the connection ends with %d", name, code)
		}
		for stream.Scan() {
		}
		(<-reading).Fails("UNAUTHENTICATED", "You may no longer use this server as you did; sign in again.")
		release()
		if _, err := l.socket(way(token)); err == nil {
			t.Errorf("%s: a revoked token is admitted", name)
		}
	}
	for _, payload := range []string{"", `,"payload":{}`, `,"payload":{"authorization":"Bearer x"}`, `,"payload":{"authorization":1}`,
		`,"payload":{"authorization":"Bearer ` + l.tokens[parley.Admin] + `","Authorization":"Bearer ` + l.tokens[parley.RoleReader] + `"}`} {
		if _, err := l.socket(nil, payload); websocket.CloseStatus(err) != 4403 {
			t.Errorf("%s is admitted: %v", payload, err)
		}
	}
	if _, err := l.socket(http.Header{"Authorization": {"Bearer x"}}, ""); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong header is upgraded: %v", err)
	}
}

// waits waits until something waits for a lock.
func (l *locked) waits() {
	l.t.Helper()
	apitest.Wait(l.t, "a read to wait", func() bool {
		return l.Number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	})
}

// A page that is being made when its reader's token is revoked says so.
func TestPagesOfRevokedTokens(t *testing.T) {
	t.Parallel()
	l := lock(t)
	for _, path := range []string{"/briefing/talks", "/tables/talks/stances.csv"} {
		token := l.token(path, parley.RoleReader, nil)
		release := l.hold("negotiations")
		answer := make(chan string, 1)
		go func() {
			response, text := l.Send(http.MethodGet, path, http.Header{"Authorization": {"Bearer " + token}}, nil)
			answer <- fmt.Sprint(response.StatusCode, " ", text)
		}()
		l.waits()
		if _, err := l.Store.RevokeToken(l.Ctx, path); err != nil {
			t.Fatal(err)
		}
		if got := <-answer; got != "401 You may no longer use this server as you did; sign in again.\n" {
			t.Errorf("%s: %s", path, got)
		}
		release()
	}
}

// stream follows changes by server-sent events.
func (l *locked) stream(token string) *bufio.Scanner {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, l.URL+server.GraphQLPath+"?query="+url.QueryEscape(`subscription { changes { cursor } }`), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header = http.Header{"Accept": {"text/event-stream"}}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		l.t.Fatalf("%v %v", response, err)
	}
	l.t.Cleanup(func() { response.Body.Close() })
	return bufio.NewScanner(response.Body)
}

// hold takes a lock that reads of a table wait for.
func (l *locked) hold(table string) (release func()) {
	l.t.Helper()
	tx := l.DB().MustBegin()
	tx.MustExec(`LOCK TABLE ` + table + ` IN ACCESS EXCLUSIVE MODE`)
	return func() { tx.Rollback() }
}

// A token that expires counts until then.
func TestExpiredTokens(t *testing.T) {
	t.Parallel()
	l := lock(t)
	soon := time.Now().Add(2 * time.Second)
	token := l.token("short", parley.RoleReader, &soon)
	conn, err := l.socket(http.Header{"Authorization": {"Bearer " + token}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if code := ends(t, conn); code != 4403 || time.Now().Before(soon) {
		t.Errorf("the connection ends with %d, %s before the token expires", code, time.Until(soon))
	}
	l.as(token, `{ viewer { name } }`).Fails("UNAUTHENTICATED", "The token is unknown, revoked or expired; ask an administrator for another one.")
	l.token("short", parley.RoleReader, nil) // its name can be used again
}

// Until there is a token, everybody on this machine is let in, and nobody whom a proxy on it passes on.
func TestOpenToThisMachineOnly(t *testing.T) {
	t.Parallel()
	a := apitest.StartOn(t, apitest.TalksDatabase(t))
	for name, header := range map[string]http.Header{
		"X-Forwarded-For": {"X-Forwarded-For": {"127.0.0.1, 203.0.113.7"}}, "X-Real-IP": {"X-Real-Ip": {"2001:db8::1"}}, "a name": {"X-Forwarded-For": {"unknown"}},
		"Forwarded": {"Forwarded": {`for=127.0.0.1;proto=http, For="[2001:db8::1]:80"`}},
	} {
		if response, text := a.Send(http.MethodGet, "/graphql?query={viewer{name}}", header, nil); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, response.StatusCode, text)
		}
	}
	// Nor by a WebSocket, whatever it says then.
	l := &locked{API: a, t: t}
	elsewhere := http.Header{"X-Forwarded-For": {"203.0.113.7"}}
	if _, err := l.socket(elsewhere, ""); err == nil {
		t.Error("a WebSocket from elsewhere is let in")
	}
	token := l.token("reader", parley.RoleReader, nil)
	apitest.Wait(t, "the server to be locked", func() bool { return l.as("", whoAmI).Status == http.StatusUnauthorized })
	stranger, _, err := websocket.Dial(t.Context(), l.URL+server.GraphQLPath, &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: elsewhere,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.CloseNow()
	if err := l.Store.OpenAccess(l.Ctx); err != nil {
		t.Fatal(err)
	}
	apitest.Wait(t, "the server to be open", func() bool { return l.as("", whoAmI).Status == http.StatusOK })
	if err := stranger.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"}`)); err != nil {
		t.Fatal(err)
	}
	if code := ends(t, stranger); code != 4403 {
		t.Errorf("a stranger's WebSocket ends with %d", code)
	}
	with := elsewhere.Clone()
	with.Set("Authorization", "Bearer "+token)
	if _, err := l.socket(with, `,"payload":{"authorization":""}`); err == nil {
		t.Error("a WebSocket with a token, and then none, is let in")
	}
	own := http.Header{"X-Forwarded-For": {"127.0.0.1, ::1, [::1]:80"}, "Forwarded": {`for=localhost;proto=http, For="[::1]"`}}
	if response, text := a.Send(http.MethodGet, "/graphql?query={viewer{name}}", own, nil); response.StatusCode != http.StatusOK {
		t.Errorf("this machine: %d %s", response.StatusCode, text)
	}
}

// An analyst who has signed in has so many connections at a time, whatever tokens and transports. Others are not concerned.
func TestConnectionsOfACaller(t *testing.T) {
	t.Parallel()
	l := lock(t, func(o *server.Options) { o.Limits = transport.DefaultLimits; o.Limits.PerCaller = 2 })
	bearer := func(role parley.Role) http.Header { return http.Header{"Authorization": {"Bearer " + l.tokens[role]}} }
	conn, err := l.socket(bearer(parley.RoleReader), "")
	if err != nil {
		t.Fatal(err)
	}
	l.stream(l.tokens[parley.RoleReader])
	if _, err := l.socket(bearer(parley.RoleReader), ""); websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
		t.Errorf("a third one: %v", err)
	}
	r := bearer(parley.RoleReader)
	r.Set("Accept", "text/event-stream")
	r.Set("Content-Type", "application/json")
	if response, text := l.Send(http.MethodPost, "/graphql", r, strings.NewReader(`{"query":"subscription { changes { cursor } }"}`)); response.StatusCode !=
		http.StatusServiceUnavailable {
		t.Errorf("a third stream: %d %s", response.StatusCode, text)
	}
	if _, err := l.socket(bearer(parley.RoleAnalyst), ""); err != nil {
		t.Errorf("of another analyst: %v", err)
	}
	conn.CloseNow()
	apitest.Wait(t, "a place to be free", func() bool {
		again, err := l.socket(bearer(parley.RoleReader), "")
		if err == nil {
			again.CloseNow()
		}
		return err == nil
	})
}

// WebSockets that have not sent a token yet have a limit of their own and short messages. They take no place of callers with a token.
func TestWebSocketsWithoutAToken(t *testing.T) {
	t.Parallel()
	l := lock(t, func(o *server.Options) { o.Limits = transport.DefaultLimits; o.Limits.Connections = 1 })
	var all []*websocket.Conn
	for range 100 {
		conn, _, err := websocket.Dial(t.Context(), l.URL+server.GraphQLPath, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		all = append(all, conn)
	}
	if _, _, err := websocket.Dial(t.Context(), l.URL+server.GraphQLPath, nil); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("one more from the address: %v", err)
	}
	conn, err := l.socket(http.Header{"Authorization": {"Bearer " + l.tokens[parley.RoleReader]}}, "")
	if err != nil {
		t.Fatalf("one with a token: %v", err)
	}
	long := `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 20_000) + `"}}`
	if err := all[0].Write(t.Context(), websocket.MessageText, []byte(long)); err != nil {
		t.Fatal(err)
	}
	if code := ends(t, all[0]); code != websocket.StatusMessageTooBig {
		t.Errorf("a long message ends with %d", code)
	}
	introduction := `{"type":"connection_init","payload":{"authorization":"Bearer ` + l.tokens[parley.RoleReader] + `"}}`
	if err := all[1].Write(t.Context(), websocket.MessageText, []byte(introduction)); err != nil {
		t.Fatal(err)
	}
	if code := ends(t, all[1]); code != websocket.StatusTryAgainLater {
		t.Errorf("beyond the limit of connections, it ends with %d", code)
	}
	conn.CloseNow()
	apitest.Wait(t, "a place to be free", func() bool { return l.Metric("parley_connections") <= 99 })
	if err := all[2].Write(t.Context(), websocket.MessageText, []byte(introduction)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := all[2].Read(t.Context()); err != nil || !strings.Contains(string(text), "connection_ack") {
		t.Errorf("with a free place: %s %v", text, err)
	}
	if err := all[2].Write(t.Context(), websocket.MessageText, []byte(long)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := all[2].Read(t.Context()); err != nil || !strings.Contains(string(text), `"pong"`) {
		t.Errorf("once admitted, a long message: %.100s %v", text, err)
	}
}

// The first token ends what everybody could do without, open connections included; OpenAccess undoes that.
func TestFirstToken(t *testing.T) {
	t.Parallel()
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Second)
	l := &locked{API: a, t: t, tokens: map[parley.Role]string{}}
	l.as("", `{ viewer { name role } }`).Want("viewer.role", "ADMIN")
	l.as("wrong", `{ viewer { name role } }`).Fails("UNAUTHENTICATED", "The token is unknown")
	conn, err := l.socket(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	stream := l.stream("")
	token := l.token("first", parley.Admin, nil)
	if code := ends(t, conn); code != 4403 {
		t.Errorf("the connection ends with %d", code)
	}
	for stream.Scan() {
	}
	l.as("", `{ viewer { name } }`).Fails("UNAUTHENTICATED", "This server is used with a token; send it as the header Authorization: Bearer TOKEN.")
	if _, err := l.Store.RevokeToken(l.Ctx, "first"); err != nil {
		t.Fatal(err)
	}
	apitest.Wait(t, "the token to be revoked", func() bool { return l.as(token, `{ viewer { name } }`).Status == http.StatusUnauthorized })
	l.as("", `{ viewer { name } }`).Fails("UNAUTHENTICATED", "This server is used with a token")
	if err := l.Store.OpenAccess(l.Ctx); err != nil {
		t.Fatal(err)
	}
	apitest.Wait(t, "the server to be open", func() bool { return l.as("", `{ viewer { name } }`).Status == http.StatusOK })
}
