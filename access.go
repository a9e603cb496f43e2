package parley

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// Access is who may use a server. It lies outside the feed: it counts from now on, whatever instant a lens asks for.
type Access struct {
	// Number rises with each change of the rest.
	Number int64
	// Locked: every request needs a token. Otherwise requests without one act as the server's local administrator.
	Locked bool
	// Tokens are those that count: neither revoked nor expired.
	Tokens []*Token
}

// Token is a credential with which a person or a program signs in. Only its hash is stored, so that nobody can read it.
type Token struct {
	ID   uuid.UUID
	Hash [sha256.Size]byte
	// Name is unique among the tokens that are not revoked.
	Name string
	// Analyst is in whose name the token acts. Its role is that of the token.
	Analyst   *Analyst
	CreatedAt time.Time
	CreatedBy *Analyst
	ExpiresAt *time.Time // nil: never
	// UsedAt is when the token was last used, to the minute; nil: never.
	UsedAt *time.Time
}

// CreateTokenInput asks for a token.
type CreateTokenInput struct {
	Name string
	// Analyst is the name of the analyst in whose name the token acts; nil: that of the token. An analyst who is unknown is added.
	Analyst *string
	Role    Role
	// ExpiresAt is when the token stops counting; nil: never.
	ExpiresAt *time.Time
}

// maxTokenName is how long the name of a token or an analyst may be, in code points.
const maxTokenName = 100

// Check refuses what can't be a token. now is the present instant.
func (in CreateTokenInput) Check(now time.Time) error {
	var refusal Refusal
	refuse := func(field, format string, args ...any) {
		refusal = append(refusal, Refuse(Invalid, field, format, args...).(Refusal)...)
	}
	if !isTokenName(in.Name) {
		refuse("name", "The name %q can't be used; give 1 to %d visible characters in one line.", in.Name, maxTokenName)
	}
	if in.Analyst != nil && !isTokenName(*in.Analyst) {
		refuse("analyst", "The analyst's name %q can't be used; give 1 to %d visible characters in one line.", *in.Analyst, maxTokenName)
	}
	if !slices.Contains(Roles, in.Role) {
		refuse("role", "There is no role %q; give READER, ANALYST or ADMIN.", string(in.Role))
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		refuse("expiresAt", "The token would have expired at %s already; give an instant in the future.", FormatInstant(*in.ExpiresAt))
	}
	if len(refusal) > 0 {
		return refusal
	}
	return nil
}

func isTokenName(name string) bool {
	return name != "" && PlainName(name) == name && utf8.RuneCountInString(name) <= maxTokenName
}

// PlainName is a name as everybody reads it: in one line, with single spaces, and without characters that can't be seen.
func PlainName(name string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, r == '\u2800', unicode.In(r, unicode.Cf, unicode.Co, unicode.Other_Default_Ignorable_Code_Point,
			unicode.Variation_Selector):
			return -1
		}
		return r
	}, name)
	return strings.Join(strings.Fields(norm.NFC.String(visible)), " ")
}

// secretPrefix lets people, and programs that look for leaked secrets, recognise one.
const secretPrefix = "parley_"

// NewSecret returns what the holder of a new token shows: 32 random bytes, written so that they fit into a header.
func NewSecret() string {
	var random [32]byte
	rand.Read(random[:]) // never fails
	return secretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
}

// HashSecret returns the hash under which a token is stored and found. A secret is random, so that a hash without a salt can't be
// guessed, and comparing hashes tells nothing about secrets.
func HashSecret(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// Includes says whether a role may do all that another one may.
func (r Role) Includes(other Role) bool {
	return slices.Index(Roles, r) >= slices.Index(Roles, other)
}

// Require refuses a caller whose role does not include one: UNAUTHENTICATED where there is no caller, FORBIDDEN otherwise. What names
// what is asked for, such as "record".
func Require(ctx context.Context, role Role, what string) (Analyst, error) {
	caller, ok := CallerOf(ctx)
	switch {
	case !ok:
		return caller, NewFault(Unauthenticated, "Nobody is known to be asking; sign in to %s.", what)
	case !caller.Role.Includes(role):
		return caller, NewFault(Forbidden, "Your role is %s; to %s, it has to be %s.", string(caller.Role), what, roleOrMore(role))
	}
	return caller, nil
}

func roleOrMore(role Role) string {
	from := Roles[slices.Index(Roles, role):]
	names := make([]string, len(from))
	for i, r := range from {
		names[i] = string(r)
	}
	return strings.Join(names, " or ")
}
