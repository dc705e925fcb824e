package checkouttest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// RoundTrip is the way through the sidecar.
func (n *Neighbours) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	call := r.URL.Host
	if parts := strings.Split(r.URL.Path, "/"); call == "order" {
		call += " " + parts[len(parts)-1]
	} else if call == "inventory" {
		call += " " + r.Method
	} else if call == "payment" && r.URL.Path != paymentapi.PathClientToken {
		call += " credit"
	}
	n.mu.Lock()
	n.calls[call]++
	before, after := n.Before, n.After
	n.mu.Unlock()
	if before != nil {
		if err := before(call); err != nil {
			return answer(nil, err)
		}
	}
	out, err := n.serve(r, body)
	if err == nil && after != nil {
		err = after(call)
	}
	return answer(out, err)
}

// answer is a response, or the error of a call that got none.
func answer(out any, err error) (*http.Response, error) {
	w := httptest.NewRecorder()
	switch f, _ := fault.As(err); {
	case f != nil && (f.Kind == fault.Timeout || f.Kind == fault.Unavailable):
		return nil, err
	case err != nil:
		httpx.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), err)
	case out == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		data, err := json.Marshal(out)
		if err != nil {
			return nil, err
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(data)
	}
	return w.Result(), nil
}

var errBad = fault.New(fault.Malformed, "malformed", "The fake does not understand.")

func read[T any](body []byte) (v T, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, errBad.WithCause(err)
	}
	return v, nil
}

func (n *Neighbours) serve(r *http.Request, body []byte) (any, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/internal/"), "/")
	switch r.URL.Host {
	case "cart":
		if r.URL.Path == cartapi.PathWeights {
			return n.weights(body)
		}
		return n.snapshot(parts[1])
	case "catalog":
		return n.sellables(body)
	case "pricing":
		req, err := read[pricingapi.QuoteRequest](body)
		if err != nil {
			return nil, err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.quote(req), nil
	case "payment":
		return n.payment(r, body)
	case "inventory":
		if r.Method == http.MethodGet {
			return n.owners(r.URL.Query())
		}
		return n.hold(r.Method, parts[1], body)
	case "order":
		if parts[2] == "abandon" {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.ended = append(n.ended, parts[1])
			return n.abandon(parts[1]), nil
		}
		req, err := read[orderapi.PlaceRequest](body)
		if err != nil {
			return nil, err
		}
		return n.place(req)
	}
	return nil, errBad
}

func (n *Neighbours) snapshot(id string) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, ok := n.carts[id]
	if !ok {
		return nil, fault.New(fault.NotFound, "cart-not-found", "There is no such cart.")
	}
	return s, nil
}

func (n *Neighbours) hold(method, owner string, body []byte) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if method == http.MethodDelete {
		delete(n.holds, owner)
		return nil, nil
	}
	req, err := read[inventoryapi.HoldRequest](body)
	if err != nil {
		return nil, err
	}
	var short []inventoryapi.Shortage
	for _, l := range req.Lines {
		free := n.stock[l.SKU]
		for other, h := range n.holds {
			for _, theirs := range h.Lines {
				if other != owner && theirs.SKU == l.SKU && h.ExpiresAt.After(n.now()) {
					free -= theirs.Quantity
				}
			}
		}
		if free < l.Quantity {
			short = append(short, inventoryapi.Shortage{SKU: l.SKU, Requested: l.Quantity, Available: free})
		}
	}
	if short != nil {
		return nil, fault.New(fault.Conflict, "out-of-stock", "Not enough of it.").With("lines", short)
	}
	n.holds[owner] = req
	return inventoryapi.Holds{Owner: owner}, nil
}

