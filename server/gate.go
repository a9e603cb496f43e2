package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"example.org/parley"
	"example.org/parley/internal/turns"
	"example.org/parley/server/transport"
	"example.org/parley/storage"
)

const (
	// lookEvery is how often a server looks whether others have changed who may use it.
	lookEvery = 400 * time.Millisecond
	// lookTimeout is how long the database may take to answer.
	lookTimeout = 5 * time.Second
	// noteEvery is how often it records which tokens were used, and noteTimeout how long that may take.
	noteEvery   = time.Minute
	noteTimeout = 3 * time.Second
	// admitTimeout is how long it may take to find out who opens a WebSocket.
	admitTimeout = 10 * time.Second
)

// Gate knows who may use the server, and says who is asking. It follows what other servers and commands change in the
// database.
type Gate struct {
	store  *storage.Store
	log    *slog.Logger
	local  *parley.Analyst // the caller of requests without a token while the server is open; nil: it is never open
	issuer *issuer         // nil: none
	known  atomic.Pointer[guests]
	sooner *rate.Limiter // of looks for tokens that are unknown
	// behindProxies: the operator trusts some proxies, so requests that come through one need no token while the server is open.
	behindProxies bool
	done          chan struct{}

	looking sync.Mutex

	mu      sync.Mutex
	used    map[uuid.UUID]time.Time // since it was recorded
	refused map[string]int          // requests since then, by address
}

// maxRefused is of how many addresses a minute's refusals are noted.
const maxRefused = 1000

// GateOptions say who may use a server.
type GateOptions struct {
	Store *storage.Store
	Log   *slog.Logger
	// Local is the analyst in whose name requests without a token act while the server is open. Nil: every request needs a token.
	Local *parley.Analyst
	// Issuer is accepted beside tokens of the database's own; nil: none.
	Issuer *Issuer
}

// guests are the callers who may use the server at present.
type guests struct {
	number int64
	locked bool
	tokens map[[sha256.Size]byte]*guest
	open   *guest // everybody; nil: nobody without a token
}

// guest is a caller who may use the server until the context ends.
type guest struct {
	analyst parley.Analyst
	token   uuid.UUID // nil: it is none of the database's own
	share   string    // of turns; empty: that of the address
	until   context.Context
	leave   context.CancelFunc
}

// errRevoked is the fault of a request whose token stops counting while it runs.
var errRevoked = parley.NewFault(parley.Unauthenticated, "You may no longer use this server as you did; sign in again.")

// OpenGate reads who may use the server, and follows changes until the context ends. With an issuer, everybody needs a token.
func OpenGate(ctx context.Context, o GateOptions) (*Gate, error) {
	g := &Gate{store: o.Store, log: o.Log, local: o.Local, sooner: rate.NewLimiter(10, 1), done: make(chan struct{}), used: make(map[uuid.UUID]time.Time),
		refused: make(map[string]int)}
	g.known.Store(&guests{number: -1})
	if o.Issuer != nil {
		g.local, g.issuer = nil, newIssuer(*o.Issuer, o.Store, o.Log)
		if err := o.Store.LockAccess(ctx); err != nil {
			return nil, err
		}
	}
	if err := g.look(ctx); err != nil {
		return nil, err
	}
	go g.follow(ctx)
	return g, nil
}

// OpenToAll is a gate without a database, through which everybody passes as the analyst. It is for measuring.
func OpenToAll(analyst parley.Analyst) *Gate {
	g := &Gate{log: slog.New(slog.DiscardHandler), done: make(chan struct{})}
	g.known.Store(&guests{open: arrived(analyst, uuid.Nil, nil)})
	close(g.done)
	return g
}

// Locked says whether everybody needs a token by what is on record.
func (g *Gate) Locked() bool { return g.known.Load().locked }

// Done returns a channel that is closed when the gate follows no changes any more.
func (g *Gate) Done() <-chan struct{} { return g.done }

func (g *Gate) follow(ctx context.Context) {
	defer close(g.done)
	noted := make(chan struct{})
	go func() {
		defer close(noted)
		g.note(ctx)
	}()
	defer func() { <-noted }()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		err := g.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			g.log.ErrorContext(ctx, "who may use the server can't be read; until it can, nothing about that changes", "error", err)
		}
		failing = err != nil
	}
}

