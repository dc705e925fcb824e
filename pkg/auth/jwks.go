package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// JWK is an Ed25519 key as RFC 8037 writes it. D, the private part, is present in signers' files only.
type JWK struct {
	Type  string `json:"kty"` // "OKP"
	Curve string `json:"crv"` // "Ed25519"
	ID    string `json:"kid"`
	X     string `json:"x"`           // public key, base64url
	D     string `json:"d,omitempty"` // private seed, base64url
	Use   string `json:"use,omitempty"`
	Alg   string `json:"alg,omitempty"`
}

// JWKS is a set of keys, the content of a JWKS file (RFC 7517).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// ParseJWKS reads a set. Every key must be Ed25519 with an id of its own.
func ParseJWKS(data []byte) (JWKS, error) {
	var set JWKS
	if err := json.Unmarshal(data, &set); err != nil {
		return JWKS{}, fmt.Errorf("read JWKS: %w", err)
	}
	if _, err := set.public(); err != nil {
		return JWKS{}, err
	}
	return set, nil
}

// Public returns the set without the private parts: what may be given to verifiers.
func (s JWKS) Public() JWKS {
	out := JWKS{Keys: make([]JWK, len(s.Keys))}
	for i, k := range s.Keys {
		k.D = ""
		out.Keys[i] = k
	}
	return out
}

func (s JWKS) public() (map[string]ed25519.PublicKey, error) {
	keys := make(map[string]ed25519.PublicKey, len(s.Keys))
	for i, k := range s.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		switch {
		case k.Type != "OKP" || k.Curve != "Ed25519":
			return nil, fmt.Errorf("JWKS key %d is not an Ed25519 key", i)
		case err != nil || len(x) != ed25519.PublicKeySize:
			return nil, fmt.Errorf("JWKS key %d has no usable x", i)
		case k.ID == "":
			return nil, fmt.Errorf("JWKS key %d has no kid", i)
		case keys[k.ID] != nil:
			return nil, fmt.Errorf("JWKS has the kid %.40q twice", k.ID)
		}
		keys[k.ID] = x
	}
	if len(keys) == 0 {
		return nil, errors.New("JWKS holds no key")
	}
	return keys, nil
}

func (k JWK) private() (ed25519.PrivateKey, error) {
	seed, err := base64.RawURLEncoding.DecodeString(k.D)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("key %.40q has no usable private part", k.ID)
	}
	private := ed25519.NewKeyFromSeed(seed)
	if base64.RawURLEncoding.EncodeToString(private.Public().(ed25519.PublicKey)) != k.X {
		return nil, fmt.Errorf("key %.40q has a private part of another key", k.ID)
	}
	return private, nil
}
