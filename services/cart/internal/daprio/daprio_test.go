package daprio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/cart/internal/carttest"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

var discard = slog.New(slog.DiscardHandler)

// projection draws a cart with a quote that fits it.
func projection(t *rapid.T) app.Projection {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123000, time.UTC)
	n := rapid.Int64Range(0, 1<<40)
	amount := func(name string) money.Amount { return money.New(n.Draw(t, name), "JPY") }
	p := app.Projection{
		Cart: cart.Cart{ID: strings.Repeat("a", 32), Version: rapid.Int64Range(1, 1<<40).Draw(t, "version"), Status: cart.Open, Currency: "JPY", Country: "JP", Channel: rapid.SampledFrom([]string{"", "app"}).Draw(t, "channel"),
			NextLine: n.Draw(t, "next"), UpdatedAt: at, CustomerID: rapid.StringN(0, 5, 20).Draw(t, "customer")},
		Quote: pricingapi.Quote{ID: "q", Currency: "JPY", ValidUntil: at.Add(time.Hour),
			Totals: pricingapi.Totals{Subtotal: amount("s"), Discount: amount("d"), Shipping: amount("h"), Tax: amount("x"), Total: amount("t"), TaxIncluded: true}},
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "lines") {
		l := cart.Line{ID: fmt.Sprint("l", i), SKU: fmt.Sprint("s", i), Quantity: rapid.Int64Range(1, 9999).Draw(t, "quantity")}
		if rapid.Bool().Draw(t, "metadata") {
			l.Metadata = []byte(`{"text":"\u003c"}`)
		}
		p.Cart.Lines = append(p.Cart.Lines, l)
		if rapid.Bool().Draw(t, "unsellable") {
			p.Quote.Unsellable = append(p.Quote.Unsellable, pricingapi.Unsellable{ID: l.ID, SKU: l.SKU, Reason: "no-price"})
			continue
		}
		q := pricingapi.QuotedLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, UnitPrice: amount("u"), Subtotal: amount("b"), Tax: amount("x"), TaxRateBP: 800, Total: amount("e")}
		if rapid.Bool().Draw(t, "compare") {
			c := amount("c")
			q.CompareAtPrice = &c
		}
		if rapid.Bool().Draw(t, "discount") {
			q.Discounts = append(q.Discounts, pricingapi.Discount{PromotionID: "TEN", Label: "Ten", Amount: amount("o")})
		}
		p.Quote.Lines = append(p.Quote.Lines, q)
	}
	if rapid.Bool().Draw(t, "coupon") {
		p.Cart.Coupons, p.Cart.MergedFrom = []string{"TEN"}, []string{strings.Repeat("b", 32)}
		p.Quote.Coupons = []pricingapi.Coupon{{Code: "TEN", Status: "applied"}}
		p.Quote.Promotions = []pricingapi.Promotion{{ID: "TEN", Label: "Ten", Amount: amount("p"), Explanation: "off"}}
	}
	return p
}

func TestProjectionSurvivesTheCodec(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := projection(t)
		data, err := encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(want.Cart.ID, data)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("null")) {
			t.Fatalf("null in %s", data)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWhatCannotBeReadIsMissing(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 32)
	state := carttest.NewState()
	p := NewProjections(state, time.Hour, discard)
	for name, data := range map[string]string{
		"rubbish": "\x00\xff", "nothing": "", "another form": `{"v":2,"id":"` + id + `","n":1}`, "another cart": `{"v":1,"id":"b","n":1}`,
		"wrong types": `{"v":1,"id":"` + id + `","n":"1"}`, "no version": `{"v":1,"id":"` + id + `"}`,
	} {
		state.Put(id, []byte(data))
		_, ok, tag := p.Get(t.Context(), id)
		if ok || tag == nil || *tag == "" {
			t.Errorf("%s: read %v, tag %v: it must be possible to overwrite it", name, ok, tag)
		}
		good := app.Projection{Cart: cart.Cart{ID: id, Version: 1, Currency: "USD"}}
		p.Put(t.Context(), good, tag)
		if _, ok, _ := p.Get(t.Context(), id); !ok {
			t.Errorf("%s: not replaced", name)
		}
	}
}

