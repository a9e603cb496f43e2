package access_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	oidcstorage "github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"example.org/parley"
	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

// keys is an issuer that only says what its keys are; tests make its tokens.
type keys struct {
	*httptest.Server
	t     *testing.T
	key   *rsa.PrivateKey
	down  atomic.Bool
	asked atomic.Int64
}

const client = "parley"

func startKeys(t *testing.T) *keys {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	k := &keys{t: t, key: key}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.asked.Add(1)
		switch {
		case k.down.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case r.URL.Path == "/.well-known/openid-configuration":
			json.NewEncoder(w).Encode(map[string]any{
				"issuer": k.URL, "jwks_uri": k.URL + "/keys", "authorization_endpoint": k.URL + "/a", "token_endpoint": k.URL + "/t",
				"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
			})
		default:
			json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
		}
	}))
	t.Cleanup(k.Close)
	return k
}

// claims are those of a good token, with others in their place.
func (k *keys) claims(others map[string]any) map[string]any {
	all := map[string]any{
		"iss": k.URL, "aud": client, "sub": "u1", "name": "Ann Lee", "groups": []string{"desk"}, "iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Hour).Unix(),
	}
	for name, value := range others {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

func (k *keys) token(others map[string]any) string {
	return k.signed(jose.RS256, k.key, "1", k.claims(others))
}

func (k *keys) signed(alg jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	k.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		k.t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		k.t.Fatal(err)
	}
	return text
}

// issued is a server that accepts an issuer's tokens.
func issued(t *testing.T, issuer server.Issuer, changed ...func(*server.Options)) *locked {
	t.Helper()
	open := func(o *server.Options) {
		var err error
		if o.Gate, err = server.OpenGate(t.Context(), server.GateOptions{Store: o.Store, Log: o.Log, Issuer: &issuer}); err != nil {
			t.Fatal(err)
		}
	}
	a := apitest.StartWith(t, storage.Options{DSN: apitest.TalksDatabase(t)}, time.Second, append(changed, open)...)
	return &locked{a, t, nil}
}

func (k *keys) issuer() server.Issuer {
	return server.Issuer{URL: k.URL, ClientID: client, Audiences: []string{"api"}, Claim: "groups",
		Roles: map[string]parley.Role{"desk": parley.RoleAnalyst, "chiefs": parley.Admin, "guests": parley.RoleReader}}
}

const whoAmI = `{ viewer { id name role } }`

// Tokens of an issuer count if they are signed by its key, for this server, and not expired.
func TestTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	k := startKeys(t)
	l := issued(t, k.issuer())
	l.as("", whoAmI).Fails("UNAUTHENTICATED", "This server is used with a token")
	l.as(k.token(nil), whoAmI).Want("viewer.name", "Ann Lee", "viewer.role", "ANALYST")
	l.as(k.token(nil), fmt.Sprintf(record, "group")).Want("registerStakeholder.stakeholder.key", "group")
	l.as(k.token(map[string]any{"aud": []string{"other", "api"}}), whoAmI).Want("viewer.name", "Ann Lee")
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&k.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	shared := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	good := strings.Split(k.token(nil), ".")
	coded := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	payload, err := json.Marshal(k.claims(map[string]any{"groups": "chiefs"}))
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"expired":                       k.token(map[string]any{"exp": time.Now().Add(-time.Second).Unix()}),
		"without a subject":             k.token(map[string]any{"sub": nil}),
		"of signing out":                k.token(map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}),
		"without an end":                k.token(map[string]any{"exp": nil}),
		"not yet valid":                 k.token(map[string]any{"nbf": time.Now().Add(10 * time.Minute).Unix()}),
		"for another audience":          k.token(map[string]any{"aud": "other"}),
		"for none":                      k.token(map[string]any{"aud": nil}),
		"of another issuer":             k.token(map[string]any{"iss": "https://evil.example"}),
		"signed by another key":         k.signed(jose.RS256, other, "1", k.claims(nil)),
		"signed by an unknown key":      k.signed(jose.RS256, other, "2", k.claims(nil)),
		"signed on a curve":             k.signed(jose.ES256, curve, "1", k.claims(nil)),
		"signed by the public key":      k.signed(jose.HS256, shared, "1", k.claims(nil)),
		"signed by nobody":              coded(`{"alg":"none"}`) + "." + good[1] + ".",
		"signed by nobody, in capitals": coded(`{"alg":"NONE"}`) + "." + good[1] + "." + good[2],
		"with other claims":             good[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + good[2],
		"without a signature":           good[0] + "." + good[1] + ".",
		"nothing":                       "..",
	} {
		if got := l.as(token, whoAmI); got.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %+v", name, got.Status, got.Data)
		}
	}
	if log := l.Logs.String(); strings.Contains(log, good[1]) || strings.Contains(log, "level=ERROR") {
		t.Errorf("logged: %s", log)
	}
}