// owners names two owners at a time.
func (n *Neighbours) owners(q url.Values) (any, error) {
	before, err := time.Parse(time.RFC3339Nano, q.Get("before"))
	if err != nil {
		return nil, errBad.WithCause(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	page := inventoryapi.HoldOwners{Owners: []string{}}
	for _, owner := range slices.Sorted(maps.Keys(n.holds)) {
		if ends := n.holds[owner].ExpiresAt; owner > q.Get("after") && len(page.Owners) < 2 && ends.After(n.now()) && ends.Before(before) {
			page.Owners = append(page.Owners, owner)
		}
	}
	return page, nil
}

// quote prices without tax, 15 minutes long; in a channel every piece costs 1.00 less. A SKU without a price is unsellable.
func (n *Neighbours) quote(req pricingapi.QuoteRequest) pricingapi.Quote {
	c := money.Currency(req.Currency)
	zero := money.Zero(c)
	q := pricingapi.Quote{ID: "quote", Currency: req.Currency, ValidUntil: n.now().Add(15 * time.Minute),
		Totals: pricingapi.Totals{Subtotal: zero, Discount: zero, Shipping: zero, Tax: zero, Total: zero}}
	var sum int64
	for _, l := range req.Lines {
		price, ok := n.prices[l.SKU]
		if req.Channel != "" {
			price -= 100
		}
		if l.KeptPrice != nil {
			price, ok = l.KeptPrice.Minor, true
		}
		if !ok {
			q.Unsellable = append(q.Unsellable, pricingapi.Unsellable{ID: l.ID, SKU: l.SKU, Reason: "no-price"})
			continue
		}
		total := money.New(price*l.Quantity, c)
		sum += total.Minor
		q.Lines = append(q.Lines, pricingapi.QuotedLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, UnitPrice: money.New(price, c), Subtotal: total, Tax: zero, Total: total})
	}
	q.Totals.Subtotal, q.Totals.Total = money.New(sum, c), money.New(sum, c)
	for _, o := range req.ShippingOptions {
		t := q.Totals
		shipping := o.Price.Minor + req.PaymentFee.Minor
		t.Shipping, t.Tax, t.PaymentFee = money.New(shipping, c), money.New(shipping*n.ShippingTax/100, c), req.PaymentFee
		t.Total = money.New(sum+shipping+t.Tax.Minor, c)
		q.Shipping = append(q.Shipping, pricingapi.ShippingTotal{OptionID: o.ID, Totals: t})
	}
	return q
}

// place runs each attempt once, and answers its outcome ever after, as order does.
func (n *Neighbours) abandon(id string) orderapi.PlaceResult {
	o := n.orders[id]
	if o == nil {
		return orderapi.PlaceResult{OrderID: id, Outcome: orderapi.OutcomeAbandoned}
	}
	r := o.outcomes[o.attempt]
	if r.Order == nil && r.Outcome != orderapi.OutcomePending {
		r.Outcome = orderapi.OutcomeAbandoned
	}
	return r
}

func (n *Neighbours) place(req orderapi.PlaceRequest) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.orders[req.OrderID]
	if o == nil {
		o = &placed{outcomes: map[int]orderapi.PlaceResult{}}
	}
	if done, ok := o.outcomes[req.Attempt]; ok && done.Outcome != orderapi.OutcomePending {
		return done, nil
	}
	if req.Attempt > o.attempt+1 || req.Attempt < o.attempt {
		return nil, fault.New(fault.Conflict, "attempt-out-of-order", "That is not the next attempt.")
	}
	if req.Totals.Total.IsPositive() && !req.Payment.Given() {
		return nil, fault.New(fault.Invalid, "validation-failed", "body.payment: needs exactly one means of payment")
	}
	r := orderapi.PlaceResult{Outcome: orderapi.OutcomeConfirmed}
	if n.Outcome != nil {
		r = n.Outcome(req)
	}
	r.OrderID, r.Attempt = req.OrderID, req.Attempt
	if r.Outcome == orderapi.OutcomeConfirmed {
		r.Order = &orderapi.Order{ID: req.OrderID, Number: "SC-000001", Status: "confirmed", Totals: req.Totals, Email: req.Email,
			ShippingOption: req.ShippingOption, AccessToken: "the-access-token"}
	}
	if req.Attempt == o.attempt+1 {
		n.places = append(n.places, req)
	}
	o.attempt, o.outcomes[req.Attempt] = req.Attempt, r
	n.orders[req.OrderID] = o
	return r, nil
}
