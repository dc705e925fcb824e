package journeys

import (
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// atOnce makes a call from each tab at once, and returns what each was told: a status, or a refusal.
func atOnce(t *testing.T, tabs int, call func(tab int) (*shop.Answer, error)) (answers []*shop.Answer, said []string) {
	t.Helper()
	answers = make([]*shop.Answer, tabs)
	var wg sync.WaitGroup
	for i := range tabs {
		wg.Go(func() {
			a, err := call(i)
			if err != nil {
				t.Error(err)
				return
			}
			answers[i] = a
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a == nil {
			t.FailNow()
		}
		what := http.StatusText(a.Status)
		if a.Status >= 300 {
			what = refusal(a)
		}
		said = append(said, what)
	}
	slices.Sort(said)
	return answers, said
}

// One cart in two tabs: they share a checkout, the slower one is told that he sees an old one, and together they buy once.
func TestTwoTabs(t *testing.T) {
	sku := s.Goods(t, "tabs", 5)
	cart := s.Cart(t, sku)
	opened, said := atOnce(t, 2, func(int) (*shop.Answer, error) {
		return s.Ask(t.Context(), "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: cart.ID, Email: "customer@example.com"})
	})
	var first, second checkoutapi.Checkout
	if err := opened[0].Into(opened[0].Status, &first); err != nil {
		t.Fatal(err)
	}
	if err := opened[1].Into(opened[1].Status, &second); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(said, []string{"Created", "OK"}) || first.ID != second.ID || first.ID == "" {
		t.Fatalf("two tabs opened %v: %s and %s", said, first.ID, second.ID)
	}
	path := "/v1/checkouts/" + first.ID
	tag := s.Must(t, 200, "GET", path, nil, nil).Header.Get("ETag")
	_, said = atOnce(t, 2, func(tab int) (*shop.Answer, error) {
		return s.Ask(t.Context(), "PATCH", path, map[string]any{"shipping_address": shop.Address, "note": []string{"left", "right"}[tab]}, "If-Match", tag)
	})
	if !slices.Equal(said, []string{"412 version-conflict", "OK"}) {
		t.Errorf("two addresses upon one version: %v", said)
	}
	a, err := s.Ask(t.Context(), "PATCH", path, map[string]any{"note": "stale"}, "If-Match", tag)
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 412, "version-conflict")

	// One tab adds a piece, the other goes on: it is brought to the cart's present version, its address and its holds with it.
	s.Must(t, 201, "POST", "/v1/carts/"+cart.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, nil)
	var co checkoutapi.Checkout
	s.Must(t, 200, "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: cart.ID}, &co)
	var options struct{ Items []orderapi.ShippingOption }
	s.Must(t, 200, "GET", path+"/shipping-options", nil, &options)
	s.Must(t, 200, "PATCH", path, map[string]string{"shipping_option_id": options.Items[0].ID}, &co)
	if co.ID != first.ID || co.Lines[0].Quantity != 2 || co.ShippingAddress == nil || co.Hold.Status != "held" {
		t.Errorf("%+v", co)
	}

	paid, said := atOnce(t, 2, func(int) (*shop.Answer, error) { return s.Complete(t.Context(), co, shop.Good, shop.Key()) })
	var o orderapi.Order
	for _, a := range paid {
		if a.Status == http.StatusCreated {
			if err := a.Into(201, &o); err != nil {
				t.Fatal(err)
			}
		}
	}
	if said[1] != "Created" || said[0] != "409 checkout-completed" && said[0] != "409 request-in-progress" {
		t.Errorf("two tabs pay: %v", said)
	}
	if txs := transactions(t, o.ID); len(txs) != 1 || txs[0].Amount != co.Totals.Total.Minor {
		t.Errorf("the simulator has %+v", txs)
	}
	var orders int
	if err := s.DB(t, "order").QueryRow(t.Context(), `SELECT count(*) FROM orders WHERE cart_id = $1`, cart.ID).Scan(&orders); err != nil || orders != 1 {
		t.Errorf("%d orders, %v", orders, err)
	}
	s.Must(t, 200, "GET", path, nil, &co)
	if co.Status != "completed" || co.Order == nil || co.Order.ID != o.ID {
		t.Errorf("the other tab sees %+v", co)
	}
}

// signedIn mints what an account's sign-in would.
func signedIn(t *testing.T, account string) string {
	t.Helper()
	signer, err := auth.LoadSigner(filepath.Join(s.Data, "keys", "signing-key.json"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Mint(auth.Principal{Subject: account, Kind: auth.KindCustomer}, auth.MaxTTL, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// A guest on the telephone holds the last piece at the checkout, and signs in on the laptop: his own cart takes it over and buys it, the
// telephone is told that its checkout is over.
func TestGuestSignsInAtTheCheckout(t *testing.T) {
	sku := s.Goods(t, "device", 1)
	guest := s.Cart(t, sku)
	old := s.Checkout(t, guest.ID)
	customer := signedIn(t, "e2e-"+shop.Key()[:12])
	var own cartapi.Cart
	s.Must(t, 201, "POST", "/v1/carts", map[string]string{"currency": "USD", "country": "US"}, &own, "Authorization", customer)
	s.Must(t, 200, "POST", "/v1/carts/"+own.ID+"/merge", cartapi.MergeInput{FromCartID: guest.ID}, &own, "Authorization", customer)
	if len(own.Lines) != 1 || own.CustomerID == "" {
		t.Fatalf("%+v", own)
	}
	co := s.Checkout(t, own.ID)
	if co.ID == old.ID || co.Hold.Status != "held" {
		t.Errorf("%+v", co)
	}
	a, err := s.Complete(t.Context(), old, shop.Good, shop.Key())
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 410, "checkout-cancelled")
	if a, err = s.Complete(t.Context(), co, shop.Good, shop.Key()); err != nil {
		t.Fatal(err)
	}
	var o orderapi.Order
	if err := a.Into(201, &o); err != nil {
		t.Fatal(err)
	}
	if txs := transactions(t, o.ID); len(txs) != 1 {
		t.Errorf("the simulator has %+v", txs)
	}
}

// A cart is merged into another one, and then ordered by the checkout that was open before: the other cart is left with what is its own, and
// nothing is bought twice.
func TestAMergedCartIsOrderedByItsOldTab(t *testing.T) {
	brought, owned := s.Goods(t, "brought", 5), s.Goods(t, "owned", 5)
	old := s.Checkout(t, s.Cart(t, brought).ID)
	own := s.Cart(t, owned)
	s.Must(t, 200, "POST", "/v1/carts/"+own.ID+"/merge", cartapi.MergeInput{FromCartID: old.CartID}, &own)
	if len(own.Lines) != 2 {
		t.Fatalf("%+v", own)
	}
	a, err := s.Complete(t.Context(), old, shop.Good, shop.Key())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Into(201, nil); err != nil {
		t.Fatal(err)
	}
	var co checkoutapi.Checkout
	shop.Eventually(t, 15*time.Second, func() error { // until cart has heard of the order, the answer is 503
		a, err := s.Ask(t.Context(), "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: own.ID, Email: "customer@example.com"})
		if err != nil {
			return err
		}
		return a.Into(201, &co)
	})
	if len(co.Lines) != 1 || co.Lines[0].SKU != owned {
		t.Errorf("%+v", co.Lines)
	}
}

// The holds run out while nobody looks. Who comes back has them again while the stock is there; when another has bought it, he is told
// what is missing.
func TestComingBackAfterTheHoldsEnded(t *testing.T) {
	sku := s.Goods(t, "back", 1)
	co := s.Checkout(t, s.Cart(t, sku).ID)
	path := "/v1/checkouts/" + co.ID
	runOut := func() {
		t.Helper()
		for db, sql := range map[string]string{"inventory": `UPDATE stock_holds SET expires_at = now() - interval '1 second' WHERE owner = $1`,
			"checkout": `UPDATE checkouts SET hold_until = now() - interval '1 second' WHERE cart_id = $1`} {
			if tag, err := s.DB(t, db).Exec(t.Context(), sql, co.CartID); err != nil || tag.RowsAffected() != 1 {
				t.Fatalf("%s: %d rows, %v", db, tag.RowsAffected(), err)
			}
		}
	}
	runOut()
	s.Must(t, 200, "GET", path, nil, &co)
	if co.Hold.Status != "held" || co.Warnings != nil || time.Until(co.Hold.ExpiresAt) < 10*time.Minute {
		t.Errorf("he came back to %+v %+v", co.Hold, co.Warnings)
	}
	var other checkoutapi.Checkout
	a, err := s.Ask(t.Context(), "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: s.Cart(t, sku).ID})
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 409, "out-of-stock") // it is really held again
	runOut()
	other = s.Checkout(t, s.Cart(t, sku).ID)
	if a, err = s.Complete(t.Context(), other, shop.Good, shop.Key()); err != nil || a.Status != http.StatusCreated {
		t.Fatalf("%v %+v", err, a)
	}
	s.Must(t, 200, "GET", path, nil, &co)
	want := []checkoutapi.Warning{{Type: checkoutapi.WarningOutOfStock, SKU: sku, Requested: 1}}
	if co.Status != "open" || co.Hold.Status != "expired" || !slices.Equal(co.Warnings, want) {
		t.Errorf("he came back to %+v %+v", co.Hold, co.Warnings)
	}
	if a, err = s.Complete(t.Context(), co, shop.Good, shop.Key()); err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 409, "hold-expired")
}
