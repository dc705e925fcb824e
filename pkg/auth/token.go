package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxTTL is the longest life of a token, and skew how far two clocks may differ when that bound is checked.
const (
	MaxTTL         = 15 * time.Minute
	skew           = 5 * time.Second
	maxTokenLength = 4096
	reloadInterval = 2 * time.Second
)

type claims struct {
	Scope string `json:"scope,omitempty"` // separated by spaces, as in RFC 8693
	Kind  string `json:"kind,omitempty"`
	jwt.RegisteredClaims
}

// Signer mints tokens with one private key.
type Signer struct {
	jwk JWK
	key ed25519.PrivateKey
}

// Generate returns a signer with a new key and a random key id.
func Generate() (*Signer, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	return NewSigner(JWK{
		Type: "OKP", Curve: "Ed25519", ID: strings.ToLower(rand.Text()[:16]), Use: "sig", Alg: "EdDSA",
		X: base64.RawURLEncoding.EncodeToString(public), D: base64.RawURLEncoding.EncodeToString(private.Seed()),
	})
}

// NewSigner returns a signer for a key with its private part.
func NewSigner(k JWK) (*Signer, error) {
	if _, err := (JWKS{Keys: []JWK{k}}).public(); err != nil {
		return nil, err
	}
	private, err := k.private()
	if err != nil {
		return nil, err
	}
	return &Signer{jwk: k, key: private}, nil
}

// LoadSigner reads a JWKS file and signs with the first key in it that has a private part.
func LoadSigner(path string) (*Signer, error) {
	set, err := readJWKS(path)
	if err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		if k.D != "" {
			return NewSigner(k)
		}
	}
	return nil, fmt.Errorf("no private key in %s", path)
}

// JWK returns the key with its private part, to be kept in a file that only the owner reads.
func (s *Signer) JWK() JWK { return s.jwk }

// Mint returns a token for p that expires ttl after now. ttl is above zero and at most MaxTTL, the subject is not empty,
// and no scope holds a space.
func (s *Signer) Mint(p Principal, ttl time.Duration, now time.Time) (string, error) {
	if ttl <= 0 || ttl > MaxTTL {
		return "", fmt.Errorf("mint token: life of %s is outside 0 to %s", ttl, MaxTTL)
	}
	if p.Subject == "" {
		return "", errors.New("mint token: no subject")
	}
	for _, scope := range p.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
			return "", fmt.Errorf("mint token: unusable scope %.40q", scope)
		}
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		Scope: strings.Join(p.Scopes, " "),
		Kind:  p.Kind,
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: p.Subject, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
		},
	})
	t.Header["kid"] = s.jwk.ID
	signed, err := t.SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	return signed, nil
}

type keyring map[string]ed25519.PublicKey

// Verifier checks tokens against a set of public keys. It is safe for use by many.
type Verifier struct {
	keys atomic.Pointer[keyring]
	file *keyFile // nil: the set is fixed
}

// keyFile watches the JWKS file of a verifier.
type keyFile struct {
	path    string
	log     *slog.Logger
	mu      sync.Mutex
	checked time.Time // last look
	stamp   string    // modification time and size of what was read
}

// NewVerifier returns a verifier of a fixed set.
func NewVerifier(set JWKS) (*Verifier, error) {
	keys, err := set.public()
	if err != nil {
		return nil, err
	}
	v := &Verifier{}
	v.keys.Store((*keyring)(&keys))
	return v, nil
}

// OpenVerifier returns a verifier of the keys in a JWKS file. It looks at the file at most every two seconds, when a token
// is verified, and takes over what changed. A file that cannot be read is reported to log and the last good keys stay.
func OpenVerifier(path string, log *slog.Logger) (*Verifier, error) {
	stamp := stampOf(path) // before reading: a change in between is seen as one
	set, err := readJWKS(path)
	if err != nil {
		return nil, err
	}
	v, err := NewVerifier(set)
	if err != nil {
		return nil, err
	}
	v.file = &keyFile{path: path, log: log, stamp: stamp}
	return v, nil
}

func readJWKS(path string) (JWKS, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return JWKS{}, fmt.Errorf("read JWKS: %w", err)
	}
	set, err := ParseJWKS(data)
	if err != nil {
		return JWKS{}, fmt.Errorf("%s: %w", path, err)
	}
	return set, nil
}

func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}

// refresh takes over a changed file; callers that come while another looks go on with the keys that are there.
func (v *Verifier) refresh(now time.Time) {
	f := v.file
	if f == nil || !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	if age := now.Sub(f.checked); age >= 0 && age < reloadInterval {
		return
	}
	f.checked = now
	stamp := stampOf(f.path)
	if stamp == f.stamp {
		return
	}
	f.stamp = stamp
	set, err := readJWKS(f.path)
	if err != nil {
		f.log.Error("keys of the verifier are stale", "error", err)
		return
	}
	keys, err := set.public()
	if err != nil {
		f.log.Error("keys of the verifier are stale", "error", err)
		return
	}
	v.keys.Store((*keyring)(&keys))
	f.log.Info("keys of the verifier changed", "keys", len(keys))
}

// Verify returns whom a token stands for at a time. Every failure is the same Unauthenticated fault; its cause says why.
func (v *Verifier) Verify(token string, now time.Time) (Principal, error) {
	v.refresh(now)
	if len(token) > maxTokenLength {
		return Principal{}, invalidToken(errors.New("token too long"))
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	var c claims
	if _, err := parser.ParseWithClaims(token, &c, v.key); err != nil {
		return Principal{}, invalidToken(err)
	}
	switch {
	case c.ExpiresAt.After(now.Add(MaxTTL + skew)):
		return Principal{}, invalidToken(errors.New("token lives too long"))
	case c.Subject == "":
		return Principal{}, invalidToken(errors.New("token without subject"))
	}
	return Principal{Subject: c.Subject, Scopes: strings.Fields(c.Scope), Kind: c.Kind}, nil
}

func (v *Verifier) key(t *jwt.Token) (any, error) {
	id, _ := t.Header["kid"].(string)
	if key, ok := (*v.keys.Load())[id]; ok {
		return key, nil
	}
	return nil, errors.New("unknown key id")
}
