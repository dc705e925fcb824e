package load

import (
	"context"
	"strings"

	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// account is the guest's.
func (s script) account() string {
	name, _, _ := strings.Cut(s.guest.Email, "@")
	return name
}

// signedIn is the guest with an account.
func (j *journey) signedIn() *shopclient.Client {
	return j.client.As(func() (string, error) { return j.clerk.SignIn(j.script.account()) })
}

// merge signs the guest in, whose own cart has the first item already, and takes the guest's cart over. What was held at the guest's checkout is
// held at the own one then.
func (j *journey) merge(ctx context.Context, guests string) (co checkoutapi.Checkout, err error) {
	j.client = j.signedIn()
	g := j.script.guest
	g.Coupon, g.Items = "", g.Items[:1]
	own, err := j.client.Fill(ctx, g)
	if err != nil {
		return co, err
	}
	if err := j.client.Post(ctx, "/v1/carts/"+own.ID+"/merge", shopclient.Key(), cartapi.MergeInput{FromCartID: guests}, &own); err != nil {
		return co, err
	}
	if len(own.Lines) != len(j.script.guest.Items) || own.CustomerID == "" {
		return co, unexpected("cart %s of %q has %d lines after a merge, not %d", own.ID, own.CustomerID, len(own.Lines), len(j.script.guest.Items))
	}
	return j.client.Prepare(ctx, g, own.ID)
}

// reorder buys what an order had once more, at today's prices.
func (j *journey) reorder(ctx context.Context, o orderapi.Order) error {
	var again orderapi.Reordered
	if err := j.client.Post(ctx, "/v1/orders/"+o.ID+"/reorder?access_token="+o.AccessToken, shopclient.Key(), nil, &again); err != nil {
		return err
	}
	if len(again.LeftOut) > 0 {
		return unexpected("order %s cannot be bought again: %+v", o.ID, again.LeftOut)
	}
	co, err := j.client.Prepare(ctx, j.script.guest, again.CartID)
	if err != nil {
		return err
	}
	second, err := j.client.Complete(ctx, co, goodCard, shopclient.Key())
	if err != nil {
		return err
	}
	if second.ID == o.ID {
		return unexpected("order %s was bought again as itself", o.ID)
	}
	return j.check(co, second)
}