func TestTheFirstWriterWins(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 32)
	p := NewProjections(carttest.NewState(), time.Hour, discard)
	at := func(version int64) app.Projection {
		return app.Projection{Cart: cart.Cart{ID: id, Version: version, Currency: "USD"}}
	}
	_, _, none := p.Get(t.Context(), id)
	p.Put(t.Context(), at(1), none)
	p.Put(t.Context(), at(2), none)
	_, _, tag := p.Get(t.Context(), id)
	p.Put(t.Context(), at(3), tag)
	p.Put(t.Context(), at(4), tag)
	p.Put(t.Context(), at(5), nil)
	if got, _, _ := p.Get(t.Context(), id); got.Cart.Version != 3 {
		t.Errorf("version %d, want 3", got.Cart.Version)
	}
}

// A store that hangs costs three deadlines, then nothing until it is asked again; one good answer closes the breaker.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := strings.Repeat("a", 32)
		state := carttest.NewState()
		p := NewProjections(state, time.Hour, discard)
		hang := func(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() }
		state.Before(hang)
		start := time.Now()
		for range 50 {
			if _, ok, tag := p.Get(t.Context(), id); ok || tag != nil {
				t.Fatal("a store that hangs has answered")
			}
		}
		if took := time.Since(start); took != 3*stateDeadline {
			t.Errorf("50 reads took %s, want three deadlines", took)
		}
		<-time.After(breakFor + time.Millisecond)
		p.Get(t.Context(), id)
		p.Get(t.Context(), id)
		if gets, _ := state.Calls(); gets != 4 {
			t.Errorf("%d calls, want 4: one to try again", gets)
		}
		state.Before(nil)
		<-time.After(breakFor + time.Millisecond)
		for range 5 {
			if _, _, tag := p.Get(t.Context(), id); tag == nil {
				t.Error("the store is back, and is not asked")
			}
		}
		state.Before(hang)
		for range 10 { // shoppers who leave say nothing about the store
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			p.Get(ctx, id)
			cancel()
		}
		state.Before(nil)
		if _, _, tag := p.Get(t.Context(), id); tag == nil {
			t.Error("shoppers who left have opened the breaker")
		}
	})
}

// sink records what events do.
type sink struct {
	calls []string
	err   error
}

func (s *sink) note(format string, args ...any) error {
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
	return s.err
}

func (s *sink) KeepProduct(_ context.Context, id string, version int64, all []catalogapi.Sellable) error {
	return s.note("product %s %d %v", id, version, all)
}

func (s *sink) KeepLevel(_ context.Context, sku string, sequence int64, l app.Level) error {
	return s.note("level %s %d %d %d %s", sku, sequence, l.Available, l.InStock, l.Status)
}

