package load

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// Clerk is the staff whom some guests need.
type Clerk struct {
	Staff     *shopclient.Client
	Simulator string // base URL of the payment provider's
	// SignIn returns the token of a customer, as an account's sign-in would.
	SignIn func(customer string) (string, error)

	more atomic.Int32 // edits of one piece alone
}

// half of an amount, never nothing.
func half(a money.Amount) money.Amount {
	return money.Amount{Minor: (a.Minor + 1) / 2, Currency: a.Currency}
}

// giftCard issues one and returns its code, which is told once: who does not hear it asks for another.
func (c *Clerk) giftCard(ctx context.Context, worth money.Amount) (string, error) {
	var card paymentapi.Credit
	in := map[string]any{"amount": worth, "reason": "load"}
	if err := c.Staff.Post(ctx, paymentapi.PathCredits, shopclient.Key(), in, &card); err != nil {
		return "", err
	}
	for card.Code == "" {
		if err := c.Staff.Post(ctx, paymentapi.PathCredits+"/"+card.ID+"/code", shopclient.Key(), nil, &card); err != nil {
			return "", err
		}
	}
	return card.Code, nil
}

// storeCredit gives a customer some.
func (c *Clerk) storeCredit(ctx context.Context, customer string, worth money.Amount) error {
	in := map[string]any{"amount": worth, "customer_id": customer, "reason": "load"}
	return c.Staff.Post(ctx, paymentapi.PathCredits, shopclient.Key(), in, nil)
}

// Of every third SKU some pieces come in lots: one that ends in two days, and one that is left for longer.
const (
	lotEvery  = 3
	lotPieces = 4
	lotsMost  = 1000 // lines of a booking
)

// lots books them at each open location.
func (c *Clerk) lots(ctx context.Context, skus []string, now time.Time) error {
	type place struct {
		ID      string `json:"id"`
		Enabled bool   `json:"enabled"`
	}
	var places struct {
		Items []place `json:"items"`
	}
	if err := c.Staff.Get(ctx, "/v1/admin/locations", &places); err != nil {
		return err
	}
	places.Items = slices.DeleteFunc(places.Items, func(p place) bool { return !p.Enabled })
	for lot, days := range map[string]int{"load-soon": 2, "load-late": 60} {
		in := inventoryapi.StockInput{Reference: lot + shopclient.Key()[:12]}
		for i := 0; i < len(skus) && len(in.Lines)+len(places.Items) <= lotsMost; i += lotEvery {
			for _, p := range places.Items {
				in.Lines = append(in.Lines, inventoryapi.StockLine{SKU: skus[i], LocationID: p.ID, Quantity: lotPieces, Lot: lot,
					ExpiresOn: now.UTC().AddDate(0, 0, days).Format(time.DateOnly)})
			}
		}
		if err := c.Staff.Post(ctx, "/v1/admin/stock/receive", shopclient.Key(), in, nil); err != nil {
			return err
		}
	}
	return nil
}

// giveBack has order refund a piece of an order's first line. It is told when the money has settled: order would ask again in an hour.
func (c *Clerk) giveBack(ctx context.Context, o orderapi.Order) error {
	id, err := captured(ctx, c.Staff, o.ID)
	for err == nil && !settle(ctx, c.Simulator, id) {
		err = rest(ctx)
	}
	in := map[string]any{"lines": []orderapi.RefundLine{{LineID: o.Lines[0].ID, Quantity: 1}}, "reason": "load: a piece of it"}
	for key := shopclient.Key(); err == nil; err = rest(ctx) {
		refusal := c.Staff.Post(ctx, "/v1/admin/orders/"+o.ID+"/refunds", key, in, nil)
		if !shopclient.Refused(refusal, "not-refundable") { // it has not heard of its capture yet
			return refusal
		}
	}
	return err
}

// refund gives half of an order's money back. The provider gives back only what has settled, which its simulator is told to do.
func (c *Clerk) refund(ctx context.Context, o orderapi.Order) error {
	for key := shopclient.Key(); ; {
		id, err := captured(ctx, c.Staff, o.ID)
		if err != nil {
			return err
		}
		settle(ctx, c.Simulator, id)
		a, err := c.Staff.Do(ctx, shopclient.Call{Method: http.MethodPost, Path: "/v1/admin/payments/" + id + "/refunds", Key: key,
			In: map[string]any{"amount": half(o.Totals.Total), "reason": "load: half of it"}})
		switch {
		case shopclient.Refused(err, "not-settled"), shopclient.Refused(err, "operation-failed"):
			key = shopclient.Key() // the answer to the other one is final
		case err == nil && a.Status == http.StatusCreated:
			return nil
		case err != nil && !shopclient.Refused(err, "payment-busy"):
			return err
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}

// captured waits for the payment that took an order's money, and returns its id.
func captured(ctx context.Context, staff *shopclient.Client, order string) (string, error) {
	for {
		var found struct {
			Items []paymentapi.Payment `json:"items"`
		}
		if err := staff.Get(ctx, "/v1/admin/payments?status=captured&order_id="+url.QueryEscape(order), &found); err != nil {
			return "", err
		}
		if len(found.Items) > 0 {
			return found.Items[0].ID, nil
		}
		if err := rest(ctx); err != nil {
			return "", err
		}
	}
}

// settle has the simulator settle a payment, and says whether it has. When it does not answer, it is asked again before the next refund.
func settle(ctx context.Context, simulator, payment string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, simulator+"/_sim/settle", strings.NewReader(`{"order_id":"`+payment+`"}`))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

var errNoRefund = errors.New("no refund came about in time")

func rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return errors.Join(errNoRefund, ctx.Err())
	case <-time.After(time.Second):
		return nil
	}
}
