package cart

import (
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Event is what happened to a cart; the types below are all there are.
type Event interface{ apply(c *Cart) error }

// Recorded is an event in its place in the log.
type Recorded struct {
	Version int64
	At      time.Time
	Event   Event
}

// Created begins a cart; it is the event of version 1.
type Created struct {
	Currency   money.Currency
	Country    string
	Channel    string
	CustomerID string
}

// LinesAdded adds to lines or makes new ones: a LineID that the cart has not is new. Quantity is what is added.
type LinesAdded struct{ Lines []Line }

// QuantityChanged sets the quantity of a line.
type QuantityChanged struct {
	LineID   string
	Quantity int64
}

// LineRemoved takes a line out.
type LineRemoved struct{ LineID string }

// CouponAdded notes a code; whether it has an effect is pricing's to say.
type CouponAdded struct{ Code string }

// CouponRemoved forgets a code.
type CouponRemoved struct{ Code string }

// MergedIn takes over lines and coupons of another cart, and of those that were merged into it earlier.
type MergedIn struct {
	From    string
	Earlier []string
	Lines   []Line
	Coupons []string
}

// MergedInto is the other end of MergedIn: the cart is empty and closed.
type MergedInto struct{ Into string }

// MergedOrdered takes out what a merged cart had brought: its own checkout was completed all the same.
type MergedOrdered struct {
	From, OrderID string
	Lines         []Line
}

// OrderPlaced closes the cart.
type OrderPlaced struct{ OrderID string }

// Apply returns the cart after the events, which must follow one another without a gap. An error is a broken log.
func (c Cart) Apply(events ...Recorded) (Cart, error) {
	c.Lines, c.Coupons, c.MergedFrom = slices.Clone(c.Lines), slices.Clone(c.Coupons), slices.Clone(c.MergedFrom)
	for _, r := range events {
		if r.Version != c.Version+1 {
			return c, fmt.Errorf("event %d of cart %s follows version %d", r.Version, c.ID, c.Version)
		}
		if err := r.Event.apply(&c); err != nil {
			return c, fmt.Errorf("event %d of cart %s: %w", r.Version, c.ID, err)
		}
		c.Version, c.UpdatedAt = r.Version, r.At
	}
	return c, nil
}

func (e Created) apply(c *Cart) error {
	if c.Version != 0 {
		return fmt.Errorf("created twice")
	}
	c.Status, c.Currency, c.Country, c.Channel, c.CustomerID = Open, e.Currency, e.Country, e.Channel, e.CustomerID
	return nil
}

func (e LinesAdded) apply(c *Cart) error {
	c.add(e.Lines)
	return nil
}

func (c *Cart) add(lines []Line) {
	at := make(map[string]int, len(c.Lines)+len(lines))
	for i, l := range c.Lines {
		at[l.ID] = i
	}
	for _, l := range lines {
		i, ok := at[l.ID]
		if !ok {
			at[l.ID] = len(c.Lines)
			c.Lines = append(c.Lines, l)
			c.NextLine++
			continue
		}
		c.Lines[i].Quantity += l.Quantity
		if l.Metadata != nil {
			c.Lines[i].Metadata = l.Metadata
		}
	}
}

func (e QuantityChanged) apply(c *Cart) error {
	for i := range c.Lines {
		if c.Lines[i].ID == e.LineID {
			c.Lines[i].Quantity = e.Quantity
			return nil
		}
	}
	return fmt.Errorf("no line %s", e.LineID)
}

func (e LineRemoved) apply(c *Cart) error {
	before := len(c.Lines)
	c.Lines = slices.DeleteFunc(c.Lines, func(l Line) bool { return l.ID == e.LineID })
	if len(c.Lines) == before {
		return fmt.Errorf("no line %s", e.LineID)
	}
	return nil
}

func (e CouponAdded) apply(c *Cart) error {
	c.Coupons = append(c.Coupons, e.Code)
	return nil
}

func (e CouponRemoved) apply(c *Cart) error {
	c.Coupons = slices.DeleteFunc(c.Coupons, func(code string) bool { return code == e.Code })
	return nil
}

func (e MergedIn) apply(c *Cart) error {
	c.add(e.Lines)
	c.Coupons = append(c.Coupons, e.Coupons...)
	c.MergedFrom = append(append(c.MergedFrom, e.Earlier...), e.From)
	return nil
}

func (e MergedOrdered) apply(c *Cart) error {
	for _, l := range e.Lines {
		if i := c.bySKU(l.SKU); i >= 0 {
			c.Lines[i].Quantity -= l.Quantity
		}
	}
	c.Lines = slices.DeleteFunc(c.Lines, func(l Line) bool { return l.Quantity <= 0 })
	c.MergedFrom = slices.DeleteFunc(c.MergedFrom, func(id string) bool { return id == e.From })
	return nil
}

func (e MergedInto) apply(c *Cart) error {
	c.Into, c.Moved = e.Into, c.Lines
	c.Status, c.Lines, c.Coupons = Merged, nil, nil
	return nil
}

func (e OrderPlaced) apply(c *Cart) error {
	c.Status, c.OrderID = Completed, e.OrderID
	return nil
}
