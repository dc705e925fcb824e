package load

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// journey is one guest on the way.
type journey struct {
	client *shopclient.Client
	script script
	clerk  *Clerk // nil: there is none
}

// result is what became of a guest. err tells what was not expected.
type result struct {
	outcome outcome
	err     error
}

func (j *journey) run(ctx context.Context) result {
	ctx, cancel := context.WithTimeout(ctx, journeyLimit)
	defer cancel()
	out, err := j.walk(ctx)
	switch {
	case errors.Is(err, errLeft):
		return result{outcome: left}
	case shopclient.Refused(err, "out-of-stock"), shopclient.Refused(err, "hold-expired"):
		return result{outcome: outOfStock}
	case err != nil:
		return result{outcome: faulty, err: err}
	}
	return result{outcome: out}
}

func (j *journey) walk(ctx context.Context) (outcome, error) {
	g := j.script.guest
	if j.script.kind == paysCredit && j.clerk != nil {
		j.client = j.signedIn()
	}
	cart, err := j.client.Fill(ctx, g)
	if err != nil {
		return left, err
	}
	co, err := j.client.Prepare(ctx, g, cart.ID)
	if errors.Is(err, errLeft) && co.ID != "" && j.script.tidy {
		_, err := j.client.Do(ctx, shopclient.Call{Method: http.MethodDelete, Path: "/v1/checkouts/" + co.ID})
		return left, err
	}
	if err != nil {
		return left, err
	}
	switch j.script.kind {
	case leaves:
		return left, nil
	case wantsMore:
		again := shopclient.Item{SKU: g.Items[0].SKU, Quantity: 1}
		if err := j.client.Post(ctx, "/v1/carts/"+cart.ID+"/lines", shopclient.Key(), again, nil); err != nil {
			return bought, err
		}
		if co, err = j.client.Prepare(ctx, g, cart.ID); err != nil {
			return bought, err
		}
	case signsIn:
		if j.clerk == nil {
			break
		}
		if co, err = j.merge(ctx, cart.ID); err != nil {
			return bought, err
		}
	case isDeclined:
		return declined, j.decline(ctx, co)
	case paysAgain:
		if err := j.decline(ctx, co); err != nil {
			return declined, err
		}
	case clicksTwice:
		key := shopclient.Key()
		return bought, j.twice(ctx, co, key, key)
	case paysTwice:
		return bought, j.twice(ctx, co, shopclient.Key(), shopclient.Key())
	}
	return j.pay(ctx, co)
}

// pay completes the checkout with a good card; the order must be what was asked for.
func (j *journey) pay(ctx context.Context, co checkoutapi.Checkout) (outcome, error) {
	means := checkoutapi.CompleteInput{Nonce: goodCard}
	if j.script.kind == paysInParts && j.clerk != nil && !co.Totals.Total.IsZero() {
		code, err := j.clerk.giftCard(ctx, half(co.Totals.Total))
		if err != nil {
			return bought, err
		}
		means.GiftCards = []string{code}
		if j.script.refused { // what the gift card was to pay is free again afterwards
			if err := j.decline(ctx, co, code); err != nil {
				return bought, err
			}
		}
	}
	if j.script.kind == paysCredit && j.clerk != nil && !co.Totals.Total.IsZero() {
		if err := j.clerk.storeCredit(ctx, j.script.account(), half(co.Totals.Total)); err != nil {
			return bought, err
		}
		means.StoreCredit = true
	}
	if j.script.kind == paysCash {
		var err error
		if co, means, err = j.cash(ctx, co); err != nil {
			return bought, err
		}
	}
	o, err := j.client.CompleteBy(ctx, co, means, shopclient.Key())
	if err != nil {
		return bought, err
	}
	if err := j.check(co, o); err != nil {
		return bought, err
	}
	switch {
	case j.script.kind == givesBack && j.clerk != nil && !o.Totals.Total.IsZero():
		return bought, j.clerk.giveBack(ctx, o)
	case j.script.kind == buysAgain && j.clerk != nil:
		return bought, j.reorder(ctx, o)
	case j.script.kind == isRefunded && j.clerk != nil && !o.Totals.Total.IsZero():
		return bought, j.clerk.refund(ctx, o)
	case j.script.kind == wantsLess && j.clerk != nil:
		return bought, j.clerk.less(ctx, o)
	case j.script.kind == cancels:
		o, err := j.client.Cancel(ctx, o, "load: changed my mind", shopclient.Key())
		if err == nil && o.Status != "cancelled" && o.Status != "placed" {
			// A placed one is cancelled when its capture is decided.
			err = unexpected("order %s is %s after it was cancelled", o.ID, o.Status)
		}
		return cancelled, err
	case j.script.readBack:
		return bought, j.again(ctx, co, o)
	}
	return bought, nil
}

