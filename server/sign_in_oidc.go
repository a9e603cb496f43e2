package server

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"example.org/parley"
)

// The paths by which people sign in at the issuer: they leave by the first, and come back by the second.
const (
	LeavePath  = SignInPath + "/issuer"
	ReturnPath = SignInPath + "/return"
)

const (
	// attemptCookie begins the name of the cookie that holds an attempt to sign in at the issuer, one for each.
	attemptCookie = "parley_sign_in_"
	// attemptTime is how long one may take, sessionTime how long a browser stays signed in.
	attemptTime = 10 * time.Minute
	sessionTime = 12 * time.Hour
)

// attempt is kept in a cookie while a person signs in at the issuer. It ties the issuer's answer to the browser that asked.
type attempt struct{ State, Nonce, Verifier, Next string }

// attemptName is the name of the cookie of an attempt with a state.
func attemptName(state string) string { return attemptCookie + state[:min(16, len(state))] }

// attemptKept is a cookie for an attempt. The issuer sends browsers back to the public URL, whatever the base path is.
func (s signIn) attemptKept(state, value string, seconds int) *http.Cookie {
	return &http.Cookie{Name: attemptName(state), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
}

// toIssuer sends a browser to the issuer. It comes back to the public URL, so it begins there too: a cookie of another name would be lost.
func (s signIn) toIssuer(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if public, err := url.Parse(s.public); err == nil && public.Host != "" && !strings.EqualFold(public.Host, r.Host) && !query.Has("here") {
		http.Redirect(w, r, s.public+LeavePath+"?"+url.Values{"here": {"1"}, "next": {query.Get("next")}}.Encode(), http.StatusSeeOther)
		return
	}
	config, _, err := s.gate.issuer.config(r.Context(), s.public+ReturnPath)
	if err != nil {
		s.show(w, http.StatusServiceUnavailable, signInView{Next: s.local(r.URL.Query().Get("next")), Problem: err.Error()})
		return
	}
	a := attempt{oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), s.local(r.URL.Query().Get("next"))}
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // it is plain text
	}
	http.SetCookie(w, s.attemptKept(a.State, base64.RawURLEncoding.EncodeToString(text), int(attemptTime.Seconds())))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, config.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusSeeOther)
}

// fromIssuer has a browser that comes back from the issuer keep a token.
func (s signIn) fromIssuer(w http.ResponseWriter, r *http.Request) {
	var a attempt
	query := r.URL.Query()
	cookie, err := r.Cookie(attemptName(query.Get("state")))
	if err == nil {
		var text []byte
		if text, err = base64.RawURLEncoding.DecodeString(cookie.Value); err == nil {
			err = json.Unmarshal(text, &a)
		}
	}
	if err != nil || a.State == "" || query.Get("state") != a.State {
		s.show(w, http.StatusBadRequest, signInView{Problem: "This browser has not begun to sign in, or has waited too long. Try again."})
		return
	}
	http.SetCookie(w, s.attemptKept(a.State, "", -1))
	if query.Get("code") == "" {
		s.show(w, http.StatusUnauthorized, signInView{Next: s.local(a.Next), Problem: "The issuer has not signed you in."})
		return
	}
	analyst, err := s.gate.issuer.signedIn(r.Context(), query.Get("code"), s.public+ReturnPath, a)
	var fault *parley.Fault
	switch {
	case errors.As(err, &fault) && fault.Code == parley.Unavailable:
		s.show(w, http.StatusServiceUnavailable, signInView{Next: s.local(a.Next), Problem: fault.Message})
		return
	case errors.As(err, &fault):
		s.show(w, http.StatusForbidden, signInView{Next: s.local(a.Next), Problem: fault.Message})
		return
	case err != nil:
		s.gate.log.WarnContext(r.Context(), "somebody could not sign in at the issuer", "error", err)
		s.show(w, http.StatusUnauthorized, signInView{Next: s.local(a.Next), Problem: "The issuer has not signed you in; the log says why."})
		return
	}
	until := time.Now().Add(sessionTime)
	secret, err := s.gate.store.SignIn(r.Context(), analyst, until)
	if err == nil {
		err = s.gate.look(r.Context()) // so that it counts at once
	}
	if err != nil {
		s.gate.log.ErrorContext(r.Context(), "somebody who signed in can't be let in", "error", err)
		s.show(w, http.StatusServiceUnavailable, signInView{Next: s.local(a.Next), Problem: "The database can't be used at present. Try again."})
		return
	}
	s.keep(w, r, secret, until)
	http.Redirect(w, r, s.local(a.Next), http.StatusSeeOther)
}
