package access_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"example.org/parley"
	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/server/playground/browsertest"
)

// form sends the form of the page to sign in.
func (l *locked) form(path string, header http.Header, fields ...string) (*http.Response, string) {
	l.t.Helper()
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	h := header.Clone()
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	return l.Send(http.MethodPost, path, h, strings.NewReader(values.Encode()))
}

// port is that of the server.
func (l *locked) port() string { return l.URL[strings.LastIndex(l.URL, ":")+1:] }

var ownPage = http.Header{"Sec-Fetch-Site": {"same-origin"}}

// Whoever signs in with a token gets it back in a cookie that scripts can't read, and goes on to a page of this server.
func TestSignIn(t *testing.T) {
	t.Parallel()
	l := lock(t)
	token := l.tokens[parley.RoleReader]
	for next, want := range map[string]string{
		"":                           "/playground",
		"/briefing/talks?since=2025": "/briefing/talks?since=2025",
		"https://evil.example/":      "/playground",
		"//evil.example/":            "/playground",
		`/\evil.example/`:            "/playground",
		"/\t/evil.example/":          "/playground",
		"///evil.example":            "/playground",
		"/%2f/evil.example":          "/playground",
		"javascript:alert(1)":        "/playground",
		"evil":                       "/playground",
	} {
		response, _ := l.form("/sign-in", ownPage, "token", token, "next", next)
		if got := response.Header.Get("Location"); response.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("%q: %d %q, want %q", next, response.StatusCode, got, want)
		}
		cookies := response.Cookies()
		if len(cookies) != 1 || cookies[0].Value != token || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" {
			t.Errorf("%q: the cookies are %v", next, cookies)
		}
	}
	_, page := l.Send(http.MethodGet, `/sign-in?next=/"><script>`, nil, nil)
	if strings.Contains(page, "<script>") || !strings.Contains(page, `type="password"`) {
		t.Errorf("the page is %s", page)
	}
	if _, page := l.Send(http.MethodGet, "/sign-in", l.withCookie(ownPage, token), nil); !strings.Contains(page, "You are signed in as reader.") {
		t.Errorf("the page is %s", page)
	}
	response, _ := l.form("/sign-out", ownPage)
	if cookies := response.Cookies(); response.StatusCode != http.StatusSeeOther || len(cookies) != 1 || cookies[0].MaxAge >= 0 {
		t.Errorf("signing out: %d, cookies %v", response.StatusCode, cookies)
	}
	for _, path := range []string{"/sign-in", "/sign-out"} {
		if response, text := l.form(path, http.Header{"Sec-Fetch-Site": {"same-site"}}, "token", token); response.StatusCode != http.StatusForbidden || len(response.Cookies()) > 0 {
			t.Errorf("%s from another page: %d %s", path, response.StatusCode, text)
		}
	}
}

// withCookie has a request bear a token in the cookie of the server's port.
func (l *locked) withCookie(header http.Header, token string) http.Header {
	h := make(http.Header)
	maps.Copy(h, header)
	h.Set("Cookie", "other=1; parley_token_"+l.port()+"="+token)
	return h
}

// A cookie counts for the server's own pages only, whatever other pages may use the server.
func TestCookies(t *testing.T) {
	t.Parallel()
	const desk = "https://desk.example"
	l := lock(t, func(o *server.Options) { o.Sites.Origins = []string{desk} })
	own := strings.TrimPrefix(l.URL, "http://")
	for name, tt := range map[string]struct {
		method, path string
		header       http.Header
		counts       bool
	}{
		"own page":                       {"POST", "/graphql", ownPage, true},
		"own page, by its origin":        {"POST", "/graphql", http.Header{"Origin": {"http://" + own}}, true},
		"own page, without an origin":    {"GET", "/graphql?query={viewer{name}}", nil, true},
		"a POST that says nothing":       {"POST", "/graphql", nil, false},
		"typed":                          {"GET", "/briefing/talks", http.Header{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Dest": {"document"}}, true},
		"a link elsewhere":               {"GET", "/briefing/talks", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"document"}}, true},
		"a link elsewhere, to the API":   {"GET", "/graphql?query={viewer{name}}", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"document"}}, false},
		"a form elsewhere":               {"POST", "/graphql", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"document"}, "Origin": {desk}}, false},
		"an allowed page":                {"POST", "/graphql", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {desk}}, false},
		"an allowed page, old browser":   {"POST", "/graphql", http.Header{"Origin": {desk}}, false},
		"an allowed page of the site":    {"POST", "/graphql", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {desk}}, false},
		"another port":                   {"POST", "/graphql", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://127.0.0.1:1"}}, false},
		"an image elsewhere, by the API": {"GET", "/graphql?query={viewer{name}}", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"image"}}, false},
	} {
		header := l.withCookie(tt.header, l.tokens[parley.Admin])
		header.Set("Content-Type", "application/json")
		response, text := l.Send(tt.method, tt.path, header, strings.NewReader(`{"query":"{ viewer { name } }"}`))
		switch {
		case tt.counts && response.StatusCode != http.StatusOK:
			t.Errorf("%s: %d %s", name, response.StatusCode, text)
		case !tt.counts && (response.StatusCode < 300 || strings.Contains(text, "admin")):
			t.Errorf("%s counts: %d %s", name, response.StatusCode, text)
		}
		if got := response.Header.Get("Access-Control-Allow-Credentials"); got != "" {
			t.Errorf("%s: credentials are allowed: %s", name, got)
		}
	}
	// A header counts more than a cookie.
	header := l.withCookie(ownPage, l.tokens[parley.Admin])
	header.Set("Authorization", "Bearer wrong")
	if response, _ := l.Send(http.MethodGet, "/graphql?query={viewer{name}}", header, nil); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a wrong header, the cookie counts: %d", response.StatusCode)
	}
	for origin, counts := range map[string]bool{"http://" + own: true, desk: false} {
		_, err := l.socket(l.withCookie(http.Header{"Origin": {origin}}, l.tokens[parley.RoleReader]), "")
		if (err == nil) != counts {
			t.Errorf("a WebSocket of %s: %v", origin, err)
		}
	}
}

