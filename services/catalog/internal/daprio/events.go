// Package daprio takes in what pricing and inventory tell. A handler decodes, and hands values on; the database decides whether
// an event is new.
package daprio

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/catalog/internal/app"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Subscribe registers the handlers.
func Subscribe(s *daprkit.Subscriptions, replica app.Replica) {
	s.On(pricingapi.Topic, pricingapi.TypePricesChangedV1, func(ctx context.Context, ev daprkit.Event) error {
		var data pricingapi.PricesChangedV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return replica.KeepPrices(ctx, event(ev), data.SKU, shown(data.Prices))
	})
	s.On(inventoryapi.Topic, inventoryapi.TypeLevelChangedV1, func(ctx context.Context, ev daprkit.Event) error {
		var data inventoryapi.LevelChangedV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return replica.KeepLevel(ctx, event(ev), data.SKU, app.Level{Available: data.Available, Status: data.Status, ShipsAt: data.ShipsAt})
	})
}

func event(ev daprkit.Event) app.Event { return app.Event{Subject: ev.Subject, Sequence: ev.Sequence} }

// shown keeps the rows that anybody gets for one piece: those of a channel, a customer group or a larger quantity are
// pricing's matter alone.
func shown(rows []pricingapi.ListPriceV1) (out []app.Price) {
	for _, r := range rows {
		if r.MinQuantity > 1 || r.Channel != "" || r.CustomerGroup != "" {
			continue
		}
		out = append(out, app.Price{List: r.PriceListID, Amount: r.Amount, CompareAt: r.CompareAtPrice, Countries: r.Countries,
			Priority: r.Priority, From: end(r.ValidFrom), To: end(r.ValidTo)})
	}
	return out
}

func end(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
