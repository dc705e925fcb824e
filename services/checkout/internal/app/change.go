package app

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/sidecart/sidecart/pkg/card"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// ErrVersion is the answer to an If-Match that is stale.
var ErrVersion = fault.New(fault.Precondition, "version-conflict", "The checkout has changed since: read it again.")

// Patch changes what the input names. seen is the version that the caller knows, nil when he does not say. It asks pricing when
// the goods go elsewhere or the quote has run out, and inventory when the
// holds have.
func (a *App) Patch(ctx context.Context, id string, seen *int64, in checkoutapi.PatchInput) (Record, error) {
	if err := checkPatch(&in); err != nil {
		return Record{}, err
	}
	r := a.Store.Recall(id) // good enough to write upon, for the version decides, but not to refuse anything
	for range maxMoves {
		c, err := a.patch(ctx, r, seen, in)
		if err == nil {
			if err = a.Store.Save(ctx, c); err == nil {
				return a.reheld(ctx, c.After), nil
			} else if !errors.Is(err, ErrMoved) {
				return c.After, err
			}
		}
		now, getErr := a.Get(ctx, id)
		if getErr != nil || now.Version == r.Version && !errors.Is(err, ErrMoved) {
			return now, cmp.Or(getErr, err)
		}
		r = now
	}
	return Record{}, errBusy
}

func (a *App) patch(ctx context.Context, r Record, seen *int64, in checkoutapi.PatchInput) (Change, error) {
	now := a.now()
	c := Change{Seen: r.Version, After: r}
	if r.Version == 0 {
		return c, ErrNotFound
	}
	if seen != nil && *seen != r.Version {
		return c, ErrVersion.With("version", r.Version)
	}
	after, _, err := checkout.Decide(r.Checkout, checkout.Event{Name: checkout.Change, TTL: a.TTL}, now)
	if err != nil {
		return c, err
	}
	c.After.Checkout = after
	if in.Email != nil {
		c.After.Email = *in.Email
	}
	if in.Note != nil {
		c.After.Note = strings.TrimSpace(*in.Note)
	}
	if in.BillingAddress != nil {
		c.After.Billing = address(in.BillingAddress)
	}
	if in.ShippingAddress != nil {
		c.After.Shipping = address(in.ShippingAddress)
		if !a.quoteFits(&c.After, now) {
			c.Quote = true
			if err := a.requote(ctx, &c.After, now); err != nil {
				return c, err
			}
		}
	}
	if in.ShippingOptionID != nil {
		c.After.OptionID = *in.ShippingOptionID
		switch {
		case c.After.Shipping == nil:
			return c, incomplete([]string{"shipping_address"})
		case c.After.Option() == nil:
			return c, fault.New(fault.Invalid, "validation-failed", "body.shipping_option_id: is not offered for this address").
				WithField("body.shipping_option_id", "is not offered for this address", *in.ShippingOptionID)
		}
	}
	return c, nil
}

// checkPatch checks all that can be checked without the checkout, and brings addresses into their normal form.
func checkPatch(in *checkoutapi.PatchInput) error {
	var c fault.Collector
	if in.Note != nil && card.Held(*in.Note) {
		return ErrCardInNote
	}
	if in.Email != nil {
		c.Check(checkout.ValidEmail(*in.Email), "body.email", "is not an e-mail address", nil)
	}
	for _, part := range []struct {
		at      string
		address *orderapi.Address
	}{{"body.shipping_address", in.ShippingAddress}, {"body.billing_address", in.BillingAddress}} {
		if part.address != nil {
			*part.address = orderapi.Address(checkout.Address(*part.address).Normal())
			checkout.Address(*part.address).Check(&c, part.at)
			phone, ok := e164(part.address.Phone, part.address.Country)
			c.Check(ok, part.at+".phone", "must be a phone number of that country, or begin with + and the code of another", nil)
			part.address.Phone = phone
		}
	}
	return c.Err()
}

func address(in *orderapi.Address) *checkout.Address {
	a := checkout.Address(*in)
	return &a
}

func incomplete(missing []string) error {
	return fault.New(fault.Invalid, "checkout-incomplete", "Still missing: "+strings.Join(missing, ", ")+".").With("missing", missing)
}

// Options returns the shipping options that were priced for the address; it asks nobody.
func (a *App) Options(ctx context.Context, id string) ([]orderapi.ShippingOption, error) {
	r, err := a.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Shipping == nil {
		return nil, incomplete([]string{"shipping_address"})
	}
	options := []orderapi.ShippingOption{}
	for _, o := range r.Quote.Options {
		options = append(options, o.ShippingOption)
	}
	return options, nil
}

// Cancel gives a checkout up, releases its holds and ends its order. A checkout that is over already is left alone.
func (a *App) Cancel(ctx context.Context, id string, seen *int64) error {
	for range maxMoves {
		r, err := a.Get(ctx, id)
		if err != nil {
			return err
		}
		if seen != nil && *seen != r.Version {
			return ErrVersion.With("version", r.Version)
		}
		after, moves, err := checkout.Decide(r.Checkout, checkout.Event{Name: checkout.Cancel}, a.now())
		if err != nil || !moves {
			return err
		}
		c := Change{Seen: r.Version, After: r}
		c.After.Checkout = after
		switch err = a.Store.Save(ctx, c); {
		case errors.Is(err, ErrMoved):
			continue
		case err != nil:
			return err
		}
		if err := a.cleanUp(ctx, c.After); err != nil {
			a.Log.WarnContext(ctx, "a cancelled checkout is cleaned up later", "order_id", r.OrderID, "error", err)
		}
		return nil
	}
	return errBusy
}
