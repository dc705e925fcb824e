// Package daprio takes in what catalog and order tell. A handler decodes, and hands values on; the database decides whether
// an event is new.
package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
)

// Subscribe registers the handlers.
func Subscribe(s *daprkit.Subscriptions, replica app.Replica) {
	s.On(catalogapi.Topic, catalogapi.TypeProductChangedV1, func(ctx context.Context, ev daprkit.Event) error {
		var data catalogapi.ProductChangedV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		if data.ProductID == "" || ev.Sequence < 1 {
			return fault.Newf(fault.Malformed, "malformed-event", "%s %s misses what it is about", ev.Type, ev.ID)
		}
		p := app.Product{ID: data.ProductID, TaxCategory: data.TaxCategory, SKUs: make([]string, 0, len(data.Variants))}
		for _, v := range data.Variants {
			p.SKUs = append(p.SKUs, v.SKU)
		}
		return replica.KeepProduct(ctx, event(ev), p)
	})
	s.On(orderapi.Topic, orderapi.TypePlacedV1, func(ctx context.Context, ev daprkit.Event) error {
		var data orderapi.PlacedV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		if len(data.Promotions) == 0 {
			return nil
		}
		codes := make([]string, 0, len(data.Promotions))
		for _, p := range data.Promotions {
			codes = append(codes, p.ID)
		}
		return replica.CountUses(ctx, event(ev), codes)
	})
}

func event(ev daprkit.Event) app.Event {
	return app.Event{ID: ev.ID, Subject: ev.Subject, Sequence: ev.Sequence}
}