// look reads who may use the server, if that has changed, and sends away who may no longer.
func (g *Gate) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	g.looking.Lock()
	defer g.looking.Unlock()
	before := g.known.Load()
	switch number, err := g.store.AccessNumber(ctx); {
	case err != nil:
		return err
	case number == before.number:
		return nil
	}
	access, err := g.store.Access(ctx)
	if err != nil {
		return err
	}
	now := &guests{number: access.Number, locked: access.Locked, tokens: make(map[[sha256.Size]byte]*guest, len(access.Tokens))}
	for _, t := range access.Tokens {
		now.tokens[t.Hash] = before.tokens[t.Hash]
		if known := now.tokens[t.Hash]; known == nil || known.analyst != *t.Analyst {
			now.tokens[t.Hash] = arrived(*t.Analyst, t.ID, t.ExpiresAt)
		}
	}
	if !access.Locked && g.local != nil {
		if now.open = before.open; now.open == nil {
			now.open = arrived(*g.local, uuid.Nil, nil)
		}
	}
	g.known.Store(now)
	for hash, was := range before.tokens {
		if now.tokens[hash] != was { // it counts no longer, or for another role
			was.leave()
		}
	}
	if before.open != nil && now.open == nil {
		before.open.leave()
		g.log.InfoContext(ctx, "from now on, nobody may use the server without a token")
	}
	return nil
}

func arrived(a parley.Analyst, token uuid.UUID, expires *time.Time) *guest {
	x := &guest{analyst: a, token: token}
	if token != uuid.Nil {
		x.share = "token " + token.String()
	}
	if expires != nil {
		x.until, x.leave = context.WithDeadline(context.Background(), *expires)
	} else {
		x.until, x.leave = context.WithCancel(context.Background())
	}
	return x
}

var (
	errNoToken  = parley.NewFault(parley.Unauthenticated, "This server is used with a token; send it as the header Authorization: Bearer TOKEN.")
	errBadToken = parley.NewFault(parley.Unauthenticated, "The token is unknown, revoked or expired; ask an administrator for another one.")
)

// guest finds the caller by the secret of a token; empty: the request has no token.
func (g *Gate) guest(ctx context.Context, secret string) (*guest, error) {
	known := g.known.Load()
	switch {
	case secret == "" && known.open == nil:
		return nil, errNoToken
	case secret == "":
		return known.open, nil
	case g.issuer != nil && isJWT(secret):
		return g.issuer.guest(ctx, secret)
	}
	hash := parley.HashSecret(secret)
	found := known.tokens[hash]
	if found == nil && g.sooner.Allow() { // it may have just been made
		if err := g.look(ctx); err != nil {
			return nil, err
		}
		found = g.known.Load().tokens[hash]
	}
	if found == nil || found.until.Err() != nil {
		return nil, errBadToken
	}
	g.mu.Lock()
	g.used[found.token] = time.Now().Truncate(time.Minute)
	g.mu.Unlock()
	return found, nil
}

// refuse counts a request that is refused.
func (g *Gate) refuse(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.refused[address]; known || len(g.refused) < maxRefused {
		g.refused[address]++
	}
}

// note records now and then which tokens were used, and who was refused, until the context ends.
func (g *Gate) note(ctx context.Context) {
	every := time.NewTicker(noteEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			g.noteUse(context.WithoutCancel(ctx))
			return
		case <-every.C:
			g.noteUse(ctx)
		}
	}
}

// noteUse records which tokens were used, and who was refused. It matters too little to be tried again.
func (g *Gate) noteUse(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	g.mu.Lock()
	used, refused := g.used, g.refused
	g.used, g.refused = make(map[uuid.UUID]time.Time), make(map[string]int)
	g.mu.Unlock()
	nobody := parley.WithCaller(ctx, parley.Analyst{})
	for address, n := range refused {
		if err := g.store.Audit(parley.WithAddress(nobody, address), parley.Refused, fmt.Sprintf("requests: %d", n)); err != nil {
			g.log.WarnContext(ctx, "who was refused is not noted", "address", address, "requests", n, "error", err)
		}
	}
	at := make(map[time.Time][]uuid.UUID)
	for token, when := range used {
		at[when] = append(at[when], token)
	}
	for when, tokens := range at {
		if err := g.store.NoteUse(ctx, tokens, when); err != nil {
			g.log.WarnContext(ctx, "when tokens were used is not recorded", "error", err)
		}
	}
}

