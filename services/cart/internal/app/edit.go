package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// attempts bounds how often a command decides anew because others were faster. The process's own commands queue up, so only other
// replicas are met here.
const attempts = 25

// vets bounds how often new SKUs that can be sold turn out not to be when they are appended.
const vets = 2

// edit is one command: decide says which event it is (nil: none) and what else changes with it.
type edit struct {
	Command
	newSKUs []string
	places  map[string]string // SKU → its place in the input
	decide  func(ctx context.Context, c *cart.Cart, now time.Time) (cart.Event, []Change, error)
}

// plain is a decide that needs nothing but the cart.
func plain(decide func(c *cart.Cart) (cart.Event, error)) func(context.Context, *cart.Cart, time.Time) (cart.Event, []Change, error) {
	return func(_ context.Context, c *cart.Cart, _ time.Time) (cart.Event, []Change, error) {
		event, err := decide(c)
		return event, nil, err
	}
}

// run does a command. A refusal of a repeat is none: what the key has stored is the answer.
func (s *Carts) run(ctx context.Context, e edit) (Result, error) {
	unlock, err := s.locks.lock(ctx, e.CartID)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	res, err := s.try(ctx, e)
	if err == nil || e.Key.Key == "" {
		return res, err
	}
	answer, ok, replayErr := s.Store.Replay(ctx, e.Key)
	switch {
	case ok:
		return Result{Cart: answer, Replayed: true}, nil
	case errors.Is(replayErr, idem.ErrReused):
		return Result{}, replayErr
	}
	return Result{}, errors.Join(err, replayErr)
}

// state is a cart as a command sees it.
type state struct {
	Projection
	tag    Tag
	fresh  bool // from the log: what it says is true
	quoted bool // Quote belongs to Cart
}

// current reads the cart from its projection, else from the log.
func (s *Carts) current(ctx context.Context, id string) (state, error) {
	p, ok, tag := s.Projections.Get(ctx, id)
	if ok {
		return state{Projection: p, tag: tag, quoted: true}, nil
	}
	return s.rebuilt(ctx, id, tag)
}

func (s *Carts) rebuilt(ctx context.Context, id string, tag Tag) (state, error) {
	c, err := s.Store.Load(ctx, id)
	if err != nil {
		return state{}, err
	}
	return state{Projection: Projection{Cart: c}, tag: tag, fresh: true}, nil
}

func (s *Carts) try(ctx context.Context, e edit) (Result, error) {
	now := s.now()
	st, err := s.current(ctx, e.CartID)
	for range attempts {
		if err != nil {
			return Result{}, err
		}
		res, lost := s.once(ctx, e, st, now)
		if !isConflict(lost) {
			return res, lost
		}
		st, err = s.rebuilt(ctx, e.CartID, st.tag)
	}
	return Result{}, ErrBusy
}

// once decides on st. A refusal is believed only when st is: what a projection says may be behind, so it is ErrConflict.
func (s *Carts) once(ctx context.Context, e edit, st state, now time.Time) (Result, error) {
	doubt := func(err error) (Result, error) {
		if !st.fresh {
			return Result{}, ErrConflict
		}
		return Result{}, err
	}
	if s.expired(&st.Cart, now) {
		return doubt(cart.ErrNotFound)
	}
	if e.IfMatch != 0 && e.IfMatch != st.Cart.Version {
		return doubt(ErrVersion)
	}
	event, others, err := e.decide(ctx, &st.Cart, now)
	if err != nil {
		return doubt(err)
	}
	if event == nil && !st.fresh {
		return Result{}, ErrConflict // nothing would be appended, so nothing would tell that the projection is behind
	}
	next, changes := st.Projection, others
	if event != nil {
		next.Cart, err = st.Cart.Apply(cart.Recorded{Version: st.Cart.Version + 1, At: now, Event: event})
		if err != nil {
			return Result{}, err
		}
	}
	if event != nil || !st.quoted || !valid(next, now) {
		if next.Quote, err = s.quote(ctx, &next.Cart, now); errors.Is(err, ErrPricing) {
			return Result{}, err
		} else if err != nil {
			return doubt(err)
		}
	}
	if err := s.priced(ctx, e, next.Quote); err != nil {
		return Result{}, err
	}
	if event != nil {
		changes = append([]Change{{Event: event, After: next.Cart, Total: next.Quote.Totals.Total.Minor}}, others...)
	}
	return s.append(ctx, e, st.tag, next, changes)
}

// append makes the change, and then the projection.
func (s *Carts) append(ctx context.Context, e edit, tag Tag, next Projection, changes []Change) (Result, error) {
	w := Write{Key: e.Key, Actor: e.Actor, Changes: changes, NewSKUs: e.newSKUs, SKUs: next.Cart.SKUs(),
		Answer: func(items map[string]Item) cartapi.Cart { return s.answer(next, items) }}
	if len(changes) == 0 {
		w.NewSKUs = nil
	}
	answer, replayed, err := s.Store.Apply(ctx, w)
	for n := 0; errors.Is(err, ErrItems); n++ {
		if err := s.vet(ctx, e); err != nil {
			return Result{}, err
		}
		if n == vets {
			return Result{}, ErrBusy
		}
		answer, replayed, err = s.Store.Apply(ctx, w) // now the replica knows them, if it was not told otherwise in between
	}
	if err != nil {
		return Result{}, err
	}
	if !replayed {
		s.Projections.Put(ctx, next, tag)
	}
	return Result{Cart: answer, Replayed: replayed}, nil
}

// priced refuses new SKUs that pricing has no price for. Lines that have lost theirs do not hinder the change of others.
func (s *Carts) priced(ctx context.Context, e edit, q pricingapi.Quote) error {
	if len(q.Unsellable) == 0 || len(e.newSKUs) == 0 {
		return nil
	}
	refusal, hit := ErrNotSellable, false
	for _, u := range q.Unsellable {
		if place, ok := e.places[u.SKU]; ok {
			refusal, hit = refusal.WithField(place, "has no price in this currency and country", u.SKU), true
		}
	}
	if !hit {
		return nil
	}
	if err := s.vet(ctx, e); err != nil {
		return err
	}
	return refusal
}

// vet looks new SKUs up, asks catalog once for those that the replica does not know, and refuses what cannot be sold.
func (s *Carts) vet(ctx context.Context, e edit) error {
	_, items, err := s.Store.Read(ctx, e.CartID, e.newSKUs)
	if err != nil {
		return err
	}
	var ask []string
	for _, sku := range e.newSKUs {
		if !items[sku].Known {
			ask = append(ask, sku)
		}
	}
	if len(ask) > 0 {
		told, err := s.Catalog.Sellables(ctx, ask)
		if err != nil {
			return ErrCatalog.WithCause(err)
		}
		if err := s.Store.Keep(ctx, told); err != nil {
			return fmt.Errorf("keep what catalog told: %w", err)
		}
		for _, t := range told {
			items[t.SKU] = Item{Known: true, Sellable: t.Sellable}
		}
	}
	unknown, withdrawn := ErrUnknownSKU, ErrNotSellable
	for _, sku := range e.newSKUs {
		switch it := items[sku]; {
		case !it.Known:
			unknown = unknown.WithField(e.places[sku], "is not known", sku)
		case !it.Sellable:
			withdrawn = withdrawn.WithField(e.places[sku], "is not sold now", sku)
		}
	}
	switch {
	case len(unknown.Fields) > 0:
		return unknown
	case len(withdrawn.Fields) > 0:
		return withdrawn
	}
	return nil
}
