// Package auth says who calls: it mints and verifies short-lived EdDSA tokens, makes and reads API keys, and carries the
// caller through a context.
//
// A token is a JWT (kid, sub, scope, kind, exp) that lives at most MaxTTL; that bound is checked when a token is minted and
// again when it is verified, so that a signer gone wrong cannot hand out tokens for ever. The algorithm is pinned to Ed25519
// whatever the header says. The keys are a JWKS file, which is read again when it changes: to rotate, add the new
// key, wait, sign with it, remove the old one.
//
// API keys are changed into tokens by the gateway, so services know tokens only. A key is kept as its id and the SHA-256 of
// the whole; its 190 random bits make a slow hash needless.
//
// Whoever fails is told that the credential is not valid, never why: the reason is the cause of the fault, for the log.
package auth

import (
	"context"
	"slices"

	"github.com/sidecart/sidecart/pkg/fault"
)

// The kinds of callers, as Principal.Kind.
const (
	KindStaff    = "staff"    // a person who runs the shop
	KindCustomer = "customer" // a signed-in shopper
	KindKey      = "key"      // an integration with an API key
	KindService  = "service"  // one of our own services
)

// AnyScope is the scope that includes all others: for the owner of an installation.
const AnyScope = "*"

// Principal is a verified caller.
type Principal struct {
	Subject string   // account id, key id or app id
	Scopes  []string // "catalog.write"; AnyScope for all
	Kind    string   // one of the Kind constants
}

// Has reports whether the principal was given a scope.
func (p Principal) Has(scope string) bool {
	return slices.Contains(p.Scopes, scope) || slices.Contains(p.Scopes, AnyScope)
}

type contextKey struct{}

// With returns a context that carries the caller. Only transports call it, after verification.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the caller; ok is false for an anonymous one.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(contextKey{}).(Principal)
	return p, ok
}

// Actor names the caller for logs of who changed what: "staff:<id>".
func Actor(ctx context.Context) string {
	p, _ := From(ctx)
	return p.Kind + ":" + p.Subject
}

// Require returns nil when the caller has the scope, else a fault: Unauthenticated for nobody, Forbidden for somebody else.
// An empty scope asks only for a caller.
func Require(ctx context.Context, scope string) error {
	p, ok := From(ctx)
	switch {
	case !ok:
		return fault.New(fault.Unauthenticated, "unauthenticated", "an access token is needed here")
	case scope != "" && !p.Has(scope):
		return fault.Newf(fault.Forbidden, "forbidden", "the scope %s is needed here", scope)
	default:
		return nil
	}
}

func invalidToken(cause error) error {
	return fault.New(fault.Unauthenticated, "unauthenticated", "the access token is not valid").WithCause(cause)
}
