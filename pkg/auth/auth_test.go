package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func signer(t *testing.T) *auth.Signer {
	t.Helper()
	s, err := auth.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(t *testing.T, signers ...*auth.Signer) *auth.Verifier {
	t.Helper()
	v, err := auth.NewVerifier(set(signers...).Public())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func set(signers ...*auth.Signer) auth.JWKS {
	var s auth.JWKS
	for _, signer := range signers {
		s.Keys = append(s.Keys, signer.JWK())
	}
	return s
}

func mint(t *testing.T, s *auth.Signer, p auth.Principal, ttl time.Duration) string {
	t.Helper()
	token, err := s.Mint(p, ttl, now)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestMintAndVerify(t *testing.T) {
	t.Parallel()
	a, b := signer(t), signer(t)
	v := verifier(t, a, b)
	want := auth.Principal{Subject: "u-1", Scopes: []string{"catalog.write", "orders.read"}, Kind: auth.KindStaff}
	for _, s := range []*auth.Signer{a, b} {
		got, err := v.Verify(mint(t, s, want, auth.MaxTTL), now)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("verified %+v, %v", got, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	s, stranger := signer(t), signer(t)
	v := verifier(t, s)
	good := mint(t, s, auth.Principal{Subject: "u-1"}, time.Minute)
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	encode := func(m map[string]any) string {
		data, _ := json.Marshal(m)
		return base64.RawURLEncoding.EncodeToString(data)
	}
	byHand := func(method jwt.SigningMethod, key any, kid any, c jwt.MapClaims) string {
		token := jwt.NewWithClaims(method, c)
		token.Header["kid"] = kid
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	x, err := base64.RawURLEncoding.DecodeString(s.JWK().X)
	if err != nil {
		t.Fatal(err)
	}
	kid := s.JWK().ID
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, token := range map[string]string{
		"empty":          "",
		"garbage":        "abc.def.ghi",
		"no signature":   head + "." + payload + ".",
		"other payload":  head + "." + encode(map[string]any{"sub": "root", "exp": in(time.Minute)}) + "." + signature,
		"stranger":       mint(t, stranger, auth.Principal{Subject: "u-1"}, time.Minute),
		"alg none":       byHand(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, jwt.MapClaims{"sub": "u", "exp": in(time.Minute)}),
		"hmac of public": byHand(jwt.SigningMethodHS256, x, kid, jwt.MapClaims{"sub": "u", "exp": in(time.Minute)}),
		"too long":       good + strings.Repeat("A", 5000),
	} {
		_, err := v.Verify(token, now)
		f, ok := fault.As(err)
		if !ok || f.Kind != fault.Unauthenticated || f.Code != "unauthenticated" || f.Message != "the access token is not valid" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := v.Verify(good, now.Add(time.Minute)); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("expired: %v", err)
	}
}

func TestVerifyBoundsTheLife(t *testing.T) {
	t.Parallel()
	s := signer(t)
	v := verifier(t, s)
	// A token of 15 minutes minted later than now is one that lives too long as seen from now.
	token, err := s.Mint(auth.Principal{Subject: "u-1"}, auth.MaxTTL, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(token, now); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("16 minutes ahead: %v", err)
	}
	if _, err := v.Verify(token, now.Add(2*time.Minute)); err != nil {
		t.Errorf("14 minutes ahead: %v", err)
	}
}

func TestMintRefuses(t *testing.T) {
	t.Parallel()
	s := signer(t)
	for name, try := range map[string]struct {
		p   auth.Principal
		ttl time.Duration
	}{
		"long life":    {auth.Principal{Subject: "u"}, auth.MaxTTL + time.Second},
		"no life":      {auth.Principal{Subject: "u"}, 0},
		"no subject":   {auth.Principal{}, time.Minute},
		"spaced scope": {auth.Principal{Subject: "u", Scopes: []string{"a b"}}, time.Minute},
		"empty scope":  {auth.Principal{Subject: "u", Scopes: []string{""}}, time.Minute},
	} {
		if token, err := s.Mint(try.p, try.ttl, now); err == nil {
			t.Errorf("%s: minted %s", name, token)
		}
	}
}

func writeSet(t *testing.T, path string, s auth.JWKS, at time.Time) {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jwks.json")
	old, fresh := signer(t), signer(t)
	writeSet(t, path, set(old), now)
	v, err := auth.OpenVerifier(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p := auth.Principal{Subject: "u-1"}
	check := func(s *auth.Signer, at time.Time, want bool) {
		t.Helper()
		token, err := s.Mint(p, time.Minute, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(token, at); (err == nil) != want {
			t.Errorf("verify: %v, want it accepted: %v", err, want)
		}
	}
	check(old, now, true)
	writeSet(t, path, set(old, fresh), now.Add(time.Second))
	check(fresh, now.Add(time.Second), false) // looked a moment ago
	check(fresh, now.Add(3*time.Second), true)
	check(old, now.Add(3*time.Second), true)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(fresh, now.Add(6*time.Second), true) // a broken file keeps the last good keys
	writeSet(t, path, set(fresh), now.Add(9*time.Second))
	check(old, now.Add(9*time.Second), false)
	check(fresh, now.Add(9*time.Second), true)

	if s, err := auth.LoadSigner(path); err != nil || s.JWK() != fresh.JWK() {
		t.Errorf("signer of the file: %v", err)
	}
	writeSet(t, path, set(fresh).Public(), now)
	if _, err := auth.LoadSigner(path); err == nil {
		t.Error("signer of a public set")
	}
}

func TestParseJWKSRefuses(t *testing.T) {
	t.Parallel()
	s := signer(t).JWK()
	mutate := func(f func(k *auth.JWK)) auth.JWKS {
		k := s
		f(&k)
		return auth.JWKS{Keys: []auth.JWK{k}}
	}
	for name, bad := range map[string]auth.JWKS{
		"empty":     {},
		"rsa":       mutate(func(k *auth.JWK) { k.Type = "RSA" }),
		"short x":   mutate(func(k *auth.JWK) { k.X = "AAAA" }),
		"no kid":    mutate(func(k *auth.JWK) { k.ID = "" }),
		"same kid":  {Keys: []auth.JWK{s, s}},
		"bad curve": mutate(func(k *auth.JWK) { k.Curve = "X25519" }),
	} {
		data, _ := json.Marshal(bad)
		if _, err := auth.ParseJWKS(data); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := auth.ParseJWKS([]byte("nope")); err == nil {
		t.Error("no JSON: accepted")
	}
	other := signer(t).JWK()
	other.X = s.X
	if _, err := auth.NewSigner(other); err == nil {
		t.Error("private part of another key: accepted")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	plain, id, hash := auth.NewKey()
	gotID, gotHash, err := auth.ParseKey(plain)
	if err != nil || gotID != id || !auth.SameHash(gotHash, hash) || hash != sha256.Sum256([]byte(plain)) {
		t.Errorf("%s reads as %s, %v", plain, gotID, err)
	}
	again, _, otherHash := auth.NewKey()
	if again == plain || auth.SameHash(hash, otherHash) {
		t.Error("two keys alike")
	}
	for _, bad := range []string{"", "sk_", plain + "x", plain[:len(plain)-1], strings.ToUpper(plain), " " + plain, plain + "\n", "sk_é" + plain[4:]} {
		if _, _, err := auth.ParseKey(bad); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestActor(t *testing.T) {
	t.Parallel()
	if got := auth.Actor(auth.With(t.Context(), auth.Principal{Kind: auth.KindStaff, Subject: "7"})); got != "staff:7" {
		t.Errorf("actor %q", got)
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	if err := auth.Require(ctx, "a"); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	ctx = auth.With(ctx, auth.Principal{Subject: "u", Scopes: []string{"a"}})
	if err := auth.Require(ctx, "a"); err != nil {
		t.Errorf("with the scope: %v", err)
	}
	if err := auth.Require(ctx, ""); err != nil {
		t.Errorf("anybody: %v", err)
	}
	if err := auth.Require(ctx, "b"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("without the scope: %v", err)
	}
	owner := auth.With(context.Background(), auth.Principal{Subject: "u", Scopes: []string{auth.AnyScope}})
	if err := auth.Require(owner, "b"); err != nil {
		t.Errorf("owner: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	s, err := auth.Generate()
	if err != nil {
		f.Fatal(err)
	}
	v, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{s.JWK()}})
	if err != nil {
		f.Fatal(err)
	}
	good, err := s.Mint(auth.Principal{Subject: "u"}, time.Minute, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(token, now); err == nil && token != good {
			t.Errorf("accepted %q", token)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	s, err := auth.Generate()
	if err != nil {
		b.Fatal(err)
	}
	v, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{s.JWK()}})
	if err != nil {
		b.Fatal(err)
	}
	token, err := s.Mint(auth.Principal{Subject: "u"}, time.Minute, now)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(token, now); err != nil {
			b.Fatal(err)
		}
	}
}
