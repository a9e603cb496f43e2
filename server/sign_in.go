package server

import (
	_ "embed"
	"errors"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// The paths by which people sign in and out in a browser.
const (
	SignInPath  = "/sign-in"
	SignOutPath = "/sign-out"
)

// cookieName is the cookie that holds a browser's token. Browsers send cookies to all ports of a host, so it has the port in its name.
func cookieName(r *http.Request) string {
	name := "parley_token"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		name += "_" + port
	}
	return name
}

// signIn lets people sign in with a token. Their browser keeps it in a cookie, which scripts can't read and which counts for the
// server's own pages only.
type signIn struct {
	gate   *Gate
	base   string
	public string // the server's URL for browsers
	secure bool   // that is reached by HTTPS, so the cookie is not to be sent without
	origin string // of that URL
	tries  *lru.Cache[string, *rate.Limiter]
}

// triesAtOnce is how many wrong tokens an address may show, one more each triesEvery.
const (
	triesAtOnce = 10
	triesEvery  = 6 * time.Second
)

func newSignIn(o Options) signIn {
	tries, err := lru.New[string, *rate.Limiter](10_000)
	if err != nil {
		panic(err) // the size is not positive
	}
	s := signIn{
		gate: o.Gate, base: o.Sites.BasePath, public: o.PublicURL, secure: strings.HasPrefix(o.PublicURL, "https:"),
		tries: tries,
	}
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" {
		s.origin = u.Scheme + "://" + u.Host
	}
	return s
}

// useCookie reads a browser's cookie as if it were a header, if the request comes from a page of the server itself, or is for a page. A
// cookie that counts no longer is none.
func (s signIn) useCookie(r *http.Request) {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil || secretOf(r.Header.Get("Authorization")) != "" || !s.isOwnPage(r) {
		return
	}
	if _, err := s.gate.guest(r.Context(), cookie.Value); err == nil {
		r.Header.Set("Authorization", "Bearer "+cookie.Value)
	}
}

// isOwnPage says whether a browser sends a request for a page of the server, or opens one.
func (s signIn) isOwnPage(r *http.Request) bool {
	opens := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "document"
	origin := r.Header.Get("Origin")
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case site == "same-origin":
		return true
	case site == "none": // typed, or a bookmark
		return opens
	case site != "":
		return opens && !strings.HasSuffix(r.URL.Path, GraphQLPath)
	case origin == "": // browsers say from where over HTTPS and on their own machine only; elsewhere, SameSite keeps the cookie from others
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	u, err := url.Parse(origin)
	return err == nil && (strings.EqualFold(u.Host, r.Host) || strings.EqualFold(origin, s.origin))
}

// refuse answers who may not use the server: with the page to sign in, or an error.
func (s signIn) refuse(w http.ResponseWriter, r *http.Request, why error) {
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasSuffix(r.URL.Path, GraphQLPath) {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, s.base+SignInPath+"?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		return
	}
	var fault *parley.Fault
	switch errors.As(why, &fault); {
	case fault == nil:
		s.gate.log.ErrorContext(r.Context(), "who is asking can't be found out", "error", why)
		transport.Refuse(w, http.StatusServiceUnavailable, parley.Unavailable, "Who is asking can't be found out at present; try again in a few seconds.")
	case fault.Code == parley.Unavailable:
		w.Header().Set("Retry-After", "5")
		transport.Refuse(w, http.StatusServiceUnavailable, fault.Code, fault.Message)
	case fault.Code == parley.Forbidden:
		transport.Refuse(w, http.StatusForbidden, fault.Code, fault.Message)
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="parley"`)
		transport.Refuse(w, http.StatusUnauthorized, fault.Code, fault.Message)
	}
}

//go:embed sign_in.html
var signInText string

var signInPage = template.Must(template.New("sign-in").Parse(signInText))

// policy has the page load nothing and send its form here only.
const policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type signInView struct {
	Next, Problem, Name string
	In, Out, Issuer     string // paths; there may be no issuer
}

func (s signIn) show(w http.ResponseWriter, status int, view signInView) {
	view.In, view.Out = s.base+SignInPath, s.base+SignOutPath
	if s.gate.issuer != nil {
		view.Issuer = s.base + LeavePath + "?" + url.Values{"next": {view.Next}}.Encode()
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	signInPage.Execute(w, view)
}

// page shows the form, or who is signed in.
func (s signIn) page(w http.ResponseWriter, r *http.Request) {
	s.useCookie(r)
	view := signInView{Next: s.local(r.URL.Query().Get("next"))}
	if secret := secretOf(r.Header.Get("Authorization")); secret != "" {
		if found, err := s.gate.guest(r.Context(), secret); err == nil {
			view.Name = found.analyst.Name
		}
	}
	s.show(w, http.StatusOK, view)
}

// enter checks the token of the form, and has the browser keep it.
func (s signIn) enter(w http.ResponseWriter, r *http.Request) {
	if !s.isOwnPage(r) {
		say(w, http.StatusForbidden, "Sign in on this server's own page.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 10_000)
	secret, next := strings.TrimSpace(r.PostFormValue("token")), s.local(r.PostFormValue("next"))
	found, err := s.gate.guest(r.Context(), secret)
	if err != nil || secret == "" {
		status, problem := http.StatusUnauthorized, "This token is unknown, revoked or expired."
		if !s.tried(clientOf(r)) {
			w.Header().Set("Retry-After", "60")
			status, problem = http.StatusTooManyRequests, "There were too many wrong tokens from your address."
		}
		s.show(w, status, signInView{Next: next, Problem: problem})
		return
	}
	until, _ := found.until.Deadline()
	s.keep(w, r, secret, until)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// tried counts a wrong token. It returns false if there were too many from an address of late.
func (s signIn) tried(caller string) bool {
	limiter, known := s.tries.Get(caller)
	if !known {
		limiter = rate.NewLimiter(rate.Every(triesEvery), triesAtOnce)
		s.tries.Add(caller, limiter)
	}
	return limiter.Allow()
}

// keep has a browser keep a token, until it expires or, without an end, until the browser is closed.
func (s signIn) keep(w http.ResponseWriter, r *http.Request, secret string, until time.Time) {
	cookie := s.cookie(r, secret)
	cookie.Expires = until
	http.SetCookie(w, cookie)
}

// leave deletes the cookie. It also revokes a token that signing in at the issuer has made. A token that was typed in goes on counting,
// since it may be in use elsewhere.
func (s signIn) leave(w http.ResponseWriter, r *http.Request) {
	if !s.isOwnPage(r) {
		say(w, http.StatusForbidden, "Sign out on this server's own page.")
		return
	}
	if known, err := r.Cookie(cookieName(r)); err == nil && s.gate.issuer != nil {
		if err := s.gate.store.SignOut(r.Context(), known.Value); err != nil {
			s.gate.log.ErrorContext(r.Context(), "a token could not be revoked at signing out", "error", err)
		}
	}
	cookie := s.cookie(r, "")
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	http.Redirect(w, r, s.base+SignInPath, http.StatusSeeOther)
}

func (s signIn) cookie(r *http.Request, value string) *http.Cookie {
	return &http.Cookie{Name: cookieName(r), Value: value, Path: s.base + "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
}

// local is a path of this server to go on to; any other text is the playground.
func (s signIn) local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, s.base+"/") || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") {
		return s.base + PlaygroundPath
	}
	return u.RequestURI()
}
