package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
)

var (
	idForm      = regexp.MustCompile(`^[0-9a-f]{32}$`)
	skuForm     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	codeForm    = regexp.MustCompile(`^[A-Z0-9_-]{1,40}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

// Begin is a new cart.
type Begin struct {
	Command
	Currency   money.Currency
	Country    string
	Channel    string // "": none
	CustomerID string
}

// Create makes an empty cart. The state store hears nothing of it yet: most empty carts stay so.
func (s *Carts) Create(ctx context.Context, b Begin) (Result, error) {
	var wrong fault.Collector
	wrong.Check(b.Currency.Valid(), "body.currency", "must be an ISO 4217 code", string(b.Currency))
	wrong.Check(countryForm.MatchString(b.Country), "body.country", "must be an ISO 3166-1 alpha-2 code", b.Country)
	wrong.Check(b.Channel == "" || slices.Contains(s.Channels, b.Channel), "body.channel", "is not a channel of this shop", b.Channel)
	if err := wrong.Err(); err != nil {
		return Result{}, err
	}
	now := s.now()
	event := cart.Created{Currency: b.Currency, Country: b.Country, Channel: b.Channel, CustomerID: b.CustomerID}
	c, err := cart.Cart{ID: s.NewID()}.Apply(cart.Recorded{Version: 1, At: now, Event: event})
	if err != nil {
		return Result{}, err
	}
	p := Projection{Cart: c, Quote: emptyQuote(&c)}
	answer, replayed, err := s.Store.Apply(ctx, Write{
		Key: b.Key, Actor: b.Actor, Changes: []Change{{Event: event, After: c}},
		Answer: func(map[string]Item) cartapi.Cart { return s.answer(p, nil) },
	})
	if err == nil && !replayed {
		s.Projections.Begun(p)
	}
	return Result{Cart: answer, Replayed: replayed}, err
}

// Add adds one item (its faults are at body.sku) or a batch of them, all or none.
func (s *Carts) Add(ctx context.Context, cmd Command, batch bool, items ...cart.Item) (Result, error) {
	if err := known(cmd); err != nil {
		return Result{}, err
	}
	e := edit{Command: cmd, places: make(map[string]string, len(items))}
	var wrong fault.Collector
	for i := range items {
		at := "body"
		if batch {
			at = fmt.Sprintf("body.lines[%d]", i)
		}
		it := &items[i]
		wrong.Check(skuForm.MatchString(it.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", it.SKU)
		wrong.Check(it.Quantity >= 1, at+".quantity", "must be at least 1", it.Quantity)
		it.Metadata = metadata(&wrong, at+".metadata", it.Metadata)
		if _, again := e.places[it.SKU]; !again {
			e.newSKUs = append(e.newSKUs, it.SKU)
			e.places[it.SKU] = at + ".sku"
		}
	}
	if err := wrong.Err(); err != nil {
		return Result{}, err
	}
	e.decide = plain(func(c *cart.Cart) (cart.Event, error) { return c.Add(items...) })
	return s.run(ctx, e)
}

// metadata returns a JSON object in the one form that encoding/json leaves as it is, or nil for none.
func metadata(wrong *fault.Collector, at string, raw []byte) []byte {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var short bytes.Buffer
	if err := json.Compact(&short, raw); err != nil || raw[0] != '{' {
		wrong.Add(at, "must be an object", nil)
		return nil
	}
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, short.Bytes())
	wrong.Check(escaped.Len() <= cart.MaxMetadata, at, fmt.Sprintf("must have at most %d bytes, and <, > and & count six", cart.MaxMetadata), nil)
	return escaped.Bytes()
}

// SetQuantity sets the quantity of a line; 0 removes it.
func (s *Carts) SetQuantity(ctx context.Context, cmd Command, lineID string, quantity int64) (Result, error) {
	if err := known(cmd); err != nil {
		return Result{}, err
	}
	if quantity < 0 {
		return Result{}, fault.New(fault.Invalid, "validation-failed", "body.quantity: must not be negative").
			WithField("body.quantity", "must not be negative", quantity)
	}
	return s.run(ctx, edit{Command: cmd, decide: plain(func(c *cart.Cart) (cart.Event, error) { return c.SetQuantity(lineID, quantity) })})
}

// AddCoupon notes a code; the answer says whether it applies.
func (s *Carts) AddCoupon(ctx context.Context, cmd Command, code string) (Result, error) {
	if err := known(cmd); err != nil {
		return Result{}, err
	}
	if !codeForm.MatchString(cart.NormalCode(code)) {
		return Result{}, fault.New(fault.Invalid, "validation-failed", "body.code: must be 1 to 40 letters, digits, _ or -").
			WithField("body.code", "must be 1 to 40 letters, digits, _ or -", nil)
	}
	return s.run(ctx, edit{Command: cmd, decide: plain(func(c *cart.Cart) (cart.Event, error) { return c.AddCoupon(code) })})
}

// RemoveCoupon forgets a code.
func (s *Carts) RemoveCoupon(ctx context.Context, cmd Command, code string) (Result, error) {
	if err := known(cmd); err != nil {
		return Result{}, err
	}
	return s.run(ctx, edit{Command: cmd, decide: plain(func(c *cart.Cart) (cart.Event, error) { return c.RemoveCoupon(code) })})
}

// Merge moves everything out of another cart into this one and closes the other. Again changes nothing.
func (s *Carts) Merge(ctx context.Context, cmd Command, from string) (Result, error) {
	if err := known(cmd); err != nil {
		return Result{}, err
	}
	if !idForm.MatchString(from) {
		return Result{}, cart.ErrNotFound
	}
	return s.run(ctx, edit{Command: cmd, decide: func(ctx context.Context, c *cart.Cart, now time.Time) (cart.Event, []Change, error) {
		other, err := s.Store.Load(ctx, from)
		if err != nil {
			return nil, nil, err
		}
		if s.expired(&other, now) {
			return nil, nil, cart.ErrNotFound
		}
		into, away, err := c.Merge(&other)
		if err != nil || into == nil {
			return nil, nil, err
		}
		emptied, err := other.Apply(cart.Recorded{Version: other.Version + 1, At: now, Event: away})
		return into, []Change{{Event: away, After: emptied}}, err
	}})
}

// Complete closes the cart of an order. A cart that is gone is none to close. When its lines had moved into another cart meanwhile, they
// leave that one, or they would be bought twice. It is idempotent.
func (s *Carts) Complete(ctx context.Context, id, orderID string) error {
	if !idForm.MatchString(id) {
		return nil
	}
	for n := range attempts {
		p, near := s.Projections.Near(id)
		c := p.Cart
		if near = near && n == 0 && c.Status == cart.Open; !near { // what is near may be behind: the append finds out, and then the log is read
			var err error
			if c, err = s.Store.Load(ctx, id); fault.KindOf(err) == fault.NotFound {
				return nil
			} else if err != nil {
				return err
			}
		}
		event := c.Place(orderID)
		if event == nil {
			return nil
		}
		after, err := c.Apply(cart.Recorded{Version: c.Version + 1, At: s.now(), Event: event})
		if err != nil {
			return err
		}
		changes := []Change{{Event: event, After: after}}
		if c.Into != "" {
			out, err := s.takeOut(ctx, &c, orderID)
			if err != nil {
				return err
			}
			changes = append(changes, out...)
		}
		_, _, err = s.Store.Apply(ctx, Write{Actor: "order", Changes: changes})
		if !isConflict(err) {
			return err
		}
	}
	return ErrBusy
}

// maxMerges bounds the way from a merged cart to the one that has its lines now.
const maxMerges = 32

// takeOut is what the order of a merged cart changes in the cart that has its lines now.
func (s *Carts) takeOut(ctx context.Context, from *cart.Cart, orderID string) ([]Change, error) {
	id := from.Into
	for range maxMerges {
		has, err := s.Store.Load(ctx, id)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			return nil, nil
		case err != nil:
			return nil, err
		case has.Status == cart.Merged:
			id = has.Into
			continue
		}
		event := has.TakeOut(from, orderID)
		if event == nil {
			return nil, nil
		}
		now := s.now()
		after, err := has.Apply(cart.Recorded{Version: has.Version + 1, At: now, Event: event})
		if err != nil {
			return nil, err
		}
		q, err := s.quote(ctx, &after, now)
		if err != nil {
			return nil, err
		}
		return []Change{{Event: event, After: after, Total: q.Totals.Total.Minor}}, nil
	}
	return nil, nil
}

// known refuses what cannot be a cart's id, as if it were unknown.
func known(cmd Command) error {
	if !idForm.MatchString(cmd.CartID) {
		return cart.ErrNotFound
	}
	return nil
}
