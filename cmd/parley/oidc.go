package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"example.org/parley"
	"example.org/parley/server"
)

// oidcFlags configure an OpenID Connect issuer whose tokens are accepted.
type oidcFlags struct {
	Issuer       string   `placeholder:"URL" help:"OpenID Connect issuer whose tokens are accepted, and where people sign in."`
	ClientID     string   `name:"client-id" placeholder:"ID" help:"What the issuer calls this server. Tokens have to be for it."`
	ClientSecret string   `placeholder:"SECRET" help:"What this server shows to the issuer when people sign in; better given as a variable or in the configuration file."`
	Audience     []string `placeholder:"NAME" help:"Another audience whose tokens are accepted (repeatable)."`
	Scope        []string `placeholder:"NAME" help:"Scope to ask for when people sign in, beside openid, profile and email (repeatable)."`
	Claim        string   `default:"groups" placeholder:"NAME" help:"Claim that gives roles (${default}). Dots lead into objects, as in realm_access.roles."`
	Role         []string `placeholder:"ROLE=VALUE" help:"Role that a value of the claim gives, such as ANALYST=desk; the value * stands for everybody (repeatable)."`
}

// issuer reads the flags; nil: they name none.
func (s serve) issuer() (*server.Issuer, error) {
	f := s.oidcFlags
	if f.Issuer == "" {
		if f.ClientID != "" || len(f.Role) > 0 {
			return nil, errors.New("--oidc-issuer is missing; give the issuer's URL")
		}
		return nil, nil
	}
	u, err := url.Parse(f.Issuer)
	switch {
	case err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLocal(u.Hostname())) || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("--oidc-issuer %q is not the URL of an issuer; give one that begins with https://", f.Issuer)
	case s.PublicURL == "" && !s.isAtHome():
		return nil, errors.New("--public-url is missing; give the URL under which browsers come back from the issuer")
	case f.ClientID == "":
		return nil, errors.New("--oidc-client-id is missing; give what the issuer calls this server")
	case len(f.Role) == 0:
		return nil, errors.New("--oidc-role is missing, so nobody would have a role; give one such as ANALYST=desk, or READER=* for everybody")
	}
	roles := make(map[string]parley.Role)
	for _, text := range f.Role {
		name, value, _ := strings.Cut(text, "=")
		role := parley.Role(name)
		if !slices.Contains(parley.Roles, role) || value == "" {
			return nil, fmt.Errorf("--oidc-role %q is no role with a value; give one such as ANALYST=desk, with READER, ANALYST or ADMIN", text)
		}
		if !roles[value].Includes(role) {
			roles[value] = role
		}
	}
	return &server.Issuer{
		URL: f.Issuer, ClientID: f.ClientID, ClientSecret: f.ClientSecret, Audiences: f.Audience, Scopes: f.Scope, Claim: f.Claim, Roles: roles,
	}, nil
}