// The claim gives the highest role of its values. Whom it gives none is told so.
func TestRolesOfAnIssuer(t *testing.T) {
	t.Parallel()
	k := startKeys(t)
	l := issued(t, k.issuer())
	for role, groups := range map[string]any{"READER": "guests", "ANALYST": []string{"guests", "desk"}, "ADMIN": []string{"chiefs", "desk", "x"}} {
		l.as(k.token(map[string]any{"groups": groups}), whoAmI).Want("viewer.role", role)
	}
	for _, groups := range []any{nil, "x", []string{}, []string{"*"}, 7, []any{7, nil}, map[string]any{"desk": true}} {
		got := l.as(k.token(map[string]any{"groups": groups}), whoAmI)
		got.Fails("FORBIDDEN", "You are signed in, but have no role here; ask an administrator.")
		if got.Status != http.StatusForbidden {
			t.Errorf("%v: status %d", groups, got.Status)
		}
	}
	nested := k.issuer()
	nested.Claim, nested.Roles = "realm_access.roles", map[string]parley.Role{"desk": parley.RoleAnalyst, "*": parley.RoleReader}
	l = issued(t, nested)
	l.as(k.token(map[string]any{"realm_access": map[string]any{"roles": []string{"desk"}}}), whoAmI).Want("viewer.role", "ANALYST")
	l.as(k.token(map[string]any{"realm_access": "desk"}), whoAmI).Want("viewer.role", "READER")
	url := k.issuer()
	url.Claim = "https://parley.example/groups"
	l = issued(t, url)
	l.as(k.token(map[string]any{"https://parley.example/groups": "desk"}), whoAmI).Want("viewer.role", "ANALYST")
}

// An analyst is who the issuer says by its own name for them, whatever they call themselves: nobody can take another one's name.
func TestNamesOfAnIssuer(t *testing.T) {
	t.Parallel()
	k := startKeys(t)
	l := issued(t, k.issuer())
	_, known := l.As("Ann Lee") // who is on record
	first := l.as(k.token(nil), whoAmI)
	first.Want("viewer.name", "Ann Lee (2)")
	if first.Text("viewer.id") == known.ID.String() {
		t.Error("by a name, somebody became another analyst")
	}
	l.as(k.token(map[string]any{"sub": "u2"}), whoAmI).Want("viewer.name", "Ann Lee (3)")
	l.as(k.token(map[string]any{"name": "Other"}), whoAmI).Want("viewer.name", "Ann Lee (2)", "viewer.id", first.Text("viewer.id"))
	for sub, claims := range map[string]map[string]any{
		"by email":   {"name": " \n", "email": "by email"},
		"by user":    {"name": nil, "preferred_username": "by\x00 user\x1b"},
		"by subject": {"name": 7},
	} {
		claims["sub"] = sub
		l.as(k.token(claims), whoAmI).Want("viewer.name", sub)
	}
	// Several at once become one.
	answers := make(chan apitest.Answer, 8)
	for i := range cap(answers) {
		go func() { answers <- l.as(k.token(map[string]any{"sub": "new", "name": "New", "n": i}), whoAmI) }()
	}
	for range cap(answers) {
		got := <-answers
		got.Want("viewer.name", "New")
	}
}