// cash chooses to pay on delivery, where that is offered, and a card elsewhere. What it costs is in the total of the answer.
func (j *journey) cash(ctx context.Context, co checkoutapi.Checkout) (checkoutapi.Checkout, checkoutapi.CompleteInput, error) {
	var session checkoutapi.PaymentSession
	err := j.client.Post(ctx, "/v1/checkouts/"+co.ID+"/payment-session", shopclient.Key(), checkoutapi.PaymentSessionInput{Provider: paymentapi.CashOnDelivery}, &session)
	if shopclient.Refused(err, "payment-provider-not-offered") {
		return co, checkoutapi.CompleteInput{Nonce: goodCard}, nil
	}
	if err == nil && session.Amount.Minor-co.Totals.Total.Minor < session.Fee.Minor {
		err = unexpected("checkout %s of %s costs %s with a fee of %s", co.ID, co.Totals.Total, session.Amount, session.Fee)
	}
	co.Totals.Total = session.Amount
	return co, checkoutapi.CompleteInput{Provider: paymentapi.CashOnDelivery}, err
}

func (j *journey) check(co checkoutapi.Checkout, o orderapi.Order) error {
	if o.ID == "" || o.AccessToken == "" || !o.Totals.Total.Equal(co.Totals.Total) || len(o.Lines) != len(co.Lines) {
		return unexpected("checkout %s of %s became order %q of %s with %d of %d lines", co.ID, co.Totals.Total, o.ID, o.Totals.Total, len(o.Lines), len(co.Lines))
	}
	return nil
}

// again reads the order as its guest may.
func (j *journey) again(ctx context.Context, co checkoutapi.Checkout, o orderapi.Order) error {
	var read orderapi.Order
	if err := j.client.Get(ctx, "/v1/orders/"+o.ID+"?access_token="+o.AccessToken, &read); err != nil {
		return err
	}
	if read.ID != o.ID {
		return unexpected("order %s reads as order %s", o.ID, read.ID)
	}
	return j.check(co, read)
}

// decline pays with a card that the bank refuses, perhaps beside gift cards. The bank must be asked, and its no must reach the guest.
func (j *journey) decline(ctx context.Context, co checkoutapi.Checkout, giftCards ...string) error {
	o, err := j.client.CompleteBy(ctx, co, checkoutapi.CompleteInput{Nonce: badCard, GiftCards: giftCards}, shopclient.Key())
	switch {
	case err == nil:
		return unexpected("checkout %s: a card that is declined bought order %s", co.ID, o.ID)
	case shopclient.Refused(err, "payment-declined"):
		return nil
	}
	return err
}

// twice completes from two sides at once. With one key both get the order; with two keys one gets it and the other learns
// that the checkout is completed. Either way the checkout leads to the one order.
func (j *journey) twice(ctx context.Context, co checkoutapi.Checkout, keys ...string) error {
	orders, errs := make([]orderapi.Order, len(keys)), make([]error, len(keys))
	var wg sync.WaitGroup
	for i, key := range keys {
		wg.Go(func() { orders[i], errs[i] = j.client.Complete(ctx, co, goodCard, key) })
	}
	wg.Wait()
	var id string
	for i, err := range errs {
		switch {
		case err == nil && id != "" && orders[i].ID != id:
			return unexpected("checkout %s: two orders, %s and %s", co.ID, id, orders[i].ID)
		case err == nil:
			id = orders[i].ID
			if err := j.check(co, orders[i]); err != nil {
				return err
			}
		case keys[0] != keys[1] && shopclient.Refused(err, "checkout-completed"):
		default:
			return err
		}
	}
	read, err := j.completed(ctx, co.ID)
	if err != nil {
		return err
	}
	if read.Order == nil || id == "" || read.Order.ID != id {
		return unexpected("checkout %s made order %q, but says %+v", co.ID, id, read.Order)
	}
	return nil
}

// completed reads a checkout whose order was answered. Where that could not be recorded, because something was away, the checkout is still
// completing until order tells it again.
func (j *journey) completed(ctx context.Context, id string) (co checkoutapi.Checkout, err error) {
	for begun := time.Now(); ; {
		if err := j.client.Get(ctx, "/v1/checkouts/"+id, &co); err != nil {
			return co, err
		}
		if co.Status != checkoutapi.StatusCompleting || time.Since(begun) > j.client.Patience {
			return co, nil
		}
		select {
		case <-ctx.Done():
			return co, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
