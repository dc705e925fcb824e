package daprkit_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"google.golang.org/grpc"

	"github.com/sidecart/sidecart/pkg/daprkit"
)

const (
	apiToken = "api-secret"
	appToken = "app-secret"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// sidecar is a client whose sidecar is these two fakes.
func sidecar(t *testing.T, api http.Handler, g runtime.DaprServer) *daprkit.Client {
	t.Helper()
	cfg := daprkit.Config{GRPCAddr: nobody(t), HTTPAddr: nobody(t), APIToken: apiToken, AppToken: appToken, AppID: "me"}
	if api != nil {
		s := httptest.NewServer(api)
		t.Cleanup(s.Close)
		cfg.HTTPAddr = strings.TrimPrefix(s.URL, "http://")
	}
	if g != nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := grpc.NewServer()
		runtime.RegisterDaprServer(s, g)
		go func() { _ = s.Serve(l) }()
		t.Cleanup(s.Stop)
		cfg.GRPCAddr = l.Addr().String()
	}
	c, err := daprkit.Connect(t.Context(), cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
