package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
)

// ErrCartEmpty refuses a cart without lines.
var ErrCartEmpty = fault.New(fault.Invalid, "cart-empty", "The cart has no lines.")

// ErrCartCompleted refuses a cart that was ordered.
var ErrCartCompleted = fault.New(fault.Gone, "cart-completed", "This cart has been ordered already.")

// ErrCartNotFound is the answer to a cart id that cannot exist.
var ErrCartNotFound = fault.New(fault.NotFound, "cart-not-found", "There is no such cart.")

// IsID reports whether s can be the id of a cart or a checkout: 32 hex digits.
func IsID(s string) bool {
	if len(s) != 32 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

// Create begins the checkout of a cart, or brings the cart's open one to the cart's present version; made tells which. Faults:
// cart-not-found, cart-empty, cart-completed, not-sellable, out-of-stock (then nothing is held and none is made), and
// request-in-progress while the cart's checkout is completing.
func (a *App) Create(ctx context.Context, in checkoutapi.CreateInput) (r Record, made bool, err error) {
	if in.Email != "" && !checkout.ValidEmail(in.Email) {
		return r, false, fault.New(fault.Invalid, "validation-failed", "body.email: is not an e-mail address").WithField("body.email", "is not an e-mail address", nil)
	}
	if !IsID(in.CartID) {
		return r, false, ErrCartNotFound
	}
	snap, err := a.Carts.Snapshot(ctx, in.CartID)
	if err != nil {
		return r, false, err
	}
	switch {
	case snap.Completed:
		return r, false, ErrCartCompleted
	case len(snap.Cart.Lines) == 0:
		return r, false, ErrCartEmpty
	}
	if err := a.endMerged(ctx, snap.MergedFrom); err != nil {
		return r, false, err
	}
	for range maxMoves {
		live, err := a.Store.OfCart(ctx, in.CartID)
		switch {
		case err == nil && live.Status == checkout.Completed:
			return live, false, ErrCartCompleted // cart has not heard of it yet
		case errors.Is(err, ErrNotFound):
			r, err = a.begin(ctx, in, snap)
			made = true
		case err == nil:
			r, err = a.refresh(ctx, live, in, snap)
			made = false
		}
		if !errors.Is(err, ErrMoved) {
			return r, made, err
		}
	}
	return r, false, errBusy
}

// endMerged ends the checkouts of carts that were merged into this one: their lines are here now, what they hold would stand in the way
// of their own shopper, and nobody shall buy them twice. While an order of one is being placed, or was placed and its lines have not left this
// cart yet, this one waits.
func (a *App) endMerged(ctx context.Context, carts []string) error {
	if len(carts) == 0 {
		return nil
	}
	live, ordered, err := a.Sweeps.Merged(ctx, carts)
	if err != nil {
		return err
	}
	if ordered {
		return errMergedOrdered
	}
	for _, id := range live {
		if err := a.Cancel(ctx, id, nil); errors.Is(err, checkout.ErrCompleted) {
			return errMergedOrdered
		} else if err != nil {
			return err
		}
	}
	return nil
}

var errMergedOrdered = fault.New(fault.Unavailable, "unavailable",
	"What another cart had brought into this one was ordered there a moment ago, and leaves this one: repeat the call.").WithRetryAfter(time.Second)

// newID draws a capability: 128 random bits as 32 hex digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (a *App) begin(ctx context.Context, in checkoutapi.CreateInput, snap cartapi.Snapshot) (Record, error) {
	now := a.now()
	orderID, err := uuid.NewV7()
	if err != nil {
		return Record{}, fmt.Errorf("draw an order id: %w", err)
	}
	r := Record{Checkout: checkout.Checkout{ID: newID(), CartID: in.CartID, OrderID: orderID.String(), Status: checkout.Open, Version: 1,
		Email: in.Email, ExpiresAt: now.Add(a.TTL), CreatedAt: now, UpdatedAt: now}}
	if err := a.fill(ctx, &r, snap, now); err != nil {
		return r, err
	}
	if err := a.hold(ctx, &r, now); err != nil {
		return r, err
	}
	return r, a.Store.Create(ctx, r)
}

// refresh brings an open checkout to the cart's present version. It writes and asks only for what has changed.
func (a *App) refresh(ctx context.Context, r Record, in checkoutapi.CreateInput, snap cartapi.Snapshot) (Record, error) {
	now := a.now()
	after, _, err := checkout.Decide(r.Checkout, checkout.Event{Name: checkout.Change, TTL: a.TTL}, now)
	if errors.Is(err, checkout.ErrExpired) { // before anybody swept it: out of the way of the new one
		if _, err := a.expire(ctx, r); err != nil {
			return r, err
		}
		return r, ErrMoved
	}
	if err != nil {
		return r, err
	}
	c := Change{Seen: r.Version, After: r}
	c.After.Checkout = after
	changed := after.Tells != checkout.TellsNothing // that somebody came back
	if snap.Cart.Version != r.CartVersion || !a.quoteFits(&r, now) {
		if err := a.fill(ctx, &c.After, snap, now); err != nil {
			return r, err
		}
		c.Quote, changed = true, true
	}
	if snap.Cart.Version != r.CartVersion || !r.HoldsLast(now) {
		if err := a.hold(ctx, &c.After, now); err != nil {
			return r, err
		}
		changed = true
	}
	if in.Email != "" && in.Email != r.Email {
		c.After.Email, changed = in.Email, true
	}
	if !changed {
		return r, nil
	}
	if err := a.Store.Save(ctx, c); err != nil {
		return r, err
	}
	return c.After, nil
}

// fill takes the cart's lines and its quote over, and asks for another when that one does not fit.
func (a *App) fill(ctx context.Context, r *Record, snap cartapi.Snapshot, now time.Time) error {
	cart := snap.Cart
	r.CartVersion, r.Currency, r.Country, r.Channel, r.CustomerID = cart.Version, money.Currency(cart.Currency), cart.Country, cart.Channel, cart.CustomerID
	lines, grams := make([]checkoutapi.CheckoutLine, len(cart.Lines)), int64(0)
	for i, l := range cart.Lines {
		lines[i] = checkoutapi.CheckoutLine{ID: l.ID, SKU: l.SKU, ProductID: l.ProductID, Title: l.Title, ImageURL: l.ImageURL, Quantity: l.Quantity, Metadata: l.Metadata}
		grams += l.WeightGrams * l.Quantity
	}
	r.Quote = Quote{Lines: lines, Coupons: cart.Coupons, Grams: grams, Totals: snap.Quote.Totals}
	if r.Shipping == nil && now.Before(snap.Quote.ValidUntil) {
		return r.take(snap.Quote, cart.Country, "")
	}
	return a.requote(ctx, r, now)
}
