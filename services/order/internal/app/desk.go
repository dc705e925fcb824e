package app

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Carts makes carts. Key makes one at most.
type Carts interface {
	// Fill makes a cart of what can be sold of the lines, and says of the others why not.
	Fill(ctx context.Context, key string, in cartapi.CreateInput, lines []orderapi.PlaceLine) (cartID string, left []orderapi.LeftOut, err error)
}

// Note is what staff wrote about an order.
type Note struct {
	ID    int64
	At    time.Time
	Actor string
	Text  string
}

// Reorder makes a new cart of what an order had, as far as it can still be sold, at today's prices.
func (a *App) Reorder(ctx context.Context, carts Carts, rec Record, key string) (orderapi.Reordered, error) {
	cart, left, err := carts.Fill(ctx, key, cartapi.CreateInput{Currency: string(rec.Total.Currency), Country: rec.Snapshot.ShippingAddress.Country, Channel: rec.Snapshot.Channel}, rec.Snapshot.Lines)
	if err != nil {
		return orderapi.Reordered{}, err
	}
	if cart == "" {
		return orderapi.Reordered{}, fault.New(fault.Conflict, "nothing-to-reorder", "Nothing of this order can be bought now.").With("left_out", left)
	}
	if left == nil {
		left = []orderapi.LeftOut{}
	}
	return orderapi.Reordered{CartID: cart, LeftOut: left}, nil
}
