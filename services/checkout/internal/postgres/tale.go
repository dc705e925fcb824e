package postgres

import (
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
)

// tale is the event of what a change tells.
func tale(r app.Record) outbox.Event {
	ev := outbox.Event{Topic: checkoutapi.Topic, Type: checkoutapi.TypeExpiredV1, Subject: r.ID, Time: r.UpdatedAt,
		Data: checkoutapi.ExpiredV1{CheckoutID: r.ID, CartID: r.CartID, OrderID: r.OrderID, ExpiredAt: r.UpdatedAt}}
	switch r.Tells {
	case checkout.TellsAbandoned:
		ev.Type, ev.Data = checkoutapi.TypeAbandonedV1, abandoned(r)
	case checkout.TellsResumed:
		ev.Type, ev.Data = checkoutapi.TypeResumedV1, checkoutapi.ResumedV1{CheckoutID: r.ID, CartID: r.CartID, CustomerID: r.CustomerID, ResumedAt: r.UpdatedAt}
	case checkout.TellsExpired, checkout.TellsNothing:
	}
	return ev
}

func abandoned(r app.Record) checkoutapi.AbandonedV1 {
	data := checkoutapi.AbandonedV1{CheckoutID: r.ID, CartID: r.CartID, CartVersion: r.CartVersion, CustomerID: r.CustomerID, Email: r.Email,
		Currency: string(r.Currency), Country: r.Quote.Country, Channel: r.Channel, Total: r.Totals().Total, Missing: r.Missing(!r.Totals().Total.IsZero(), false),
		AbandonedAt: r.UpdatedAt, ExpiresAt: r.ExpiresAt, Lines: make([]checkoutapi.AbandonedLine, len(r.Quote.Lines))}
	for i, l := range r.Quote.Lines {
		data.Lines[i] = checkoutapi.AbandonedLine{SKU: l.SKU, ProductID: l.ProductID, Title: l.Title, ImageURL: l.ImageURL, Quantity: l.Quantity, Total: l.Total}
	}
	return data
}
