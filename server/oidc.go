package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"

	"example.org/parley"
	"example.org/parley/storage"
)

// Issuer is an OpenID Connect issuer: who has a token of it uses the server with that, and people sign in there with a browser.
type Issuer struct {
	URL string
	// ClientID is what the issuer calls this server. Tokens have to be for it, or for one of Audiences.
	ClientID  string
	Audiences []string
	// ClientSecret is what this server shows to the issuer when people sign in; empty: nothing.
	ClientSecret string
	// Scopes are asked for when people sign in, beside openid, profile and email.
	Scopes []string
	// Claim names the claim that gives roles: a text or a list of texts. Dots lead into objects, as in realm_access.roles.
	Claim string
	// Roles are what values of the claim stand for; the value "*" stands for everybody. The highest role counts.
	Roles map[string]parley.Role
}

// issuer verifies an issuer's tokens.
type issuer struct {
	Issuer
	store    *storage.Store
	log      *slog.Logger
	verified *lru.Cache[[sha256.Size]byte, *guest]
	// refused has tokens that did not count, for a while, with the reason.
	refused *expirable.LRU[[sha256.Size]byte, error]
	// verifying bounds the tokens that are verified for an address: one with an unknown key has the issuer asked for its keys.
	verifying *lru.Cache[string, *rate.Limiter]

	mu       sync.Mutex
	provider *oidc.Provider // nil: not known yet
	failed   time.Time      // when it could not be reached last
}

// discoveryTimeout is how long the issuer may take to say where its keys are, discoveryEvery how soon it is asked again after it could not.
const (
	discoveryTimeout = 5 * time.Second
	discoveryEvery   = 5 * time.Second
)

// refusedTime is how long a token that did not count is refused without looking at it again.
const refusedTime = 30 * time.Second

func newIssuer(i Issuer, store *storage.Store, log *slog.Logger) *issuer {
	verified, err := lru.New[[sha256.Size]byte, *guest](10_000)
	if err != nil {
		panic(err) // the size is not positive
	}
	verifying, err := lru.New[string, *rate.Limiter](10_000)
	if err != nil {
		panic(err) // the size is not positive
	}
	refused := expirable.NewLRU[[sha256.Size]byte, error](10_000, nil, refusedTime)
	return &issuer{Issuer: i, store: store, log: log, verified: verified, refused: refused, verifying: verifying}
}

// errNoIssuer is the fault while the issuer can't be asked for its keys.
var errNoIssuer = parley.NewFault(parley.Unavailable, "The issuer of the token can't be reached at present; try again in a few seconds.")

// known reads where the issuer's keys and pages are. It does so at the first token, so that the server starts without the issuer.
func (i *issuer) known(ctx context.Context) (*oidc.Provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider != nil {
		return i.provider, nil
	}
	if time.Since(i.failed) < discoveryEvery {
		return nil, errNoIssuer
	}
	// The provider keeps its context for fetching keys, which outlives the request.
	client := &http.Client{Timeout: discoveryTimeout}
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client), i.URL)
	if err != nil {
		i.failed = time.Now()
		i.log.ErrorContext(ctx, "the issuer can't be asked where its keys are", "issuer", i.URL, "error", err)
		return nil, errNoIssuer
	}
	i.provider = provider
	return provider, nil
}

// errNoRole is the fault of a caller whose token is good but gives no role.
var errNoRole = parley.NewFault(parley.Forbidden, "You are signed in, but have no role here; ask an administrator.")

// guest finds the caller of a token, which it verifies unless it did so before.
func (i *issuer) guest(ctx context.Context, token string) (*guest, error) {
	hash := parley.HashSecret(token)
	if found, known := i.verified.Get(hash); known {
		if found.until.Err() != nil {
			return nil, errBadToken
		}
		return found, nil
	}
	if why, known := i.refused.Get(hash); known {
		return nil, why
	}
	provider, err := i.known(ctx)
	if err != nil {
		return nil, err
	}
	if !i.mayVerify(ctx) {
		return nil, errManyUnknown
	}
	found, err := i.verify(ctx, provider, token)
	var fault *parley.Fault
	switch {
	case err == nil:
		i.verified.Add(hash, found)
	case errors.As(err, &fault) && fault.Code != parley.Unavailable:
		i.refused.Add(hash, err)
	}
	return found, err
}

// errManyUnknown is the fault of an address that shows many tokens that are not known.
var errManyUnknown = parley.NewFault(parley.Unavailable, "Your address has shown many unknown tokens of late; try again in a few seconds.")

// mayVerify says whether one more unknown token of an address may be verified.
func (i *issuer) mayVerify(ctx context.Context) bool {
	address := ""
	if known := parley.AddressOf(ctx); known != nil {
		address = *known
	}
	limiter, known := i.verifying.Get(address)
	if !known {
		limiter = rate.NewLimiter(10, 100)
		i.verifying.Add(address, limiter)
	}
	return limiter.Allow()
}

