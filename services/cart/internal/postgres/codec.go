package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
)

// The types of events in the log. They are part of the public contract, because shoppers may read their cart's log.
const (
	typeCreated         = "created"
	typeLinesAdded      = "lines_added"
	typeQuantityChanged = "quantity_changed"
	typeLineRemoved     = "line_removed"
	typeCouponAdded     = "coupon_added"
	typeCouponRemoved   = "coupon_removed"
	typeMergedIn        = "merged_in"
	typeMergedInto      = "merged_into"
	typeMergedOrdered   = "merged_ordered"
	typeOrderPlaced     = "order_placed"
)

// eventDoc is the data of any event; each type has its own members of it.
type eventDoc struct {
	Currency   string    `json:"currency,omitempty"`
	Country    string    `json:"country,omitempty"`
	Channel    string    `json:"channel,omitempty"`
	CustomerID string    `json:"customer_id,omitempty"`
	Lines      []lineDoc `json:"lines,omitempty"`
	LineID     string    `json:"line_id,omitempty"`
	Quantity   int64     `json:"quantity,omitempty"`
	Code       string    `json:"code,omitempty"`
	Coupons    []string  `json:"coupons,omitempty"`
	OrderID    string    `json:"order_id,omitempty"`

	// Of a merge. The log never shows it: who reads the log of one cart must not learn the id, and so the capability, of another.
	From    string   `json:"from,omitempty"`
	Earlier []string `json:"earlier,omitempty"`
	Into    string   `json:"into,omitempty"`
}

