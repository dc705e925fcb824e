package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// memory keeps one checkout and the keys, as the database does.
type memory struct {
	Store
	mu   sync.Mutex
	r    Record
	keys map[string]Entry
	fail func() error
}

func (m *memory) Find(_ context.Context, _ string, k Key) (Record, *Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return Record{}, nil, m.fail()
	}
	if e, ok := m.keys[k.Key]; ok && k.Key != "" {
		return m.r, &e, nil
	}
	return m.r, nil, nil
}

func (m *memory) Save(_ context.Context, c Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.keys[c.Key.Key]; !c.KeyOnly && c.Seen != m.r.Version || c.Begin && known {
		return ErrMoved
	}
	switch {
	case c.Begin:
		m.keys[c.Key.Key] = Entry{Attempt: c.After.Attempt}
	case c.Forget:
		delete(m.keys, c.Key.Key)
	case c.Answer != nil:
		m.keys[c.Key.Key] = Entry{Attempt: m.keys[c.Key.Key].Attempt, Answer: c.Answer}
	}
	if !c.KeyOnly {
		m.r = c.After
	}
	return nil
}

// orders answers what it is told to, when it is told to.
type orders func(ctx context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error)

func (o orders) Place(ctx context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
	return o(ctx, req)
}
func (o orders) Abandon(context.Context, string) (orderapi.PlaceResult, error) {
	return orderapi.PlaceResult{Outcome: orderapi.OutcomeAbandoned}, nil
}

func ready(o orders) (*App, *memory) {
	rates, err := Rates("")
	if err != nil {
		panic(err)
	}
	now := time.Now().UTC()
	totals := pricingapi.Totals{Total: money.New(100, "USD")}
	m := &memory{keys: map[string]Entry{}, r: Record{
		Checkout: checkout.Checkout{ID: "c", OrderID: "o", Status: checkout.Open, Version: 1, Email: "a@b.de", Shipping: &checkout.Address{Country: "DE"}, OptionID: "standard",
			Hold: checkout.Held, HoldUntil: now.Add(15 * time.Minute), ExpiresAt: now.Add(time.Hour)},
		Quote: Quote{ValidUntil: now.Add(15 * time.Minute), Country: "DE", Zone: "eu", Totals: totals, Options: []Option{{ShippingOption: orderapi.ShippingOption{ID: "standard"}, Totals: totals}}}}}
	return New(Config{Store: m, Orders: o, Rates: rates, Now: time.Now}), m
}

var input = checkoutapi.CompleteInput{Nonce: "n", ExpectedTotal: money.New(100, "USD")}

func confirmed(req orderapi.PlaceRequest) orderapi.PlaceResult {
	return orderapi.PlaceResult{Attempt: req.Attempt, Outcome: orderapi.OutcomeConfirmed, Order: &orderapi.Order{ID: req.OrderID, Number: "SC-1", AccessToken: "t"}}
}

// Who joins waits 20 s and no longer; who leads waits for order. Both are told the same once it is known.
func TestJoining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := ready(func(ctx context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
			select {
			case <-time.After(22 * time.Second):
				return confirmed(req), nil
			case <-ctx.Done():
				return orderapi.PlaceResult{}, ctx.Err()
			}
		})
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if c, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input); err != nil || c.Order == nil || time.Since(start) != 22*time.Second {
				t.Errorf("the first: %+v %v after %s", c, err, time.Since(start))
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input); !errors.Is(err, checkout.ErrInProgress) || time.Since(start) != joinLimit {
				t.Errorf("who joined: %v after %s", err, time.Since(start))
			}
		})
		<-time.After(10 * time.Second)
		wg.Go(func() {
			if c, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input); err != nil || c.Order == nil {
				t.Errorf("who joined later: %+v %v", c, err)
			}
		})
		wg.Wait()
	})
}

// A shopper who goes away does not stop what he began.
func TestFlightOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, m := ready(func(ctx context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
			<-time.After(5 * time.Second)
			return confirmed(req), ctx.Err()
		})
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if _, err := a.Complete(ctx, "c", Key{Key: "k"}, input); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if m.r.Status != checkout.Completed || m.keys["k"].Answer == nil {
			t.Errorf("%s, key %+v", m.r.Status, m.keys["k"])
		}
	})
}

