package daprtest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/testkit"
)

const sqliteState = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: carts
spec:
  type: state.sqlite
  version: v1
  metadata:
    - name: connectionString
      value: %q
`

const postgresState = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: carts
spec:
  type: state.postgresql
  version: v2
  metadata:
    - name: connectionString
      value: %q
`

// Every store that a profile uses keeps the promises of daprkit.State.
func TestStateThroughARealSidecar(t *testing.T) {
	t.Parallel()
	for name, component := range map[string]string{
		"sqlite":   fmt.Sprintf(sqliteState, filepath.Join(t.TempDir(), "carts.db")),
		"postgres": fmt.Sprintf(postgresState, testkit.SchemaURL(t)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkState(t, daprtest.Start(t, daprtest.Options{AppID: "cart", Resources: map[string]string{"carts.yaml": component}}), true)
		})
	}
}

// checkState holds a store to its promises. lastWins says whether a write without an ETag is taken for a key that was written with one.
func checkState(t *testing.T, side *daprtest.Sidecar, lastWins bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	carts := side.State("carts")
	if _, _, ok, err := carts.Get(ctx, "c1"); ok || err != nil {
		t.Fatalf("a key that is not there: %v %v", ok, err)
	}
	none := ""
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stale := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, daprkit.ErrEtag) {
			t.Errorf("%s: %v, want ErrEtag", what, err)
		}
	}
	value := []byte("\x00\x01 not JSON \xff")
	must(carts.Set(ctx, "c1", value, &none, time.Hour))
	stale("create what exists", carts.Set(ctx, "c1", []byte("x"), &none, 0))
	data, etag, ok, err := carts.Get(ctx, "c1")
	if err != nil || !ok || string(data) != string(value) || etag == "" {
		t.Fatalf("%q %q %v %v", data, etag, ok, err)
	}
	must(carts.Set(ctx, "c1", []byte("2"), &etag, time.Hour))
	stale("change what has changed", carts.Set(ctx, "c1", []byte("3"), &etag, 0))
	stale("delete what has changed", carts.Delete(ctx, "c1", &etag))
	if lastWins {
		must(carts.Set(ctx, "c1", []byte("4"), nil, 0))
	} else {
		if carts.Set(ctx, "c1", []byte("4"), nil, 0) == nil {
			t.Error("a write without an ETag is taken now: say so in daprkit.State")
		}
		must(carts.Delete(ctx, "c1", nil))
	}
	must(carts.Set(ctx, "c2", []byte("4"), nil, 0))
	must(carts.Set(ctx, "c2", []byte("5"), nil, 0))
	data, etag, _, err = carts.Get(ctx, "c2")
	if err != nil || string(data) != "5" {
		t.Fatalf("last write: %q %v", data, err)
	}
	must(carts.Delete(ctx, "c2", &etag))
	must(carts.Delete(ctx, "c2", nil))
	if data, etag, _, err = carts.Get(ctx, "c1"); err != nil || (string(data) == "4") != lastWins {
		t.Fatalf("last write: %q %v", data, err)
	}
	if lastWins {
		must(carts.Delete(ctx, "c1", &etag))
	}
	must(carts.Delete(ctx, "c1", nil))
	if _, _, ok, err := carts.Get(ctx, "c1"); ok || err != nil {
		t.Errorf("deleted: %v %v", ok, err)
	}
}