// verify checks a token's signature, times and audience, and finds its analyst.
func (i *issuer) verify(ctx context.Context, provider *oidc.Provider, token string) (*guest, error) {
	read, err := provider.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(ctx, token)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && strings.Contains(err.Error(), "fetching keys"):
		i.log.ErrorContext(ctx, "the issuer can't be asked for its keys", "issuer", i.URL, "error", err)
		return nil, errNoIssuer
	case err != nil:
		i.log.InfoContext(ctx, "a token of the issuer does not count", "reason", err)
		return nil, errBadToken
	case !slices.ContainsFunc(read.Audience, i.isMine):
		i.log.InfoContext(ctx, "a token of the issuer is for others", "audience", read.Audience)
		return nil, errBadToken
	}
	var claims map[string]any
	if err := read.Claims(&claims); err != nil {
		return nil, errBadToken
	}
	if claims["events"] != nil { // it tells of something, such as that somebody has signed out
		return nil, errBadToken
	}
	analyst, err := i.analyst(ctx, read.Subject, claims)
	if err != nil {
		return nil, err
	}
	found := arrived(analyst, uuid.Nil, &read.Expiry)
	found.share = "analyst " + analyst.ID.String()
	return found, nil
}

func (i *issuer) isMine(audience string) bool {
	return audience == i.ClientID || slices.Contains(i.Audiences, audience)
}

// analyst finds the analyst of a verified token, with the role that its claims give.
func (i *issuer) analyst(ctx context.Context, subject string, claims map[string]any) (parley.Analyst, error) {
	if subject == "" { // then everybody would be one
		i.log.WarnContext(ctx, "a token of the issuer has no sub, so nobody can be told by it")
		return parley.Analyst{}, errBadToken
	}
	role := i.role(claims)
	if role == "" {
		return parley.Analyst{}, errNoRole
	}
	return i.store.AnalystOf(ctx, i.URL, subject, nameIn(claims, subject), role)
}

// role is the highest that the claims give; empty: none.
func (i *issuer) role(claims map[string]any) parley.Role {
	values := append(textsAt(claims, i.Claim), "*")
	for _, role := range slices.Backward(parley.Roles) {
		if slices.ContainsFunc(values, func(v string) bool { return i.Roles[v] == role }) {
			return role
		}
	}
	return ""
}

// textsAt are the texts of a claim. "*" is none, since it stands for everybody.
func textsAt(claims map[string]any, path string) (texts []string) {
	value, direct := claims[path] // whose name may have dots itself, as a URL has
	if !direct {
		value = claims
		for name := range strings.SplitSeq(path, ".") {
			object, _ := value.(map[string]any)
			value = object[name]
		}
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	for _, item := range list {
		if text, ok := item.(string); ok && text != "*" {
			texts = append(texts, text)
		}
	}
	return texts
}

// nameIn is the person's name in the claims.
func nameIn(claims map[string]any, subject string) string {
	for _, claim := range []string{"name", "preferred_username", "email"} {
		text, _ := claims[claim].(string)
		text = parley.PlainName(text)
		if text != "" {
			return parley.Clip(text, 90) // and maybe a number
		}
	}
	return parley.Clip(parley.PlainName(subject), 90)
}

// isJWT says whether a secret is a token of an issuer, and not one of ours.
func isJWT(secret string) bool { return strings.Count(secret, ".") == 2 }

// config is how people sign in with a browser.
func (i *issuer) config(ctx context.Context, redirect string) (*oauth2.Config, *oidc.Provider, error) {
	provider, err := i.known(ctx)
	if err != nil {
		return nil, nil, err
	}
	return &oauth2.Config{
		ClientID: i.ClientID, ClientSecret: i.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, i.Scopes...),
	}, provider, nil
}

// signedIn exchanges the code that the issuer gave to a browser, and says who signed in.
func (i *issuer) signedIn(ctx context.Context, code, redirect string, a attempt) (parley.Analyst, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, http.DefaultClient), discoveryTimeout)
	defer cancel()
	config, provider, err := i.config(ctx, redirect)
	if err != nil {
		return parley.Analyst{}, err
	}
	given, err := config.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return parley.Analyst{}, fmt.Errorf("exchange the code: %w", err)
	}
	raw, _ := given.Extra("id_token").(string)
	read, err := provider.Verifier(&oidc.Config{ClientID: i.ClientID}).Verify(ctx, raw)
	if err != nil {
		return parley.Analyst{}, fmt.Errorf("verify the token: %w", err)
	}
	if read.Nonce != a.Nonce {
		return parley.Analyst{}, errors.New("the token is for another attempt to sign in")
	}
	claims := make(map[string]any)
	if provider.UserInfoEndpoint() != "" { // many issuers say there what they leave out of tokens
		about, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(given))
		if err != nil {
			return parley.Analyst{}, fmt.Errorf("ask who signed in: %w", err)
		}
		if about.Subject != read.Subject {
			return parley.Analyst{}, errors.New("the issuer names two persons")
		}
		if err := about.Claims(&claims); err != nil {
			return parley.Analyst{}, fmt.Errorf("read who signed in: %w", err)
		}
	}
	if err := read.Claims(&claims); err != nil {
		return parley.Analyst{}, fmt.Errorf("read the token: %w", err)
	}
	return i.analyst(ctx, read.Subject, claims)
}