func TestPanicEndsTheFlightOnly(t *testing.T) {
	t.Parallel()
	a, m := ready(func(context.Context, orderapi.PlaceRequest) (orderapi.PlaceResult, error) { panic("bug") })
	if _, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input); err == nil || !strings.Contains(err.Error(), "bug") {
		t.Fatalf("%v", err)
	}
	if m.r.Status != checkout.Completing {
		t.Errorf("it is %s: nobody knows what became of it", m.r.Status)
	}
	a.Orders = orders(func(_ context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
		return confirmed(req), nil
	})
	if c, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input); err != nil || c.Order == nil {
		t.Errorf("the repeat: %+v %v", c, err)
	}
}

// The outcome was learnt and could not be recorded: it is answered nevertheless, and learnt again by the repeat.
func TestOutcomeIsAnsweredWithoutRecord(t *testing.T) {
	t.Parallel()
	a, m := ready(nil)
	a.Orders = orders(func(_ context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
		m.mu.Lock()
		m.r.Version++ // somebody else recorded meanwhile; and now the database goes away
		m.fail = func() error { return fault.New(fault.Unavailable, "database-unavailable", "") }
		m.mu.Unlock()
		return confirmed(req), nil
	})
	if c, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input); err != nil || c.Order == nil {
		t.Fatalf("%+v %v", c, err)
	}
	m.fail = nil
	a.Orders = orders(func(_ context.Context, req orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
		return confirmed(req), nil
	})
	if c, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input); err != nil || c.Order == nil || m.r.Status != checkout.Completed {
		t.Errorf("%+v %v, %s", c, err, m.r.Status)
	}
}

// What order refuses to take was not recorded there: number and key are free.
func TestOrderRefuses(t *testing.T) {
	t.Parallel()
	a, m := ready(func(context.Context, orderapi.PlaceRequest) (orderapi.PlaceResult, error) {
		return orderapi.PlaceResult{}, fault.New(fault.Conflict, "another-order", "This checkout has another order.")
	})
	_, err := a.Complete(t.Context(), "c", Key{Key: "k"}, input)
	if fault.CodeOf(err) != "order-refused" || m.r.Status != checkout.Open || m.r.Attempt != 0 || len(m.keys) != 0 {
		t.Errorf("%v, %s, attempt %d, keys %v", err, m.r.Status, m.r.Attempt, m.keys)
	}
}

func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(), time.Now()
	for i := range limitKept {
		l.allow(string(rune(i)), now)
	}
	l.allow("one more", now.Add(time.Hour))
	if len(l.each) != 1 {
		t.Errorf("%d checkouts are remembered", len(l.each))
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	rates, err := Rates("")
	if err != nil {
		t.Fatal(err)
	}
	for _, country := range []string{"US", "CA", "GB", "DE", "JP", "KE"} {
		for _, currency := range []money.Currency{"USD", "EUR", "GBP", "JPY"} {
			goods := checkout.Goods{To: checkout.Address{Country: country}, Currency: currency, Value: money.Zero(currency)}
			if n := len(rates.Options(goods, time.Now())); n != 2 {
				t.Errorf("%s in %s: %d options", country, currency, n)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "rates.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nzone: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Rates(file); err == nil || !strings.Contains(err.Error(), "zone") {
		t.Errorf("an unknown member: %v", err)
	}
	if _, err := Rates(file + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := ParseRates(nil); err == nil {
		t.Error("an empty file was taken")
	}
}

// The file that operators are shown is one.
func TestExampleOfShippingRates(t *testing.T) {
	t.Parallel()
	rates, err := Rates("../../../../docs/examples/shipping.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for postal, want := range map[string]string{"97205": "portland", "98661": "portland", "98669": "us"} {
		if got := rates.Zone(checkout.Address{Country: "US", Region: "OR", PostalCode: postal}); got != want {
			t.Errorf("%s lies in %s", postal, got)
		}
	}
	for name, text := range map[string]string{"unknown member": "version: 1\nzones: []\nweights: 3", "a word for grams": "version: 1\nzones: [{id: a, countries: [US], services: [{by_weight: [{up_to_grams: heavy}]}]}]",
		"a list for prices": "version: 1\nzones: [{id: a, countries: [US], services: [{prices: [1]}]}]", "nothing": ""} {
		if _, err := ParseRates([]byte(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
