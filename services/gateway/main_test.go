package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/pkg/testkit"
)

func program() boot.Program[config] {
	return boot.Program[config]{Name: "gateway", Title: "Sidecart", Version: "test", Build: build}
}

// files writes a key pair and an empty list of API keys.
func files(t *testing.T) (signing, public, keys string) {
	t.Helper()
	signer, err := auth.Generate()
	if err != nil {
		t.Fatal(err)
	}
	set, dir := auth.JWKS{Keys: []auth.JWK{signer.JWK()}}, t.TempDir()
	write := func(name string, v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("signing.json", set), write("public.json", set.Public()), write("keys.json", []int{})
}

// The program as it is started: two listeners, of which only one is public.
func TestServe(t *testing.T) {
	t.Parallel()
	signing, public, keys := files(t)
	own, world := fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t)), fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int)
	go func() {
		code <- program().Run(ctx, nil, []string{
			"APP_API_TOKEN=secret", "SIDECART_HTTP_ADDR=" + own, "SIDECART_PUBLIC_ADDR=" + world, "SIDECART_JWKS_FILE=" + public,
			"SIDECART_SIGNING_KEY_FILE=" + signing, "SIDECART_API_KEYS_FILE=" + keys, "SIDECART_DRAIN=0s",
			"DAPR_HTTP_PORT=" + fmt.Sprint(testkit.FreePort(t)),
		}, io.Discard, io.Discard)
	}()
	get := func(addr, path string) (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return 0, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode, nil
	}
	testkit.Eventually(t, testkit.Patience, func() error {
		_, err := get(world, "/healthz")
		return err
	})
	for _, tc := range []struct {
		addr, path string
		want       int
	}{
		{own, "/healthz", 200}, {own, "/v1/products", 401}, {own, "/openapi.json", 401},
		{world, "/healthz", 200}, {world, "/v1/products", 503}, {world, "/v1/internal/quote", 404}, {world, "/readyz", 503}, {world, "/media/a.svg", 404},
		{world, "/metrics", 404}, {world, "/dapr/subscribe", 404},
	} {
		if got, err := get(tc.addr, tc.path); err != nil || got != tc.want {
			t.Errorf("%s %s: %d %v, want %d", tc.addr, tc.path, got, err, tc.want)
		}
	}
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("ends with %d", got)
	}
}

func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	signing, public, keys := files(t)
	_, stranger, _ := files(t)
	const token = "APP_API_TOKEN=secret"
	for name, tc := range map[string]struct {
		environ []string
		code    int
		want    string
	}{
		"keys without signing key":  {[]string{token, "SIDECART_API_KEYS_FILE=" + keys}, 2, "SIDECART_SIGNING_KEY_FILE"},
		"no rate":                   {[]string{token, "SIDECART_RATE_COUPON=0"}, 2, "SIDECART_RATE_"},
		"odd proxies":               {[]string{token, "SIDECART_TRUSTED_PROXIES=here"}, 2, "SIDECART_TRUSTED_PROXIES"},
		"keys without verifier":     {[]string{token, "SIDECART_API_KEYS_FILE=" + keys, "SIDECART_SIGNING_KEY_FILE=" + signing}, 1, "SIDECART_JWKS_FILE"},
		"keys that nobody believes": {[]string{token, "SIDECART_API_KEYS_FILE=" + keys, "SIDECART_SIGNING_KEY_FILE=" + signing, "SIDECART_JWKS_FILE=" + stranger}, 1, "does not hold the public part"},
		"no private key":            {[]string{token, "SIDECART_API_KEYS_FILE=" + keys, "SIDECART_SIGNING_KEY_FILE=" + public, "SIDECART_JWKS_FILE=" + public}, 1, "no private key"},
		"no such file":              {[]string{token, "SIDECART_API_KEYS_FILE=" + keys + "x", "SIDECART_SIGNING_KEY_FILE=" + signing, "SIDECART_JWKS_FILE=" + public}, 1, "read API keys"},
	} {
		var complaints bytes.Buffer
		if code := program().Run(t.Context(), nil, tc.environ, io.Discard, &complaints); code != tc.code || !strings.Contains(complaints.String(), tc.want) {
			t.Errorf("%s: %d %s", name, code, complaints.String())
		}
	}
}
