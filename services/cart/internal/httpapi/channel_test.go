package httpapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/cart/cartapi"
)

// A cart is of one channel for all its life, and is priced by it, whatever the state store has forgotten.
func TestAChannel(t *testing.T) {
	t.Parallel()
	w := serve(t)
	w.shop.SellIn("app", 900)
	c := decode(t, w.Do("POST", "/v1/carts", `{"channel":"app"}`).Want(201))
	path := "/v1/carts/" + c.ID
	for n := range 51 { // more than make a snapshot of the log
		c = decode(t, w.Do("POST", path+"/lines", `{"sku":"shirt","quantity":1}`).Want(201))
		if c.Channel != "app" || c.Totals.Total.Minor != int64(n+1)*900 {
			t.Fatalf("%d added: %+v", n+1, c)
		}
	}
	w.state.Wipe()
	if again := decode(t, w.Do("GET", path, nil).Want(200)); again.Channel != "app" || again.Totals.Total.Minor != 51*900 {
		t.Errorf("rebuilt: %+v", again)
	}
	if again := decode(t, w.Do("GET", path, nil).Want(200)); again.Channel != "app" {
		t.Errorf("from the projection: %+v", again)
	}
	var snap cartapi.Snapshot
	w.As("checkout").Do("GET", cartapi.PathSnapshot+c.ID+"/snapshot", nil).Want(200).JSON(&snap)
	if snap.Cart.Channel != "app" {
		t.Errorf("snapshot %+v", snap.Cart)
	}
	log := string(w.Do("GET", path+"/events", nil).Want(200).Body)
	if !strings.Contains(log, `"channel":"app"`) {
		t.Errorf("the log says nothing of it: %s", log)
	}

	none := decode(t, w.Do("POST", w.begin()+"/lines", `{"sku":"shirt","quantity":2}`).Want(201))
	if none.Channel != "" || none.Totals.Total.Minor != 2000 {
		t.Errorf("without one %+v", none)
	}
	// What is merged in is priced as everything else in the cart that takes it.
	into := decode(t, w.Do("POST", "/v1/carts/"+none.ID+"/merge", `{"from_cart_id":"`+c.ID+`"}`).Want(200))
	if into.Channel != "" || into.Totals.Total.Minor != 53*1000 {
		t.Errorf("merged into none %+v", into)
	}
	app := decode(t, w.Do("POST", "/v1/carts", `{"channel":"app"}`).Want(201))
	other := decode(t, w.Do("POST", "/v1/carts/"+app.ID+"/merge", `{"from_cart_id":"`+none.ID+`"}`).Want(200))
	if other.Channel != "app" || other.Totals.Total.Minor != 53*900 {
		t.Errorf("merged into a channel %+v", other)
	}
}

func TestAChannelThatTheShopHasNot(t *testing.T) {
	t.Parallel()
	w := serve(t)
	for _, channel := range []string{`"App"`, `"web"`, `" app"`, `"app,phone"`, `"` + strings.Repeat("a", 65) + `"`, `7`, `["app"]`} {
		p := w.Do("POST", "/v1/carts", `{"channel":`+channel+`,"currency":"EUR"}`).Problem(422, "validation-failed")
		if diff := cmp.Diff([]string{"body.channel"}, apitest.Locations(p)); diff != "" {
			t.Errorf("%s: %s", channel, diff)
		}
	}
	w.carts.Channels = nil
	w.Do("POST", "/v1/carts", `{"channel":"app"}`).Problem(422, "validation-failed")
	w.Do("POST", "/v1/carts", `{"channel":""}`).Want(201)
}
