package daprio

import (
	"cmp"
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// JobAbandonment is the name of the job that sweeps carts.
const JobAbandonment = "abandonment"

// Completer closes the cart of an order; once is enough.
type Completer interface {
	Complete(ctx context.Context, cartID, orderID string) error
}

// Subscribe registers the handlers.
func Subscribe(s *daprkit.Subscriptions, replica app.Replica, carts Completer) {
	s.On(catalogapi.Topic, catalogapi.TypeProductChangedV1, func(ctx context.Context, ev daprkit.Event) error {
		var p catalogapi.ProductChangedV1
		if err := ev.Decode(&p); err != nil {
			return err
		}
		if p.ProductID == "" || p.Version < 1 {
			return incomplete(ev)
		}
		variants := make([]catalogapi.Sellable, len(p.Variants))
		for i, v := range p.Variants {
			variants[i] = catalogapi.Sellable{SKU: v.SKU, ProductID: p.ProductID, Version: p.Version, Title: cmp.Or(v.Title, p.Title),
				ImageURL: cmp.Or(v.ImageURL, p.ImageURL), TaxCategory: p.TaxCategory, WeightGrams: v.WeightGrams,
				Sellable: p.Status == catalogapi.StatusPublished}
		}
		return replica.KeepProduct(ctx, p.ProductID, p.Version, variants)
	})
	s.On(inventoryapi.Topic, inventoryapi.TypeLevelChangedV1, func(ctx context.Context, ev daprkit.Event) error {
		var l inventoryapi.LevelChangedV1
		if err := ev.Decode(&l); err != nil {
			return err
		}
		if l.SKU == "" || ev.Sequence < 1 {
			return incomplete(ev)
		}
		if l.Status == "" { // told before there was anything but shelves
			l.InStock = l.Available
		}
		return replica.KeepLevel(ctx, l.SKU, ev.Sequence, app.Level{Available: l.Available, InStock: l.InStock, Status: l.Status})
	})
	s.On(orderapi.Topic, orderapi.TypePlacedV1, func(ctx context.Context, ev daprkit.Event) error {
		var o orderapi.PlacedV1
		if err := ev.Decode(&o); err != nil {
			return err
		}
		if o.CartID == "" || o.OrderID == "" {
			return incomplete(ev)
		}
		return carts.Complete(ctx, o.CartID, o.OrderID)
	})
}

func incomplete(ev daprkit.Event) error {
	return fault.Newf(fault.Malformed, "malformed-event", "%s %s misses what it is about", ev.Type, ev.ID)
}
