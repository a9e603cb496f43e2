package parley

import (
	"context"
	"time"
)

// AuditedAct is a kind of entry of the audit log, which has what the record does not: administration, exports and refusals.
type AuditedAct string

// The acts that are audited.
const (
	TokenCreated  AuditedAct = "TOKEN_CREATED"
	TokenRevoked  AuditedAct = "TOKEN_REVOKED"
	ServersLocked AuditedAct = "SERVERS_LOCKED"
	ServersOpened AuditedAct = "SERVERS_OPENED"
	SignedIn      AuditedAct = "SIGNED_IN"
	Exported      AuditedAct = "EXPORTED"
	Refused       AuditedAct = "REFUSED"
)

// AuditedActs lists every AuditedAct.
var AuditedActs = []AuditedAct{TokenCreated, TokenRevoked, ServersLocked, ServersOpened, SignedIn, Exported, Refused}

// AuditEntry is one line of the audit log. It lies outside the feed and is never changed.
type AuditEntry struct {
	Number int
	At     time.Time
	Act    AuditedAct
	// Analyst is who did it; nil: the request had no token that counts.
	Analyst *Analyst
	// Address is from where, as it shares turns; nil: by a command.
	Address *string
	// Subject is what was done to: a token's name, what was exported, or how many requests were refused.
	Subject string
}

type addressKey struct{}

// WithAddress returns a context of a request that comes from a network address.
func WithAddress(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, addressKey{}, address)
}

// AddressOf returns from where a request comes; nil: it is a command.
func AddressOf(ctx context.Context) *string {
	if address, ok := ctx.Value(addressKey{}).(string); ok {
		return &address
	}
	return nil
}