func (s *sink) Complete(_ context.Context, cartID, orderID string) error {
	return s.note("complete %s %s", cartID, orderID)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const product = `{"sequence":7,"product_id":"p","version":3,"status":"%s","title":"Shirt","image_url":"/p.svg","tax_category":"standard","variants":[{"sku":"a","weight_grams":250,"title":"Shirt, M","image_url":"/a.svg"},{"sku":"b"}]}`
	for name, tc := range map[string]struct {
		topic, typ, data string
		err              error
		want             daprkit.Outcome
		call             string
	}{
		"product published": {"catalog", "catalog.product_changed.v1", fmt.Sprintf(product, "published"), nil, daprkit.Ack,
			"product p 3 [{a p 3 Shirt, M /a.svg standard 250 true} {b p 3 Shirt /p.svg standard 0 true}]"},
		"product archived": {"catalog", "catalog.product_changed.v1", fmt.Sprintf(product, "archived"), nil, daprkit.Ack,
			"product p 3 [{a p 3 Shirt, M /a.svg standard 250 false} {b p 3 Shirt /p.svg standard 0 false}]"},
		"level":                  {"inventory", "inventory.level_changed.v1", `{"sequence":4,"sku":"a","available":-2}`, nil, daprkit.Ack, "level a 4 -2 -2 "},
		"level beyond the shelf": {"inventory", "inventory.level_changed.v1", `{"sequence":4,"sku":"a","in_stock":1,"available":5,"status":"low_stock"}`, nil, daprkit.Ack, "level a 4 5 1 low_stock"},
		"order placed":           {"order", "order.placed.v1", `{"sequence":1,"order_id":"o","cart_id":"c"}`, nil, daprkit.Ack, "complete c o"},
		"not ours":               {"order", "order.confirmed.v1", `{"sequence":1}`, nil, daprkit.Ack, ""},
		"database is slow":       {"order", "order.placed.v1", `{"sequence":1,"order_id":"o","cart_id":"c"}`, fault.New(fault.Timeout, "x", ""), daprkit.Retry, "complete c o"},
		"outcome unknown":        {"inventory", "inventory.level_changed.v1", `{"sequence":4,"sku":"a"}`, fault.New(fault.Timeout, "x", ""), daprkit.Retry, "level a 4 0 0 "},
		"a bug":                  {"inventory", "inventory.level_changed.v1", `{"sequence":4,"sku":"a"}`, errors.New("x"), daprkit.Retry, "level a 4 0 0 "},
		"not readable":           {"catalog", "catalog.product_changed.v1", `{"version":"three"}`, nil, daprkit.Drop, ""},
		"product without id":     {"catalog", "catalog.product_changed.v1", `{"sequence":1,"version":1}`, nil, daprkit.Drop, ""},
		"level without a number": {"inventory", "inventory.level_changed.v1", `{"sku":"a"}`, nil, daprkit.Drop, ""},
		"order without a cart":   {"order", "order.placed.v1", `{"sequence":1,"order_id":"o"}`, nil, daprkit.Drop, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sink{err: tc.err}
			subs := daprkit.NewSubscriptions(daprkit.PubSub, discard)
			Subscribe(subs, s, s)
			r := chi.NewRouter()
			daprkit.Mount(r, daprkit.Routes{AppID: "cart", AppToken: "t", Subscriptions: subs})
			body := fmt.Sprintf(`{"specversion":"1.0","id":"e1","type":%q,"source":"x","subject":"s","data":%s}`, tc.typ, tc.data)
			w := testkit.Deliver(t, r, "t", "/events/"+tc.topic, body)
			if !strings.Contains(w.Body.String(), string(tc.want)) || w.Code != 200 {
				t.Errorf("%d %s, want %s", w.Code, w.Body, tc.want)
			}
			if got := strings.Join(s.calls, "; "); got != tc.call {
				t.Errorf("calls %q, want %q", got, tc.call)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOtherServicesAreAskedAsTheirContractsSay(t *testing.T) {
	t.Parallel()
	var asked []string
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %s", r.Method, r.URL, body))
		if _, ok := r.Context().Deadline(); !ok {
			t.Error("a call without a deadline")
		}
		answer := `{"quote_id":"q","currency":"USD","totals":{"total":{"amount":5,"currency":"USD"}}}`
		if strings.Contains(r.URL.Path, "sellables") {
			answer = `{"items":[{"sku":"a","product_id":"p","version":1,"title":"A","tax_category":"standard","sellable":true}]}`
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer))}, nil
	})
	q, err := Pricing{Caller: daprkit.NewCaller(transport, "pricing")}.Quote(t.Context(), pricingapi.QuoteRequest{Currency: "USD", Country: "US", Lines: []pricingapi.QuoteLine{{ID: "l1", SKU: "a", Quantity: 1}}})
	if err != nil || q.ID != "q" || q.Totals.Total.Minor != 5 {
		t.Errorf("%+v, %v", q, err)
	}
	all, err := Catalog{Caller: daprkit.NewCaller(transport, "catalog")}.Sellables(t.Context(), []string{"a", "b"})
	if err != nil || len(all) != 1 || all[0].Title != "A" {
		t.Errorf("%+v, %v", all, err)
	}
	want := []string{
		`POST http://pricing/v1/internal/quote {"currency":"USD","country":"US","lines":[{"id":"l1","sku":"a","quantity":1}]}`,
		`POST http://catalog/v1/internal/sellables {"skus":["a","b"]}`,
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}
