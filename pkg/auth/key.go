package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"regexp"

	"github.com/sidecart/sidecart/pkg/fault"
)

const (
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	idLength   = 12
	keySecrets = 32 // characters of base62: 190 bits
)

var keyForm = regexp.MustCompile(`^sk_([0-9A-Za-z]{12})_[0-9A-Za-z]{32}$`)

// NewKey returns a new API key: the plain form is shown once, the id and the hash are kept.
func NewKey() (plain, id string, hash [32]byte) {
	id = randomBase62(idLength)
	plain = "sk_" + id + "_" + randomBase62(keySecrets)
	return plain, id, sha256.Sum256([]byte(plain))
}

// randomBase62 draws evenly: bytes from 248 up, which would favour the first digits, are drawn again.
func randomBase62(n int) string {
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails: crypto/rand ends the process instead
		for _, b := range buf {
			if b < 248 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}

// ParseKey returns the id under which an API key is kept and the hash to compare with SameHash. Anything that does not look
// like a key is the same Unauthenticated fault that an unknown key should get.
func ParseKey(plain string) (id string, hash [32]byte, err error) {
	m := keyForm.FindStringSubmatch(plain)
	if m == nil {
		return "", hash, InvalidKey()
	}
	return m[1], sha256.Sum256([]byte(plain)), nil
}

// InvalidKey is the fault for a key that is malformed, unknown, revoked or wrong: callers cannot tell which.
func InvalidKey() error {
	return fault.New(fault.Unauthenticated, "unauthenticated", "the API key is not valid")
}

// SameHash compares two key hashes in constant time.
func SameHash(a, b [32]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