// A cookie that counts no longer is none: where nobody needs a token, its browser is let in.
func TestOldCookie(t *testing.T) {
	t.Parallel()
	a := apitest.StartOn(t, apitest.TalksDatabase(t))
	l := &locked{API: a, t: t}
	if response, text := l.Send(http.MethodGet, "/playground", l.withCookie(ownPage, "parley_old"), nil); response.StatusCode != http.StatusOK {
		t.Errorf("%d %s", response.StatusCode, text)
	}
	// Nor does another scheme in the header hide a cookie.
	closed := lock(t)
	header := closed.withCookie(ownPage, closed.tokens[parley.RoleReader])
	header.Set("Authorization", "Basic eDp5")
	if response, text := closed.Send(http.MethodGet, "/playground", header, nil); response.StatusCode != http.StatusOK {
		t.Errorf("with another scheme: %d %s", response.StatusCode, text)
	}
}

// Behind a proxy that does not pass the host on, the server's own pages are those of its public URL.
func TestOwnPagesBehindAProxy(t *testing.T) {
	t.Parallel()
	l := lock(t, func(o *server.Options) {
		o.PublicURL, o.Sites.Origins, o.Sites.Hosts = "http://parley.lan", []string{"http://parley.lan"}, []string{"parley.lan"}
	})
	for origin, status := range map[string]int{"http://parley.lan": http.StatusSeeOther, "http://elsewhere.lan": http.StatusForbidden} {
		if response, text := l.form("/sign-in", http.Header{"Origin": {origin}}, "token", l.tokens[parley.RoleReader]); response.StatusCode != status {
			t.Errorf("%s: %d %s", origin, response.StatusCode, text)
		}
	}
}

// Wrong tokens are slowed down, for the address from which they come.
func TestWrongTokens(t *testing.T) {
	t.Parallel()
	l := lock(t)
	for i := range 10 {
		if response, text := l.form("/sign-in", ownPage, "token", "wrong"); response.StatusCode != http.StatusUnauthorized || !strings.Contains(text, "This token is unknown") {
			t.Errorf("try %d: %d %s", i, response.StatusCode, text)
		}
	}
	response, text := l.form("/sign-in", ownPage, "token", "wrong")
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" || !strings.Contains(text, "too many wrong tokens") {
		t.Errorf("the eleventh: %d %s", response.StatusCode, text)
	}
	// Who has a right one is let in: others could use up the tries of a shared address.
	if response, text := l.form("/sign-in", ownPage, "token", l.tokens[parley.Admin]); response.StatusCode != http.StatusSeeOther {
		t.Errorf("with a right token: %d %s", response.StatusCode, text)
	}
}

// Over HTTPS the cookie is never sent without.
func TestSecureCookie(t *testing.T) {
	t.Parallel()
	l := lock(t, func(o *server.Options) { o.PublicURL = "https://parley.example/desk"; o.Sites.BasePath = "/desk" })
	response, _ := l.form("/desk/sign-in", ownPage, "token", l.tokens[parley.RoleReader], "next", "/elsewhere")
	if cookies := response.Cookies(); len(cookies) != 1 || !cookies[0].Secure || cookies[0].Path != "/desk/" || response.Header.Get("Location") != "/desk/playground" {
		t.Errorf("the cookies are %v, and it goes on to %s", cookies, response.Header.Get("Location"))
	}
}

// In a browser, whoever opens the playground signs in first. Then its requests and WebSockets bear the cookie.
func TestSignInInABrowser(t *testing.T) {
	t.Parallel()
	l := lock(t)
	ctx := browsertest.New(t)
	do := func(step string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		for _, action := range actions {
			if err := chromedp.Do(ctx, action); err != nil {
				t.Fatalf("%s: %v", step, err)
			}
		}
	}
	do("open the playground", chromedp.Navigate(l.URL+server.PlaygroundPath), chromedp.WaitVisible("#token"))
	do("give a wrong token", chromedp.SendKeys("#token", "wrong\r"), chromedp.WaitVisible("#problem"))
	do("sign in", chromedp.SendKeys("#token", l.tokens[parley.RoleAnalyst]+"\r"))
	asked := `fetch("/graphql", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({query: "{ viewer { name } }"})})
		.then(r => r.json()).then(r => r.data.viewer.name)`
	subscribed := `new Promise((done, fail) => {
		const socket = new WebSocket("ws://" + location.host + "/graphql", "graphql-transport-ws")
		socket.onopen = () => socket.send('{"type":"connection_init"}')
		socket.onmessage = m => done(JSON.parse(m.data).type)
		socket.onclose = e => fail(e.code)
	})`
	apitest.Wait(t, "the playground", func() bool {
		path, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname"))
		return err == nil && path == server.PlaygroundPath
	})
	for script, want := range map[string]string{asked: "analyst", subscribed: "connection_ack"} {
		awaited := true
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, func(p *runtime.EvaluateParams) { p.AwaitPromise = &awaited }))
		if err != nil || got != want {
			t.Errorf("it answers %q, want %q (%v)", got, want, err)
		}
	}
}
