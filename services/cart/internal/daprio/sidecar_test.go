package daprio

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit/daprtest"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
)

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

// The store of the embedded profile behind a real sidecar: a projection comes back as it was, the first writer wins, and a sidecar
// that dies in between is a store that has nothing and takes nothing.
func TestProjectionsThroughARealSidecar(t *testing.T) {
	t.Parallel()
	side := daprtest.Start(t, daprtest.Options{AppID: "cart", Resources: map[string]string{"carts.yaml": fmt.Sprintf(postgresState, testkit.SchemaURL(t))}})
	p := NewProjections(side.State("carts"), time.Hour, discard)
	p.deadline = testkit.Patience // this test is about what the store answers, not how fast on a busy machine
	id := strings.Repeat("a", 32)
	at := func(version int64) app.Projection {
		return app.Projection{Cart: cart.Cart{ID: id, Version: version, Currency: "USD", Lines: []cart.Line{{ID: "l1", SKU: "a", Quantity: version}}}}
	}
	_, _, none := p.Get(t.Context(), id)
	p.Put(t.Context(), at(1), none)
	p.Put(t.Context(), at(2), none)
	got, ok, tag := p.Get(t.Context(), id)
	if !ok || got.Cart.Version != 1 || got.Cart.Lines[0].SKU != "a" {
		t.Errorf("read %v %+v", ok, got.Cart)
	}
	p.Put(t.Context(), at(3), tag)
	p.Put(t.Context(), at(4), tag)
	if got, _, _ := p.Get(t.Context(), id); got.Cart.Version != 3 {
		t.Errorf("version %d, want 3", got.Cart.Version)
	}
	side.Kill()
	for range 2 * breakAfter {
		if _, ok, tag := p.Get(t.Context(), id); ok || tag != nil {
			t.Error("a dead sidecar has answered")
		}
	}
	p.Put(t.Context(), at(5), tag)
}
