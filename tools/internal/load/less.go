package load

import (
	"context"
	"slices"

	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// less edits an order as a guest asks for it who wants less: a line, a piece, or with one piece alone, by turns, one more or another address. It
// waits until that is over. What costs more, also without a coupon or because it is sent no more for nothing, is charged, or the order stays as it is.
func (c *Clerk) less(ctx context.Context, o orderapi.Order) error {
	id, err := captured(ctx, c.Staff, o.ID)
	if err != nil {
		return err
	}
	settle(ctx, c.Simulator, id)
	path, key, in := "/v1/admin/orders/"+o.ID+"/edits", shopclient.Key(), map[string]any{"note": "load: wants less"}
	switch last := o.Lines[len(o.Lines)-1]; {
	case len(o.Lines) > 1:
		in["lines"] = []orderapi.EditLine{{LineID: last.ID}}
	case last.Quantity > 1:
		in["lines"] = []orderapi.EditLine{{LineID: last.ID, Quantity: last.Quantity - 1}}
	case c.more.Add(1)%2 == 1:
		in["lines"] = []orderapi.EditLine{{LineID: last.ID, Quantity: last.Quantity + 1}}
	default:
		a := o.ShippingAddress
		a.Line2 = "second floor"
		in["shipping_address"] = a
	}
	for {
		var e orderapi.Edit
		err := c.Staff.Post(ctx, path, key, in, &e)
		switch {
		case shopclient.Refused(err, "edit-needs-payment"):
			return nil
		case err == nil:
			return c.edited(ctx, path, e.ID)
		case !shopclient.Refused(err, "order-not-editable"): // its capture is not recorded yet
			return err
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}

// refusals of edits that cost more: there is no more of it, or it cannot be charged. Nothing stands in the way of less.
var refusals = []string{"out-of-stock", "quantity-limit", "payment-declined", "payment-duplicate", "payment-failed"}

// edited waits for the end of an edit.
func (c *Clerk) edited(ctx context.Context, path, id string) error {
	for {
		var all orderapi.Edits
		if err := c.Staff.Get(ctx, path, &all); err != nil {
			return err
		}
		for _, e := range all.Items {
			switch {
			case e.ID != id || e.Status == orderapi.EditPending:
			case e.Status == orderapi.EditDone, e.Difference.Minor > 0 && slices.Contains(refusals, e.Problem):
				return nil
			default:
				return unexpected("an edit by %s is %s: %s", e.Difference, e.Status, e.Problem)
			}
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}
