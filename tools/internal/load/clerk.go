package load

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// Clerk is the staff whom some guests need.
type Clerk struct {
	Staff     *shopclient.Client
	Simulator string // base URL of the payment provider's
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

// settle has the simulator settle a payment. When it does not answer, it is asked again before the next refund.
func settle(ctx context.Context, simulator, payment string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, simulator+"/_sim/settle", strings.NewReader(`{"order_id":"`+payment+`"}`))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
	}
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