type lineDoc struct {
	ID       string          `json:"id"`
	SKU      string          `json:"sku"`
	Quantity int64           `json:"quantity"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

func lineDocs(lines []cart.Line) []lineDoc {
	docs := make([]lineDoc, len(lines))
	for i, l := range lines {
		docs[i] = lineDoc{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Metadata: l.Metadata}
	}
	return docs
}

func linesOf(docs []lineDoc) []cart.Line {
	lines := make([]cart.Line, len(docs))
	for i, d := range docs {
		lines[i] = cart.Line{ID: d.ID, SKU: d.SKU, Quantity: d.Quantity, Metadata: d.Metadata}
	}
	return lines
}

func encodeEvent(e cart.Event) (typ string, data []byte, err error) {
	var d eventDoc
	switch e := e.(type) {
	case cart.Created:
		typ, d = typeCreated, eventDoc{Currency: string(e.Currency), Country: e.Country, Channel: e.Channel, CustomerID: e.CustomerID}
	case cart.LinesAdded:
		typ, d = typeLinesAdded, eventDoc{Lines: lineDocs(e.Lines)}
	case cart.QuantityChanged:
		typ, d = typeQuantityChanged, eventDoc{LineID: e.LineID, Quantity: e.Quantity}
	case cart.LineRemoved:
		typ, d = typeLineRemoved, eventDoc{LineID: e.LineID}
	case cart.CouponAdded:
		typ, d = typeCouponAdded, eventDoc{Code: e.Code}
	case cart.CouponRemoved:
		typ, d = typeCouponRemoved, eventDoc{Code: e.Code}
	case cart.MergedIn:
		typ, d = typeMergedIn, eventDoc{From: e.From, Earlier: e.Earlier, Lines: lineDocs(e.Lines), Coupons: e.Coupons}
	case cart.MergedInto:
		typ, d = typeMergedInto, eventDoc{Into: e.Into}
	case cart.MergedOrdered:
		typ, d = typeMergedOrdered, eventDoc{From: e.From, OrderID: e.OrderID, Lines: lineDocs(e.Lines)}
	case cart.OrderPlaced:
		typ, d = typeOrderPlaced, eventDoc{OrderID: e.OrderID}
	default:
		return "", nil, fmt.Errorf("event %T has no form in the log", e)
	}
	data, err = json.Marshal(d)
	return typ, data, err
}

func decodeEvent(typ string, data []byte) (cart.Event, error) {
	var d eventDoc
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("data of %s: %w", typ, err)
	}
	switch typ {
	case typeCreated:
		return cart.Created{Currency: money.Currency(d.Currency), Country: d.Country, Channel: d.Channel, CustomerID: d.CustomerID}, nil
	case typeLinesAdded:
		return cart.LinesAdded{Lines: linesOf(d.Lines)}, nil
	case typeQuantityChanged:
		return cart.QuantityChanged{LineID: d.LineID, Quantity: d.Quantity}, nil
	case typeLineRemoved:
		return cart.LineRemoved{LineID: d.LineID}, nil
	case typeCouponAdded:
		return cart.CouponAdded{Code: d.Code}, nil
	case typeCouponRemoved:
		return cart.CouponRemoved{Code: d.Code}, nil
	case typeMergedIn:
		return cart.MergedIn{From: d.From, Earlier: d.Earlier, Lines: linesOf(d.Lines), Coupons: d.Coupons}, nil
	case typeMergedInto:
		return cart.MergedInto{Into: d.Into}, nil
	case typeMergedOrdered:
		return cart.MergedOrdered{From: d.From, OrderID: d.OrderID, Lines: linesOf(d.Lines)}, nil
	case typeOrderPlaced:
		return cart.OrderPlaced{OrderID: d.OrderID}, nil
	}
	return nil, fmt.Errorf("event type %q is not known", typ)
}

// public returns the data of an event without what nobody may see. Not by the database: jsonb refuses some of the JSON that a
// shopper may give as metadata (half a surrogate pair, 1e-20000), and bends the rest.
func public(data []byte) (json.RawMessage, error) {
	var d eventDoc
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("data of an event: %w", err)
	}
	d.From, d.Into, d.Earlier = "", "", nil
	return json.Marshal(d)
}

// snapshotDoc is a cart as of a version.
type snapshotDoc struct {
	Status     string    `json:"status"`
	Currency   string    `json:"currency"`
	Country    string    `json:"country"`
	Channel    string    `json:"channel,omitempty"`
	CustomerID string    `json:"customer_id,omitempty"`
	Lines      []lineDoc `json:"lines"`
	Coupons    []string  `json:"coupons,omitempty"`
	NextLine   int64     `json:"next_line"`
	MergedFrom []string  `json:"merged_from,omitempty"`
	Into       string    `json:"into,omitempty"`
	Moved      []lineDoc `json:"moved,omitempty"`
	OrderID    string    `json:"order_id,omitempty"`
	UpdatedAt  time.Time `json:"updated_at"`
}

func encodeSnapshot(c *cart.Cart) ([]byte, error) {
	return json.Marshal(snapshotDoc{Status: string(c.Status), Currency: string(c.Currency), Country: c.Country, Channel: c.Channel, CustomerID: c.CustomerID,
		Lines: lineDocs(c.Lines), Coupons: c.Coupons, NextLine: c.NextLine, MergedFrom: c.MergedFrom, Into: c.Into, Moved: lineDocs(c.Moved), OrderID: c.OrderID,
		UpdatedAt: c.UpdatedAt})
}

func decodeSnapshot(id string, version int64, data []byte) (cart.Cart, error) {
	if len(data) == 0 {
		return cart.Cart{ID: id}, nil
	}
	var d snapshotDoc
	if err := json.Unmarshal(data, &d); err != nil {
		return cart.Cart{}, fmt.Errorf("snapshot of cart %s: %w", id, err)
	}
	var moved []cart.Line
	if len(d.Moved) > 0 {
		moved = linesOf(d.Moved)
	}
	return cart.Cart{ID: id, Version: version, Status: cart.Status(d.Status), Currency: money.Currency(d.Currency), Country: d.Country, Channel: d.Channel,
		CustomerID: d.CustomerID, Lines: linesOf(d.Lines), Coupons: d.Coupons, NextLine: d.NextLine, MergedFrom: d.MergedFrom,
		Into: d.Into, Moved: moved, OrderID: d.OrderID, UpdatedAt: d.UpdatedAt}, nil
}