// Admit is transport.Options.Admit: by the header of a request or, on a WebSocket, by the payload of connection_init, which has the
// same header as a field.
func (g *Gate) Admit(header http.Header, payload json.RawMessage) (transport.Admission, error) {
	secret := secretOf(header.Get("Authorization"))
	var fields map[string]any
	if json.Unmarshal(payload, &fields) == nil {
		given := 0
		for name, value := range fields {
			if text, ok := value.(string); ok && strings.EqualFold(name, "authorization") {
				secret = secretOf(text)
				given++
			}
		}
		if given > 1 || given == 1 && secret == "" { // it is not clear which token counts
			return transport.Admission{}, errBadToken
		}
	}
	if secret == "" && g.comesFromElsewhere(header) {
		return transport.Admission{}, errNoToken
	}
	ctx, cancel := context.WithTimeout(context.Background(), admitTimeout)
	defer cancel()
	found, err := g.guest(ctx, secret)
	if err != nil {
		return transport.Admission{}, err
	}
	share := ""
	if found.share != "" { // all of an analyst's tokens have one
		share = found.analyst.ID.String()
	}
	return transport.Admission{Caller: found.analyst, Share: share, Until: found.until}, nil
}

// secretOf is the secret in the value of an Authorization header. Of any other scheme there is none.
func secretOf(authorization string) string {
	scheme, secret, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// handle checks the caller of each request before the next handler answers it. A WebSocket without a token is let through: its
// connection_init has to give one. The paths for health and for signing in need no token.
func (g *Gate) handle(base string, in signIn, next http.Handler) http.Handler {
	open := map[string]bool{
		base + "/healthz": true, base + "/readyz": true, base + SignInPath: true, base + SignOutPath: true, base + LeavePath: true, base + ReturnPath: true,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address := clientOf(r)
		r = r.WithContext(parley.WithAddress(r.Context(), address))
		if open[r.URL.Path] {
			next.ServeHTTP(w, r)
			return
		}
		in.useCookie(r)
		secret := secretOf(r.Header.Get("Authorization"))
		found, err := g.guest(r.Context(), secret)
		if err == nil && secret == "" && g.comesFromElsewhere(r.Header) {
			err = errNoToken
		}
		switch {
		case err == nil:
			g.serve(w, r, found, next)
		case secret == "" && transport.WantsWebSocket(r) && r.URL.Path == base+GraphQLPath && g.known.Load().open == nil:
			next.ServeHTTP(w, r)
		default:
			g.refuse(address)
			in.refuse(w, r, err)
		}
	})
}

// exported notes in the audit log that the caller got a briefing or a table.
func (o Options) exported(ctx context.Context, what string) {
	if err := o.Store.Audit(context.WithoutCancel(ctx), parley.Exported, what); err != nil {
		o.Log.WarnContext(ctx, "an export is not noted", "export", what, "error", err)
	}
}

// serve answers a request in the caller's name. It cancels the request when the token stops counting.
func (g *Gate) serve(w http.ResponseWriter, r *http.Request, found *guest, next http.Handler) {
	ctx, cancel := context.WithCancelCause(parley.WithCaller(r.Context(), found.analyst))
	defer cancel(nil)
	defer context.AfterFunc(found.until, func() { cancel(errRevoked) })()
	if found.share != "" {
		ctx = transport.Privately(turns.WithCaller(ctx, found.share))
	}
	next.ServeHTTP(w, r.WithContext(ctx))
}

// comesFromElsewhere says whether a proxy on this machine passes on a request from another machine. While the server is open, only
// requests of this machine may come without a token.
func (g *Gate) comesFromElsewhere(header http.Header) bool {
	if g.behindProxies {
		return false
	}
	var addresses []string
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		addresses = append(addresses, strings.Split(strings.Join(header.Values(name), ","), ",")...)
	}
	for _, part := range strings.FieldsFunc(strings.Join(header.Values("Forwarded"), ","), func(c rune) bool { return c == ',' || c == ';' }) {
		if name, value, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(name, "for") {
			addresses = append(addresses, strings.Trim(value, `"`))
		}
	}
	return slices.ContainsFunc(addresses, func(text string) bool {
		text = strings.TrimSpace(text)
		return text != "" && text != "localhost" && !addressOf(text).IsLoopback() && !addressOf(strings.Trim(text, "[]")).IsLoopback()
	})
}
