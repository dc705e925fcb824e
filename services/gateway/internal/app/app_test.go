package app_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/gateway/internal/app"
	"github.com/sidecart/sidecart/services/gateway/internal/gateway"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func entry(scopes ...string) (plain string, key app.Key) {
	plain, id, hash := auth.NewKey()
	return plain, app.Key{ID: id, SHA256: hex.EncodeToString(hash[:]), Name: "test", Scopes: scopes}
}

func write(t *testing.T, path string, at time.Time, keys ...app.Key) {
	t.Helper()
	data, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, path, at, string(data))
}

func writeText(t *testing.T, path string, at time.Time, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestKeySwap(t *testing.T) {
	t.Parallel()
	signer, verifier := apitest.Signer(t)
	path, now := filepath.Join(t.TempDir(), "keys.json"), start
	one, oneKey := entry("catalog:write", "order:read")
	two, twoKey := entry()
	write(t, path, start, oneKey)
	keys, err := app.OpenKeys(path, signer, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	swap := func(plain string, known bool) string {
		t.Helper()
		token, err := keys.Swap(plain)
		if known != (err == nil) || !known && fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%.20s: %v", plain, err)
		}
		return token
	}
	first := swap(one, true)
	p, err := verifier.Verify(first, now)
	if err != nil || p.Subject != oneKey.ID || p.Kind != auth.KindKey || !slices.Equal(p.Scopes, oneKey.Scopes) {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := verifier.Verify(first, now.Add(time.Minute)); err == nil {
		t.Error("the token lives for more than a minute")
	}
	flipped := []byte(one)
	flipped[len(flipped)-1] ^= 1
	for _, bad := range []string{two, "", "nope", one + "x", string(flipped), "sk_" + oneKey.ID + "_" + two[len(two)-32:], oneKey.SHA256} {
		swap(bad, false)
	}
	now = start.Add(19 * time.Second)
	if swap(one, true) != first {
		t.Error("a fresh token is not used again")
	}
	now = start.Add(20 * time.Second)
	if again := swap(one, true); again == first {
		t.Error("an old token is handed out")
	}

	write(t, path, start.Add(time.Hour), twoKey) // one is withdrawn
	swap(one, true)                              // looked a moment ago
	now = now.Add(2 * time.Second)
	swap(one, false)
	swap(two, true)
	writeText(t, path, start.Add(2*time.Hour), "[{")
	now = now.Add(2 * time.Second)
	swap(two, true) // a broken file keeps the last good keys
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	swap(two, true)
}

func TestKeyFileFaults(t *testing.T) {
	t.Parallel()
	signer, _ := apitest.Signer(t)
	_, good := entry("a:read")
	data, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"{}":   "read API keys",
		"[] 1": "follows",
		`[{"id":"a","sha256":"","name":"","scopes":[],"secret":"x"}]`:  "unknown field",
		`[{"id":"a","sha256":"00"}]`:                                   "64 hex digits",
		`[{"sha256":"` + good.SHA256 + `"}]`:                           "no id",
		`[{"id":"a","sha256":"` + good.SHA256 + `","scopes":["a b"]}]`: "unusable scope",
		"[" + string(data) + "," + string(data) + "]":                  "twice",
	} {
		path := filepath.Join(t.TempDir(), "keys.json")
		writeText(t, path, start, text)
		if _, err := app.OpenKeys(path, signer, time.Now, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := app.OpenKeys(filepath.Join(t.TempDir(), "absent"), signer, time.Now, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

// asker answers as each service, and counts.
type asker struct {
	calls  atomic.Int64
	answer func(ctx context.Context, name, path string) (int, []byte, error)
}

func (a *asker) Get(ctx context.Context, name, path string) (int, []byte, error) {
	a.calls.Add(1)
	return a.answer(ctx, name, path)
}

func services(a *asker) *app.Services {
	return &app.Services{Asker: a, Table: gateway.NewTable(gateway.Routes()), Now: time.Now, Log: slog.New(slog.DiscardHandler), Info: gateway.Info{Title: "T", Version: "1"}}
}

func TestStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &asker{answer: func(ctx context.Context, name, _ string) (int, []byte, error) {
			switch name {
			case "cart":
				return 503, nil, nil
			case "order":
				<-ctx.Done() // hangs
				return 0, nil, ctx.Err()
			case "payment":
				return 0, nil, errors.New("no such app")
			}
			return 200, nil, nil
		}}
		s := services(a)
		gone, cancel := context.WithCancel(t.Context())
		cancel() // that one caller has gone does not make everything unreachable
		for range 20 {
			got := s.States(gone)
			if got["cart"] != app.NotReady || got["order"] != app.Unreachable || got["payment"] != app.Unreachable || got["catalog"] != app.Ready || len(got) != 8 {
				t.Errorf("%v", got)
			}
		}
		if n := a.calls.Load(); n > 14 {
			t.Errorf("%d calls for 20 callers", n)
		}
	})
}

func TestSpec(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	docs := map[string]string{}
	set := func(name, doc string) {
		mu.Lock()
		defer mu.Unlock()
		docs[name] = doc
	}
	a := &asker{answer: func(_ context.Context, name, path string) (int, []byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if doc := docs[name]; doc != "" && path == "/openapi.json" {
			return 200, []byte(doc), nil
		}
		return 0, nil, errors.New("away")
	}}
	doc := func(path string) string {
		return `{"openapi":"3.1.0","paths":{"` + path + `":{"get":{"operationId":"op-` + path[4:] + `","responses":{}}}}}`
	}
	now := start
	s := services(a)
	s.Now = func() time.Time { return now }
	spec := func(want string) app.Spec {
		t.Helper()
		got, err := s.Spec(t.Context())
		if err != nil || !bytes.Contains(got.Data, []byte(want)) {
			t.Fatalf("%v: no %s in %s", err, want, got.Data)
		}
		return got
	}
	set("cart", doc("/v1/carts"))
	set("order", "<html>") // one that is broken spoils nothing
	first := spec("op-carts")
	set("order", doc("/v1/orders"))
	if got := spec("op-carts"); got.ETag != first.ETag {
		t.Error("not remembered")
	}
	now = now.Add(2 * time.Second) // something was missing: asked again soon
	second := spec("op-orders")
	if second.ETag == first.ETag {
		t.Error("another document, the same tag")
	}
	set("cart", "") // away: it stands as it was last seen
	now = now.Add(2 * time.Second)
	spec("op-carts")
	for _, name := range s.Table.Apps() {
		set(name, doc("/v1/carts"))
	}
	now = now.Add(2 * time.Second)
	if whole := spec("op-carts"); bytes.Contains(whole.Data, []byte("x-sidecart-missing")) || bytes.Contains(whole.Data, []byte("op-orders")) {
		t.Errorf("%s", whole.Data)
	}
	before := a.calls.Load()
	now = now.Add(59 * time.Second)
	spec("op-carts")
	if a.calls.Load() != before {
		t.Error("a whole document is asked for again within the minute")
	}
}