// A program's token has the role of its own claims, and changes nobody's else. An analyst of the issuer gets no other token by a name.
func TestRolesOfTokensAndPeople(t *testing.T) {
	t.Parallel()
	k := startKeys(t)
	l := issued(t, k.issuer())
	l.as(k.token(map[string]any{"groups": "guests"}), whoAmI).Want("viewer.role", "READER")
	_, admin := l.As("administrator")
	ctx := parley.WithCaller(t.Context(), admin)
	ann, err := l.Store.AnalystOf(ctx, k.URL, "u1", "Ann Lee", parley.RoleReader)
	if err != nil {
		t.Fatal(err)
	}
	session, err := l.Store.SignIn(ctx, ann, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	apitest.Wait(t, "the browser to be signed in", func() bool { return l.as(session, whoAmI).Status == http.StatusOK })
	number, err := l.Store.AccessNumber(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		l.as(k.token(map[string]any{"groups": []string{"chiefs", "guests"}[i%2], "n": i}), whoAmI).Want("viewer.role", []string{"ADMIN", "READER"}[i%2])
	}
	l.as(session, whoAmI).Want("viewer.role", "READER", "viewer.name", "Ann Lee")
	if now, err := l.Store.AccessNumber(ctx); err != nil || now != number {
		t.Errorf("tokens of the issuer changed who may use the servers (%v)", err)
	}
	_, _, err = l.Store.CreateToken(ctx, parley.CreateTokenInput{Name: "Ann Lee", Role: parley.Admin})
	if err == nil || !strings.Contains(err.Error(), "Ann Lee signs in at the issuer of OpenID Connect, and gets tokens there; give another name.") {
		t.Errorf("a token for her: %v", err)
	}
	if err := l.Store.SignOut(ctx, session); err != nil {
		t.Fatal(err)
	}
	apitest.Wait(t, "the browser to be signed out", func() bool { return l.as(session, whoAmI).Status == http.StatusUnauthorized })
}

// An address that shows many unknown tokens is slowed down, and what did not count is not looked at again.
func TestManyUnknownTokens(t *testing.T) {
	t.Parallel()
	k := startKeys(t)
	l := issued(t, k.issuer(), func(o *server.Options) { o.Sites.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	from := func(address, token string) int {
		t.Helper()
		response, _ := l.Send(http.MethodGet, "/graphql?query={viewer{name}}", http.Header{"Authorization": {"Bearer " + token}, "X-Forwarded-For": {address}}, nil)
		return response.StatusCode
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	slowed := 0
	for i := range 150 {
		if from("203.0.113.7", k.signed(jose.RS256, other, fmt.Sprint("unknown", i), k.claims(nil))) == http.StatusServiceUnavailable {
			slowed++
		}
	}
	if asked := k.asked.Load(); slowed == 0 || asked > 130 {
		t.Errorf("%d of 150 tokens are slowed down, and the issuer is asked %d times", slowed, asked)
	}
	if status := from("203.0.113.8", k.token(nil)); status != http.StatusOK {
		t.Errorf("from another address: %d", status)
	}
	asked := k.asked.Load()
	bad := k.signed(jose.RS256, other, "bad", k.claims(nil))
	for range 10 {
		if status := from("203.0.113.9", bad); status != http.StatusUnauthorized {
			t.Errorf("a bad token: %d", status)
		}
	}
	if more := k.asked.Load() - asked; more > 1 {
		t.Errorf("for one bad token, the issuer is asked %d times", more)
	}
}

// While the issuer can't be reached, who is known already goes on, and others are told; afterwards they are let in.
func TestIssuerThatIsDown(t *testing.T) {
	t.Parallel()
	k := startKeys(t)
	k.down.Store(true)
	l := issued(t, k.issuer())
	got := l.as(k.token(nil), whoAmI)
	got.Fails("UNAVAILABLE", "The issuer of the token can't be reached at present; try again in a few seconds.")
	if got.Status != http.StatusServiceUnavailable {
		t.Errorf("the status is %d", got.Status)
	}
	asked := k.asked.Load()
	for range 20 {
		l.as(k.token(nil), whoAmI).Fails("UNAVAILABLE")
	}
	if more := k.asked.Load() - asked; more > 0 {
		t.Errorf("the issuer is asked %d times more", more)
	}
	k.down.Store(false)
	token := k.token(nil)
	apitest.Wait(t, "the issuer to be asked again", func() bool { return l.as(token, whoAmI).Status == http.StatusOK })
	k.down.Store(true)
	l.as(token, whoAmI).Want("viewer.name", "Ann Lee")
	l.as(k.token(map[string]any{"sub": "u3", "name": "Third"}), whoAmI).Want("viewer.name", "Third") // by the key that is known
	l.as(k.signed(jose.RS256, k.key, "2", k.claims(nil)), whoAmI).Fails("UNAVAILABLE", "The issuer of the token can't be reached")
}

// A connection ends when the issuer's token does.
func TestExpiredTokenOfAnIssuer(t *testing.T) {
	t.Parallel()
	k := startKeys(t)
	l := issued(t, k.issuer())
	soon := time.Now().Add(3 * time.Second).Truncate(time.Second)
	token := k.token(map[string]any{"exp": soon.Unix()})
	conn, err := l.socket(nil, `,"payload":{"authorization":"Bearer `+token+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	if code := ends(t, conn); code != 4403 || time.Now().Before(soon) {
		t.Errorf("the connection ends with %d, %s before the token expires", code, time.Until(soon))
	}
	l.as(token, whoAmI).Fails("UNAUTHENTICATED")
}

// browser follows redirects and keeps cookies. It finds parley.test at the server.
func (l *locked) browser() *http.Client {
	l.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	own := strings.TrimPrefix(l.URL, "http://")
	var dialer net.Dialer
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "parley.test:") {
			address = own
		}
		return dialer.DialContext(ctx, network, address)
	}
	transport := &http.Transport{DialContext: dial}
	l.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: apitest.Patience}
}

// visit opens a page, and returns where that led, with its text.
func visit(t *testing.T, b *http.Client, r *http.Request) (*url.URL, int, string) {
	t.Helper()
	response, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.Request.URL, response.StatusCode, string(text)
}

func page(t *testing.T, method, where string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, where, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// People sign in at a real issuer, and then use the server with a cookie.
func TestSignInAtAnIssuer(t *testing.T) {
	t.Parallel()
	const public = "http://parley.test"
	var provider http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	url1 := srv.URL + "/"
	users := oidcstorage.NewUserStore(url1)
	clients := map[string]*oidcstorage.Client{client: oidcstorage.WebClient(client, "secret", public+server.ReturnPath)}
	provider = exampleop.SetupServer(url1, oidcstorage.NewStorageWithClients(users, clients), nil, false, op.WithAllowInsecure(),
		op.WithLogger(slog.New(slog.DiscardHandler)))
	l := issued(t, server.Issuer{URL: url1, ClientID: client, ClientSecret: "secret", Claim: "email",
		Roles: map[string]parley.Role{"test-user@zitadel.ch": parley.RoleAnalyst}},
		func(o *server.Options) { o.PublicURL = public; o.Sites.Hosts = []string{"parley.test"} })

	signsIn := func(b *http.Client, user string) (*url.URL, int, string) {
		t.Helper()
		form, status, text := visit(t, b, page(t, http.MethodGet, public+"/sign-in/issuer?next=/briefing/talks", nil))
		if status != http.StatusOK || form.Host != strings.TrimPrefix(srv.URL, "http://") {
			t.Fatalf("it leads to %s: %d %s", form, status, text)
		}
		return visit(t, b, page(t, http.MethodPost, srv.URL+"/login/username",
			url.Values{"id": {form.Query().Get("authRequestID")}, "username": {user}, "password": {"verysecure"}}))
	}
	b := l.browser()
	if _, _, text := visit(t, b, page(t, http.MethodGet, public+"/sign-in", nil)); !strings.Contains(text, `href="/sign-in/issuer?next=%2Fplayground"`) {
		t.Errorf("the page is %s", text)
	}
	at, status, text := signsIn(b, "test-user@"+strings.Split(strings.TrimPrefix(srv.URL, "http://"), ":")[0])
	if at.String() != public+"/briefing/talks" || status != http.StatusOK {
		t.Fatalf("it leads to %s: %d %s", at, status, text)
	}
	r := page(t, http.MethodGet, public+"/graphql?query="+url.QueryEscape(whoAmI), nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if _, _, text := visit(t, b, r); !strings.Contains(text, `"name":"Test User","role":"ANALYST"`) {
		t.Errorf("it answers %s", text)
	}
	_, admin := l.As("administrator")
	tokens, err := l.Store.Tokens(parley.WithCaller(t.Context(), admin))
	if err != nil || len(tokens) != 1 || tokens[0].Analyst.Name != "Test User" || tokens[0].ExpiresAt == nil {
		t.Fatalf("the tokens are %v (%v)", tokens, err)
	}
	if _, err := l.Store.RevokeToken(parley.WithCaller(t.Context(), admin), tokens[0].Name); err != nil {
		t.Fatal(err)
	}
	apitest.Wait(t, "the browser to be signed out", func() bool {
		_, status, _ := visit(t, b, r.Clone(t.Context()))
		return status == http.StatusUnauthorized
	})

	if _, status, text := signsIn(l.browser(), "test-user2"); status != http.StatusForbidden || !strings.Contains(text, "you are signed in, but have no role") &&
		!strings.Contains(text, "You are signed in, but have no role") {
		t.Errorf("without a role: %d %s", status, text)
	}
	for name, query := range map[string]string{"of another browser": "code=x&state=y", "nothing": "", "refused": "error=access_denied&state=y"} {
		if _, status, text := visit(t, l.browser(), page(t, http.MethodGet, public+"/sign-in/return?"+query, nil)); status != http.StatusBadRequest ||
			!strings.Contains(text, "has not begun to sign in") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	// Whoever begins under another name of the server goes on under its public one.
	if at, status, _ := visit(t, l.browser(), page(t, http.MethodGet, l.URL+"/sign-in/issuer?next=/briefing/talks", nil)); status != http.StatusOK ||
		at.Host != strings.TrimPrefix(srv.URL, "http://") {
		t.Errorf("begun elsewhere, it leads to %s: %d", at, status)
	}
	// Two tabs sign in beside each other, and what comes back for neither ends neither.
	tabs := l.browser()
	var forms []*url.URL
	for range 2 {
		form, _, _ := visit(t, tabs, page(t, http.MethodGet, public+"/sign-in/issuer?next=/briefing/talks", nil))
		forms = append(forms, form)
	}
	visit(t, tabs, page(t, http.MethodGet, public+"/sign-in/return?code=x&state="+strings.Repeat("y", 43), nil))
	for _, form := range forms {
		at, status, text := visit(t, tabs, page(t, http.MethodPost, srv.URL+"/login/username", url.Values{"id": {form.Query().Get("authRequestID")},
			"username": {"test-user@" + strings.Split(strings.TrimPrefix(srv.URL, "http://"), ":")[0]}, "password": {"verysecure"}}))
		if status != http.StatusOK || at.Path != "/briefing/talks" {
			t.Errorf("a tab leads to %s: %d %s", at, status, text)
		}
	}
	// A code counts for the attempt it was given to.
	other := l.browser()
	if _, status, _ := visit(t, other, page(t, http.MethodGet, public+"/sign-in/issuer", nil)); status != http.StatusOK {
		t.Fatal(status)
	}
	var state string
	returned, err := url.Parse(public + server.ReturnPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range other.Jar.Cookies(returned) {
		decoded, err := base64.RawURLEncoding.DecodeString(c.Value)
		var a struct{ State string }
		if err == nil && json.Unmarshal(decoded, &a) == nil {
			state = a.State
		}
	}
	if _, status, text := visit(t, other, page(t, http.MethodGet, public+"/sign-in/return?code=forged&state="+state, nil)); status != http.StatusUnauthorized ||
		!strings.Contains(text, "The issuer has not signed you in; the log says why.") {
		t.Errorf("with a forged code: %d %s", status, text)
	}
}
